"""Write-behind: every error is stored exactly once, through outages and lost answers."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.fakes.clock import START, FakeClock
from utils.clock import SystemClock
from utils.database.core.database import SafeDatabase
from utils.database.process.connection import SafeMongoDBConnection
from utils.database.process.embedded import EmbeddedMongod
from utils.database.repositories.errors import ErrorRepository
from utils.error_sink import ErrorSource, Where
from utils.errors import StorageUnavailableError
from utils.models.error_groups import (
    ErrorCategory,
    ErrorGroup,
    GroupDelta,
    GroupState,
    GroupWrite,
    TopCount,
)
from utils.models.incidents import WHOLE_BOT
from utils.models.scope import GuildId, MemberId
from utils.tasks import beside
from utils.telemetry.error_writer import ErrorWriter
from utils.telemetry.errors import ErrorTelemetry
from utils.telemetry.fingerprints import OVERFLOW
from utils.telemetry.group_merging import merge, merge_deltas
from utils.telemetry.pending_file import PENDING_NAME, PendingCounts, take_pending, write_pending

GUILD, OTHER = GuildId(42), GuildId(43)
KINDS = [type(f"Kind{number}Error", (Exception,), {}) for number in range(6)]


class Flaky(ErrorRepository):
    """A storage that fails before a write, or loses its answer.

    Attributes:
        failures: for each of the next writes: whether it happens although it fails.
        writes: the number of tries.
    """

    failures: Sequence[bool] = ()
    writes = 0

    async def write(self, writes: Sequence[GroupWrite], parcel_id: str) -> None:
        """Fail as planned."""
        self.writes += 1
        if not self.failures:
            await super().write(writes, parcel_id)
            return
        happens, *self.failures = self.failures
        if happens:
            await super().write(writes, parcel_id)
        raise StorageUnavailableError("no answer")


class Desk:
    """Telemetry, its writer, and its storage."""

    def __init__(self, database: SafeDatabase, folder: Path, *, most_stored: int = 300) -> None:
        self.clock = FakeClock()
        self.store = Flaky(database)
        self.errors = ErrorTelemetry(self.clock)
        self.folder = folder
        self.most_stored = most_stored
        self.writer = self.build_writer()

    def build_writer(self) -> ErrorWriter:
        """Return the writer of a process."""
        return ErrorWriter(
            self.errors, self.store, folder=self.folder, clock=self.clock, most_stored=self.most_stored
        )

    def fail(self, kind: int = 0, guild_id: GuildId = GUILD, *, times: int = 1, member: int = 7) -> str:
        """Report errors; return their reference."""
        where = Where(
            source=ErrorSource.COMMAND, guild_id=guild_id, member_id=MemberId(member), command="stats"
        )
        for _ in range(times - 1):
            self.errors.report(KINDS[kind](), where=where)
        return self.errors.report(KINDS[kind](), where=where)

    async def count(self, guild_id: GuildId) -> Mapping[str, int]:
        """Return the stored counts by class; those of the hours are equal."""
        groups, _ = await self.store.list_groups(guild_id, limit=1000)
        hours = await self.store.count_hours(
            guild_id, [group.fingerprint for group in groups], since=START - timedelta(days=1)
        )
        for group in groups:
            assert sum(hours[group.fingerprint].values()) == group.count
        return {group.error_type.rpartition(".")[2]: group.count for group in groups}


@pytest.fixture(name="desk")
def _desk(database: SafeDatabase, tmp_path: Path) -> Desk:
    return Desk(database, tmp_path)


async def test_counts_are_stored_by_guild_and_for_the_whole_bot(desk: Desk) -> None:
    """Two guilds with the same error have a group each; only the whole bot's names them."""
    reference = desk.fail(times=3)
    assert desk.fail(guild_id=OTHER, times=2, member=8) == reference
    await desk.writer.write_all()
    desk.fail(times=2, member=9)
    await desk.writer.write_all()
    own = await desk.store.find_group(GUILD, reference)
    assert own is not None
    assert own == ErrorGroup(
        fingerprint=own.fingerprint,
        reference=reference,
        category=ErrorCategory.COMMAND,
        error_type=own.error_type,
        place="nowhere",
        count=5,
        first_seen_at=START,
        last_seen_at=START,
        commands=(TopCount("stats", 5),),
        members=(TopCount(7, 3), TopCount(9, 2)),
        samples=own.samples,
    )
    assert len(own.samples) == 3
    whole = await desk.store.find_group(WHOLE_BOT, reference)
    assert whole is not None
    assert (whole.count, whole.members, whole.servers) == (7, (), ())
    assert whole.guilds == (TopCount(GUILD, 5), TopCount(OTHER, 2))
    assert await desk.count(OTHER) == {"Kind0Error": 2}
    assert await desk.store.find_group(OTHER, "ZZZZZZ") is None


