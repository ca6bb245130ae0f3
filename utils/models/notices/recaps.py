"""Notices with recaps, in the news channel."""

from dataclasses import dataclass
from enum import StrEnum

from utils.models.notices.notice import Notice
from utils.models.recaps import RecapKind
from utils.models.statistics import PlayerPlace


class RecapFact(StrEnum):
    """The facts that name the best player: kills, the longest kill in metres, the best streak."""

    MVP = "mvp"
    LONGEST = "longest"
    STREAK = "streak"


@dataclass(frozen=True, slots=True)
class RecapPlace:
    """The player who was the best at something; ``xp``: of the MVP, with their place, for their card."""

    fact: RecapFact
    name: str
    value: int
    xp: PlayerPlace | None = None


@dataclass(frozen=True, slots=True)
class RecapRival:
    """One of two rivals, and the kills of the other one by them."""

    name: str
    kills: int


@dataclass(frozen=True, slots=True)
class RecapServer:
    """A game server; ``first_name`` is its first player by kills, empty without a kill."""

    server: str
    kills: int
    killers: int
    first_name: str
    first_kills: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecapNotice(Notice):
    """The recap of a day or a week.

    Attributes:
        first_day: its first day as ISO text, and ``last_day`` its last one.
        kills_before: the kills of as many days before.
        killers: the players with a kill.
        weapon: the weapon with the most kills; empty if there is none.
        rivals: the two players with the most kills of each other; none if there are no such two.
        servers: each game server; empty for a guild with one.
    """

    kind: RecapKind
    first_day: str
    last_day: str
    kills: int
    kills_before: int
    killers: int
    places: tuple[RecapPlace, ...]
    weapon: str
    weapon_kills: int
    rivals: tuple[RecapRival, ...]
    servers: tuple[RecapServer, ...]

    @property
    def variant(self) -> RecapKind:
        """The kind of the recap."""
        return self.kind
