"""Tailing: the bytes that are read of growing, cut, rotated, rewritten and deleted files, and the cost."""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.game_host.battle import Battle
from simulation.game_host.host import GameHost
from simulation.game_host.log_files import GameServerFiles
from tests.fakes.clock import FakeClock
from tests.fakes.deaths import build_row, render
from tests.fakes.examples import choose_examples
from tests.fakes.host_files import FOLDER, FakeSession, SparseFile
from utils.errors import (
    LogsMissingError,
    RemoteFailureError,
    RemoteFileMissingError,
    RemotePermissionError,
)
from utils.models.deaths import DeathRow, LogFile
from utils.models.reading import Chunk, Cursor, digest_head
from utils.models.scope import GuildId
from utils.models.texts import text
from utils.sftp.long_lines import PASSED_BYTES, SHOWN_BYTES
from utils.sftp.pool import SftpConnectionPool
from utils.sftp.refusals import FAILURES_OF_A_POLL, SHOWN_MAXIMUM
from utils.sftp.session import FolderScan, ListingBudget, RemoteEntry, SftpSession
from utils.sftp.tail import (
    CHUNK_BYTES,
    CHUNK_LINES,
    HEAD_BYTES,
    DeathLogTail,
    ReadPlan,
    SeenFile,
    TailMemory,
    choose_read,
    cut_whole_lines,
    is_around_midnight,
)

GUILD = GuildId(42)
NOON = datetime(2025, 5, 1, 12)  # noqa: DTZ001 - the game server's wall clock
DAY_1 = LogFile("world_0", "2025.05.01-00.00.00.csv")
DAY_2 = LogFile("world_0", "2025.05.02-00.00.00.csv")
DAY_3 = LogFile("world_0", "2025.05.03-00.00.00.csv")
WORLD_1 = LogFile("world_1", "2025.05.01-00.00.00.csv")


def path_of(file: LogFile) -> str:
    """Return the path of a file below the deathlogs folder."""
    return f"{file.world}/{file.name}"


def line(number: int, size: int = 100) -> bytes:
    """Return a line that depends on the number."""
    return str(number).rjust(size, ".").encode() + b"\n"


def lines(*numbers: int) -> bytes:
    """Return lines with these numbers."""
    return b"".join(line(number) for number in numbers)


@dataclass(slots=True)
class Poller:
    """Polls like ingestion: it stores each chunk by moving its cursor before it reads the next."""

    session: SftpSession | FakeSession
    folder: str = FOLDER
    clock: FakeClock = field(default_factory=FakeClock)
    local_now: datetime = NOON
    memory: TailMemory = field(default_factory=TailMemory)
    cursors: dict[LogFile, Cursor] = field(default_factory=dict)

    @property
    def tail(self) -> DeathLogTail:
        """Return the logs for one poll."""
        return DeathLogTail(
            self.session,  # type: ignore[arg-type]
            self.folder,
            self.memory,
            clock=self.clock,
            local_now=self.local_now,
        )

    async def poll(self, *, seconds: float = 5) -> list[Chunk]:
        """Let time pass and read on; check every chunk."""
        self.clock.move(seconds)
        chunks: list[Chunk] = []
        async for chunk in self.tail.read_on(dict(self.cursors)):
            self.store(chunk)
            chunks.append(chunk)
        return chunks

    def store(self, chunk: Chunk) -> None:
        """Move the cursor from its old value."""
        file = chunk.after.file
        assert chunk.before == self.cursors.get(file)
        assert chunk.data.endswith(b"\n")
        assert len(chunk.after.head) == hashlib.sha256().digest_size  # a digest, no bytes of the file
        self.cursors[file] = chunk.after

    async def poll_data(self, *, seconds: float = 5) -> bytes:
        """Return all bytes of one poll, which must be growth."""
        chunks = await self.poll(seconds=seconds)
        assert all(chunk.is_growth for chunk in chunks)
        return b"".join(chunk.data for chunk in chunks)


@pytest.fixture(name="session")
def _session() -> FakeSession:
    return FakeSession()


@pytest.fixture(name="poller")
def _poller(session: FakeSession) -> Poller:
    return Poller(session)


def summarize(chunks: list[Chunk]) -> list[tuple[LogFile, int, bytes, bool]]:
    """Return file, start, data and growth of chunks."""
    return [(chunk.after.file, chunk.start, chunk.data, chunk.is_growth) for chunk in chunks]


SEEN = SeenFile(500, 7)
CURSOR = Cursor(DAY_1, 500, b"x")


@pytest.mark.parametrize(
    ("cursor", "seen", "read_out", "is_newest", "expected"),
    [
        pytest.param(CURSOR, SEEN, SEEN, True, None, id="unchanged"),
        pytest.param(None, SEEN, None, True, ReadPlan(0, 500, is_growth=True), id="new file"),
        pytest.param(None, SEEN, None, False, ReadPlan(0, 500, is_growth=False), id="old file turned up"),
        pytest.param(None, SeenFile(0, 7), None, True, None, id="empty file"),
        pytest.param(CURSOR, SeenFile(600, 8), SEEN, True, ReadPlan(500, 600, is_growth=True), id="grown"),
        pytest.param(
            CURSOR, SeenFile(600, 8), None, False, ReadPlan(500, 600, is_growth=True), id="old grown"
        ),
        pytest.param(CURSOR, SeenFile(499, 8), SEEN, True, ReadPlan(0, 499, is_growth=False), id="shrunk"),
        pytest.param(CURSOR, SeenFile(0, 8), SEEN, True, ReadPlan(0, 0, is_growth=False), id="emptied"),
        pytest.param(CURSOR, SeenFile(500, 8), SEEN, False, ReadPlan(500, 500, is_growth=True), id="touched"),
        pytest.param(CURSOR, SEEN, None, False, None, id="old file at a start"),
        pytest.param(CURSOR, SEEN, None, True, ReadPlan(500, 500, is_growth=True), id="newest at a start"),
        pytest.param(
            Cursor(DAY_1),
            SEEN,
            None,
            False,
            ReadPlan(0, 500, is_growth=False),
            id="old file with nothing read",
        ),
        pytest.param(
            Cursor(DAY_1),
            SEEN,
            None,
            True,
            ReadPlan(0, 500, is_growth=False),
            id="newest with nothing read at a start",
        ),
        pytest.param(
            Cursor(DAY_1),
            SEEN,
            SeenFile(0, 6),
            True,
            ReadPlan(0, 500, is_growth=True),
            id="newest that was seen empty",
        ),
    ],
)
def test_what_is_read_follows_from_cursor_size_and_time(
    cursor: Cursor | None,
    seen: SeenFile,
    read_out: SeenFile | None,
    *,
    is_newest: bool,
    expected: ReadPlan | None,
) -> None:
    """The decision is a pure function of cursor, size and time."""
    assert choose_read(cursor, seen, read_out=read_out, is_newest=is_newest) == expected


