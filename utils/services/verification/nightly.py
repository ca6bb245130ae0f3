"""The verification of the night: after a proven backup, a part of the data is verified and repaired.

The faults of a read-back (``read_back.py``) go the same way, and stand beside those of the night.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Protocol

from structlog import get_logger

from utils.clock import Clock
from utils.errors import BackupError, StorageError
from utils.models.backups import BackupProgress
from utils.models.scope import ServerScope
from utils.models.verification import DataCheck, DataFinding, VerificationReport
from utils.services.verification.full import is_due_on
from utils.services.verification.repairs import DataRepair, identify, is_of_figures, keep_others

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

    def __post_init__(self) -> None:
        self._turn = asyncio.Lock()  # a result is kept beside the one before

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
        async with self._turn:
            before = await self.store.find()
            also = frozenset(before.recounted) if before else frozenset[ServerScope]()
            report = await self.checks.run(day=day, also=also, is_gentle=is_gentle, show=show)
            repaired = await self.repairs.repair(report, before)
            check = keep_others(repaired, before, lambda scope: is_due_on(scope, day) or scope in also)
            await self._keep(check)
        _log.info(
            "the data is verified",
            servers=report.servers,
            deaths=report.deaths,
            wallets=report.wallets,
            faults=len(check.findings),
        )
        _tell(check.findings)
        return check

    async def take_up(self, report: VerificationReport, *, verified: Collection[ServerScope]) -> None:
        """Repair what a read-back found, and remember it beside what was known.

        Args:
            report: the faults.
            verified: the game servers whose figures were all looked at; earlier faults of them are over.

        Raises:
            StorageError: the database does not answer.
        """
        async with self._turn:
            before = await self.store.find()
            known = before.findings if before else ()
            left = [one for one in known if not (is_of_figures(one) and one.scope in verified)]
            if report.is_good and len(left) == len(known):
                return
            check = await self.repairs.repair(report, before)
            found = {identify(one) for one in check.findings}
            kept = [one for one in left if identify(one) not in found]
            at = before.checked_at if before else check.checked_at
            await self._keep(replace(check, checked_at=at, findings=(*check.findings, *kept)))
        _tell(check.findings)

    async def _keep(self, check: DataCheck) -> None:
        await self.store.save(check)
        self.note(check)


def _tell(findings: Sequence[DataFinding]) -> None:
    for finding in findings:
        if finding.is_repaired:
            _log.warning("the data differed and is repaired", why=str(finding.said))
        else:
            _log.error("the data differs", why=str(finding.said))


def _show_nobody(progress: BackupProgress) -> None:
    del progress