@pytest.mark.parametrize(
    "failures", [[False], [True], [True, True, False], [False, True, True, True]], ids=str
)
async def test_lost_answers_and_outages_count_nothing_twice(desk: Desk, failures: list[bool]) -> None:
    """A parcel is written until that is known to have succeeded; in between errors are counted in memory."""
    desk.fail(times=5)
    desk.store.failures = failures
    for _ in failures:
        with pytest.raises(StorageUnavailableError):
            await desk.writer.write_once()
        desk.fail(1, times=2)
    await desk.writer.write_all()
    expected = {"Kind0Error": 5, "Kind1Error": 2 * len(failures)}
    assert (await desk.count(GUILD), await desk.count(WHOLE_BOT)) == (expected, expected)


async def test_two_processes_add_to_one_group_of_the_whole_bot(desk: Desk, database: SafeDatabase) -> None:
    """Each writes what it counted, also at the same moment."""
    other = Desk(database, desk.folder)
    desk.fail(times=3)
    other.fail(guild_id=OTHER, times=4)
    plans = [desk.errors.counts.take(9), other.errors.counts.take(9)]
    for place, deltas in enumerate(plans):  # both found no group before
        await desk.store.write([merge(None, delta) for delta in deltas], f"parcel{place}")
    assert await desk.count(WHOLE_BOT) == {"Kind0Error": 7}


async def test_what_was_not_written_at_the_end_is_written_by_the_next_process(desk: Desk) -> None:
    """The parcel whose answer was lost is not counted twice either."""
    desk.fail(times=5)
    desk.store.failures = [True, False]
    with pytest.raises(StorageUnavailableError):
        await desk.writer.write_once()
    desk.fail(1, times=2)
    await desk.writer.finish()
    file = desk.folder / PENDING_NAME
    assert file.stat().st_mode & 0o077 == 0
    desk.errors = ErrorTelemetry(desk.clock)
    following = desk.build_writer()
    following.load_pending()
    assert not file.exists()
    await following.write_all()
    await following.finish()
    assert await desk.count(GUILD) == {"Kind0Error": 5, "Kind1Error": 2}
    assert not file.exists()


async def test_groups_beyond_the_limit_are_counted_together(database: SafeDatabase, tmp_path: Path) -> None:
    """A guild keeps its first groups; the whole bot's limit is another one."""
    desk = Desk(database, tmp_path, most_stored=2)
    for kind in (0, 1):
        desk.fail(kind)
    await desk.writer.write_all()
    for kind in (0, 2, 3, 4):
        desk.fail(kind, times=2)
    await desk.writer.write_all()
    desk.fail(5)
    await desk.writer.write_all()
    assert await desk.count(GUILD) == {"Kind0Error": 3, "Kind1Error": 1, "overflow": 7}
    assert len(await desk.count(WHOLE_BOT)) == 6
    found = await desk.store.find_groups(GUILD, [OVERFLOW])
    assert (found[OVERFLOW].commands, found[OVERFLOW].samples) == ((), ())


