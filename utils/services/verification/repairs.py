"""Repairs: what a verification found is mended by itself where deaths or the ledger prove what is right.

Derived data is counted again, deaths come back from a backup insert-only and each only if it proves itself, a
wallet is set to its unbroken ledger, the factions in links to the periods of their members, and what belongs
to a game server that is gone is deleted when it was found twice. Everything else is a person's decision.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from structlog import get_logger

from utils.clock import Clock
from utils.errors import BackupError, StorageError
from utils.models.audit import AuditAction, AuditEntry, AuditFacts, FieldChange
from utils.models.deaths import Death
from utils.models.scope import GuildId, MemberId, ServerScope
from utils.models.verification import (
    OF_COUNTERS,
    OF_DEATHS,
    ArchivedDeaths,
    DataCheck,
    DataFault,
    DataFinding,
    LedgerLine,
    VerificationReport,
)
from utils.services.ingestion.fingerprint import build_scope_prefix
from utils.services.verification.ledgers import judge_chain
from utils.services.verification.recount import denies_id

ONCE = timedelta(hours=36)
"""A game server that was counted again so recently and differs again is not counted a second time."""

Recount = Callable[[ServerScope, AuditEntry], Awaitable[None]]
"""Counts a game server again into a new generation, or begins to; the entry is stored with its beginning."""

FindDeaths = Callable[[Collection[ServerScope]], Awaitable[ArchivedDeaths]]
"""Returns the deaths of these game servers that the newest proven backup has and the database lacks."""

_log = get_logger(__name__)


class RepairStore(Protocol):  # implemented by DataRepairs
    """Writes of repairs; each is one transaction behind the lease of its guild."""

    async def ensure_indexes(self) -> Collection[str]:
        """Make every missing or different index; return what is still wrong, for example one too many."""

    async def restore_deaths(
        self,
        scope: ServerScope,
        documents: Sequence[bytes],
        *,
        denies: Callable[[Death], bool],
        entry: AuditEntry,
    ) -> int:
        """Store deaths of a backup that are missing or denied; return how many.

        Raises:
            LeaseLostError: another process serves the guild.
        """

    async def mend_wallet(
        self,
        guild_id: GuildId,
        member_id: MemberId,
        *,
        judge: Callable[[Sequence[LedgerLine]], tuple[int, int] | None],
        entry: AuditEntry,
    ) -> bool:
        """Give a wallet the rows and the balance of its ledger; stop it if ``judge`` returns none.

        Returns:
            True if it was mended.
        """

    async def mend_marks(self, guild_id: GuildId, *, entry: AuditEntry) -> int:
        """Write into proven links the factions of their members' periods; return how many changed."""

    async def delete_orphans(self, scope: ServerScope, name: str) -> None:
        """Delete the documents of a collection, if their game server is still gone."""


