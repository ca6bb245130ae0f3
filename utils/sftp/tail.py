"""Tailing: which files to look at, what to read of them, and where whole lines end.

Theory of operation
-------------------
A quiet poll is one ``stat`` of the newest file of each world. Every second poll also asks for the times of
the folders of these files, and every twelfth (at most 60 s apart) for those of all folders; the requests go
out together, so they cost one round trip. Folders are listed when one changed, so a new file is found within
ten seconds. Folder times can be missing or wrong. Then, and around the server's midnight, the tail lists the
folders at every twelfth poll. It lists all folders at least once an hour. A file is read when its size or
time changed: its head and the byte before the cursor come with the new bytes in one opening, so the tail sees
that a file was replaced before it uses its bytes. ``choose_read`` and ``cut_whole_lines`` are pure.
``DeathLogTail`` does the I/O.

A file that cannot be read does not stop the others: it is skipped, reported (``problems``), and tried again
after growing waits. A file of the future, named by a wrong clock or without any date, is read like any other,
but it never counts as the newest file. New files are compared with the newest file.

Two changes cannot be noticed: a file rewritten in place within the second of its last change and with the
same size, and a rewritten file with the same first 256 bytes that is not shorter. Only a host that edits logs
can do either.
"""

import math
import posixpath
from bisect import bisect_left
from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby

from utils.clock import Clock
from utils.errors import (
    RemoteAnswerError,
    RemoteFailureError,
    RemoteFileMissingError,
    RemotePermissionError,
)
from utils.models.deaths import CLOCK_MARGIN, LogFile
from utils.models.problems import Problem
from utils.models.reading import Chunk, Cursor, digest_head, slice_lines
from utils.models.texts import Text
from utils.sftp.listing import DeathLogListing, LogFileEntry, LogFolder, list_death_logs
from utils.sftp.long_lines import PASSED_BYTES, LongLine, Passage, Piece
from utils.sftp.refusals import UNREADABLE, Refusals, Tries
from utils.sftp.session import SftpSession
from utils.tasks import run_together

HEAD_BYTES = 256  # a row is 100 to 200 bytes, and rows carry times: two files never share their first two
CHUNK_BYTES = 512 * 1024  # about 4,000 rows; a longer line is skipped and rejected
CHUNK_LINES = 4_000  # one transaction
NEWEST_BYTES = 8 * 1024
LAST_ROW_BYTES = 4096  # the longest end of a file that can be a row
NEWEST_LINES = 100
GONE_KEPT = 400  # how many cursors of deleted files to keep (more than a year)
GLANCE_EVERY_POLLS = 2
GLANCE_EVERY_SECONDS = 9.0  # for servers polled every ten seconds or slower
LOOK_EVERY_POLLS = 12
LOOK_EVERY_SECONDS = 60.0
REQUESTS_AT_ONCE = 8
LIST_EVERY_SECONDS = 3600.0
LISTED_NAMES_A_SECOND = 200.0  # average limit; a host with many names is listed less often
LISTED_NAMES_FREE = 1_000
REST_AFTER_LISTING = 20.0  # factor: rest this many times the listing's duration above one second
LATE_GROWTH_SECONDS = 600.0  # a file still grows "a little" after a newer one appeared
MIDNIGHT_MARGIN = timedelta(minutes=3)
NAME_FORMAT = "%Y.%m.%d-%H.%M.%S"
FOLDER_TIME_SECONDS = 2.0  # folder times may have a resolution of 2 s


@dataclass(frozen=True, slots=True)
class SeenFile:
    """Size and time of a file at the last look."""

    size: int
    modified_at_seconds: int


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """The part of a file to read.

    Attributes:
        offset: first byte wanted.
        size: the file's size; no bytes beyond it are requested.
        is_growth: the bytes are expected to continue what was read.
        is_over: the file is complete, so its last row counts without a line feed.
    """

    offset: int
    size: int
    is_growth: bool
    is_over: bool = False


