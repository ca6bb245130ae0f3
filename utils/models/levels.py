"""Levels: how much XP each one takes, their titles, and which of them are told.

A kill gives XP (``counters.xp``); levels follow from the XP alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from math import isqrt

from utils.models.players import NamedPlayer
from utils.models.rule_plans import MemberRoles
from utils.models.scope import MemberId, PlayerId
from utils.models.statistics import PlayerPlace
from utils.models.texts import Text, text_in

XP_STEP = 25
"""Level n takes ``XP_STEP * n * (n + 1)`` XP: each level takes a little more than the one before."""

LAST_LEVEL = 100

TITLES: dict[int, Text] = {
    0: text_in("a level", "Newcomer"),
    5: text_in("a level", "Drifter"),
    10: text_in("a level", "Hunter"),
    20: text_in("a level", "Stalker"),
    30: text_in("a level", "Raider"),
    40: text_in("a level", "Sharpshooter"),
    50: text_in("a level", "Veteran"),
    70: text_in("a level", "Warden"),
    LAST_LEVEL: text_in("a level", "Legend"),
}
"""The titles, by the level from which on they are held."""


def compute_needed_xp(level: int) -> int:
    """Return the XP from which on a level is held."""
    return XP_STEP * level * (level + 1)


def compute_level(xp: int) -> int:
    """Return the level that this much XP gives, ``LAST_LEVEL`` at most."""
    return min((isqrt(1 + 4 * (xp // XP_STEP)) - 1) // 2, LAST_LEVEL)


def find_title(level: int) -> Text:
    """Return the title of a level."""
    return next(title for lowest, title in reversed(TITLES.items()) if level >= lowest)


TOLD_STEP = 5
LARGEST_TOLD_RISE = 2
"""A member who rises further at once has not just earned it."""


@dataclass(frozen=True, slots=True)
class KnownLevel:
    """The level last known of a member.

    Attributes:
        is_told: reaching it was told.
        basis: names what it was counted from (``compute_basis``); empty: it is silent next time.
    """

    level: int
    is_told: bool
    basis: str


@dataclass(frozen=True, slots=True)
class MemberXp:
    """The XP of a member with proven links.

    Attributes:
        name: the name of their main player.
        basis: names what it was counted from.
    """

    member_id: MemberId
    name: str
    xp: int
    basis: str


@dataclass(frozen=True, slots=True)
class LevelChange:
    """A level to be stored; ``before`` is what was read, None at first sight.

    Attributes:
        told: the level that is told; None for silence.
    """

    member_id: MemberId
    before: KnownLevel | None
    after: KnownLevel
    told: int | None = None

    @property
    def reached(self) -> int | None:
        """The level that the member themself has just reached; None if it follows from something else."""
        if self.before is None or self.before.basis != self.after.basis:
            return None
        is_small_rise = 0 < self.after.level - self.before.level <= LARGEST_TOLD_RISE
        return self.after.level if is_small_rise else None


def choose_told(before: int, after: int) -> int | None:
    """Return the level to tell of a rise: the highest of those passed that are told; None for silence."""
    if after - before > LARGEST_TOLD_RISE:
        return None
    passed = range(before + 1, after + 1)
    return max((level for level in passed if level == 1 or level % TOLD_STEP == 0), default=None)


def compute_basis(player_ids: Iterable[PlayerId], generations: Iterable[tuple[str, int]]) -> str:
    """Name the players and the shown generation of each game server that XP is counted from."""
    parts = [*sorted(player_ids), *(f"{server_id}:{number}" for server_id, number in sorted(generations))]
    return blake2b(";".join(parts).encode(), digest_size=12).hexdigest()


@dataclass(frozen=True, slots=True)
class RankReport:
    """The answer of ``/rank``: one player, or several of one person together.

    Attributes:
        players: the main one first.
        place: their XP, and their place among all players.
        roles: those of the member who was asked for.
        season: the name of the running season, and ``season_place`` in it; empty without one.
    """

    players: tuple[NamedPlayer, ...]
    place: PlayerPlace
    roles: MemberRoles = field(default_factory=MemberRoles)
    season: str = ""
    season_place: PlayerPlace = field(default_factory=lambda: PlayerPlace(0))

    @property
    def xp(self) -> int:
        """Their XP together."""
        return self.place.value

    @property
    def level(self) -> int:
        """Their level."""
        return compute_level(self.xp)

    @property
    def missing(self) -> int | None:
        """The XP to the next level; None behind the last one."""
        return None if self.level >= LAST_LEVEL else compute_needed_xp(self.level + 1) - self.xp

    @property
    def share(self) -> float:
        """How much of the way from this level to the next one is done, 0 to 1."""
        if self.missing is None:
            return 1.0
        begun = compute_needed_xp(self.level)
        return (self.xp - begun) / (compute_needed_xp(self.level + 1) - begun)
