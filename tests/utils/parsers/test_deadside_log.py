"""Lines of ``Deadside.log``: each rule by its fixture, and what must not leave the parser."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.beside import DEADSIDE_LINES
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
    LogLine,
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
from utils.parsers.deadside_log import MAX_LINE_BYTES, RELEVANT, parse_line
from utils.parsers.deadside_rules import RULES, LogRule, RuleMark, read_name
from utils.parsers.line_shapes import LONGEST_SHAPE, VOCABULARY, build_shape

FIXTURES = Path(__file__).parent / "deadside_log"
OTTER = PlayerId("00021f4e7a90b3c5d6e8f10293a4b5c6")
WOLF = PlayerId("0002c0ffee1234567890abcdef012345")
ADDRESS, PORT = "203.0.113.44", "50321"
SECRETS = (ADDRESS, PORT, "hunter2hunter2", "4611686018427387904", "shadowlogin", "go away, you cheat")
"""The address, port, password, platform id, login and text of a kick in the fixtures."""

FACTS: dict[str, list[LogFact | None]] = {
    "run_started": [RunStarted()],
    "run_closed": [RunClosed()],
    "max_players": [MaxPlayers(50), MaxPlayers(70)],
    "world_up": [WorldReady()],
    "map_loaded": [WorldReady()],
    "beacon_join": [BeaconJoined(OTTER)],
    "beacon_accept": [None, None],
    "net_accept": [None],
    "login_request": [None],
    "join_request": [
        JoinRequested(OTTER, "Quiet Otter", "PS5", "1.3.2.24846c"),
        JoinRequested(WOLF, "Lone Wolf", None, None),
        JoinRequested(WOLF, None, None, None),
    ],
    "join_ok": [JoinSucceeded("Quiet Otter")],
    "never_logged_in": [None],
    "close": [
        ConnectionClosed(OTTER, has_game_driver=True, has_controller=True),
        ConnectionClosed(OTTER, has_game_driver=False, has_controller=False),
        ConnectionClosed(OTTER, has_game_driver=True, has_controller=True),
    ],
    "close_conn": [ConnectionClosed(OTTER, has_game_driver=True, has_controller=True)],
    "clean_up": [ConnectionClosed(OTTER, has_game_driver=True, has_controller=True)],
    "timed_out": [ConnectionClosed(OTTER, has_game_driver=True, has_controller=True, is_time_out=True)],
    "registered": [Registered(OTTER)],
    "unregistered": [Unregistered(OTTER)],
    "logged_out": [LoggedOut("Quiet Otter", "LostConnection"), LoggedOut("Lone Wolf", "Quit")],
    "on_login": [LoggedIn(OTTER, "Quiet Otter")],
    "kicked": [Kicked("Quiet Otter")],
    "beacon_gone": [None],
    "patrol_point": [None],
    "encounter": [None],
    "vehicle": [None, None, None],
    "mission_state": [
        MissionState("GA_Ind_02_Mis_1", "READY"),
        MissionState("GA_Settle_05_ChernyLog_mis1", "INITIAL"),
        MissionState("GA_Ind_02_Mis_1", "SOMETHING_ELSE"),
    ],
    "mission_respawn": [
        MissionRespawn("GA_Settle_05_ChernyLog_mis1", 221),
        MissionRespawn("GA_Military_02_Mis1", 1303),
    ],
    "mission_fail": [None],
    "airdrop": [AirdropState("FLYING"), AirdropState("DROPPING")],
    "gameplay_event": [
        GameplayEventState(
            GameplayEventKind.HELICRASH, "HelicrashManager_3_HelicrashEvent_2147420011", "READY"
        ),
        GameplayEventState(GameplayEventKind.TRADER, "RoamingTraderManager_1_RoamingTraderEvent_2", "ACTIVE"),
        GameplayEventState(GameplayEventKind.CONVOY, "ConvoyManager_1_ConvoyEvent_5", "INITIAL"),
        GameplayEventState(GameplayEventKind.OTHER, "StormManager_1_StormEvent", "ACTIVE"),
    ],
    "constructibles": [None],
}

INVENTED = (
    "Airdrop spawned at X=1204 Y=-33 Z=90",
    "Supply drop landed",
    "Heli crash site spawned",
    "Mission IN_PROGRESS",
    "Mission COMPLETED",
    "Convoy started",
    "WanderingTrader switched to ACTIVE",
    "DynamicEvent switched to ACTIVE",
    "Trader post available",
    "Players online: 17",
    "Player Drifter joined the queue",
    "ServerName=Northwatch",
    "MaxPlayerCount=60",
    "playersmaxcount=60",
    "Log file Deadside.log opened",
    "Drifter killed Ann with Mosin",
    "Helicopter at 12,13,14",
    "[ASFPSVehicleSpawnPoint] Spawned vehicle",
)
"""Lines that no game writes, and that other bots look for."""


def read_fixture(name: str) -> list[bytes]:
    """Return the lines of a fixture, as they are in a log."""
    return (FIXTURES / name).read_bytes().splitlines()


def list_lines() -> list[bytes]:
    """Return the lines of all fixtures."""
    return [line for rule in RULES for line in read_fixture(rule.fixture)]


def read_stamp(line: bytes) -> datetime | None:
    """Return the stamp of a line, read another way than the parser does."""
    found = re.match(rb"\[([^\]]+)\]", line)
    return (
        datetime.strptime(found[1].decode() + "000", "%Y.%m.%d-%H.%M.%S:%f").replace(tzinfo=UTC)
        if found
        else None
    )


def find_secrets(line: LogLine, secrets: tuple[str, ...] = SECRETS) -> list[str]:
    """Return the secrets that a value holds."""
    shown = repr((line.rule, line.fact, line.shape))
    return [secret for secret in secrets if secret in shown]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.fixture)
def test_fixture_of_a_rule_becomes_its_facts(rule: LogRule) -> None:
    """Each line of a rule becomes its fact, with its stamp and without a shape."""
    lines = read_fixture(rule.fixture)
    expected = [
        LogLine(read_stamp(line), rule.name, fact, None)
        for line, fact in zip(lines, FACTS[rule.name], strict=True)
    ]
    assert [parse_line(line) for line in lines] == expected


def test_every_rule_has_one_fixture_with_its_mark() -> None:
    """The folder holds one file for each row of the table, and no other."""
    assert sorted(path.name for path in FIXTURES.iterdir()) == sorted(rule.fixture for rule in RULES)
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert {rule.name for rule in RULES if rule.mark is RuleMark.VERBATIM} == {
        *("join_request", "registered", "close", "constructibles")
    }


def mask(line: bytes) -> str:
    """Return a line without everything that differs between two lines of a rule."""
    text = re.sub(r"[0-9a-f]{32}", "ID", line.decode())
    text = re.sub(r"(login|password|Name)=[^?]*", r"\1=", text)
    return re.sub(r"[\d.]+", "#", re.sub(r"^\[.{23}\]\[[ \d]{3}\]", "[]", text))


@pytest.mark.skipif(not DEADSIDE_LINES.exists(), reason="the real lines are not on this machine")
def test_verbatim_fixtures_are_the_real_lines_but_for_their_values() -> None:
    """A fixture with the mark P differs from the real line in names, ids, addresses and numbers alone."""
    real = [line for line in DEADSIDE_LINES.read_bytes().splitlines() if line]
    ours = [read_fixture(rule.fixture)[0] for rule in RULES if rule.mark is RuleMark.VERBATIM]
    assert sorted(map(mask, ours)) == sorted(map(mask, real))
    assert not set(re.findall(rb"[0-9a-f]{32}", b"".join(real))) & set(
        re.findall(rb"[0-9a-f]{32}", b"".join(ours))
    )
    rules = {parse_line(line).rule for line in real}
    assert rules == {rule.name for rule in RULES if rule.mark is RuleMark.VERBATIM}


@pytest.mark.parametrize("line", list_lines())
def test_line_is_read_alike_on_every_host(line: bytes) -> None:
    """A carriage return, a byte-order mark, NULs of a crash and bad bytes at the end change no fact."""
    expected = parse_line(line)
    for written in (line + b"\r", b"\xef\xbb\xbf" + line, b"\0" * 64 + line):
        assert parse_line(written) == expected
    unstamped = line.partition(b"]Log")[2]
    if unstamped:
        assert parse_line(b"Log" + unstamped) == expected._replace(at=None)


def test_name_survives_bytes_that_are_no_text() -> None:
    """A byte that is not UTF-8 is replaced, and the line is read."""
    assert parse_line(b"LogNet: Join succeeded: \xc4nn").fact == JoinSucceeded("\ufffdnn")
    assert parse_line("LogNet: Join succeeded: Änn".encode()).fact == JoinSucceeded("Änn")


def test_long_line_is_cut() -> None:
    """A line is read up to 8 KiB."""
    start = b"LogSFPS: [USFPSACMission::Fail] "
    assert parse_line(start + b"x" * 1_000_000) == LogLine(None, "mission_fail", None, None)
    late = b"LogInit: Command Line: " + b"x" * MAX_LINE_BYTES + b" -playersmaxcount=50"
    assert parse_line(late) == LogLine(None, None, None, None)


@pytest.mark.parametrize(
    "stamp",
    [
        *("0001.01.01-00.00.00:000", "1970.01.01-00.00.10:000", "9999.12.31-23.59.59:999"),
        *("2025.02.30-00.00.00:000", "2025.06.03-24.00.00:000"),
    ],
)
def test_stamp_that_cannot_be_right_is_none(stamp: str) -> None:
    """The fact counts; its reader takes the stamp of the line before."""
    line = f"[{stamp}][  0]LogSFPS: AirDrop switched to Flying".encode()
    assert parse_line(line) == LogLine(None, "airdrop", AirdropState("FLYING"), None)


@pytest.mark.parametrize("category", ["LogSFPS", "LogSFPSAC", "LogOnline", "LogNet", "LogInit", "LogWorld"])
@pytest.mark.parametrize("text", INVENTED)
def test_invented_line_is_no_fact(category: str, text: str) -> None:
    """Nothing is made of lines that the game does not write."""
    line = parse_line(f"[2025.06.03-11.53.57:725][315]{category}: {text}".encode())
    assert (line.rule, line.fact) == (None, None)
    assert parse_line(text.encode()) == LogLine(None, None, None, None)


def test_parameters_separated_by_ampersands_are_no_request() -> None:
    """Bots with invented samples read such lines; the game does not write them."""
    line = parse_line(
        f"LogNet: Join request: /Game/Maps/world_0/World_0?a=b&Name=Ann&eosid=|{OTTER}".encode()
    )
    assert line == LogLine(None, None, None, "LogNet: join request: /game/·/world_#/world_#?a=·name=·=|·")


def test_text_of_another_line_inside_a_line_is_no_fact() -> None:
    """Free text, for example of a kick, cannot pose as an event."""
    kick = b"LogSFPS: Error: [ASFPSGameSession::KickPlayer] Login = Ann, SteamId = 1, Msg = "
    assert parse_line(kick + b"AirDrop switched to Flying").fact == Kicked("Ann")
    assert parse_line(b"LogSFPS: note: AirDrop switched to Flying").fact is None


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            "   ",
            "x" * 65,
            "a=b",
            "a?b",
            "tab\there",
            f"{OTTER}",
            "PASSWORD1",
            "my 203.0.113.44",
            "76561198000000000",
        ),
        *("fe80:0:0:1", "a\u202eb"),
    ],
)
def test_text_that_may_hold_something_else_is_no_name(name: str) -> None:
    """A text with a parameter, an address, an id or a control character is not shown as a name."""
    assert read_name(name) is None


@pytest.mark.parametrize("name", ["Ann", " Lone Wolf ", "Änn-7_x", "a.b", "x;y", "12:30"])
def test_name_of_a_player_is_kept(name: str) -> None:
    """Blanks around a name do not belong to it."""
    assert read_name(name) == name.strip()


def list_damaged(line: str) -> Iterator[str]:
    """Yield a line with one character less, or another one, at each place."""
    for index in range(len(line)):
        yield line[:index] + line[index + 1 :]
        for character in "x?":
            yield line[:index] + character + line[index + 1 :]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_no_secret_leaves_a_line_that_is_damaged_anywhere(rule: LogRule) -> None:
    """Addresses, ports, passwords, platform ids, logins and texts of kicks stay inside."""
    lines = [
        line.decode() for line in read_fixture(rule.fixture) if any(one.encode() in line for one in SECRETS)
    ]
    leaks = [
        damaged
        for line in lines
        for damaged in list_damaged(line)
        if find_secrets(parse_line(damaged.encode()))
    ]
    assert leaks == []


SHOWN = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=8, max_size=20)


@st.composite
def _secret_lines(draw: st.DrawFn) -> tuple[bytes, tuple[str, ...]]:
    """Draw a line of a fixture with drawn secrets, cut somewhere, and with a piece that is not its own."""
    line = draw(st.sampled_from(list_lines())).decode()
    address = ".".join(str(draw(st.integers(1, 255))) for _ in range(4))
    port = str(draw(st.integers(40_000, 65_535)))
    password, login, kick = (f"{word}Zq{draw(SHOWN)}" for word in ("Pw", "Lg", "Kx"))
    platform_id = str(draw(st.integers(10**17, 10**18)))
    drawn = (address, port, password, platform_id, login, kick)
    for old, secret in zip(SECRETS, drawn, strict=True):
        line = line.replace(old, secret)
    pieces = (
        *(f" RemoteAddr: {address}:{port}", f"?password={password}", f"?platformid=PS5:{platform_id}"),
        *(f"?login={login}", f", Msg = {kick}", ""),
    )
    place = draw(st.integers(0, len(line)))
    line = line[:place] + draw(st.sampled_from(pieces)) + line[place:]
    cut = draw(st.one_of(st.just(len(line)), st.integers(0, len(line))))
    return line[:cut].encode(), drawn


@given(_secret_lines())
def test_no_secret_leaves_any_line(drawn: tuple[bytes, tuple[str, ...]]) -> None:
    """Its value shows no secret, wherever a line is cut and with anything in it."""
    line, secrets = drawn
    assert find_secrets(parse_line(line), secrets) == []


@given(st.binary(max_size=300), st.sampled_from([b"", *(f"{one}: ".encode() for one in RELEVANT)]))
def test_any_bytes_give_a_value(data: bytes, start: bytes) -> None:
    """No bytes raise an error, and what they become has no word of their own."""
    line = parse_line(start + data)
    assert isinstance(line, LogLine)
    assert line.shape is None or is_plain(line.shape)


PIECES = st.sampled_from(
    [
        *(
            "Player ",
            "|",
            OTTER,
            "EOS:|",
            "UniqueId: ",
            "Driver: ",
            "GameNetDriver ",
            "PC: ",
            "NULL",
            ", ",
            "Login = ",
        ),
        *(
            "SteamId = ",
            " switched to ",
            "READY",
            "Mission GA_x",
            "will respawn in ",
            "9" * 30,
            "?",
            "Name=",
            "eosid=",
        ),
        *(
            "Join request: /",
            "Join succeeded:",
            "CloseBunch",
            "  has logged out by reason: ",
            "ltEOS ",
            "%ff",
            "\ufeff",
        ),
        *(
            "UChannel::Close: Sending CloseBunch. ChIndex == 0.",
            "-playersmaxcount=",
            "Command Line: ",
            "(EOS)",
        ),
    ]
)


@given(st.sampled_from(sorted({rule.category for rule in RULES})), st.lists(PIECES, max_size=12))
def test_pieces_of_lines_in_any_order_give_a_value(category: str, pieces: list[str]) -> None:
    """Known pieces in a wrong order raise no error."""
    assert isinstance(parse_line(f"{category}: {''.join(pieces)}".encode()), LogLine)


def is_plain(shape: str) -> bool:
    """Tell whether a shape holds words of the vocabulary alone."""
    category, _, text = shape.partition(": ")
    words = [part for word in re.findall(r"\w+", text.replace("·", " ")) for part in word.split("_")]
    known = {part for word in VOCABULARY for part in word.split("_")} | {""}
    return (
        f"{category}".removesuffix(":") in RELEVANT
        and all(word in known for word in words[:-1])
        and len(shape) <= LONGEST_SHAPE
    )


@pytest.mark.parametrize(
    ("line", "shape"),
    [
        ("LogSFPS: Convoy Alpha was destroyed by Drifter", "LogSFPS: convoy · was destroyed by ·"),
        ("LogSFPS: Mission X failed at 12.5, 13, 9", "LogSFPS: mission · failed at #, #, #"),
        (
            f"LogOnline: Player |{OTTER} could not be registered",
            "LogOnline: player |· could not be registered",
        ),
        (
            "LogNet: Join failure: ip 203.0.113.44:50321 p/w hunter2",
            "LogNet: join failure: · # ·/·",
        ),
        (
            "LogBeacon: SFPSOnlineBeaconClient_214748 timed out",
            "LogBeacon: sfpsonlinebeaconclient_# timed out",
        ),
        ("LogSFPSAC: ", "LogSFPSAC:"),
    ],
)
def test_shape_shows_what_a_line_is_and_not_what_it_says(line: str, shape: str) -> None:
    """Known words stay; names, ids and addresses become a dot, numbers a hash."""
    assert parse_line(line.encode()) == LogLine(None, None, None, shape)


@pytest.mark.parametrize(
    "line",
    [
        *(
            "LogNet: Client netspeed is 100000",
            "LogStreaming: Warning: x",
            "LogInit: Display: Engine is initialized.",
        ),
        *("LogWorld: Bringing World /Game/Maps/Entry.Entry up for play", "no category at all", ""),
    ],
)
def test_line_without_meaning_has_no_shape(line: str) -> None:
    """Only the categories of the game, and lines of the network about coming and going, are looked at."""
    assert parse_line(line.encode()) == LogLine(None, None, None, None)


def test_shape_is_short() -> None:
    """A long line gives a short shape."""
    assert len(build_shape("LogSFPS", "Player, " * 1_000)) <= LONGEST_SHAPE