@pytest.mark.parametrize(
    ("data", "expected"), [(b"", b""), (b"a", b""), (b"a\n", b"a\n"), (b"a\nb", b"a\n"), (b"\n\nb", b"\n\n")]
)
def test_only_whole_lines_are_kept(data: bytes, expected: bytes) -> None:
    """Bytes without a line feed wait."""
    assert cut_whole_lines(data) == expected


@pytest.mark.parametrize(
    ("hour", "minute", "expected"),
    [(0, 0, True), (0, 2, True), (0, 3, False), (23, 57, True), (23, 56, False), (12, 0, False)],
)
def test_midnight_is_three_minutes_wide_on_both_sides(hour: int, minute: int, *, expected: bool) -> None:
    """The game starts a new file at midnight of its own clock."""
    assert is_around_midnight(NOON.replace(hour=hour, minute=minute)) is expected


async def test_appended_lines_are_read_once_each(poller: Poller, session: FakeSession) -> None:
    """Each poll returns only the bytes since the previous one."""
    session.append(path_of(DAY_1), b"")
    assert await poller.poll() == []
    poller.cursors[DAY_1] = Cursor(DAY_1)
    session.append(path_of(DAY_1), lines(1))
    assert await poller.poll_data() == lines(1)
    session.append(path_of(DAY_1), lines(2, 3))
    assert await poller.poll_data() == lines(2, 3)
    assert await poller.poll_data() == b""


async def test_unfinished_line_waits_for_its_line_feed(poller: Poller, session: FakeSession) -> None:
    """A poll in the middle of a write returns only whole lines."""
    session.append(path_of(DAY_1), lines(1) + b"half")
    (chunk,) = await poller.poll()
    assert (chunk.data, chunk.after) == (lines(1), Cursor(DAY_1, 101, digest_head(lines(1))))
    assert await poller.poll_data() == b""
    session.append(path_of(DAY_1), b" whole\n")
    assert await poller.poll_data() == b"half whole\n"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=200).map(lambda data: data.replace(b"x", b"\n")), max_size=12))
async def test_any_slices_of_growth_give_all_whole_lines_in_order(slices: list[bytes]) -> None:
    """The positions at which the file is polled do not matter."""
    session = FakeSession()
    poller = Poller(session)
    session.write(path_of(DAY_1), b"")
    poller.cursors[DAY_1] = Cursor(DAY_1)
    data = await poller.poll_data()
    for part in slices:
        session.append(path_of(DAY_1), part)
        data += await poller.poll_data()
    content = b"".join(slices)
    assert data == cut_whole_lines(content)
    assert poller.cursors[DAY_1].offset == len(data)


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["append", "cut", "truncate", "rewrite", "rotate", "restart", "remove"]),
        st.integers(1, 5),
    ),
    max_size=15,
)


