"""The audit: authors and changes, in pages, newest first."""

import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from tests.fakes.clock import START, FakeClock
from tests.fakes.storage import FakeAuditStore
from utils.log_context import bind_log_context
from utils.models.audit import AuditAction, AuditEntry, AuditFacts, AuditPage, FieldChange
from utils.models.scope import GuildId, MemberId
from utils.services.guilds.audit import PAGE_ENTRIES, AuditLog

GUILD, OTHER = GuildId(42), GuildId(43)
ANN, BOB = MemberId(1), MemberId(2)
ROLE = AuditFacts(changes=(FieldChange("admin_role_id", None, 5),))


@pytest.fixture(name="store")
def _store() -> FakeAuditStore:
    return FakeAuditStore()


@pytest.fixture(name="audit")
def _audit(store: FakeAuditStore) -> AuditLog:
    return AuditLog(store, clock=FakeClock())


async def test_change_is_written_with_its_time_and_its_author(audit: AuditLog) -> None:
    """A change by the bot itself has no author."""
    await audit.write(GUILD, ANN, AuditAction.ROLE, ROLE)
    await audit.write(GUILD, None, AuditAction.PREMIUM_END, AuditFacts(reason="x"))
    assert await audit.list_page(GUILD, 0) == AuditPage(
        (
            AuditEntry(START, None, "premium end", AuditFacts(reason="x")),
            AuditEntry(START, ANN, "role", ROLE),
        ),
        2,
    )
    assert await audit.list_page(OTHER, 0) == AuditPage((), 0)


async def test_log_names_community_and_member_once(audit: AuditLog) -> None:
    """The record of a change has them under the names that a command binds anyway."""
    with capture_logs(processors=[merge_contextvars]) as records, bind_log_context(GUILD, member_id=ANN):
        await audit.write(GUILD, ANN, AuditAction.ROLE, AuditFacts(reason="x"))
    [record] = records
    assert record == {
        "event": "changed by hand",
        "log_level": "info",
        "guild": GUILD,
        "member": ANN,
        "action": "role",
        "reason": "x",
    }


async def test_pages_are_of_one_member_and_one_action_where_asked(audit: AuditLog) -> None:
    """Each filter works alone; the case of a typed action does not matter."""
    for number in range(PAGE_ENTRIES + 1):
        await audit.write(GUILD, ANN, AuditAction.CHANNEL_SET, AuditFacts(reason=str(number)))
    await audit.write(GUILD, BOB, AuditAction.CHANNEL_SET, AuditFacts())
    await audit.write(GUILD, BOB, AuditAction.ROLE, AuditFacts())
    last = await audit.list_page(GUILD, 1, actor_id=ANN)
    assert ([entry.facts.reason for entry in last.entries], last.total) == (["0"], PAGE_ENTRIES + 1)
    found = await audit.list_page(GUILD, 0, actor_id=BOB, action=" Channel SET ")
    assert [(entry.actor_id, entry.action) for entry in found.entries] == [(BOB, "channel set")]