async def test_group_opens_again_after_it_was_resolved(desk: Desk) -> None:
    """Errors of the next ten minutes may have been on their way; a later one is a regression."""
    reference = desk.fail()
    await desk.writer.write_all()
    group = await desk.store.find_group(GUILD, reference)
    assert group is not None
    await desk.store.resolve(GUILD, group.fingerprint, at=START, by=MemberId(1))
    states = []
    for seconds in (600, 1):
        desk.clock.move(seconds)
        desk.fail()
        await desk.writer.write_all()
        group = await desk.store.find_group(GUILD, reference)
        assert group is not None
        states.append((group.state, group.regressions, group.resolved_by))
    assert states == [(GroupState.RESOLVED, 0, MemberId(1)), (GroupState.OPEN, 1, MemberId(1))]
    whole = await desk.store.find_group(WHOLE_BOT, reference)
    assert whole is not None
    assert (whole.state, whole.regressions) == (GroupState.OPEN, 0)


async def test_old_groups_hours_and_members_go(desk: Desk) -> None:
    """After 30 days a group is hidden and forgets members, and returns without a regression; then it goes."""
    reference = desk.fail()
    await desk.writer.write_all()
    later = START + timedelta(seconds=1)
    await desk.store.prune(GUILD, unseen=START, quiet=later, hours=later)
    group = await desk.store.find_group(GUILD, reference)
    assert group is not None
    assert (group.state, group.members) == (GroupState.STALE, ())
    assert await desk.store.list_groups(GUILD, limit=9) == ((), 0)
    assert await desk.store.count_hours(GUILD, [group.fingerprint], since=START - timedelta(days=1)) == {
        group.fingerprint: {}
    }
    desk.fail()
    await desk.writer.write_all()
    group = await desk.store.find_group(GUILD, reference)
    assert group is not None
    assert (group.state, group.regressions, group.count) == (GroupState.OPEN, 0, 2)
    await desk.store.prune(GUILD, unseen=later, quiet=later, hours=later)
    assert await desk.store.find_group(GUILD, reference) is None
    assert await desk.store.find_group(WHOLE_BOT, reference) is not None


async def test_writing_goes_on_after_growing_pauses(desk: Desk) -> None:
    """Without a database it is tried again after 10 to 60 s, and the log says so."""
    desk.fail()
    desk.store.failures = [False] * 4
    with capture_logs() as logs:
        async with beside(desk.writer.run):
            while desk.store.writes < 5:
                await desk.clock.advance(60 if desk.clock.sleeping else 0)
            async with asyncio.timeout(60):
                while not desk.clock.sleeping:  # until the fifth write has ended
                    await desk.clock.advance(0)
    warnings = [entry["event"] for entry in logs if entry["log_level"] == "warning"]
    assert warnings == ["errors are written later"] * 4
    assert all(10 <= seconds <= 60 for seconds in desk.clock.slept)
    assert desk.errors.troubles.count_day() == {"StorageUnavailableError": 4}
    assert await desk.count(GUILD) == {"Kind0Error": 1}


@given(counts=st.lists(st.tuples(st.integers(1, 3), st.integers(1, 30)), min_size=1, max_size=8))
def test_merging_in_any_parts_gives_equal_groups(counts: list[tuple[int, int]]) -> None:
    """It makes no difference whether errors are written one by one or together."""
    deltas = [_build(command, n) for command, n in counts]
    together, group = deltas[0], merge(None, deltas[0]).group
    for delta in deltas[1:]:
        together = merge_deltas(together, delta)
        group = merge(group, delta).group
    at_once = merge(None, together).group
    assert (at_once.count, at_once.commands) == (group.count, group.commands)
    assert at_once.count == sum(n for _, n in counts)
    total: Counter[str] = Counter()
    for command, n in counts:
        total[str(command)] += n
    assert dict(total) == {one.id: one.count for one in group.commands}


