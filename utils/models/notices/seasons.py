"""Notices about seasons, in the news channel."""

from dataclasses import dataclass
from enum import StrEnum

from utils.models.notices.notice import Notice
from utils.models.statistics import Board


class SeasonEvent(StrEnum):
    """The events."""

    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class SeasonPlace:
    """One of the first three of a board: their place, and their value in hundredths."""

    board: Board
    place: int
    name: str
    hundredths: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeasonNotice(Notice):
    """The results of a season.

    Attributes:
        season: its name.
        game_server: the name of its game server; empty for all.
        places: the first three of each board.
    """

    event: SeasonEvent = SeasonEvent.CLOSED
    season: str
    game_server: str
    places: tuple[SeasonPlace, ...]

    @property
    def variant(self) -> SeasonEvent:
        """The event."""
        return self.event