@dataclass(eq=False)
class DataRepair:
    """Repairs what a verification found.

    Args:
        recount: counts a game server again.
        find_deaths: looks into the newest proven backup.
    """

    store: RepairStore
    _: KW_ONLY
    recount: Recount
    find_deaths: FindDeaths
    clock: Clock

    async def repair(self, report: VerificationReport, before: DataCheck | None) -> DataCheck:
        """Repair what can be repaired; return what is known of the data afterwards.

        Args:
            report: the faults.
            before: the verification before; orphans are deleted if it found them as well.
        """
        now = self.clock.now()
        recounted = {
            scope: at for scope, at in (before.recounted if before else {}).items() if now - at < ONCE
        }
        known = set() if before is None else {identify(one) for one in before.findings}
        restored = await self._restore_deaths(report.findings)
        findings, counted = [], set[ServerScope]()
        for finding in report.findings:
            is_done = False
            try:
                if finding.fault in OF_COUNTERS and finding.scope is not None:
                    is_done = await self._recount_once(finding.scope, recounted, restored, counted)
                elif finding.fault in OF_DEATHS and finding.scope is not None:
                    is_done = restored.get(finding.scope, False)
                else:
                    is_done = await self._mend(finding, is_known=identify(finding) in known)
            except StorageError as error:
                _log.warning("a repair failed", fault=finding.fault.value, problem=str(error))
            findings.append(finding.repaired() if is_done else finding)
        for scope in restored.keys() - counted:
            await self._try_to_count(scope)
            counted.add(scope)
        return DataCheck(now, tuple(findings), {**recounted, **dict.fromkeys(counted, now)})

    async def _restore_deaths(self, findings: Sequence[DataFinding]) -> dict[ServerScope, bool]:
        """Restore lost and denied deaths; tell for each game server that got some whether it got all."""
        lacking: dict[ServerScope, int] = {}
        for one in findings:
            if one.fault in OF_DEATHS and one.scope is not None:
                missing = one.expected - one.found if one.fault is DataFault.DEATHS else one.found
                lacking[one.scope] = lacking.get(one.scope, 0) + missing
        if not lacking:
            return {}
        try:
            archived = await self.find_deaths(lacking)
        except (BackupError, StorageError) as error:
            _log.error("deaths are not restored", why=str(error))
            return {}
        restored = {}
        for scope, documents in archived.documents.items():
            number = await self._try_to_restore(scope, documents)
            if number:
                _log.warning("deaths are restored from a backup", scope=str(scope), deaths=number)
                restored[scope] = number >= lacking[scope] and not archived.is_cut
        return restored

    async def _try_to_restore(self, scope: ServerScope, documents: Sequence[bytes]) -> int:
        prefix = build_scope_prefix(scope)
        entry = self._build_entry(FieldChange("deaths", new=len(documents)))
        try:
            return await self.store.restore_deaths(
                scope, documents, denies=lambda death: denies_id(death, prefix), entry=entry
            )
        except StorageError as error:
            _log.warning("deaths are not restored", scope=str(scope), problem=str(error))
            return 0

    async def _recount_once(
        self,
        scope: ServerScope,
        recounted: dict[ServerScope, datetime],
        restored: dict[ServerScope, bool],
        counted: set[ServerScope],
    ) -> bool:
        """Count a game server again, unless that was done lately; restored deaths are a new reason."""
        if scope in counted:
            return True
        if scope in recounted and scope not in restored:
            return False
        is_begun = await self._try_to_count(scope)
        if is_begun:
            counted.add(scope)
        return is_begun

    async def _try_to_count(self, scope: ServerScope) -> bool:
        try:
            await self.recount(scope, self._build_entry(FieldChange("figures", new=True)))
        except StorageError as error:
            _log.warning("a game server is not counted again", scope=str(scope), problem=str(error))
            return False
        _log.warning("a game server is counted again", scope=str(scope))
        return True

    async def _mend(self, finding: DataFinding, *, is_known: bool) -> bool:
        """Repair a fault that is neither of counters nor of deaths."""
        match finding.fault:
            case DataFault.INDEX:
                return finding.detail not in await self.store.ensure_indexes()
            case DataFault.WALLET | DataFault.LEDGER if finding.guild_id and finding.member_id:
                entry = self._build_entry(FieldChange("wallet", new=True), member_id=finding.member_id)
                return await self.store.mend_wallet(
                    finding.guild_id, finding.member_id, judge=judge_ledger, entry=entry
                )
            case DataFault.MARKS if finding.guild_id:
                entry = self._build_entry(FieldChange("marks", new=finding.found))
                return await self.store.mend_marks(finding.guild_id, entry=entry) > 0
            case DataFault.ORPHANS if finding.scope is not None:
                if is_known:
                    await self.store.delete_orphans(finding.scope, finding.detail)
                return True  # the next verification deletes what it finds again
            case _:
                return False

    def _build_entry(self, change: FieldChange, *, member_id: MemberId | None = None) -> AuditEntry:
        facts = AuditFacts(member_id=member_id, changes=(change,))
        return AuditEntry(self.clock.now(), None, AuditAction.DATA_REPAIR, facts)


def judge_ledger(lines: Sequence[LedgerLine]) -> tuple[int, int] | None:
    """Return the rows and the balance that a wallet must have; None if its ledger is broken or gone."""
    if not lines:
        return None
    chain = judge_chain(lines)
    return (chain.rows, chain.balance) if chain.is_unbroken else None


def keep_others(
    check: DataCheck, before: DataCheck | None, is_verified: Callable[[ServerScope], bool]
) -> DataCheck:
    """Return a result with the earlier faults of game servers that this verification did not count again."""
    others = [
        one
        for one in (before.findings if before else ())
        if is_of_figures(one) and not one.is_repaired
        if one.scope is not None and not is_verified(one.scope)
    ]
    return replace(check, findings=(*check.findings, *others))


def is_of_figures(finding: DataFinding) -> bool:
    """Tell whether a fault is found by counting a game server again."""
    return finding.fault in OF_COUNTERS | {DataFault.PLAYTIME, DataFault.DENIED}


def identify(finding: DataFinding) -> tuple[object, ...]:
    """Return what makes a fault the same one as before."""
    return finding.fault, finding.guild_id, finding.server_id, finding.detail
