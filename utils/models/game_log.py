"""Deadside.log of a game server: how far it is read, and what is known from it."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from utils.models.presence import ServerPresence
from utils.models.world_events import WorldState

HEAD_BYTES = 512
"""The first line of a file, cut at this length, names the run of the server that writes it."""

RUN_DIGITS = 32
RUNS_KEPT = 10
SAMPLE_TIME = timedelta(minutes=5)
"""The time between two samples of the number of players."""


@dataclass(frozen=True, slots=True)
class LogCursor:
    """How far Deadside.log is read; moved in the transaction that stores what follows from its lines.

    Attributes:
        run: names the file: the digest of its first line.
        offset: everything before this byte is stored; always just behind a line feed.
        border: lines before this byte are read in silence.
        edits: how often stored players were erased; if it changed, they are read again.
    """

    run: str
    offset: int = 0
    border: int = 0
    edits: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GameLogState:
    """The facts of Deadside.log of a server.

    Attributes:
        cursor: None if the file was never read.
        presence: the players of the present run.
        world: the events of the world.
        read_at: when the file was looked at last, UTC.
        missing_since: since when the file is not there; None if it is.
        run_starts: when the last runs began, the newest last.
        peak: the most players who were ever in the game at once, and ``peak_at`` when.
        since: when the file was read for the first time.
    """

    cursor: LogCursor | None = None
    presence: ServerPresence = field(default_factory=ServerPresence)
    world: WorldState = field(default_factory=WorldState)
    read_at: datetime | None = None
    missing_since: datetime | None = None
    run_starts: tuple[datetime, ...] = ()
    peak: int = 0
    peak_at: datetime | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class LogSize:
    """The size of a file in bytes, and its last change in Unix seconds."""

    size: int
    modified_at_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationSample:
    """How many players a game server had in five minutes.

    Attributes:
        at: the beginning of these minutes.
        online: the players in the game at the sample.
        queue: how many waited for a place.
        max_players: the number of places; None if it is not known.
        peak: the most players who were in the game at once.
    """

    at: datetime
    online: int
    queue: int
    max_players: int | None
    peak: int


class LogCondition(StrEnum):
    """How well the log tells who is online; ``quiet``: it has not grown for long, ``stopped``: it is gone."""

    OK = "ok"
    QUIET = "quiet"
    STOPPED = "stopped"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayersReport:
    """The facts about the players of a game server.

    Attributes:
        server_name: its name.
        state: as it is stored.
        max_players: the number of places; None if it is not known.
        peak_today: the most players at once since the server's midnight; None without a sample.
    """

    server_name: str
    condition: LogCondition
    state: GameLogState
    max_players: int | None = None
    peak_today: int | None = None


def digest_run(head: bytes) -> str | None:
    """Return the name of the run of a file that begins like this; None while its first line grows."""
    line, feed, _ = head[:HEAD_BYTES].partition(b"\n")
    if not feed and len(head) < HEAD_BYTES:
        return None
    return hashlib.sha256(line.rstrip(b"\r")).hexdigest()[:RUN_DIGITS]


def floor_sample(at: datetime) -> datetime:
    """Return the beginning of the five minutes of a moment."""
    return at - timedelta(minutes=at.minute % 5, seconds=at.second, microseconds=at.microsecond)
