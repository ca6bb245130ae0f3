"""The rules of ``Deadside.log``: one row for each line that the bot knows, with the strength of its evidence.

Theory of operation
-------------------
A row names the category of its lines, a fixed part that is looked for before its pattern, the pattern of the
text behind ``Category: Warning: ``, and the function that builds the fact from the match. Rows without a
builder are noise, or lines that are only counted. A builder that returns None says that the line is not what
its rule means. Then the line counts as unknown.

Each row has one fixture in ``tests/utils/parsers/deadside_log``, named by its mark. To correct a pattern
after a real line was seen, change its row and its fixture. docs/DEADSIDE_LOG.md says the same in words.

The parser takes a name from the log as it stands. It does not take a text that holds a parameter, an address
or an id: a separator is missing there, and the text could hold a password.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote_plus

from utils.models.deadside_log import (
    AirdropState,
    BeaconJoined,
    ConnectionClosed,
    GameplayEventKind,
    GameplayEventState,
    JoinRequested,
    JoinSucceeded,
    Kicked,
    LogFact,
    LoggedIn,
    LoggedOut,
    MaxPlayers,
    MissionRespawn,
    MissionState,
    Registered,
    RunClosed,
    RunStarted,
    Unregistered,
    WorldReady,
)
from utils.models.scope import PlayerId

LONGEST_NAME = 64  # characters, as of the death log; the game allows 20
MOST_PLAYERS = 1_000  # of a believable command line; hosters offer up to 70

Build = Callable[[re.Match[str]], LogFact | None]


class RuleMark(StrEnum):
    """The strength of the evidence for a rule, strongest first; docs/DEADSIDE_LOG.md says what each means."""

    VERBATIM = "P"
    SCREENSHOT = "S"
    ENGINE = "E"
    DAILY = "D"
    LOOKED_UP = "L"
    QUOTED = "Q"


@dataclass(frozen=True, slots=True)
class LogRule:
    """One row of the table.

    Attributes:
        category: of the line, before its colon; empty for lines without one.
        substring: a fixed part of the text, which is looked for before the pattern.
        pattern: matches from the beginning of the text behind the category.
        build: makes the fact; None for noise and for lines that are only counted.
    """

    name: str
    category: str
    substring: str
    pattern: re.Pattern[str]
    build: Build | None
    mark: RuleMark

    @property
    def fixture(self) -> str:
        """Return the name of the file with its examples."""
        return f"{self.mark}-{self.name}.log"


_ID = r"(?:\w{1,16}:)?(?:\(\w{1,8}\))?[0-9a-fA-F]{0,32}\|(?P<id>[0-9a-fA-F]{32})\b"
"""``EOS:|<id>``: the account of the platform, empty for Deadside, then the id of the game's players."""

_STATE = r"switched\s+to\s+(?P<state>[A-Za-z]\w{0,31})\s*$"
_find_driver = re.compile(r"\bDriver:\s*(?:Name:)?(\w+)").search
_find_controller = re.compile(r"\bPC:\s*(\w+)").search
_find_id = re.compile(rf"\bUniqueId:\s*{_ID}(?:,|\s*$)").search
_secret_in_name = re.compile(
    r"[=?\x00-\x1f\x7f]|password|platformid|eosid|logintype|[0-9a-f]{32}|\d{12}"
    r"|\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}|(?:[0-9a-f]{0,4}:){3}",
    re.IGNORECASE,
).search
_is_platform = re.compile(r"[A-Za-z][A-Za-z0-9]{1,15}").fullmatch
_is_version = re.compile(r"\d{1,5}(?:\.\d{1,6}){1,3}[A-Za-z]?").fullmatch
_is_address = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}").fullmatch
_is_own_id = re.compile(_ID).fullmatch

GAMEPLAY_EVENTS = {
    "helicrash": GameplayEventKind.HELICRASH,
    "roamingtrader": GameplayEventKind.TRADER,
    "convoy": GameplayEventKind.CONVOY,
}
"""The kinds by a part of the event's name, in small letters."""


def read_name(text: str) -> str | None:
    """Return a player's name as the log writes it; None if it cannot be one, or may hold something else."""
    name = text.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable() or _secret_in_name(name):
        return None
    return name


def _read_encoded_name(text: str) -> str | None:
    """Read a name from a request: encoded as in a URL, so a bare ``=`` is never a part of it."""
    if "=" in text:
        return None
    name = unquote_plus(text).strip()
    return read_name(name.replace("=", "-").replace("?", "-")) and name


def _read_id(match: re.Match[str]) -> PlayerId:
    return PlayerId(match["id"].lower())


def _build_join_request(match: re.Match[str]) -> LogFact | None:
    """Read the parameters, in any order; only these four leave this function."""
    given: dict[str, str] = {}
    for parameter in match["parameters"].split("?"):
        key, is_given, value = parameter.partition("=")
        if is_given:
            given.setdefault(key.lower(), value)
    player = _is_own_id(given.get("eosid", ""))
    if player is None:
        return None
    platform, version = given.get("nativeplatform", ""), given.get("ver", "")
    return JoinRequested(
        player_id=_read_id(player),
        name=_read_encoded_name(given.get("name", "")),
        platform=platform if _is_platform(platform) else None,
        version=version if _is_version(version) and not _is_address(version) else None,
    )


