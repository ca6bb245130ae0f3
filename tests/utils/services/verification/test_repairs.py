"""Limits of repairs: how many deaths come back at once, and whose never."""

from collections.abc import Callable, Collection, Sequence

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.verified import GUILD
from utils.composition.archived_deaths import MOST_RESTORED, dump_deaths, load_deaths
from utils.models.audit import AuditEntry
from utils.models.deaths import Death
from utils.models.scope import GuildId, MemberId, ServerId, ServerScope
from utils.models.verification import (
    ArchivedDeaths,
    DataFault,
    DataFinding,
    LedgerLine,
    VerificationReport,
)
from utils.services.ingestion.fingerprint import build_scope_prefix
from utils.services.verification.full import HalfPace
from utils.services.verification.repairs import DataRepair

OTHER = ServerScope(GuildId(43), ServerId("bbbbbbbb"))


class FakeRepairStore:
    """Stores every death that it is given."""

    async def ensure_indexes(self) -> Collection[str]:
        """Make no index."""
        return ()

    async def restore_deaths(
        self,
        scope: ServerScope,
        documents: Sequence[bytes],
        *,
        denies: Callable[[Death], bool],
        entry: AuditEntry,
    ) -> int:
        """Return how many there are."""
        del scope, denies, entry
        return len(documents)

    async def mend_wallet(
        self,
        guild_id: GuildId,
        member_id: MemberId,
        *,
        judge: Callable[[Sequence[LedgerLine]], tuple[int, int] | None],
        entry: AuditEntry,
    ) -> bool:
        """Mend none."""
        del guild_id, member_id, judge, entry
        return False

    async def mend_marks(self, guild_id: GuildId, *, entry: AuditEntry) -> int:
        """Mend none."""
        del guild_id, entry
        return 0

    async def delete_orphans(self, scope: ServerScope, name: str) -> None:
        """Delete none."""


@pytest.mark.parametrize(
    ("found", "left", "is_cut"),
    [((MOST_RESTORED,), (1000,), False), ((1001,), (1000,), True), ((600, 500, 1), (600, 400, 0), True)],
)
async def test_thousand_deaths_come_back_at_once_and_no_more(
    clock: FakeClock, *, found: tuple[int, ...], left: tuple[int, ...], is_cut: bool
) -> None:
    """More are a person's decision, so the fault stays critical; what came back is counted in any case."""
    scopes = [ServerScope(GUILD, ServerId(letter * 8)) for letter in "abc"[: len(found)]]
    wanted = zip(scopes, found, strict=True)
    documents = {build_scope_prefix(scope): [b"death"] * number for scope, number in wanted}
    archived = load_deaths(dump_deaths(documents))
    given = tuple(len(archived.documents[scope]) for scope in scopes)
    assert (given, archived.is_cut) == (left, is_cut)
    counted: list[ServerScope] = []

    async def recount(scope: ServerScope, entry: AuditEntry) -> None:
        del entry
        counted.append(scope)

    async def find_deaths(scopes: Collection[ServerScope]) -> ArchivedDeaths:
        del scopes
        return archived

    repair = DataRepair(FakeRepairStore(), recount=recount, find_deaths=find_deaths, clock=clock)
    lost = tuple(
        DataFinding(DataFault.DEATHS, scope.guild_id, scope.server_id, expected=number)
        for scope, number in zip(scopes, found, strict=True)
    )
    check = await repair.repair(VerificationReport(findings=lost), None)
    assert [one.is_repaired for one in check.findings] == [not is_cut] * len(scopes)
    assert sorted(counted) == [scope for scope, number in zip(scopes, left, strict=True) if number]


async def test_gentle_verification_rests_as_long_as_it_worked() -> None:
    """Half of a core stays free, and a rest does not count as work."""
    spent, slept = [1.0], list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    pace = HalfPace(sleep, lambda: spent[0])
    for seconds in (0.5, 0.0, 2.0):
        spent[0] += seconds
        await pace.rest()
    assert slept == [0.5, 0.0, 2.0]
