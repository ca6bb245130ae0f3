"""The verification of the night: after a proven backup, a part of the data is verified and repaired."""

from collections.abc import Callable, Collection
from dataclasses import KW_ONLY, dataclass
from typing import Protocol

from structlog import get_logger

from utils.clock import Clock
from utils.errors import BackupError, StorageError
from utils.models.backups import BackupProgress
from utils.models.scope import ServerScope
from utils.models.verification import DataCheck, VerificationReport
from utils.services.verification.full import is_due_on
from utils.services.verification.repairs import DataRepair, keep_others

_log = get_logger(__name__)


class WholeCheck(Protocol):  # implemented by FullCheck
    """Verifies the data in a process of its own."""

    async def run(
        self,
        *,
        day: int | None,
        also: Collection[ServerScope],
        is_gentle: bool,
        show: Callable[[BackupProgress], None],
    ) -> VerificationReport:
        """Verify the game servers of a day, further ones, and everything besides."""


class CheckStore(Protocol):  # implemented by DataChecks
    """Remembers the last result."""

    async def find(self) -> DataCheck | None:
        """Return it; None before the first one."""

    async def save(self, check: DataCheck) -> None:
        """Store a result in place of the one before."""


@dataclass(eq=False)
class DataCare:
    """Verifies the data, repairs what can be repaired, and remembers the result.

    Args:
        note: gets each result.
    """

    checks: WholeCheck
    repairs: DataRepair
    store: CheckStore
    _: KW_ONLY
    note: Callable[[DataCheck], None]
    clock: Clock

    async def run_nightly(self) -> None:
        """Verify a seventh of the game servers and everything besides; a failure is logged alone."""
        try:
            await self.run(day=self.clock.now().toordinal(), is_gentle=True, show=_show_nobody)
        except (BackupError, StorageError) as error:
            _log.error("the data is not verified", why=str(error))

    async def run(
        self, *, day: int | None, is_gentle: bool, show: Callable[[BackupProgress], None]
    ) -> DataCheck:
        """Verify and repair, and return the result.

        Raises:
            BackupError, StorageError: it failed; the text says why.
        """
        before = await self.store.find()
        also = frozenset(before.recounted) if before else frozenset[ServerScope]()
        report = await self.checks.run(day=day, also=also, is_gentle=is_gentle, show=show)
        repaired = await self.repairs.repair(report, before)
        check = keep_others(repaired, before, lambda scope: is_due_on(scope, day) or scope in also)
        await self.store.save(check)
        self.note(check)
        _log.info(
            "the data is verified",
            servers=report.servers,
            deaths=report.deaths,
            wallets=report.wallets,
            faults=len(check.findings),
        )
        for finding in check.findings:
            if finding.is_repaired:
                _log.warning("the data differed and is repaired", why=str(finding.said))
            else:
                _log.error("the data differs", why=str(finding.said))
        return check


def _show_nobody(progress: BackupProgress) -> None:
    del progress