def _build_close(match: re.Match[str], *, is_time_out: bool = False) -> LogFact | None:
    """Read the description of a connection: looked for one by one, so that no line takes long."""
    driver, controller, player = (find(match.string) for find in (_find_driver, _find_controller, _find_id))
    if driver is None or controller is None or player is None:
        return None
    return ConnectionClosed(
        player_id=_read_id(player),
        has_game_driver=driver[1] == "GameNetDriver",
        has_controller="playercontroller" in controller[1].lower(),
        is_time_out=is_time_out,
    )


def _build_time_out(match: re.Match[str]) -> LogFact | None:
    return _build_close(match, is_time_out=True)


def _build_join_success(match: re.Match[str]) -> LogFact | None:
    name = read_name(match["name"])
    return JoinSucceeded(name) if name is not None else None


def _build_login(match: re.Match[str]) -> LogFact:
    return LoggedIn(_read_id(match), read_name(match["name"]))


def _build_logout(match: re.Match[str]) -> LogFact | None:
    name = read_name(match["name"])
    return LoggedOut(name, match["reason"]) if name is not None else None


def _build_kick(match: re.Match[str]) -> LogFact | None:
    name = read_name(match["name"])
    return Kicked(name) if name is not None else None


def _build_gameplay_event(match: re.Match[str]) -> LogFact:
    name = match["id"].lower()
    kinds = (kind for part, kind in GAMEPLAY_EVENTS.items() if part in name)
    return GameplayEventState(next(kinds, GameplayEventKind.OTHER), match["id"], match["state"].upper())


def _build_max_players(match: re.Match[str]) -> LogFact | None:
    count = int(match["count"])
    return MaxPlayers(count) if 0 < count <= MOST_PLAYERS else None


def _rule(
    name: str, category: str, substring: str, pattern: str, build: Build | None, mark: RuleMark
) -> LogRule:
    return LogRule(name, category, substring, re.compile(pattern), build, mark)