@dataclass(slots=True)
class TailMemory:
    """The state of a server's tail between polls; losing it costs only a listing.

    Attributes:
        listing: the files and folders as last listed.
        is_listing_confirmed: the listing was made late enough after the last folder change to be complete.
        unchanged_since: when those folder times were first seen, by the monotonic clock, as all times here.
        sizes: the size and time of every file at the last look.
        read_out: size and time of each file that was read to its end.
        passed: progress in lines that are too long for a chunk.
        refused: files that could not be read at the last try.
        appeared: when the newest file of a world appeared, or was first seen.
        listed_at: time of the last listing. The next one may come ``rest_seconds`` later.
        are_times_false: a file appeared in a folder whose time did not change.
        is_stale: the listing is known to be wrong.
        looked_at: the last look at all folders, and ``glanced_at`` that at those of the newest files.
        polls_since_look: polls since then.
    """

    listing: DeathLogListing | None = None
    is_listing_confirmed: bool = False
    unchanged_since: float = 0.0
    sizes: dict[LogFile, SeenFile] = field(default_factory=dict)
    read_out: dict[LogFile, SeenFile] = field(default_factory=dict)
    passed: dict[LogFile, Passage] = field(default_factory=dict)
    refused: Refusals = field(default_factory=Refusals)
    appeared: dict[str, float] = field(default_factory=dict)
    listed_at: float = 0.0
    rest_seconds: float = 0.0
    are_times_false: bool = False
    is_stale: bool = False
    looked_at: float = 0.0
    glanced_at: float = 0.0
    polls_since_look: int = 0

    def forget_all_but(self, files: Collection[LogFile]) -> None:
        """Drop the state of files that were deleted."""
        worlds = {file.world for file in files}
        self.read_out = {file: seen for file, seen in self.read_out.items() if file in files}
        self.passed = {file: passage for file, passage in self.passed.items() if file in files}
        self.refused.forget_all_but(files)
        self.appeared = {world: at for world, at in self.appeared.items() if world in worlds}


def choose_read(
    cursor: Cursor | None, seen: SeenFile, *, read_out: SeenFile | None, is_newest: bool
) -> ReadPlan | None:
    """Return what to read of a file, or None when it holds nothing new.

    Args:
        cursor: where reading stands; None for a file never read.
        seen: the file's size and time now.
        read_out: the file's size and time when it was read to its end; None at the first look.
        is_newest: True: files of this world were read, and none of them has a later name.
    """
    if seen == read_out:
        return None
    if cursor is None:
        return ReadPlan(0, seen.size, is_newest) if seen.size else None
    if seen.size < cursor.offset:
        return ReadPlan(0, seen.size, is_growth=False)
    if seen.size == cursor.offset and not is_newest and read_out is None:
        return None  # at start, skip old files whose cursor is at their end
    # in a file without a cursor, only bytes added after the first look are growth
    is_growth = cursor.offset > 0 or (is_newest and read_out is not None)
    return ReadPlan(cursor.offset, seen.size, is_growth)


def cut_whole_lines(data: bytes) -> bytes:
    """Return ``data`` up to and with its last line feed; empty when there is none."""
    return data[: data.rfind(b"\n") + 1]


def is_around_midnight(local: datetime) -> bool:
    """Tell whether a new file may be about to appear, by the game server's clock."""
    before, after = local + MIDNIGHT_MARGIN, local - MIDNIGHT_MARGIN
    return before.date() != local.date() or after.date() != local.date()


