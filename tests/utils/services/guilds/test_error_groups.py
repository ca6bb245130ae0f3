"""Errors for people: admins see their own guild, owners the whole bot, and strangers nothing."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import START, FakeClock
from tests.fakes.errors import FakeErrorStore
from tests.fakes.storage import FakeAuditStore
from utils.errors import NotFoundError, OwnersOnlyError
from utils.models.audit import AuditAction, AuditEntry, AuditFacts, FieldChange
from utils.models.error_groups import ErrorCategory, ErrorGroup, GroupState, TroubleCount
from utils.models.incidents import WHOLE_BOT
from utils.models.scope import GuildId, MemberId
from utils.services.guilds.audit import AuditLog
from utils.services.guilds.error_groups import Asker, ErrorGroupService
from utils.telemetry.guides import BUG, find_group_guide

GUILD, OTHER = GuildId(42), GuildId(43)
ADMIN, OWNER = MemberId(1), MemberId(2)
OWN = Asker(GUILD, ADMIN, is_owner=False)
EVERYWHERE = Asker(GUILD, OWNER, is_owner=True, everywhere=True)


def build_group(reference: str = "AAAAAA", *, count: int = 5) -> ErrorGroup:
    """Return an open group."""
    return ErrorGroup(
        fingerprint=f"v2:{reference}",
        reference=reference,
        category=ErrorCategory.COMMAND,
        error_type="builtins.KeyError",
        place="x:y",
        count=count,
        first_seen_at=START - timedelta(days=2),
        last_seen_at=START,
    )


class Desk:
    """The service over groups in memory: one error in two guilds, and one in the other alone."""

    def __init__(self) -> None:
        self.store, self.audit = FakeErrorStore(), FakeAuditStore()
        self.store.audit = self.audit
        self.service = ErrorGroupService(
            self.store,
            self.store,
            find_guide=find_group_guide,
            audit=AuditLog(self.audit, clock=FakeClock()),
            clock=FakeClock(),
        )
        self.store.groups[GUILD] = [build_group()]
        self.store.groups[OTHER] = [build_group(count=7), build_group("BBBBBB")]
        self.store.groups[WHOLE_BOT] = [build_group(count=12), build_group("BBBBBB")]


@pytest.fixture(name="desk")
def _desk() -> Desk:
    return Desk()


async def test_admins_see_their_own_guild_alone(desk: Desk) -> None:
    """The same error of another guild changes no number, and a reference of another guild is unknown."""
    desk.store.hours[GUILD, "v2:AAAAAA"] = {
        START: 2,
        START - timedelta(hours=5): 1,
        START - timedelta(days=3): 9,
    }
    desk.store.troubles[GUILD] = [TroubleCount("RemoteError", "192.0.2.1:22", 3)]
    desk.store.troubles[OTHER] = [TroubleCount("RemoteError", "192.0.2.2:22", 4)]
    page = await desk.service.list_page(OWN, 0)
    assert [(row.group.count, row.day, row.guide) for row in page.rows] == [(5, 3, BUG)]
    assert (page.total, page.troubles) == (1, (TroubleCount("RemoteError", "192.0.2.1:22", 3),))
    report = await desk.service.report(OWN, " aaaaaa ")
    assert (report.hour, report.day, report.fortnight, report.is_whole) == (2, 3, 12, False)
    with pytest.raises(NotFoundError, match="No error has that reference"):
        await desk.service.report(OWN, "BBBBBB")
    assert [key for key, _ in await desk.service.list_choices(OWN)] == ["AAAAAA"]
    assert set(desk.store.asked) == {GUILD}


async def test_owners_see_the_whole_bot_where_they_ask_for_it(desk: Desk) -> None:
    """Without asking for it, an owner sees the guild in which they are."""
    assert (await desk.service.report(EVERYWHERE, "AAAAAA")).group.count == 12
    here = Asker(GUILD, OWNER, is_owner=True)
    assert (await desk.service.report(here, "AAAAAA")).group.count == 5


@given(is_admin_of=st.sampled_from([GUILD, OTHER, WHOLE_BOT]), member=st.integers(1, 9))
async def test_whole_bot_is_refused_before_anything_is_read(is_admin_of: GuildId, member: int) -> None:
    """Only an owner may read; for other members no read happens."""
    desk = Desk()
    asker = Asker(is_admin_of, MemberId(member), is_owner=False, everywhere=True)
    with pytest.raises(OwnersOnlyError):
        await desk.service.list_page(asker, 0)
    with pytest.raises(OwnersOnlyError):
        await desk.service.report(asker, "AAAAAA")
    with pytest.raises(OwnersOnlyError):
        await desk.service.resolve(asker, "AAAAAA")
    with pytest.raises(OwnersOnlyError):
        await desk.service.list_choices(asker)
    assert desk.store.asked == []


async def test_resolving_is_written_into_the_audit(desk: Desk) -> None:
    """The entry and the change belong to the guild of the group; other guilds keep theirs open."""
    assert (await desk.service.resolve(OWN, "AAAAAA")).state is GroupState.OPEN
    assert desk.store.groups[GUILD][0].state is GroupState.RESOLVED
    assert {group.state for group in desk.store.groups[OTHER]} == {GroupState.OPEN}
    facts = AuditFacts(changes=(FieldChange("AAAAAA", "open", "resolved"),))
    assert desk.audit.entries == [(GUILD, AuditEntry(START, ADMIN, AuditAction.ERRORS_RESOLVE, facts))]
    await desk.service.resolve(EVERYWHERE, "BBBBBB")
    assert [guild_id for guild_id, _ in desk.audit.entries] == [GUILD, WHOLE_BOT]