RULES: tuple[LogRule, ...] = (
    _rule(
        "run_started",
        "",
        "Log file open",
        r"Log file open,\s",
        lambda _: RunStarted(),
        RuleMark.LOOKED_UP,
    ),
    _rule(
        "run_closed",
        "",
        "Log file closed",
        r"Log file closed,\s",
        lambda _: RunClosed(),
        RuleMark.ENGINE,
    ),
    _rule(
        "max_players",
        "LogInit",
        "Command Line:",
        r"Command Line:.*?\s-(?i:playersmaxcount)=\"?(?P<count>\d{1,4})\b",
        _build_max_players,
        RuleMark.LOOKED_UP,
    ),
    _rule(
        "world_up",
        "LogWorld",
        "Bringing World",
        r"Bringing World /Game/Maps/(?i:world)_\d+/\S+ up for play",
        lambda _: WorldReady(),
        RuleMark.LOOKED_UP,
    ),
    _rule(
        "map_loaded",
        "LogLoad",
        "LoadMap(",
        r"Took\s+\S+\s+seconds to LoadMap\(/Game/Maps/(?i:world)_\d+/",
        lambda _: WorldReady(),
        RuleMark.LOOKED_UP,
    ),
    _rule(
        "beacon_join",
        "LogBeacon",
        "Beacon Join",
        rf"Beacon Join\s+\w+\s+{_ID}\s*$",
        lambda match: BeaconJoined(_read_id(match)),
        RuleMark.LOOKED_UP,
    ),
    _rule(
        "beacon_accept",
        "LogBeacon",
        "NotifyAccept",
        r".*NotifyAccept(?:ing|ed)Connection",
        None,
        RuleMark.LOOKED_UP,
    ),
    _rule(
        "net_accept",
        "LogNet",
        "NotifyAccept",
        r".*NotifyAccept(?:ing|ed)Connection",
        None,
        RuleMark.ENGINE,
    ),
    _rule(
        "login_request",
        "LogNet",
        "Login request:",
        r"Login request:",
        None,
        RuleMark.ENGINE,
    ),
    _rule(
        "join_request",
        "LogNet",
        "Join request:",
        r"Join request:\s*/[^?]*\?(?P<parameters>.*)$",
        _build_join_request,
        RuleMark.VERBATIM,
    ),
    _rule(
        "join_ok",
        "LogNet",
        "Join succeeded:",
        r"Join succeeded:(?P<name>.*)$",
        _build_join_success,
        RuleMark.DAILY,
    ),
    _rule(
        "never_logged_in",
        "LogNet",
        "UniqueId: INVALID",
        r"(?:UChannel|UNetConnection)::",
        None,
        RuleMark.ENGINE,
    ),
    _rule(
        "close",
        "LogNet",
        "CloseBunch",
        r"UChannel::Close:\s*Sending CloseBunch\. ChIndex == 0\.",
        _build_close,
        RuleMark.VERBATIM,
    ),
    _rule(
        "close_conn",
        "LogNet",
        "UNetConnection::Close:",
        r"UNetConnection::Close:",
        _build_close,
        RuleMark.LOOKED_UP,
    ),
    _rule(
        "clean_up",
        "LogNet",
        "UChannel::CleanUp:",
        r"UChannel::CleanUp:\s*ChIndex == 0\. Closing connection\.",
        _build_close,
        RuleMark.ENGINE,
    ),
    _rule(
        "timed_out",
        "LogNet",
        "TIMED OUT",
        r"UNetConnection::Tick:\s*Connection TIMED OUT\.",
        _build_time_out,
        RuleMark.ENGINE,
    ),
    _rule(
        "registered",
        "LogOnline",
        "successfully registered",
        rf"Player\s+{_ID}\s+successfully registered",
        lambda match: Registered(_read_id(match)),
        RuleMark.VERBATIM,
    ),
    _rule(
        "unregistered",
        "LogOnline",
        "successfully unregistered",
        rf"Player\s+{_ID}\s+successfully unregistered",
        lambda match: Unregistered(_read_id(match)),
        RuleMark.QUOTED,
    ),
    _rule(
        "logged_out",
        "LogOnline",
        "has logged out by reason:",
        r"Player\s+lt\w+\s(?P<name>.{1,64}?)\s{2,}has logged out by reason:"
        r"\s*(?P<reason>[A-Za-z]\w{0,31})\s*$",
        _build_logout,
        RuleMark.DAILY,
    ),
    _rule(
        "patrol_point",
        "LogSFPS",
        "PatrolPoint ",
        r"PatrolPoint\s+\S+\s+switched to",
        None,
        RuleMark.LOOKED_UP,
    ),
    _rule(
        "mission_state",
        "LogSFPS",
        "Mission GA_",
        rf"Mission\s+(?P<id>GA_\w{{1,96}})\s+{_STATE}",
        lambda match: MissionState(match["id"], match["state"].upper()),
        RuleMark.SCREENSHOT,
    ),
    _rule(
        "encounter",
        "LogSFPS",
        "Encounter GA_",
        r"Encounter\s+GA_",
        None,
        RuleMark.QUOTED,
    ),
    _rule(
        "vehicle",
        "LogSFPS",
        "[ASFPSGameMode::",
        r"\[ASFPSGameMode::(?:NewVehicle_Add|NewVehicle_Del|CanSpawnVehicle)\]",
        None,
        RuleMark.LOOKED_UP,
    ),
    _rule(
        "on_login",
        "LogSFPS",
        "::OnLogin]",
        rf"\[ASFPSGameSession::OnLogin\]\s*Login\s*=(?P<name>.{{1,80}}?),\s*ID\s*=\s*{_ID}\s*$",
        _build_login,
        RuleMark.QUOTED,
    ),
    _rule(
        "kicked",
        "LogSFPS",
        "::KickPlayer]",
        r"\[ASFPSGameSession::KickPlayer\]\s*Login\s*=(?P<name>.{1,80}?),\s*SteamId\s*=",
        _build_kick,
        RuleMark.QUOTED,
    ),
    _rule(
        "beacon_gone",
        "LogSFPS",
        "NotifyClientDisconnected",
        r".*NotifyClientDisconnected",
        None,
        RuleMark.LOOKED_UP,
    ),
    _rule(
        "mission_respawn",
        "LogSFPS",
        "will respawn in",
        r"Mission\s+(?P<id>GA_\w{1,96})\s+will respawn in\s+(?P<seconds>\d{1,7})(?:\.\d+)?\s*$",
        lambda match: MissionRespawn(match["id"], int(match["seconds"])),
        RuleMark.LOOKED_UP,
    ),
    _rule(
        "mission_fail",
        "LogSFPS",
        "[USFPSACMission::Fail]",
        r"\[USFPSACMission::Fail\]",
        None,
        RuleMark.QUOTED,
    ),
    _rule(
        "airdrop",
        "LogSFPS",
        "AirDrop switched",
        rf"AirDrop\s+{_STATE}",
        lambda match: AirdropState(match["state"].upper()),
        RuleMark.SCREENSHOT,
    ),
    _rule(
        "gameplay_event",
        "LogSFPS",
        "GameplayEvent ",
        rf"GameplayEvent\s+(?P<id>\w{{1,128}})\s+{_STATE}",
        _build_gameplay_event,
        RuleMark.QUOTED,
    ),
    _rule(
        "constructibles",
        "LogSFPSConstruction",
        "Save constructibles",
        r"Save constructibles\s+\d+\s",
        None,
        RuleMark.VERBATIM,
    ),
)
"""All rules, in the order in which they are tried within a category: the most frequent ones first."""


def _list_by_category() -> Mapping[str, tuple[LogRule, ...]]:
    categories = dict.fromkeys(rule.category for rule in RULES)
    return {one: tuple(rule for rule in RULES if rule.category == one) for one in categories}


RULES_BY_CATEGORY = _list_by_category()