def change_file(session: FakeSession, path: str, change: str, fresh: bytes, count: int) -> None:
    """Change a file like a game, a host or a person."""
    old = session.files.get(path, b"")
    match change:
        case "append":
            session.append(path, fresh)
        case "cut":
            session.append(path, fresh[:-count])
        case "truncate":
            session.write(path, old[: len(old) * count // 6])
        case "rewrite" | "rotate":
            session.write(path, fresh)
        case "remove" if path in session.files:
            session.remove(path)


@settings(max_examples=choose_examples(quick=60, deep=300), deadline=None)
@given(CHANGES)
async def test_no_line_is_lost_whatever_happens_to_the_files(changes: list[tuple[str, int]]) -> None:
    """Every whole line that a poll could see is read at least once, and cursors end where files do."""
    session = FakeSession()
    poller = Poller(session)
    day = 1
    visible: set[bytes] = set()
    found: set[bytes] = set()
    for number, (change, count) in enumerate(changes):
        fresh = b"".join(line(number * 10 + step, 60 + 30 * step) for step in range(count))
        day += change == "rotate"
        change_file(session, f"world_0/2025.05.{day:02}-00.00.00.csv", change, fresh, count)
        if change == "restart":
            poller.memory = TailMemory()
        chunks = await poller.poll(seconds=60)
        found |= {one for chunk in chunks for one in chunk.data.splitlines()}
        visible |= {one for data in session.files.values() for one in cut_whole_lines(data).splitlines()}
    assert visible <= found
    for path, data in session.files.items():
        world, name = path.split("/")
        if whole := cut_whole_lines(data):
            assert poller.cursors[LogFile(world, name)].offset == len(whole)


async def test_worlds_are_read_apart_and_the_old_file_before_the_new_one(
    poller: Poller, session: FakeSession
) -> None:
    """Each world is its own sequence, in the order of names."""
    for file in (DAY_1, WORLD_1):
        session.append(path_of(file), lines(1))
    await poller.poll()
    session.append(path_of(WORLD_1), lines(2))
    session.append(path_of(DAY_2), lines(3))
    session.append(path_of(DAY_1), lines(4))
    assert summarize(await poller.poll(seconds=60)) == [
        (DAY_1, 101, lines(4), True),
        (DAY_2, 0, lines(3), True),
        (WORLD_1, 101, lines(2), True),
    ]


async def test_first_row_of_several_missed_days_are_all_growth(poller: Poller, session: FakeSession) -> None:
    """After an outage over two midnights both new files are growth."""
    session.append(path_of(DAY_1), lines(1))
    await poller.poll()
    session.append(path_of(DAY_2), lines(2))
    session.append(path_of(DAY_3), lines(3))
    poller.memory = TailMemory()
    assert summarize(await poller.poll()) == [(DAY_2, 0, lines(2), True), (DAY_3, 0, lines(3), True)]


async def test_last_row_without_line_feed_comes_once_the_next_file_has_begun(
    poller: Poller, session: FakeSession
) -> None:
    """It is read once, without moving its cursor, and not while its file is the newest."""
    row = render(build_row("Ann", "Bob")).removesuffix(b"\n")
    session.write(path_of(DAY_1), line(1) + row)
    assert summarize(await poller.poll()) == [(DAY_1, 0, line(1), False)]
    assert await poller.poll(seconds=3600) == []
    session.write(path_of(DAY_2), line(2))
    found = await poller.poll(seconds=3600)
    at = Cursor(DAY_1, len(line(1)), digest_head(line(1)))
    end = Cursor(DAY_2, len(line(2)), digest_head(line(2)))
    assert found == [
        Chunk(at, at, at.offset, row + b"\n", is_growth=True, is_last_row=True),
        Chunk(None, end, 0, line(2), is_growth=True, head=line(2)),
    ]
    assert await poller.poll(seconds=3600) == []


async def test_previous_file_is_watched_for_a_while_after_a_new_one_appeared(
    poller: Poller, session: FakeSession
) -> None:
    """Rows that the game still writes to yesterday's file are read within a minute."""
    session.append(path_of(DAY_1), lines(1))
    await poller.poll()
    session.append(path_of(DAY_2), lines(2))
    for _ in range(5):
        await poller.poll(seconds=60)
    listings = poller.memory.listed_at
    session.append(path_of(DAY_1), lines(3))
    assert summarize(await poller.poll(seconds=60)) == [(DAY_1, 101, lines(3), True)]
    assert poller.memory.listed_at == listings


async def test_growth_of_an_older_file_is_found_within_the_hour(poller: Poller, session: FakeSession) -> None:
    """Unexpected growth is read in the end too."""
    for file in (DAY_1, DAY_2):
        session.append(path_of(file), lines(1))
    await poller.poll()
    session.append(path_of(DAY_1), lines(3))
    assert await poller.poll() == []
    assert summarize(await poller.poll(seconds=3600)) == [(DAY_1, 101, lines(3), True)]


async def test_file_that_may_not_be_read_is_told_and_not_in_the_way(
    poller: Poller, session: FakeSession
) -> None:
    """The others are read at every poll; the file is tried with growing pauses, until it is readable."""
    session.append(path_of(DAY_2), lines(2))
    await poller.poll()
    session.append(path_of(DAY_1), lines(1))
    session.denied = {path_of(DAY_1)}
    for number in range(3, 63):
        session.append(path_of(DAY_2), lines(number))
        assert await poller.poll_data() == lines(number)
    assert poller.tail.problems == (text("no permission for {path}", path=path_of(DAY_1)),)
    session.denied = set()
    chunks = [await poller.poll(seconds=60) for _ in range(3)]
    assert summarize([chunk for found in chunks for chunk in found]) == [(DAY_1, 0, lines(1), False)]
    assert poller.tail.problems == ()


async def test_file_that_was_denied_a_moment_ago_is_read_before_the_one_that_follows_it(
    poller: Poller, session: FakeSession
) -> None:
    """Otherwise it would be read seconds later, after newer rows."""
    session.append(path_of(DAY_1), lines(1))
    await poller.poll()
    session.append(path_of(DAY_1), lines(2))
    session.denied = {path_of(DAY_1)}
    assert await poller.poll(seconds=1) == []
    session.denied = set()
    session.append(path_of(DAY_2), lines(3))
    found = [chunk for _ in range(3) for chunk in await poller.poll(seconds=1)]
    assert [(chunk.after.file, chunk.data) for chunk in found] == [(DAY_1, lines(2)), (DAY_2, lines(3))]


async def test_what_a_denied_file_grew_by_is_judged_by_its_age(poller: Poller, session: FakeSession) -> None:
    """The time of its growth is unknown, so it is not growth; later growth is."""
    session.append(path_of(DAY_1), lines(1))
    await poller.poll()
    session.denied = {path_of(DAY_1)}
    session.append(path_of(DAY_1), lines(2))
    assert await poller.poll() == []
    session.denied = set()
    assert summarize(await poller.poll()) == [(DAY_1, 101, lines(2), False)]
    session.append(path_of(DAY_1), lines(3))
    assert await poller.poll_data() == lines(3)


async def test_thousands_of_files_that_cannot_be_read_cost_a_poll_some_dozen_tries(
    poller: Poller, session: FakeSession
) -> None:
    """Each of them has its tries, the files after them too, and the game's own file has every poll."""
    files = [
        LogFile("world_0", f"2024.01.01-00.{number // 60:02}.{number % 60:02}.csv") for number in range(300)
    ]
    for file in files:
        session.append(path_of(file), lines(1))
    good = files.pop()
    session.denied = {path_of(file) for file in files}
    read: list[LogFile] = []
    for number in range(2, 12):
        session.append(path_of(DAY_1), lines(number))
        before = len(session.tried)
        read += [chunk.after.file for chunk in await poller.poll()]
        assert len(session.tried) - before <= 2 * FAILURES_OF_A_POLL + 2
        assert read[-1] == DAY_1
    assert (read.count(good), read.count(DAY_1), len(read)) == (1, 10, 11)
    assert len(poller.tail.problems) == SHOWN_MAXIMUM
    session.denied = set()
    for _ in range(10):
        read += [chunk.after.file for chunk in await poller.poll(seconds=60)]
    assert set(read) == {*files, good, DAY_1}


async def test_file_that_is_another_one_at_each_look_ends_no_poll(
    poller: Poller, session: FakeSession
) -> None:
    """It is read again once, then skipped for a while, and the others are read."""

    class Flickering(FakeSession):
        looks = 0

        async def read_ranges(self, path: str, ranges: Sequence[tuple[int, int]]) -> tuple[bytes, ...]:
            self.looks += 1
            parts = await super().read_ranges(path, ranges)
            is_other = path.endswith(DAY_1.name) and self.looks % 2
            return tuple(part.replace(b".", b",") for part in parts) if is_other else parts

    session = Flickering()
    session.append(path_of(DAY_1), lines(*range(2 * CHUNK_BYTES // 100)))
    session.append(path_of(DAY_2), lines(1))
    poller.session = session
    chunks = await poller.poll()
    assert [chunk.after.file for chunk in chunks][-1] == DAY_2
    assert tuple(map(str, poller.tail.problems)) == (
        f"“{FOLDER}/{path_of(DAY_1)}” is a different file every time I look.",
    )
    assert session.looks < 10


async def test_what_an_import_left_out_is_no_growth_afterwards(poller: Poller, session: FakeSession) -> None:
    """It is history, although its cursor is at the beginning, and the polls report it."""
    session.append(path_of(DAY_1), lines(1))
    session.denied = {path_of(DAY_1)}
    poller.cursors = {DAY_1: Cursor(DAY_1)}
    await poller.tail.list_sizes()
    for _ in range(2):  # at once again it is not even tried
        with pytest.raises((RemotePermissionError, RemoteFailureError)):
            await anext(poller.tail.read_until(None, DAY_1, 101))
    assert (session.tried.count(path_of(DAY_1)), len(poller.tail.problems)) == (1, 1)
    session.denied = set()
    assert summarize(await poller.poll(seconds=10)) == [(DAY_1, 0, lines(1), False)]


async def test_first_rows_of_a_file_that_was_empty_at_an_import_are_growth(
    poller: Poller, session: FakeSession
) -> None:
    """Its cursor is at the beginning too, and all its rows came later."""
    session.append(path_of(DAY_1), b"")
    assert await poller.tail.list_sizes() == {DAY_1: 0}
    poller.cursors = {DAY_1: Cursor(DAY_1)}
    session.append(path_of(DAY_1), lines(1))
    assert await poller.poll_data() == lines(1)


@pytest.mark.parametrize("name", ["2099.01.01-00.00.00.csv", "2025.05.02-00.00.00.csv", "notes.csv"])
async def test_game_is_followed_though_another_file_sorts_behind_its_own(
    poller: Poller, session: FakeSession, name: str
) -> None:
    """A file of the future, or with any other name, does not hide the game's file: one poll is enough."""
    session.append(f"world_0/{name}", b"")
    session.append(path_of(DAY_1), lines(1))
    for _ in range(200):  # long after the files appeared
        await poller.poll()
    session.append(path_of(DAY_1), lines(2))
    assert await poller.poll_data() == lines(2)


async def test_new_day_is_growth_though_a_file_of_the_future_was_read(
    poller: Poller, session: FakeSession
) -> None:
    """A clock that was wrong for a moment does not silence later days."""
    future = LogFile("world_0", "2099.01.01-00.00.00.csv")
    for number, file in enumerate((DAY_1, future)):
        session.append(path_of(file), lines(number))
        await poller.poll(seconds=60)
    session.append(path_of(DAY_2), lines(2))
    assert summarize(await poller.poll(seconds=60)) == [(DAY_2, 0, lines(2), True)]
    assert list(await poller.tail.read_newest_lines()) == [line(2)[:-1]]


async def test_late_growth_is_found_when_the_bot_started_after_midnight(
    poller: Poller, session: FakeSession
) -> None:
    """The file before the newest is watched for a while after a start too."""
    for number, file in enumerate((DAY_1, DAY_2)):
        session.append(path_of(file), lines(number))
    for _ in range(3):
        await poller.poll(seconds=60)
    session.append(path_of(DAY_1), lines(3))
    assert summarize(await poller.poll(seconds=60)) == [(DAY_1, 101, lines(3), True)]


@pytest.mark.parametrize("kept", [(1,), (1, 2), ()])
async def test_truncated_file_is_read_again_from_its_beginning(
    poller: Poller, session: FakeSession, kept: tuple[int, ...]
) -> None:
    """A shorter file was rewritten, so its rows do not count as growth; later rows do."""
    session.append(path_of(DAY_1), lines(1, 2, 3))
    await poller.poll()
    session.write(path_of(DAY_1), lines(*kept))
    expected = [(DAY_1, 0, lines(*kept), False)] if kept else []
    assert summarize(await poller.poll()) == expected
    session.append(path_of(DAY_1), lines(4))
    assert b"".join(chunk.data for chunk in await poller.poll()) == lines(4)
    assert poller.cursors[DAY_1].offset == len(session.files[path_of(DAY_1)])


@pytest.mark.parametrize("numbers", [(7, 8, 9), (7, 8, 9, 10), (1, 8, 9), (1, 8, 9, 10, 11)])
async def test_rewritten_file_is_noticed_when_it_did_not_shrink(
    poller: Poller, session: FakeSession, numbers: tuple[int, ...]
) -> None:
    """The head shows a rewritten file, with an equal or a larger size."""
    session.append(path_of(DAY_1), lines(1, 2, 3))
    await poller.poll()
    session.write(path_of(DAY_1), lines(*numbers))
    assert summarize(await poller.poll()) == [(DAY_1, 0, lines(*numbers), False)]
    session.append(path_of(DAY_1), lines(12))
    assert await poller.poll_data() == lines(12)


async def test_rewritten_file_is_noticed_when_the_cursor_stands_inside_a_line(
    poller: Poller, session: FakeSession
) -> None:
    """With an equal head, a missing line feed before the cursor shows it."""
    head = lines(1, 2, 3)
    session.append(path_of(DAY_1), head + lines(4))
    await poller.poll()
    changed = head + line(5, 300)
    session.write(path_of(DAY_1), changed)
    assert summarize(await poller.poll()) == [(DAY_1, 0, changed, False)]


async def test_file_replaced_while_the_bot_was_down_is_noticed(poller: Poller, session: FakeSession) -> None:
    """The head is part of the stored cursor."""
    session.append(path_of(DAY_1), lines(1))
    await poller.poll()
    session.write(path_of(DAY_1), lines(2))
    poller.memory = TailMemory()
    assert summarize(await poller.poll()) == [(DAY_1, 0, lines(2), False)]


async def test_short_head_of_an_early_cursor_grows_with_the_file(
    poller: Poller, session: FakeSession
) -> None:
    """The head of an early cursor covers one short line, that of the next one more."""
    session.append(path_of(DAY_1), b"a\n")
    await poller.poll()
    session.append(path_of(DAY_1), lines(1, 2, 3))
    await poller.poll()
    assert poller.cursors[DAY_1].head == digest_head((b"a\n" + lines(1, 2, 3))[:HEAD_BYTES])


async def test_restored_old_file_is_read_and_is_no_growth(poller: Poller, session: FakeSession) -> None:
    """A file that sorts before a read one comes from a backup."""
    session.append(path_of(DAY_2), lines(2))
    await poller.poll()
    session.write(path_of(DAY_1), lines(1))
    assert summarize(await poller.poll(seconds=60)) == [(DAY_1, 0, lines(1), False)]


async def test_world_never_read_before_is_no_growth(poller: Poller, session: FakeSession) -> None:
    """A folder of old logs next to the worlds must not flood a channel."""
    session.append(path_of(DAY_1), lines(1))
    await poller.poll()
    session.write(path_of(WORLD_1), lines(2))
    assert summarize(await poller.poll(seconds=60)) == [(WORLD_1, 0, lines(2), False)]
    session.append(path_of(WORLD_1), lines(3))
    assert await poller.poll_data() == lines(3)


async def test_byte_order_mark_is_part_of_the_bytes(poller: Poller, session: FakeSession) -> None:
    """Offsets count all bytes of the file."""
    data = b"\xef\xbb\xbf" + lines(1)
    session.append(path_of(DAY_1), data)
    assert [chunk.data for chunk in await poller.poll()] == [data]


async def test_deleted_file_and_folder_are_no_end(poller: Poller, session: FakeSession) -> None:
    """If the newest file is deleted, the file before it is followed."""
    session.append(path_of(DAY_1), lines(1))
    session.append(path_of(DAY_2), lines(2))
    await poller.poll()
    session.remove(path_of(DAY_2))
    assert await poller.poll() == []
    session.append(path_of(DAY_1), lines(3))
    assert summarize(await poller.poll()) == [(DAY_1, 101, lines(3), True)]


async def test_missing_folder_is_told_as_missing_logs(session: FakeSession) -> None:
    """The error is a sentence for the admin, not a traceback."""
    with pytest.raises(LogsMissingError, match="is gone"):
        await Poller(session, folder="elsewhere").poll()


async def test_large_file_comes_in_chunks_of_whole_lines(poller: Poller, session: FakeSession) -> None:
    """A long history becomes many transactions, one after another."""
    data = b"".join(line(number, 150) for number in range(12_000))
    session.append(path_of(DAY_1), data)
    chunks = await poller.poll()
    assert b"".join(chunk.data for chunk in chunks) == data
    assert [len(chunk.data) <= CHUNK_BYTES for chunk in chunks] == [True] * 4


async def test_file_replaced_between_two_chunks_is_begun_again(poller: Poller, session: FakeSession) -> None:
    """Each chunk is checked by the head, so halves of two files are never joined."""
    old = b"".join(line(number, 150) for number in range(8_000))
    new = b"".join(line(number, 150) for number in range(8_000, 9_000))
    session.append(path_of(DAY_1), old)
    found: list[Chunk] = []
    async for chunk in poller.tail.read_on({}):
        poller.store(chunk)
        found.append(chunk)
        session.files[path_of(DAY_1)] = new
    assert (found[0].start, found[1].start, found[1].is_growth) == (0, 0, False)
    assert b"".join(chunk.data for chunk in found[1:]) == new


async def test_interrupted_poll_is_continued_from_the_durable_cursor(
    poller: Poller, session: FakeSession
) -> None:
    """A chunk that was not stored is read again, even if the file has not changed."""
    session.append(path_of(DAY_1), b"".join(line(number, 150) for number in range(8_000)))
    chunks = poller.tail.read_on({})
    poller.store(await anext(chunks))
    await anext(chunks)
    await chunks.aclose()
    stored = poller.cursors[DAY_1].offset
    assert (await poller.poll())[0].start == stored


async def test_line_feeds_come_in_chunks_of_some_thousands(poller: Poller, session: FakeSession) -> None:
    """Half a megabyte of empty lines becomes many transactions, read once, and so is the row after them."""
    data = b"\n" * (CHUNK_BYTES - 50) + lines(1)
    session.append(path_of(DAY_1), data)
    chunks = await poller.poll()
    assert b"".join(chunk.data for chunk in chunks) == data
    assert max(chunk.data.count(b"\n") for chunk in chunks) == CHUNK_LINES
    assert len(session.opened) == 2
    assert await poller.poll() == []


async def test_line_longer_than_a_chunk_is_passed_over_and_shown_by_its_beginning(
    poller: Poller, session: FakeSession
) -> None:
    """Even 8 MiB without a line feed do not stop later rows, which come in chunks of the usual size."""
    long_line = b"x" * (8 * 1024 * 1024) + b"\n"
    behind = b"".join(line(number) for number in range(2, 8_002))
    session.append(path_of(DAY_1), lines(1) + long_line + behind)
    first, passed, *rest = await poller.poll()
    assert first.data == lines(1)
    assert (passed.start, passed.data) == (101, b"x" * SHOWN_BYTES + b"\n")
    assert passed.after.offset == rest[0].start == 101 + len(long_line)
    assert b"".join(chunk.data for chunk in rest) == behind
    assert max(len(chunk.data) for chunk in rest) <= CHUNK_BYTES


async def test_line_without_end_is_looked_through_a_part_at_a_poll(
    poller: Poller, session: FakeSession
) -> None:
    """The next poll continues the search, and other files are read in between."""
    long_line = b"x" * (3 * PASSED_BYTES) + b"\n"
    session.append(path_of(DAY_1), long_line + lines(1))
    polls = 0
    while DAY_1 not in poller.cursors:
        session.append(path_of(WORLD_1), lines(polls))
        assert [chunk.data for chunk in await poller.poll()][-1] == lines(polls)
        polls += 1
    assert polls == 4
    assert poller.cursors[DAY_1].offset == len(long_line) + len(lines(1))


async def test_line_without_end_waits_while_it_is_unfinished(poller: Poller, session: FakeSession) -> None:
    """An endless line is searched only after it has grown, from the old position."""
    session.append(path_of(DAY_1), b"x" * (4 * CHUNK_BYTES))
    assert await poller.poll() == []
    session.opened.clear()
    assert (await poller.poll(), session.opened) == ([], [])
    session.append(path_of(DAY_1), b"x\n" + lines(1))
    assert [chunk.data for chunk in await poller.poll()] == [b"x" * SHOWN_BYTES + b"\n", lines(1)]
    assert len(session.opened) == 4  # the byte before the cursor, the rest, the shown part, the rows after it


async def test_other_file_under_the_name_of_a_line_without_end_is_read_from_its_beginning(
    poller: Poller, session: FakeSession
) -> None:
    """The old position belongs to the file with the old beginning."""
    session.append(path_of(DAY_1), b"x" * (4 * CHUNK_BYTES))
    assert await poller.poll() == []
    session.write(path_of(DAY_1), b"y" * CHUNK_BYTES + b"\n" + lines(*range(20_000)))
    chunks = await poller.poll()
    assert chunks[0].data == b"y" * SHOWN_BYTES + b"\n"
    assert b"".join(chunk.data for chunk in chunks[1:]) == lines(*range(20_000))


@pytest.mark.parametrize("hole", [CHUNK_BYTES, CHUNK_BYTES + 1, PASSED_BYTES, 100 * 2**30 + 12_345])
async def test_row_behind_a_hole_is_read_and_the_hole_leapt_over(
    poller: Poller, session: FakeSession, hole: int
) -> None:
    """A file that was emptied under its writer begins with NULs; 100 GB of them cost some dozen requests."""
    session.write(path_of(DAY_1), SparseFile(hole, lines(1, 2)))
    chunks = await poller.poll() + await poller.poll()
    assert b"".join(chunk.data for chunk in chunks) == lines(1, 2)
    assert (chunks[0].start, poller.cursors[DAY_1].offset) == (hole, hole + 202)
    assert len(session.opened) < 150


async def test_hole_without_anything_behind_it_is_looked_through_once(
    poller: Poller, session: FakeSession
) -> None:
    """It is searched again only after a change of the file."""
    session.write(path_of(DAY_1), SparseFile(100 * 2**30, b""))
    assert await poller.poll() + await poller.poll() == []
    session.opened.clear()
    assert (await poller.poll(), session.opened) == ([], [])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.integers(0, 5).map(lambda size: b"\0" * (size * 250_000)),
            st.integers(0, 3).map(lambda size: b"x" * (size * 300_000)),
            st.just(b"\n"),
            st.integers(1, 9).map(line),
        ),
        max_size=8,
    )
)
async def test_every_row_is_read_whatever_long_lines_stand_between(parts: list[bytes]) -> None:
    """Each row that is short enough and follows a line feed or NULs is read."""
    session, poller = FakeSession(), Poller(FakeSession())
    poller.session = session
    data = b"".join(parts)
    session.write(path_of(DAY_1), data)
    chunks = await poller.poll() + await poller.poll()
    found = [one.strip(b"\0") for chunk in chunks for one in chunk.data.splitlines()]
    expected = [one.strip(b"\0") for one in cut_whole_lines(data).splitlines()]
    assert [one for one in found if len(one) < 2048] == [one for one in expected if len(one) < 2048]
    assert [len(one) >= 2048 for one in found] == [len(one) >= 2048 for one in expected]


async def test_files_that_went_long_ago_are_those_before_hundreds_of_others(
    poller: Poller, session: FakeSession
) -> None:
    """A cursor stays if its file may come back soon, or if it is unknown whether the file is deleted."""
    session.append(path_of(DAY_3), lines(1))
    await poller.poll()
    gone = [
        LogFile("world_0", f"2020.01.01-00.{number // 60:02}.{number % 60:02}.csv") for number in range(450)
    ]
    cursors = {file: Cursor(file, 1) for file in [*gone, DAY_3]}
    assert poller.tail.list_gone(cursors) == gone[:50]
    assert list(poller.tail.list_gone({file: Cursor(file, 1) for file in [*gone[50:], DAY_3]})) == []
    assert poller.memory.listing is not None
    poller.memory.listing = replace(poller.memory.listing, refused=(text("world_1 may not be listed"),))
    assert list(poller.tail.list_gone(cursors)) == []
    poller.memory = TailMemory()
    assert list(poller.tail.list_gone(cursors)) == []


async def test_what_is_known_of_files_goes_with_them(poller: Poller, session: FakeSession) -> None:
    """Four hundred files that come and go leave nothing in memory."""
    session.append(path_of(DAY_1), lines(1))
    for number in range(20):
        world = f"other_{number}"
        session.append(f"{world}/{number}.csv", lines(number))
        await poller.poll(seconds=60)
        session.remove(f"{world}/{number}.csv")
        del session.folder_times[world]
    await poller.poll(seconds=3600)
    memory = poller.memory
    assert (set(memory.sizes), set(memory.read_out), set(memory.appeared)) == ({DAY_1}, {DAY_1}, {"world_0"})


async def test_host_that_promises_too_much_gives_what_there_is(poller: Poller, session: FakeSession) -> None:
    """A false size costs one read, not a search for missing bytes."""
    session.append(path_of(DAY_1), lines(1))
    await poller.poll()
    session.size_lie = 10_000
    session.append(path_of(DAY_1), lines(2))
    before = session.requests
    assert await poller.poll_data() == lines(2)
    assert session.requests - before == 5  # stat, open, head, data, close
    session.size_lie = 0


async def test_quiet_poll_is_one_request_and_reads_nothing(poller: Poller, session: FakeSession) -> None:
    """Only the size of the newest file of a world is requested."""
    for file in (DAY_1, DAY_2):
        session.append(path_of(file), lines(1))
    await poller.poll()
    session.opened.clear()
    before = session.requests
    assert await poller.poll() == []
    assert (session.requests - before, session.opened) == (1, [])


async def test_quiet_hour_costs_little_more_than_a_round_trip_a_poll(
    poller: Poller, session: FakeSession
) -> None:
    """Folders are checked together with the files, and listed once an hour."""
    for file in (DAY_1, DAY_2):
        session.append(path_of(file), lines(1))
    await poller.poll()
    session.opened.clear()
    requests, round_trips = session.requests, session.round_trips
    for _ in range(720):
        assert await poller.poll() == []
    assert (session.round_trips - round_trips) / 720 <= 1.05
    assert (session.requests - requests) / 720 <= 1.65
    assert session.opened == []


@pytest.mark.parametrize("polls_before", range(36, 49))
async def test_new_file_is_found_within_ten_seconds(
    poller: Poller, session: FakeSession, polls_before: int
) -> None:
    """A folder with a changed time is listed at once, whichever poll follows the new file."""
    session.append(path_of(DAY_1), lines(1))
    for _ in range(polls_before):
        await poller.poll()
    session.append(path_of(DAY_2), lines(2))
    chunks = [await poller.poll(seconds=5) for _ in range(2)]
    assert summarize([chunk for found in chunks for chunk in found]) == [(DAY_2, 0, lines(2), True)]


@pytest.mark.parametrize("seconds", [10, 30])
async def test_slow_polls_find_a_new_file_at_once(
    poller: Poller, session: FakeSession, seconds: float
) -> None:
    """With polls every ten seconds or more, each one checks the folder."""
    session.append(path_of(DAY_1), lines(1))
    for _ in range(20):
        await poller.poll(seconds=seconds)
    session.append(path_of(DAY_2), lines(2))
    assert summarize(await poller.poll(seconds=seconds)) == [(DAY_2, 0, lines(2), True)]


async def test_host_whose_folder_times_stand_still_is_listed_as_rarely_as_before(
    poller: Poller, session: FakeSession
) -> None:
    """A new file is found at the hourly listing, and quiet polls cost no more."""
    session.append(path_of(DAY_1), lines(1))
    for _ in range(40):
        await poller.poll()
    times = dict(session.folder_times)
    session.append(path_of(DAY_2), lines(2))
    session.folder_times = times
    requests = session.requests
    for _ in range(600):
        assert await poller.poll() == []
    assert (session.requests - requests) / 600 <= 1.65
    assert len(await poller.poll(seconds=3600)) == 1


async def test_folder_without_a_time_is_listed_at_each_twelfth_poll_and_not_more_often(
    poller: Poller, session: FakeSession
) -> None:
    """A listing is five requests or more, so a host without folder times is not listed at every poll."""
    session.append(path_of(DAY_1), lines(1))
    session.folder_times = dict.fromkeys(session.folder_times, 0)
    for _ in range(40):
        await poller.poll()
    listings: list[float] = []
    for _ in range(120):
        await poller.poll()
        listings.append(poller.memory.listed_at)
    assert len(set(listings)) <= 11


async def test_host_that_was_seen_to_show_false_folder_times_is_listed_like_one_that_shows_none(
    poller: Poller, session: FakeSession
) -> None:
    """The first new file is found at midnight or within the hour, later ones within a minute."""
    session.append(path_of(DAY_1), lines(1))
    for _ in range(40):
        await poller.poll()
    times = dict(session.folder_times)
    session.append(path_of(DAY_2), lines(2))
    session.folder_times = times
    assert len(await poller.poll(seconds=3600)) == 1
    for _ in range(40):
        await poller.poll()
    session.append(path_of(DAY_3), lines(3))
    session.folder_times = times
    chunks = [await poller.poll() for _ in range(12)]
    assert summarize([chunk for found in chunks for chunk in found]) == [(DAY_3, 0, lines(3), True)]


async def test_folder_that_is_gone_is_noticed_and_no_failure(poller: Poller, session: FakeSession) -> None:
    """A whole world may be deleted; the same poll reads the others."""
    session.append(path_of(DAY_1), lines(1))
    session.append(path_of(WORLD_1), lines(1))
    for _ in range(40):
        await poller.poll()
    session.remove(path_of(WORLD_1))
    del session.folder_times["world_1"]
    session.append(path_of(DAY_1), lines(2))
    assert await poller.poll_data(seconds=60) == lines(2)
    assert set(poller.memory.sizes) == {DAY_1}


async def test_new_file_is_found_when_it_came_in_the_second_of_a_listing(
    poller: Poller, session: FakeSession
) -> None:
    """Folder times have whole seconds, so an equal time right after a change proves nothing."""
    session.append(path_of(DAY_1), lines(1))
    await poller.poll()
    times = dict(session.folder_times)
    session.append(path_of(DAY_2), lines(2))
    session.folder_times = times
    chunks = [await poller.poll() for _ in range(12)]
    assert summarize([chunk for found in chunks for chunk in found]) == [(DAY_2, 0, lines(2), True)]


async def test_new_file_is_found_by_very_fast_polls_though_its_folder_shows_no_change(
    poller: Poller, session: FakeSession
) -> None:
    """Twelve polls within one second do not count as a check one second later."""
    session.append(path_of(DAY_1), lines(1))
    for _ in range(20):
        await poller.poll(seconds=0.01)
    times = dict(session.folder_times)
    session.append(path_of(DAY_2), lines(2))
    session.folder_times = times
    chunks = [await poller.poll(seconds=0.01) for _ in range(12)]
    assert len([chunk for found in chunks for chunk in found]) == 1


@pytest.mark.parametrize(("local_now", "is_found"), [(NOON.replace(hour=0), True), (NOON, False)])
async def test_folder_is_listed_around_midnight_though_its_time_tells_nothing(
    poller: Poller, session: FakeSession, local_now: datetime, *, is_found: bool
) -> None:
    """Around midnight the folder times are ignored, because new files are due."""
    session.append(path_of(DAY_1), lines(1))
    for _ in range(40):
        await poller.poll()
    times = dict(session.folder_times)
    session.append(path_of(DAY_2), lines(2))
    session.folder_times = times
    poller.local_now = local_now
    assert bool(await poller.poll(seconds=60)) is is_found


async def test_folder_without_a_time_is_listed_at_every_look(poller: Poller, session: FakeSession) -> None:
    """A host without folder times is listed."""
    session.append(path_of(DAY_1), lines(1))
    session.folder_times = dict.fromkeys(session.folder_times, 0)
    for _ in range(40):
        await poller.poll()
    session.append(path_of(DAY_2), lines(2))
    session.folder_times = dict.fromkeys(session.folder_times, 0)
    assert len(await poller.poll(seconds=60)) == 1


async def test_folder_of_many_names_is_listed_as_rarely_as_it_is_dear(
    poller: Poller, session: FakeSession
) -> None:
    """A host with ever changing folder times is not listed at every poll."""
    for number in range(6_000):
        session.write(f"world_0/2024.01.01-{number:06}.csv", b"")
    session.write(path_of(DAY_1), lines(1))
    await poller.poll()
    listings = []
    for _ in range(60):
        session.write("world_0/new.txt", b"")
        session.remove("world_0/new.txt")
        session.remove(path_of(DAY_1)) if path_of(DAY_1) in session.files else session.append(
            path_of(DAY_1), lines(1)
        )
        before = session.scans
        await poller.poll(seconds=1)
        listings.append(session.scans - before)
    assert sum(listings) // 2 <= 60 * 200 // 5_000


class SlowFolders(FakeSession):
    """A host that takes ten seconds for each folder."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.clock = clock

    async def scan(
        self, path: str, take: Callable[[RemoteEntry], None], *, budget: ListingBudget
    ) -> FolderScan:
        """Let the time pass."""
        self.clock.move(10)
        return await super().scan(path, take, budget=budget)


async def test_listing_that_took_long_is_not_repeated_for_long() -> None:
    """Listings take a small part of the time, even at a very slow host."""
    clock = FakeClock()
    session = SlowFolders(clock)
    session.write(path_of(DAY_1), lines(1))
    poller = Poller(session, clock=clock)
    await poller.poll()
    for _ in range(70):
        session.write("world_0/new.txt", b"")
        session.remove("world_0/new.txt")
        await poller.poll()
    assert session.scans == 2
    for _ in range(10):
        await poller.poll()
    assert session.scans == 4


@pytest.mark.fault
async def test_known_logs_are_read_on_when_a_listing_is_torn(poller: Poller, session: FakeSession) -> None:
    """An invalid answer does not remove the known logs."""
    session.write(path_of(DAY_1), lines(1))
    await poller.poll()
    session.garbled.add("world_0")
    session.append(path_of(DAY_1), lines(2))
    assert await poller.poll_data(seconds=3600) == lines(2)
    assert poller.tail.problems == (text("garbled {path}", path="world_0"),)
    session.garbled.add("")
    session.append(path_of(DAY_1), lines(5))
    assert await poller.poll_data(seconds=3600) == lines(5)
    assert poller.tail.problems == (text("garbled {path}", path=""),)
    session.garbled.clear()
    session.append(path_of(DAY_1), lines(3))
    session.write(path_of(DAY_2), lines(4))
    assert await poller.poll_data(seconds=3600) == lines(3, 4)
    assert poller.tail.problems == ()


async def test_fresh_server_is_read_from_its_first_death_on(poller: Poller, session: FakeSession) -> None:
    """The first death creates the folder, and the time of the folder above shows it."""
    session.has_logs = False
    assert await poller.poll() == []
    [sentence] = map(str, poller.tail.problems)
    assert "has no folder “deathlogs” yet" in sentence
    session.has_logs = True
    session.write(path_of(DAY_1), lines(1))
    chunks = await poller.poll(seconds=60)
    assert b"".join(chunk.data for chunk in chunks) == lines(1)
    assert poller.tail.problems == ()


async def test_newest_lines_are_those_of_the_newest_file_that_holds_any(
    poller: Poller, session: FakeSession
) -> None:
    """Lines that are cut at the front or at the end do not count; all worlds do, read or not."""
    session.append(path_of(DAY_1), b"".join(line(number) for number in range(200)) + b"cut")
    session.append(path_of(DAY_2), b"")
    session.append(path_of(WORLD_1), lines(7, 8))
    found = list(await poller.tail.read_newest_lines())
    assert found == [*(line(number)[:-1] for number in range(119, 200)), *(lines(7, 8).splitlines())]
    session.append(path_of(DAY_2), lines(9))
    await poller.poll(seconds=60)
    assert list(await poller.tail.read_newest_lines(back=1)) == found[: -len(lines(7, 8).splitlines())]
    assert list(await poller.tail.read_newest_lines(back=2)) == []


async def test_newest_lines_may_be_asked_for_between_two_chunks(poller: Poller, session: FakeSession) -> None:
    """The newest lines are needed only when a chunk is there; reading goes on afterwards."""
    for number, file in enumerate((DAY_1, DAY_2, WORLD_1)):
        session.append(path_of(file), lines(number))
    data: list[bytes] = []
    async for chunk in poller.tail.read_on({}):
        data.append(chunk.data)
        assert list(await poller.tail.read_newest_lines()) == [line(1)[:-1], line(2)[:-1]]
    assert data == [lines(0), lines(1), lines(2)]


async def collect(poller: Poller, cursor: Cursor | None, end: int) -> list[Chunk]:
    """Read the history of the first day up to a byte."""
    return [chunk async for chunk in poller.tail.read_until(cursor, DAY_1, end)]


async def test_history_ends_at_the_fixed_byte(poller: Poller, session: FakeSession) -> None:
    """Bytes after the fixed size are not read, and neither is a line that it cuts."""
    session.append(path_of(DAY_1), lines(1, 2, 3))
    assert await poller.tail.list_sizes() == {DAY_1: 303}
    (chunk,) = await collect(poller, None, 250)
    assert (chunk.data, chunk.before, chunk.after.offset) == (lines(1, 2), None, 202)
    (chunk,) = await collect(poller, chunk.after, 303)
    assert chunk.data == lines(3)
    assert await collect(poller, chunk.after, 303) == []


async def test_history_of_a_file_that_shrank_is_what_is_left_of_it(
    poller: Poller, session: FakeSession
) -> None:
    """The fixed size is a limit, not a promise."""
    session.append(path_of(DAY_1), lines(1))
    (chunk,) = await collect(poller, None, 10_000_000)
    assert chunk.data == lines(1)
    assert len(session.opened) == 1


async def test_history_of_a_missing_file_is_told(poller: Poller) -> None:
    """The import decides how to handle it."""
    with pytest.raises(RemoteFileMissingError):
        await collect(poller, None, 10)


def list_rows(count: int, *, skip: int = 0) -> list[DeathRow]:
    """Return rows of a battle."""
    return list(islice(Battle(5, players=20).rows(), skip, skip + count))


@dataclass(slots=True)
class RealPoller:
    """Polls a real host over the pool."""

    host: GameHost
    pool: SftpConnectionPool
    folder: str
    poller: Poller | None = None

    async def poll(self) -> list[Chunk]:
        """Take a connection, like every poll, and read on."""
        async with self.pool.lend(GUILD, self.host.login("renter"), guild_limit=1) as session:
            if self.poller is None:
                self.poller = Poller(session, folder=self.folder)
            self.poller.session = session
            return await self.poller.poll()

    @property
    def cursors(self) -> Mapping[LogFile, Cursor]:
        """Return the cursors."""
        return self.poller.cursors if self.poller else {}


@pytest.fixture(name="game")
def _game(root: Path) -> GameServerFiles:
    return GameServerFiles(root)


@pytest.fixture(name="real")
def _real(host: GameHost, pool: SftpConnectionPool, root: Path, game: GameServerFiles) -> RealPoller:
    return RealPoller(host, pool, str(game.deathlogs.relative_to(root)))


async def test_real_host_is_tailed_over_cut_lines_and_midnight(
    real: RealPoller, game: GameServerFiles
) -> None:
    """Rows of two days, one of them read in the middle of its write, arrive complete and in order."""
    rows = list_rows(5)
    late = build_row("Ann", "Bob", second=86_400)
    game.append(*rows[:2])
    assert [chunk.data for chunk in await real.poll()] == [render(*rows[:2])]
    game.append_cut(rows[2], kept_bytes=30)
    assert await real.poll() == []
    game.finish_cut()
    assert [chunk.data for chunk in await real.poll()] == [render(rows[2])]
    game.append(rows[3], late)
    real.poller.memory = TailMemory()  # type: ignore[union-attr]
    assert [chunk.data for chunk in await real.poll()] == [render(rows[3]), render(late)]


@pytest.mark.parametrize("how", ["rewrite", "replace"])
async def test_real_host_that_rewrites_a_file_is_noticed(
    real: RealPoller, game: GameServerFiles, how: str
) -> None:
    """The file is rewritten in place, or replaced by another one of the same size."""
    rows = list_rows(4)
    game.append(*rows[:2])
    await real.poll()
    other = list_rows(2, skip=2)
    getattr(game, how)(*other)
    stat = game.current().stat()
    os.utime(game.current(), (stat.st_atime, stat.st_mtime + 5))
    assert [(chunk.start, chunk.data, chunk.is_growth) for chunk in await real.poll()] == [
        (0, render(*other), False)
    ]


async def test_real_host_is_asked_once_by_a_quiet_poll(
    real: RealPoller, game: GameServerFiles, host: GameHost
) -> None:
    """A quiet poll is one stat, without reading a log."""
    game.append(*list_rows(3))
    await real.poll()
    host.requests.clear()
    assert await real.poll() == []
    assert dict(host.requests) == {"stat": 1}


@pytest.mark.fault
async def test_real_host_that_cuts_the_line_loses_no_row(
    real: RealPoller, game: GameServerFiles, host: GameHost
) -> None:
    """After a cut in the middle of a read the next poll goes on from the cursor."""
    rows = list_rows(50)
    game.append(*rows[:2])
    await real.poll()
    game.append(*rows[2:])
    host.faults.cut_after_bytes = 500
    with pytest.raises(Exception, match="closed the connection"):
        await real.poll()
    host.faults.clear()
    assert b"".join(chunk.data for chunk in await real.poll()) == render(*rows[2:])
