"""Settings of posts about the world and about players who come and go, of a guild or a game server."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

from utils.models.declared_settings import setting
from utils.models.texts import Text, text, text_in

LOWEST_LEVEL, HIGHEST_LEVEL = 1, 4
LONGEST_HOLD_SECONDS = 300
LONGEST_COOLDOWN_MINUTES = 1_440
MUTED_MAXIMUM = 200
"""Muted missions of a guild or a server; the world has about fifty."""


class PostedKind(StrEnum):
    """The kinds of posts with settings of their own; those of events are named like ``WorldEventKind``."""

    MISSION = "mission"
    AIRDROP = "airdrop"
    HELICRASH = "helicrash"
    TRADER = "trader"
    CONVOY = "convoy"
    RESTART = "restart"
    JOIN = "join"
    LEAVE = "leave"


POSTED_KIND_NAMES: Mapping[PostedKind, Text] = {
    PostedKind.MISSION: text_in("a kind of posts", "missions"),
    PostedKind.AIRDROP: text_in("a kind of posts", "airdrops"),
    PostedKind.HELICRASH: text_in("a kind of posts", "crashed helicopters"),
    PostedKind.TRADER: text_in("a kind of posts", "roaming traders"),
    PostedKind.CONVOY: text_in("a kind of posts", "convoys"),
    PostedKind.RESTART: text_in("a kind of posts", "restarts"),
    PostedKind.JOIN: text_in("a kind of posts", "joins"),
    PostedKind.LEAVE: text_in("a kind of posts", "leaves"),
}
"""The names of the kinds for people."""

OF_PLAYERS = frozenset({PostedKind.JOIN, PostedKind.LEAVE})
"""The kinds of posts in the connections channel; the others are in the events channel."""


@dataclass(frozen=True, slots=True)
class KindSettings:
    """The choices for one kind of posts; None where nothing was chosen.

    Attributes:
        is_on: it is posted.
        min_level: missions below it are not posted.
        is_edited: a post is edited when its event changes.
        hold_seconds: how long a player who left has to come back in silence.
        role_id: the role that a new post mentions.
        cooldown_minutes: the least time between two mentions of the kind.
        mention_level: missions below it mention nobody.
    """

    is_on: bool | None = None
    min_level: int | None = None
    is_edited: bool | None = None
    hold_seconds: int | None = None
    role_id: int | None = None
    cooldown_minutes: int | None = None
    mention_level: int | None = None

    def over(self, other: "KindSettings") -> "KindSettings":
        """Return these choices, and those of another where there is none."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return replace(other, **{name: value for name, value in values.items() if value is not None})


_OF_EVENTS = frozenset({"is_on", "is_edited", "role_id", "cooldown_minutes"})
FITTING: Mapping[PostedKind, frozenset[str]] = {
    **dict.fromkeys(PostedKind, _OF_EVENTS),
    PostedKind.MISSION: _OF_EVENTS | {"min_level", "mention_level"},
    PostedKind.JOIN: frozenset({"is_on"}),
    PostedKind.LEAVE: frozenset({"is_on", "hold_seconds"}),
}
"""The choices that a kind has."""


def find_kinds_problem(kinds: Mapping[object, KindSettings]) -> Text | None:
    """Return what is wrong with the choices for kinds; None if all are allowed."""
    bounds = (
        ("min_level", LOWEST_LEVEL, HIGHEST_LEVEL, text("A level is 1 to 4.")),
        ("mention_level", LOWEST_LEVEL, HIGHEST_LEVEL, text("A level is 1 to 4.")),
        ("hold_seconds", 0, LONGEST_HOLD_SECONDS, text("I can wait 0 to 300 seconds.")),
        ("cooldown_minutes", 0, LONGEST_COOLDOWN_MINUTES, text("A pause is 0 to 1,440 minutes.")),
    )
    for one in kinds.values():
        for name, least, most, problem in bounds:
            value = getattr(one, name)
            if value is not None and not least <= value <= most:
                return problem
    return None


def find_muted_problem(muted: frozenset[str]) -> Text | None:
    """Return what is wrong with a set of muted missions; None if it is allowed."""
    return text("That's too many missions.") if len(muted) > MUTED_MAXIMUM else None


@dataclass(frozen=True, slots=True)
class EventSettings:
    """The settings of posts about the world and about players, of a guild or of a game server.

    Attributes:
        kinds: the choices by kind, those with a choice alone.
        muted: folded ids of missions that are not posted.
    """

    kinds: Mapping[PostedKind, KindSettings] = setting(factory=dict, check=find_kinds_problem)
    muted: frozenset[str] = setting(frozenset(), check=find_muted_problem)

    def get(self, kind: PostedKind) -> KindSettings:
        """Return the choices for a kind."""
        return self.kinds.get(kind, NO_CHOICE)

    def choose(self, kind: PostedKind, chosen: Mapping[str, Any]) -> "EventSettings":
        """Return the settings with other choices for a kind."""
        after = replace(self.get(kind), **chosen)
        others = {one: kept for one, kept in self.kinds.items() if one is not kind}
        return replace(self, kinds=others if after == NO_CHOICE else {**others, kind: after})

    def mute(self, mission_id: str, *, is_muted: bool) -> "EventSettings":
        """Return the settings with a mission that is not posted, or posted again."""
        return replace(self, muted=self.muted | {mission_id} if is_muted else self.muted - {mission_id})


NO_CHOICE = KindSettings()
"""The choices for a kind for which nothing was chosen."""

USUAL = KindSettings(
    is_on=True, min_level=3, is_edited=True, hold_seconds=30, cooldown_minutes=30, mention_level=HIGHEST_LEVEL
)
"""The choices that hold until somebody makes others."""

SILENT_AT_FIRST = frozenset({PostedKind.CONVOY})
"""Off until the log of a game server has told of one: nobody but one has ever seen a line about a convoy."""


@dataclass(frozen=True, slots=True)
class ServerEventSettings:
    """The settings of posts of a game server: its own choices, then those of its guild."""

    own: EventSettings
    of_guild: EventSettings

    def get(self, kind: PostedKind) -> KindSettings:
        """Return the choices for a kind; None where nobody has one."""
        own, of_guild = self.own.kinds.get(kind), self.of_guild.get(kind)
        return of_guild if own is None else own.over(of_guild)

    @property
    def muted(self) -> frozenset[str]:
        """The folded ids of missions that are not posted."""
        return self.own.muted | self.of_guild.muted

    def is_on(self, kind: PostedKind, heard: Collection[str]) -> bool:
        """Tell whether a kind is posted; ``heard`` are the kinds of events that the server's log told of."""
        chosen = self.get(kind).is_on
        if chosen is not None:
            return chosen
        return kind not in SILENT_AT_FIRST or kind.value in heard

    def is_edited(self, kind: str) -> bool:
        """Tell whether posts of a kind of events are edited when their events change."""
        return self.get(PostedKind(kind)).is_edited is not False


@dataclass(frozen=True, slots=True)
class EventChange:
    """The settings that hold before and after a change.

    Attributes:
        server_name: the game server whose own were changed; None for those of the guild.
    """

    server_name: str | None
    before: ServerEventSettings
    after: ServerEventSettings