class DeathLogTail:
    """The death logs of one game server, over a lent session.

    Args:
        session: held for the time of a poll or an import.
        folder: the deathlogs folder, as discovered.
        memory: kept by the caller from poll to poll.
        local_now: the game server's wall-clock time.
    """

    def __init__(
        self, session: SftpSession, folder: str, memory: TailMemory, *, clock: Clock, local_now: datetime
    ) -> None:
        self._session = session
        self._folder = folder
        self._memory = memory
        self._clock = clock
        self._local_now = local_now
        self._future = (local_now + CLOCK_MARGIN).strftime(NAME_FORMAT)

    @property
    def problems(self) -> tuple[Text, ...]:
        """Return a text for each thing that exists and could not be read."""
        listing = self._memory.listing
        return (*(listing.refused if listing else ()), *self._memory.refused.list_shown())

    def list_gone(self, cursors: Mapping[LogFile, Cursor]) -> Sequence[LogFile]:
        """Return files with a cursor that were deleted before the last 400 deleted ones.

        If such a file comes back, the tail reads it from 0. No row counts twice.
        """
        listing, sizes = self._memory.listing, self._memory.sizes
        if listing is None or listing.whole_worlds is not None or listing.refused:
            return ()  # it may be there, unseen
        if len(cursors) <= len(sizes) + GONE_KEPT:
            return ()
        gone = sorted(cursors.keys() - sizes.keys(), key=lambda file: (self._rank(file.name), file))
        return gone[:-GONE_KEPT]

    async def list_sizes(self) -> Mapping[LogFile, int]:
        """Return every death log with its size in bytes."""
        await self._list()
        return {file: seen.size for file, seen in self._memory.sizes.items()}

    async def continues(self, cursor: Cursor) -> bool:
        """Tell whether a listed file is still the one of this cursor, and not shorter.

        Raises:
            RemoteFileMissingError, RemotePermissionError, RemoteFailureError: that file cannot be read now.
        """
        seen = self._memory.sizes.get(cursor.file)
        if seen is None or seen.size < cursor.offset:
            return False
        if not cursor.offset:
            return True
        head, boundary, _ = await self._read(cursor.file, cursor.offset, 0)
        return _continues(cursor, head, boundary)

    async def read_on(
        self, cursors: Mapping[LogFile, Cursor], held: Collection[LogFile] = ()
    ) -> AsyncGenerator[Chunk, None]:
        """Yield what is new, world after world, file after file in name order, except of ``held`` files."""
        await self._look()
        tries, newest = Tries(self._memory.refused), self._find_newest()
        for file, seen, plan in self._plan(cursors):
            if file in held or (tries.is_enough(file) and newest.get(file.world) != file):
                continue
            try:
                async with aclosing(self._read_to_end(file, plan, cursors.get(file))) as chunks:
                    async for chunk in chunks:
                        yield chunk
            except UNREADABLE as error:
                tries.fail(file, error, now=self._clock.monotonic())
                # the file was deleted after the listing
                self._memory.is_stale |= isinstance(error, RemoteFileMissingError)
            else:
                self._memory.refused.forgive(file)
                passage = self._memory.passed.get(file)
                if passage is None or not passage.is_cut_off:
                    self._memory.read_out[file] = seen

    async def read_newest_lines(self, *, back: int = 0) -> Sequence[bytes]:
        """Return the last whole lines of the newest file with content, of every world.

        With ``back``, of the file this many places before it.

        Raises:
            RemoteFileMissingError, RemotePermissionError, RemoteFailureError: such a file cannot be read now.
        """
        if self._memory.listing is None:
            await self._look()
        files = sorted(self._memory.sizes, key=lambda file: self._rank(file.name))
        worlds: defaultdict[str, list[LogFile]] = defaultdict(list)
        for file in files:
            if self._memory.sizes[file].size:
                worlds[file.world].append(file)
        lines: list[bytes] = []
        for file in [held[-1 - back] for _, held in sorted(worlds.items()) if len(held) > back]:
            size = self._memory.sizes[file].size
            start = max(0, size - NEWEST_BYTES)
            data = await self._session.read(self._path(file), offset=start, length=size - start)
            lines.extend(cut_whole_lines(data).split(b"\n")[bool(start) : -1][-NEWEST_LINES:])
        return lines

    async def read_until(self, cursor: Cursor | None, file: LogFile, end: int) -> AsyncGenerator[Chunk, None]:
        """Yield whole lines from the cursor up to byte ``end``, and a last row that ends the file there.

        Raises:
            RemoteFileMissingError, RemotePermissionError, RemoteFailureError: that file cannot be read now.
        """
        refused = self._memory.refused
        if (refusal := refused.find(file, now=self._clock.monotonic())) is not None:
            raise RemoteFailureError(refusal.said)
        plan = ReadPlan(cursor.offset if cursor else 0, end, is_growth=True, is_over=True)
        try:
            async with aclosing(self._read_to_end(file, plan, cursor, most_passed=math.inf)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except UNREADABLE as error:
            refused.note(file, error, now=self._clock.monotonic())
            raise

    async def _look(self) -> None:
        """Update the file sizes with as few requests as possible."""
        memory, now = self._memory, self._clock.monotonic()
        memory.polls_since_look += 1
        is_due = memory.polls_since_look >= LOOK_EVERY_POLLS or now - memory.looked_at >= LOOK_EVERY_SECONDS
        listing = memory.listing
        if listing is None or self._must_list(now, is_due=is_due):
            listing = await self._list()
            if listing.whole_worlds is None:
                return  # the listing already contains all sizes
        await self._ask(listing, now, is_due=is_due)
        if memory.is_stale and self._may_list(now):
            await self._list()

    def _may_list(self, now: float) -> bool:
        """Tell whether enough time has passed since the last listing."""
        return now - self._memory.listed_at >= self._memory.rest_seconds

    def _must_list(self, now: float, *, is_due: bool) -> bool:
        """Tell whether to list the folders although their times may be the same."""
        memory = self._memory
        is_late = now - memory.listed_at >= LIST_EVERY_SECONDS or is_around_midnight(self._local_now)
        is_wanted = memory.is_stale or (is_due and (is_late or not memory.is_listing_confirmed))
        return is_wanted and self._may_list(now)

    async def _ask(self, listing: DeathLogListing, now: float, *, is_due: bool) -> None:
        """Stat the files that may have grown. Every second poll, also stat their folders."""
        memory = self._memory
        entries = self._choose_entries(listing, now, is_due=is_due)
        folders = {folder.path: folder for folder in listing.folders}
        is_turn = memory.polls_since_look % GLANCE_EVERY_POLLS == 0
        if is_due:
            memory.polls_since_look, memory.looked_at = 0, now
        elif is_turn or now - memory.glanced_at >= GLANCE_EVERY_SECONDS:
            below = {posixpath.dirname(entry.path) for entry in entries}
            folders = {path: folder for path, folder in folders.items() if path in below}
        else:
            folders = {}
        memory.glanced_at = now if folders else memory.glanced_at
        refused = memory.refused
        works = [partial(self._stat, entry) for entry in entries if not refused.find(entry.file, now=now)]
        works += [partial(self._glance, folder, is_due=is_due) for folder in folders.values()]
        waiting = iter(works)

        async def carry_out() -> None:
            for work in waiting:
                await work()

        await run_together([carry_out] * min(len(works), REQUESTS_AT_ONCE))

    async def _glance(self, folder: LogFolder, *, is_due: bool) -> None:
        """Mark the listing as stale if a folder changed; one without a reliable time may have changed."""
        try:
            seen = await self._session.stat(folder.path)
        except (RemoteFileMissingError, RemotePermissionError, RemoteFailureError):
            self._memory.is_stale = True
            return
        is_unknown = not seen.modified_at_seconds or self._memory.are_times_false
        if (is_due and is_unknown) or seen.modified_at_seconds != folder.modified_at_seconds:
            self._memory.is_stale = True

    async def _list(self) -> DeathLogListing:
        memory, now = self._memory, self._clock.monotonic()
        known = set(memory.sizes)
        listing = await self._list_or_remember()
        names = max(0, listing.cost - LISTED_NAMES_FREE)
        seconds = max(0.0, self._clock.monotonic() - now - 1)
        memory.rest_seconds = max(names / LISTED_NAMES_A_SECOND, REST_AFTER_LISTING * seconds)
        is_unchanged = memory.listing is not None and memory.listing.folders == listing.folders
        if is_unchanged and memory.is_listing_confirmed and listing.whole_worlds is None:
            memory.are_times_false |= any(entry.file not in known for entry in listing.files)
        if not is_unchanged:
            memory.unchanged_since = now
        memory.is_listing_confirmed = now - memory.unchanged_since >= FOLDER_TIME_SECONDS
        memory.listing = listing = listing.mend(memory.listing) if memory.listing else listing
        memory.is_stale = False
        memory.sizes = {
            entry.file: SeenFile(entry.size, entry.modified_at_seconds) for entry in memory.listing.files
        }
        in_order = sorted(known)
        for file in memory.sizes.keys() - known:
            memory.appeared[file.world] = now
            # A new file means the previous one is complete. Read its last row again. If it was unreadable,
            # try it first, so that its rows come before the new file's rows
            place = bisect_left(in_order, file)
            if place and in_order[place - 1].world == file.world:
                memory.read_out.pop(in_order[place - 1], None)
                memory.refused.forgive(in_order[place - 1])
        memory.read_out.update((file, seen) for file, seen in memory.sizes.items() if not seen.size)
        memory.forget_all_but(memory.sizes.keys())
        memory.listed_at = memory.looked_at = memory.glanced_at = now
        memory.polls_since_look = 0
        return listing

    async def _list_or_remember(self) -> DeathLogListing:
        """List the logs; if the host's answer cannot be decoded, go on with the known ones."""
        try:
            return await list_death_logs(self._session, self._folder)
        except RemoteAnswerError as error:
            if self._memory.listing is None:
                raise
            return replace(self._memory.listing, refused=(error.said,), whole_worlds=frozenset())

    def _choose_entries(
        self, listing: DeathLogListing, now: float, *, is_due: bool
    ) -> Sequence[LogFileEntry]:
        """Return the files worth a ``stat``: the newest of each world, and for a while the one before it.

        Also stat the file with the latest change time. The game may write to it although another file has a
        later name.
        """
        chosen: list[LogFileEntry] = []
        for world, group in groupby(listing.files, key=lambda entry: entry.file.world):
            entries = sorted(group, key=lambda entry: self._rank(entry.file.name))
            is_young = now - self._memory.appeared[world] < LATE_GROWTH_SECONDS
            newest = entries[-2 if is_young and is_due else -1 :]
            changed_last = max(reversed(entries), key=lambda entry: entry.modified_at_seconds)
            chosen += newest if changed_last in newest else [*newest, changed_last]
        return chosen

    def _rank(self, name: str) -> tuple[bool, str]:
        """Return the sort key that finds the newest file: names with a date in the future come first."""
        return name < self._future, name

    async def _stat(self, entry: LogFileEntry) -> None:
        try:
            seen = await self._session.stat(entry.path)
        except RemoteFileMissingError:
            self._memory.is_stale = True
            return
        except (RemotePermissionError, RemoteFailureError) as error:
            self._memory.refused.note(entry.file, error, now=self._clock.monotonic())
            return
        self._memory.sizes[entry.file] = SeenFile(seen.size, seen.modified_at_seconds)

    def _find_newest(self) -> dict[str, LogFile]:
        """Return the file of each world that the game writes to, by name."""
        return {file.world: file for file in sorted(self._memory.sizes) if file.name < self._future}

    def _plan(self, cursors: Mapping[LogFile, Cursor]) -> list[tuple[LogFile, SeenFile, ReadPlan]]:
        newest: dict[str, tuple[bool, str]] = {}
        for file in cursors:
            newest[file.world] = max(self._rank(file.name), newest.get(file.world, (False, "")))
        last, now = self._find_newest(), self._clock.monotonic()
        plans: list[tuple[LogFile, SeenFile, ReadPlan]] = []
        for file, seen in sorted(self._memory.sizes.items()):
            if self._memory.refused.find(file, now=now):
                continue
            plan = choose_read(
                cursors.get(file),
                seen,
                read_out=self._memory.read_out.get(file),
                is_newest=file.world in newest and self._rank(file.name) >= newest[file.world],
            )
            if plan is None:
                self._memory.refused.forgive(file)
                continue
            # rows of a file that was unreadable are judged by age, not as growth
            is_growth = plan.is_growth and file not in self._memory.refused
            is_over = file < last.get(file.world, file)
            plans.append((file, seen, replace(plan, is_growth=is_growth, is_over=is_over)))
        return plans

    async def _read_to_end(
        self, file: LogFile, plan: ReadPlan, cursor: Cursor | None, *, most_passed: float = PASSED_BYTES
    ) -> AsyncGenerator[Chunk, None]:
        """Yield a file's chunks, then the text after its last line feed if it looks like a row."""
        last = cursor
        async with aclosing(self._read_file(file, plan, cursor, most_passed=most_passed)) as chunks:
            async for chunk in chunks:
                yield chunk
                last = chunk.after
        after = last or Cursor(file)
        length = plan.size - after.offset
        if not plan.is_over or not 0 < length <= LAST_ROW_BYTES:
            return
        head, boundary, row = await self._read(file, after.offset, length + 1)
        is_end = len(row) == length and row.endswith((b";", b";\r")) and b"\n" not in row
        if is_end and (not after.offset or _continues(after, head, boundary)):
            yield Chunk(last, after, after.offset, row + b"\n", plan.is_growth, is_last_row=True)

    async def _read_file(
        self, file: LogFile, plan: ReadPlan, cursor: Cursor | None, *, most_passed: float
    ) -> AsyncGenerator[Chunk, None]:
        """Yield chunk after chunk; if the file was replaced, start again at 0, but only once.

        Raises:
            RemoteFailureError: the file changed on every read.
        """
        is_growth, start, before = plan.is_growth, plan.offset, cursor
        is_unfinished, has_begun_again = True, False
        while is_unfinished:
            wanted = min(CHUNK_BYTES, plan.size - start)
            head, boundary, data = await self._read(file, start, wanted)
            if start and before and not _continues(before, head, boundary):
                if has_begun_again:
                    raise RemoteFailureError(Problem.NEVER_THE_SAME.say(path=self._path(file)))
                is_growth, start, has_begun_again = False, 0, True
                continue
            is_unfinished = len(data) == wanted and start + wanted < plan.size
            pieces: Iterable[Piece] = _cut_pieces(start, data)
            if is_unfinished and b"\n" not in data:
                passage = Passage(start, digest_head(head), start)
                pieces = await self._pass_over(file, passage, plan.size, most_passed)
                is_unfinished = bool(pieces)
            for piece in pieces:
                after = Cursor(file, piece.end, digest_head(head[: piece.end]))
                yield Chunk(before, after, piece.start, piece.data, is_growth, head=head)
                start, before = piece.end, after
            is_unfinished = is_unfinished and start < plan.size

    async def _pass_over(self, file: LogFile, begun: Passage, size: int, most: float) -> Sequence[Piece]:
        """Return the shown beginning of an overlong line, or nothing until its end is found."""
        known = self._memory.passed.pop(file, begun)
        is_same = (known.start, known.head) == (begun.start, begun.head) and known.offset <= size

        async def read(offset: int, length: int) -> bytes:
            return await self._session.read(self._path(file), offset=offset, length=length)

        line = LongLine(read, size, known if is_same else begun)
        found = await line.find_end(most=most)
        if found is None:
            self._memory.passed[file] = line.passage
        return [] if found is None else [found]

    async def _read(self, file: LogFile, start: int, length: int) -> tuple[bytes, bytes, bytes]:
        """Return the head, the byte before ``start`` and the bytes from there on, all of one file."""
        path = self._path(file)
        if start == 0:
            (data,) = await self._session.read_ranges(path, [(0, length)])
            return data[:HEAD_BYTES], b"\n", data
        head, data = await self._session.read_ranges(
            path, [(0, min(HEAD_BYTES, start + length)), (start - 1, length + 1)]
        )
        return head, data[:1], data[1:]

    def _path(self, file: LogFile) -> str:
        return "/".join(part for part in (self._folder, file.world, file.name) if part)


def _cut_pieces(start: int, data: bytes) -> Iterator[Piece]:
    """Cut the whole lines of the bytes read from ``start`` on into chunks."""
    for place, piece in slice_lines(cut_whole_lines(data), lines=CHUNK_LINES):
        yield Piece(start + place, piece, start + place + len(piece))


def _continues(cursor: Cursor, head: bytes, boundary: bytes) -> bool:
    """Tell whether a file is still the one of its cursor."""
    return digest_head(head[: cursor.offset]) == cursor.head and boundary == b"\n"
