"""Deaths: the values of a line of the game's death log, and what the bot stores."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from utils.models.scope import PlayerId
from utils.models.texts import Text

LONGEST_KILL_LIMIT_METRES = 1000
"""Distances above this are flagged and never a longest kill; the longest real one known is 393 m."""

EARLIEST_WRITTEN_AT = datetime(2015, 1, 1)  # noqa: DTZ001 - logs carry no zone; the game came out later
"""A row dated before this was written by a clock that was not set."""

CLOCK_MARGIN = timedelta(days=7)
"""Wrong clocks and time zones are ahead by less than this; a date further ahead cannot be right."""


class DeathKind(StrEnum):
    """The class of a death; the first rule that matches decides (the game's counting rules).

    Attributes:
        is_kill: a player earned a kill, and the victim a death.
        is_suicide: the victim caused it; it counts neither as a kill nor as a death.
    """

    KILL = "kill"
    VEHICLE = "vehicle"
    MENU = "menu"
    FALL = "fall"
    SELF = "self"
    UNKNOWN = "unknown"

    def __init__(self, value: str) -> None:
        self.is_kill = value in ("kill", "vehicle")
        self.is_suicide = value in ("menu", "fall", "self")


@dataclass(frozen=True, slots=True, order=True)
class LogFile:
    """A death log file; each world has its own files, which follow each other in name order."""

    world: str
    name: str


class DeathRow(NamedTuple):
    """One readable line of a death log, as written: a tuple, which an import makes in a fifth of the time.

    Attributes:
        written_at: wall-clock time of the game server, without a zone, 1 s resolution.
        kind: the class of the death, decided by ids and weapon alone.
        killer_id: None when no player killed (``kind`` is unknown); the name is then empty.
        weapon: weapon or cause; empty when there is no killer.
        distance: whole metres.
        killer_platform: empty in the older generation of the log, and without a killer.
        victim_platform: empty in the older generation of the log.
    """

    written_at: datetime
    kind: DeathKind
    killer_id: PlayerId | None
    killer_name: str
    victim_id: PlayerId
    victim_name: str
    weapon: str
    distance: int
    killer_platform: str = ""
    victim_platform: str = ""

    @property
    def counts_as_longest(self) -> bool:
        """Tell whether the distance may become the killer's longest kill."""
        return self.kind is DeathKind.KILL and self.distance <= LONGEST_KILL_LIMIT_METRES


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that could not be read: kept and shown to admins, never dropped in silence."""

    line: str
    reason: Text


class DeathPlace(NamedTuple):
    """The times of a death and its place in the log; the fields are those of ``Death``."""

    at: datetime
    file: LogFile
    offset: int
    ordered_at: datetime | None


class Killing(NamedTuple):
    """Tells who killed whom on a server, and when (UTC)."""

    killer_id: PlayerId
    victim_id: PlayerId
    at: datetime


class Death(NamedTuple):
    """A death of one game server, ready to be stored; a tuple as its row is.

    Attributes:
        id: fingerprint of guild, server and the row's text; equal rows are one death.
        row: what the line said.
        at: the moment in UTC, by the server's time zone.
        file: the file of the line.
        offset: byte offset of the line's first byte in that file.
        ordered_at: if the clock was set back before this row, the wall-clock time that places it right behind
            the row before. None: the time as written.
    """

    id: bytes
    row: DeathRow
    at: datetime
    file: LogFile
    offset: int
    ordered_at: datetime | None = None

    @property
    def place(self) -> "DeathPlace":
        """The times of this death and its place in the log."""
        return DeathPlace(self.at, self.file, self.offset, self.ordered_at)

    @property
    def order(self) -> tuple[datetime, str, str, int]:
        """The place of this death in its server's history: wall-clock time, world, file, offset.

        Within a file only the offset counts, even if the clock shows an hour twice.
        """
        return (self.ordered_at or self.row.written_at, self.file.world, self.file.name, self.offset)