@given(
    counts=st.lists(st.tuples(st.integers(1, 3), st.integers(1, 30)), max_size=4), parcel=st.text(max_size=5)
)
def test_file_of_pending_counts_comes_back_whole(
    tmp_path_factory: pytest.TempPathFactory, counts: list[tuple[int, int]], parcel: str
) -> None:
    """All counts, ids and times survive the file."""
    folder = tmp_path_factory.mktemp("status")
    deltas = tuple(_build(command, n) for command, n in counts)
    pending = PendingCounts(parcel, deltas[:1], deltas[1:])
    write_pending(folder, pending)
    assert take_pending(folder) == (pending if deltas else None)
    assert take_pending(folder) is None


@pytest.mark.parametrize("written", ["", "{", "[]", '{"parcel_id": ""}', '{"parcel_id": "", "parcel": 5}'])
def test_torn_file_of_pending_counts_is_passed_over(tmp_path: Path, written: str) -> None:
    """A file that cannot be read stops no start, and goes."""
    (tmp_path / PENDING_NAME).write_text(written, "utf-8")
    assert take_pending(tmp_path) is None
    assert not (tmp_path / PENDING_NAME).exists()


def _build(command: int, n: int) -> GroupDelta:
    return GroupDelta(
        guild_id=GUILD,
        fingerprint="v2:0123456789abcdef",
        reference="ABCDEF",
        category=ErrorCategory.TASK,
        error_type="builtins.KeyError",
        place="x:y",
        frames=("a:b", "x:y"),
        text="",
        count=n,
        first_seen_at=START,
        last_seen_at=START + timedelta(minutes=n),
        hours={START: n},
        commands={str(command): n},
        tasks={},
        servers={},
        members={command: n},
        guilds={},
        samples=(),
    )


@pytest.mark.fault
async def test_storm_is_counted_exactly_though_mongod_is_killed(tmp_path: Path) -> None:
    """Two thousand errors of fifty groups; the kill comes during a write."""
    mongod = EmbeddedMongod(tmp_path / "mongodb", clock=SystemClock())
    uri = await mongod.start()
    connection = SafeMongoDBConnection(uri, database="storm", clock=SystemClock(), selection_seconds=0.5)
    try:
        database = await connection.open()
        await database.unscoped("errors").create_index(["guild_id", "fingerprint"], name="group", unique=True)
        hours = database.unscoped("error_hours")
        await hours.create_index(["guild_id", "hour", "fingerprint"], name="hour", unique=True)
        desk = Desk(database, tmp_path)
        kinds = [type(f"Storm{number}Error", (Exception,), {}) for number in range(50)]
        async with beside(mongod.watch):
            for step in range(4):
                for number, kind in enumerate(kinds * 10):
                    guild_id = (GUILD, OTHER)[number % 2]
                    where = Where(source=ErrorSource.COMMAND, guild_id=guild_id, command="stats")
                    desk.errors.report(kind(), where=where)
                killed = mongod.pid
                writing = asyncio.ensure_future(write_patiently(desk))
                if step == 2:
                    assert killed is not None
                    await asyncio.sleep(0.01)  # somewhere within the write
                    os.kill(killed, signal.SIGKILL)
                await writing
        for guild_id, expected in ((WHOLE_BOT, [40] * 50), (GUILD, [40] * 25), (OTHER, [40] * 25)):
            found = database.unscoped("errors").find({"guild_id": guild_id})
            assert [one["count"] async for one in found] == expected
        assert sum([one["n"] async for one in hours.find({"guild_id": WHOLE_BOT})]) == 2_000
    finally:
        await connection.close()
        await mongod.stop()


async def write_patiently(desk: Desk) -> None:
    """Write everything, trying again while the database is away."""
    async with asyncio.timeout(120):
        while True:
            try:
                return await desk.writer.write_all()
            except StorageUnavailableError:
                await asyncio.sleep(0.05)
