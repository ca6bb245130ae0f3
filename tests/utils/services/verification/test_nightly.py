"""The verification of the night: which servers, what is remembered, and a failure that stops nothing."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import timedelta

from tests.fakes.clock import FakeClock
from tests.fakes.deaths import SCOPE
from tests.utils.telemetry.health.test_data_probe import FakeChecks
from utils.errors import BackupError
from utils.models.backups import BackupProgress
from utils.models.scope import GuildId, ServerId, ServerScope
from utils.models.texts import text
from utils.models.verification import DataCheck, DataFault, DataFinding, VerificationReport
from utils.services.verification.full import DAYS, is_due_on
from utils.services.verification.nightly import DataCare
from utils.services.verification.repairs import ONCE

OTHER = ServerScope(GuildId(7), ServerId("cccccccc"))
DENIED = DataFinding(DataFault.DENIED, OTHER.guild_id, OTHER.server_id, found=1)


@dataclass
class FakeWhole:
    """Finds what the test says, and remembers what it was asked for."""

    asked: list[tuple[int | None, Collection[ServerScope]]] = field(default_factory=list)
    fails: bool = False

    async def run(
        self,
        *,
        day: int | None,
        also: Collection[ServerScope],
        is_gentle: bool,
        show: Callable[[BackupProgress], None],
    ) -> VerificationReport:
        """Find no fault."""
        del show
        assert is_gentle
        if self.fails:
            raise BackupError(text("no memory"))
        self.asked.append((day, also))
        return VerificationReport()


@dataclass
class FakeRepairs:
    """Repairs nothing."""

    clock: FakeClock

    async def repair(self, report: VerificationReport, before: DataCheck | None) -> DataCheck:
        """Return the faults as they are."""
        del before
        return DataCheck(self.clock.now(), report.findings)


class Memory(FakeChecks):
    """Remembers the last result."""

    async def save(self, check: DataCheck) -> None:
        """Store a result."""
        self.check = check


async def test_fault_of_a_server_stays_until_that_server_is_verified_again(clock: FakeClock) -> None:
    """A night counts a seventh of the servers, and those that were repaired lately besides."""
    whole, memory = FakeWhole(), Memory(DataCheck(clock.now(), [DENIED], {SCOPE: clock.now()}))
    noted: list[DataCheck] = []
    care = DataCare(whole, FakeRepairs(clock), memory, note=noted.append, clock=clock)  # type: ignore[arg-type] # half a repair
    while is_due_on(OTHER, clock.now().toordinal()):
        clock.move(timedelta(days=1).total_seconds())
    await care.run_nightly()
    assert (whole.asked[0][1], noted) == ({SCOPE}, [DataCheck(clock.now(), (DENIED,))])
    for _ in range(DAYS):
        clock.move(timedelta(days=1).total_seconds())
        await care.run_nightly()
    assert noted[-1].findings == ()
    assert len({(day or 0) % DAYS for day, _ in whole.asked}) == DAYS
    assert timedelta(days=1) < ONCE < timedelta(days=2)


async def test_night_that_fails_changes_nothing(clock: FakeClock) -> None:
    """The verification failed and not the data, so what was known stays."""
    memory = Memory(DataCheck(clock.now(), [DENIED]))
    care = DataCare(
        FakeWhole(fails=True),
        FakeRepairs(clock),  # type: ignore[arg-type] # half a repair
        memory,
        note=lambda _: None,
        clock=clock,
    )
    before = memory.check
    await care.run_nightly()
    assert memory.check is before
