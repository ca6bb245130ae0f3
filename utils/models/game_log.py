"""Deadside.log of a game server: how far it is read, and what is known from it."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from utils.models.presence import ServerPresence
from utils.models.scope import PlayerId
from utils.models.world_events import WorldState

HEAD_BYTES = 512
"""The first line of a file, cut at this length, names the run of the server that writes it."""

RUN_DIGITS = 32
RUNS_KEPT = 10
SAMPLE_TIME = timedelta(minutes=5)
"""The time between two samples of the number of players."""

SHAPES_MAXIMUM = 50
GAP_TIME = timedelta(days=7)
"""The log's longest pauses are remembered for so long."""

CHECKED_KILLS = 20
ONLINE_SHARE = 0.8
"""So many killers must have been online at least; a rule of a join or a leave is wrong otherwise."""


@dataclass(frozen=True, slots=True)
class LineCount:
    """How many lines fit one rule, or have one shape."""

    name: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LineTally:
    """The lines of one run, counted.

    Attributes:
        rules: by the name of the rule or of the noise, in the order of their first lines.
        unmatched: lines that look relevant and fit no rule.
        shapes: the first shapes of these, ``SHAPES_MAXIMUM`` at most.
    """

    rules: tuple[LineCount, ...] = ()
    unmatched: int = 0
    shapes: tuple[LineCount, ...] = ()


@dataclass(frozen=True, slots=True)
class LogGap:
    """The longest pause between two lines of a day.

    Attributes:
        day: the day (UTC) on which it ended, as an ISO date.
    """

    day: str
    seconds: float


@dataclass(frozen=True, slots=True)
class LiveKill:
    """A kill by a player, and when it was read."""

    killer_id: PlayerId
    killer_name: str
    at: datetime
    read_at: datetime


@dataclass(frozen=True, slots=True)
class OnlineTime:
    """A time in which a player was on the game server."""

    player_id: PlayerId
    started_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """The comparison with the death log: were the killers online?

    Attributes:
        at: when it was made.
        kills: how many kills it looked at.
        online: how many of their killers were online shortly before, as this log told.
    """

    at: datetime
    kills: int
    online: int

    @property
    def is_aged(self) -> bool:
        """Tell whether the rules seem to have aged: the log does not tell any more who is online."""
        return self.kills >= CHECKED_KILLS and self.online < ONLINE_SHARE * self.kills


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
        grown_at: when the file had grown last, by the clock of the bot.
        is_closed: the last line of the run was read: the game server was shut down.
        tally: the lines of the present run.
        gaps: the longest pauses of the last days, oldest day first.
        check: the newest comparison with the death log that looked at enough kills.
        checked_at: when a comparison was tried last.
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
    grown_at: datetime | None = None
    is_closed: bool = False
    tally: LineTally = field(default_factory=LineTally)
    gaps: tuple[LogGap, ...] = ()
    check: SelfCheck | None = None
    checked_at: datetime | None = None

    @property
    def is_aged(self) -> bool:
        """Tell whether the rules of the log seem to have aged."""
        return self.check is not None and self.check.is_aged


@dataclass(frozen=True, slots=True)
class LogSize:
    """The size of a file in bytes, and its last change in Unix seconds."""

    size: int
    modified_at_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationSample:
    """How many players a game server had in five minutes, or in an hour that was folded.

    Attributes:
        at: the beginning of these minutes.
        online: the players in the game at the sample; of an hour the sum over its samples.
        queue: how many waited for a place; of an hour likewise.
        max_players: the number of places; None if it is not known.
        peak: the most players who were in the game at once.
        count: how many samples it stands for.
    """

    at: datetime
    online: int
    queue: int
    max_players: int | None
    peak: int
    count: int = 1

    @property
    def mean(self) -> float:
        """Return how many players were in the game, on average."""
        return self.online / self.count

    def list_times(self) -> list[datetime]:
        """Return the beginnings of the five minutes that it stands for; gaps of an hour go to its end."""
        return [self.at + number * SAMPLE_TIME for number in range(self.count)]


class LogCondition(StrEnum):
    """How well the log tells who is online.

    ``quiet``: it has not grown for long. ``stopped``: it is gone, or it is the log of a run that is over.
    """

    OK = "ok"
    QUIET = "quiet"
    STOPPED = "stopped"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReading:
    """How the log of a game server is, from memory alone.

    Attributes:
        condition: it alone; ``check`` is another matter.
        was_well: the log has grown since it was read for the first time.
        is_near_restart: the server starts again at about this time of day.
        still_since: when it had grown last.
        check: the newest comparison with the death log.
    """

    condition: LogCondition
    was_well: bool
    is_near_restart: bool
    still_since: datetime | None = None
    check: SelfCheck | None = None

    @property
    def is_standing(self) -> bool:
        """Tell whether the game server seems to stand still or to be stopped."""
        return self.condition in (LogCondition.QUIET, LogCondition.STOPPED)


@dataclass(frozen=True, slots=True)
class NextRestart:
    """The next restart of a game server.

    Attributes:
        is_set: an admin set its time; otherwise it was learnt.
    """

    at: datetime
    is_set: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayersReport:
    """The facts about the players of a game server.

    Attributes:
        server_name: its name.
        state: as it is stored.
        max_players: the number of places; None if it is not known.
        peak_today: the most players at once since the server's midnight; None without a sample.
        next_restart: None if its times are neither set nor learnt.
    """

    server_name: str
    condition: LogCondition
    state: GameLogState
    max_players: int | None = None
    peak_today: int | None = None
    next_restart: NextRestart | None = None

    @property
    def has_figures(self) -> bool:
        """Tell whether the number of players is known: now, or as of the last line of a quiet log."""
        return self.condition in (LogCondition.OK, LogCondition.QUIET)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReport:
    """The facts about the log of a game server, for its admins.

    Attributes:
        server_name: its name.
        state: as its reader knows it, or as it is stored.
        slots: the number of places that an admin set.
        quiet_after: how long it may pause before it is quiet.
    """

    server_name: str
    condition: LogCondition
    state: GameLogState
    slots: int | None
    quiet_after: timedelta


def digest_run(head: bytes) -> str | None:
    """Return the name of the run of a file that begins like this; None while its first line grows."""
    line, feed, _ = head[:HEAD_BYTES].partition(b"\n")
    if not feed and len(head) < HEAD_BYTES:
        return None
    return hashlib.sha256(line.rstrip(b"\r")).hexdigest()[:RUN_DIGITS]


def floor_hour(at: datetime) -> datetime:
    """Return the beginning of the hour of a moment."""
    return at.replace(minute=0, second=0, microsecond=0)


def fold_samples(samples: Iterable[PopulationSample]) -> list[PopulationSample]:
    """Return one sample for each hour with any, oldest first; hours without one stay gaps."""
    hours = defaultdict[datetime, list[PopulationSample]](list)
    for one in samples:
        hours[floor_hour(one.at)].append(one)
    return [
        PopulationSample(
            at=at,
            online=sum(one.online for one in some),
            queue=sum(one.queue for one in some),
            max_players=max(some, key=lambda one: one.at).max_players,
            peak=max(one.peak for one in some),
            count=sum(one.count for one in some),
        )
        for at, some in sorted(hours.items())
    ]


def floor_sample(at: datetime) -> datetime:
    """Return the beginning of the five minutes of a moment."""
    return at - timedelta(minutes=at.minute % 5, seconds=at.second, microseconds=at.microsecond)
