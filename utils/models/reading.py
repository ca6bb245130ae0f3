"""Reading of log files: cursors, chunks, rejected lines, and imports."""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import NamedTuple

from utils.models.deaths import LogFile
from utils.models.scope import ChannelId, PlayerId, ServerId, ServerScope
from utils.models.texts import Text


def digest_head(head: bytes) -> bytes:
    """Return the digest of a file's first bytes; the bytes name players, the digest does not.

    It is empty if there are no bytes.
    """
    return hashlib.sha256(head).digest() if head else b""


def slice_lines(data: bytes, *, lines: int) -> Iterator[tuple[int, bytes]]:
    """Cut whole lines into pieces of ``lines`` at most, each with its offset; it ends with a line feed."""
    start = 0
    while start < len(data):
        end = start
        for _ in range(lines):
            end = data.find(b"\n", end) + 1
            if end in (0, len(data)):
                end = len(data)
                break
        yield start, data[start:end]
        start = end


class RowClock(NamedTuple):
    """The time of the last row of a file; the order of the next row depends on it.

    Attributes:
        ordered_at: its wall-clock time in the order (see ``Death.ordered_at``).
        at: the moment in UTC.
    """

    ordered_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far one log file is read; stored, and moved in the transaction that stores the data.

    Attributes:
        offset: everything before this byte is stored; always just behind a line feed.
        head: ``digest_head`` of the file's first bytes (at most ``HEAD_BYTES``, never beyond ``offset``);
            another head means another file under the same name.
        clock: of the last row before ``offset``; it follows from the rest, so cursors are compared without
            it.
    """

    file: LogFile
    offset: int = 0
    head: bytes = b""
    clock: RowClock | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ServerPlace:
    """One of several game servers that a login leads to, and the settings that tell it from the others.

    Attributes:
        label: its name for people.
        base_path: its folder; None if the number is enough.
    """

    label: str
    number: int
    base_path: str | None = None


@dataclass(frozen=True, slots=True)
class FoundLogs:
    """The death logs that a test of a server found.

    Attributes:
        folder: their folder as the host names it, links resolved.
        files: the number of logs; ``newest`` is the last by name.
        head: the first bytes of the newest, at most ``HEAD_BYTES``.
    """

    folder: str
    files: frozenset[LogFile] = frozenset()
    newest: LogFile | None = None
    head: bytes = b""


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A rejected line with its place, as kept for admins (the newest; text cut to 300 characters)."""

    file: LogFile
    offset: int
    line: str
    reason: Text
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines of one file, as read behind its cursor: a few thousand at most.

    Attributes:
        before: the cursor from which it was read; None for a file without a cursor.
        after: the cursor when the chunk is stored.
        data: whole lines, starting at ``start``.
        is_growth: the bytes were appended after the last read. False for a file that was rewritten or that
            appeared after newer files, and for a world that was never read before.
        head: the file's first bytes, for cursors in it.
        is_last_row: ``data`` is the end of a file without its line feed, which was added here. It counts if
            it is a row. The cursor stays in front of it, so it is read again if it grows.
    """

    before: Cursor | None
    after: Cursor
    start: int
    data: bytes
    is_growth: bool
    is_last_row: bool = False
    head: bytes = b""

    @property
    def lines(self) -> int:
        """Return how many lines it holds."""
        return self.data.count(b"\n")

    @property
    def place(self) -> str:
        """The file, and where in it they begin."""
        return f"{self.after.file.name}:{self.start}"

    def halve(self) -> tuple["Chunk", "Chunk"] | None:
        """Cut it behind half of its lines; None for a single one."""
        if self.lines < 2:
            return None
        (_, first), (place, second) = slice_lines(self.data, lines=(self.lines + 1) // 2)
        offset = self.start + place
        between = Cursor(self.after.file, offset, digest_head(self.head[:offset]))
        return (
            replace(self, after=between, data=first),
            replace(self, before=between, start=offset, data=second),
        )


@dataclass(frozen=True, slots=True)
class CountingNeeds:
    """Everything that is read before new deaths are counted and judged.

    Attributes:
        days: the players and the days on which they are counted.
        finds_members: rules judge the deaths, so the members of the players are read as well.
        killed: players whose killers are read, since ``killed_since`` (wall-clock time).
    """

    scope: ServerScope
    generation: int
    days: frozenset[tuple[PlayerId, date]]
    finds_members: bool = False
    killed: frozenset[PlayerId] = frozenset()
    killed_since: datetime | None = None

    @property
    def players(self) -> Sequence[PlayerId]:
        """Return the players, each once."""
        return sorted({player_id for player_id, _ in self.days})


@dataclass(frozen=True, slots=True)
class CatchUp:
    """The facts that a restore leaves for the import that reads on from an older backup.

    Attributes:
        since: the moment of the backup.
        read: the cursors of the database that was replaced, by file; None if it could not be read.
        history: the sizes up to which an import of that database took the rows for history, by file.
        stored: the number of the server's deaths right after the restore.
        missing: the number of deaths that the replaced database had besides them.
    """

    since: datetime
    read: Mapping[LogFile, Cursor] | None
    history: Mapping[LogFile, int] = field(default_factory=dict)
    stored: int = 0
    missing: int = 0


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """The outcome of a catch-up, kept until the admins are told of it.

    Attributes:
        since: the moment of the backup, and ``until`` when the logs were first looked at again.
        deaths: the number of deaths that were stored in silence, because the replaced database was lost.
        lost: the number of deaths whose rows the host no longer has.
    """

    server_id: ServerId
    since: datetime
    until: datetime
    deaths: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True)
class ImportJob:
    """A running import of history; stored, so that it goes on after a crash.

    Attributes:
        generation: the generation of counters that it fills and will show. It takes a new one at each start;
            before that it is the generation that is shown.
        ends: bytes of each file up to here are history (silent); fixed when the import begins.
        channel_id: the channel that shows its progress, if any; ``message_id`` is the message there.
        is_waiting: the logs were not found yet, so ``ends`` is empty. All that they hold when they are found
            is history.
        catch_up: set by a restore: the import reads on from the cursors instead of from the beginning.
    """

    generation: int
    started_at: datetime
    ends: Mapping[LogFile, int]
    channel_id: ChannelId | None = None
    message_id: int | None = None
    is_waiting: bool = False
    catch_up: CatchUp | None = None

    def leave_out(self, files: Collection[LogFile]) -> "ImportJob | None":
        """Return what of a catch-up waits for files that could not be read; None if there are none.

        The keys of its ``ends`` are these files. Where they end is found out when they can be read.
        """
        if not files or self.catch_up is None:
            return None
        return replace(self, ends=dict.fromkeys(sorted(files), 0), is_waiting=True)

    @property
    def is_catch_up(self) -> bool:
        """Tell whether a restore planned it."""
        return self.catch_up is not None

    @property
    def keeps_last_read(self) -> bool:
        """Tell whether the log was last read before this import: a recount reads nothing of it.

        One that waits for its logs has no files yet, and is no recount.

        Of a catch-up, it was last read by the replaced database.
        """
        if self.catch_up is None:
            return not (self.ends or self.is_waiting)
        return self.catch_up.read is not None


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """The progress of an import; ``rows`` counts the lines that were read, ``is_counting`` is the last phase.

    An import also ends when its server is removed; then ``is_removed`` is set.

    Attributes:
        deaths: all deaths of the server that were counted at the end, of ``days`` days; 0 before the end.
    """

    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int
    rows: int
    elapsed_seconds: float
    is_counting: bool = False
    is_done: bool = False
    is_removed: bool = False
    deaths: int = 0
    days: int = 0

    @property
    def rows_per_second(self) -> float:
        """Return the mean rate so far."""
        return self.rows / self.elapsed_seconds if self.elapsed_seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Return the time left for reading, from the bytes done so far; None before the first."""
        if not self.bytes_done:
            return None
        return self.elapsed_seconds * (self.bytes_total - self.bytes_done) / self.bytes_done
