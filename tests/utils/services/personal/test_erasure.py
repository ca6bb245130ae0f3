"""The order of an erasure and its rules, over a storage in memory."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

import pytest

from tests.fakes.clock import START, FakeClock, settle
from tests.fakes.deaths import SCOPE, build_death, build_player_id, build_row
from tests.fakes.errors import FakeErrorStore
from tests.fakes.links import FakeAuditLog
from tests.fakes.personal import (
    FakeErasureRecords,
    FakeErasureStore,
    FakeErasureUnit,
    build_erasure_log,
)
from tests.fakes.roles import FakeMemberRoles
from utils.errors import InvalidInputError, StorageUnavailableError
from utils.events import EventDispatcher
from utils.models.links import Link
from utils.models.money import Bounty, BountyState
from utils.models.personal import DataQuestion, Holdings, Person
from utils.models.players import NamedPlayer
from utils.models.roles import RoleId
from utils.models.scope import ERASED_NAME, MemberId, ServerId, ServerScope
from utils.services.links.linking import LinkService
from utils.services.personal.eraser import Eraser
from utils.services.personal.erasure import ErasurePlan, ErasureService
from utils.services.personal.erasure_log import KEPT
from utils.services.personal.people import PersonFinder

T = TypeVar("T")

PLACE = ServerScope(SCOPE.guild_id, ServerId("aaaaaaaa"))
WOLF = NamedPlayer(build_player_id("Wolf"), "Wolf")
MEMBER, ADMIN = MemberId(5), MemberId(6)
TRACES = [f"sessions of {WOLF.player_id}", f"player {WOLF.player_id}: Old Wolf, Wolf"]


class NoLinks:
    """No links and no known players."""

    async def list_players(self, guild_id: object, member_id: object) -> tuple[()]:
        """Return no players."""
        del guild_id, member_id
        return ()


class SlowUnit(FakeErasureUnit):
    """A transaction with a slow step."""

    def __init__(self, store: "SlowStore", scope: ServerScope) -> None:
        super().__init__(store, scope)
        self._slow = store
        self.steps = 0

    def hold_counts(self) -> int | None:
        """Begin a step."""
        self.steps += 1
        self._slow.under_way += 1
        self._slow.most_under_way = max(self._slow.most_under_way, self._slow.under_way)
        return super().hold_counts()


class SlowStore(FakeErasureStore):
    """Records how many steps run at once."""

    def __init__(self) -> None:
        super().__init__()
        self.under_way = self.most_under_way = 0

    async def in_transaction(self, scope: ServerScope, work: Callable[[FakeErasureUnit], T]) -> T:
        """Run the work."""
        unit = SlowUnit(self, scope)
        done = work(unit)
        await settle()
        self.under_way -= unit.steps
        return done


@pytest.fixture(name="store")
def _store() -> FakeErasureStore:
    """A player with seven deaths and an older name."""
    store = FakeErasureStore()
    deaths = [build_death(build_row("Wolf", "Bear", second=number), scope=PLACE) for number in range(7)]
    store.deaths[WOLF.player_id] = deaths
    store.names[WOLF.player_id] = {"Old Wolf"}
    return store


class OneMember:
    """Every member has these proven players."""

    def __init__(self, *players: NamedPlayer) -> None:
        self.players = [Link(SCOPE.guild_id, MEMBER, one.player_id, one.name, START) for one in players]

    async def list_players(self, guild_id: object, member_id: object) -> Sequence[Link]:
        """Return the players."""
        del guild_id, member_id
        return self.players


def build_service(
    store: FakeErasureStore,
    audit: FakeAuditLog,
    links: LinkService | None = None,
    roles: FakeMemberRoles | None = None,
) -> ErasureService:
    """Return the service, with three deaths in a transaction."""
    people = PersonFinder(links or NoLinks(), NoLinks(), clock=FakeClock())  # type: ignore[arg-type] # not used here
    clock = FakeClock()
    return ErasureService(
        store,
        people,
        audit=audit,
        events=EventDispatcher(),
        memory=FakeErrorStore(),
        roles=roles or FakeMemberRoles(),  # type: ignore[arg-type] # takes none
        log=build_erasure_log(clock, store.records),
        clock=clock,
        deaths_at_once=3,
    )


async def erase(store: FakeErasureStore, person: Person) -> tuple[int, FakeAuditLog]:
    """Erase a person; return the number of deaths, and the audit."""
    audit = FakeAuditLog()
    plan = ErasurePlan(person, Holdings())
    return (await build_service(store, audit).erase(plan, actor_id=ADMIN)).deaths, audit


async def test_links_of_a_member_go_last(store: FakeErasureStore) -> None:
    """Links find the member's players again after a crash. Traces are removed before and after the deaths."""
    store.long_ledger = 2
    person = Person(SCOPE.guild_id, MEMBER, (WOLF,), is_asker=True)
    deaths, audit = await erase(store, person)
    traces = [*TRACES, "traces of member"]
    renamed = ["rename 3", "rename 3", "rename 1"]
    member = ["member", "traces of member", "links of player"]
    assert (deaths, store.done) == (7, [*traces, *renamed, *traces, *member])
    assert store.figures == {}
    assert audit.written == [(SCOPE.guild_id, None, "data erase", "a member, on their own request")]


async def test_roles_of_a_member_are_taken_and_those_that_stay_are_told(store: FakeErasureStore) -> None:
    """A player alone has no roles."""
    roles = FakeMemberRoles(RoleId(7))
    service = build_service(store, FakeAuditLog(), roles=roles)
    for member_id, kept in ((MEMBER, (RoleId(7),)), (None, ())):
        person = Person(SCOPE.guild_id, member_id, (WOLF,), is_asker=False)
        erased = await service.erase(ErasurePlan(person, Holdings()), actor_id=ADMIN)
        assert erased.kept_roles == kept
    assert roles.taken_from == [MEMBER]


async def test_steps_of_several_erasures_are_taken_one_at_a_time() -> None:
    """A step holds all of a player's deaths in memory, so erasures of several members wait for each other."""
    store = SlowStore()
    people = [NamedPlayer(build_player_id(name), name) for name in ("Wolf", "Bear", "Fox")]
    for one in people:
        rows = [build_row(one.name, "Elk", second=number) for number in range(7)]
        store.deaths[one.player_id] = [build_death(row, scope=PLACE) for row in rows]
    service = build_service(store, FakeAuditLog())
    plans = [ErasurePlan(Person(SCOPE.guild_id, None, (one,), is_asker=True), Holdings()) for one in people]
    erased = await asyncio.gather(*(service.erase(plan, actor_id=ADMIN) for plan in plans))
    assert ([one.deaths for one in erased], store.most_under_way) == ([7, 7, 7], 1)


async def test_links_of_a_player_go_first_when_an_admin_erases_him(store: FakeErasureStore) -> None:
    """The admin finds the rest by the names, which are deleted with the last death."""
    person = Person(SCOPE.guild_id, None, (WOLF,), is_asker=False)
    _, audit = await erase(store, person)
    assert store.done.index("links of player") < store.done.index("rename 3")
    assert "member" not in store.done
    assert audit.written == [(SCOPE.guild_id, ADMIN, "data erase", "a player, by an admin")]


async def test_asking_again_after_a_crash_does_the_rest(store: FakeErasureStore) -> None:
    """Finished steps stay done, and the member's own data is deleted last."""
    person = Person(SCOPE.guild_id, MEMBER, (WOLF,), is_asker=True)
    transactions = 0

    def end_in_the_third(call: str) -> None:
        nonlocal transactions
        transactions += call == "in_transaction"
        if transactions == 3:
            raise StorageUnavailableError("gone")

    store.note = end_in_the_third  # type: ignore[method-assign] # one crash
    with pytest.raises(StorageUnavailableError):
        await erase(store, person)
    assert (len(store.deaths[WOLF.player_id]), "member" in store.done) == (4, False)
    deaths, _ = await erase(store, person)
    assert (deaths, store.deaths[WOLF.player_id], "member" in store.done) == (4, [], True)


async def test_open_bounties_on_the_player_are_paid_back_without_his_name(store: FakeErasureStore) -> None:
    """The hunter reads that the bounty was withdrawn, but not the name."""
    now = FakeClock().now()
    bounty = Bounty(PLACE, "b", WOLF.player_id, "Wolf", 300, MEMBER, now, now + timedelta(hours=1))
    house = Bounty(PLACE, "h", WOLF.player_id, "Wolf", 900, None, now, now + timedelta(hours=1))
    store.money.bounties = {"b": bounty, "h": house}
    await erase(store, Person(SCOPE.guild_id, None, (WOLF,), is_asker=False))
    assert [one.state for one in store.money.bounties.values()] == [BountyState.WITHDRAWN] * 2
    [row] = store.money.ledger
    assert (row.change.member_id, row.change.amount, row.change.note) == (MEMBER, 300, ERASED_NAME)


@pytest.mark.parametrize(
    "holdings",
    [
        *(Holdings(links=1), Holdings(balance=1), Holdings(ledger_rows=1), Holdings(closed_bounties=1)),
        *(Holdings(factions=1), Holdings(roles=1), Holdings(has_level=True)),
        Holdings(has_notifications=True),
    ],
)
async def test_member_with_anything_is_asked_and_without_refused(
    store: FakeErasureStore, holdings: Holdings
) -> None:
    """Changes by hand are not erased, so they need no question."""
    service, question = build_service(store, FakeAuditLog()), DataQuestion(SCOPE.guild_id, MEMBER)
    store.holdings = holdings
    assert (await service.plan(question)).holdings == holdings
    store.holdings = Holdings(changes=3)
    with pytest.raises(InvalidInputError, match="Nothing to erase"):
        await service.plan(question)


async def test_plan_is_made_again_and_refused_when_it_means_somebody_else(store: FakeErasureStore) -> None:
    """The stored data may have grown; a player who was linked meanwhile was not in the question."""
    links = OneMember(WOLF)
    service, question = build_service(store, FakeAuditLog(), links), DataQuestion(SCOPE.guild_id, MEMBER)
    plan = await service.plan(question)
    store.holdings = Holdings(balance=7)
    person = Person(SCOPE.guild_id, MEMBER, (WOLF,), is_asker=True)
    assert await service.plan_again(plan, question) == ErasurePlan(person, Holdings(balance=7))
    links.players += OneMember(NamedPlayer(build_player_id("Bear"), "Bear")).players
    with pytest.raises(InvalidInputError, match="someone else now, so I erased nothing"):
        await service.plan_again(plan, question)


async def test_digests_are_noted_before_the_first_step_and_after_the_last(store: FakeErasureStore) -> None:
    """An erasure that is cut off is carried out by a restore."""
    store.note = fail_in_transactions  # type: ignore[method-assign] # one crash
    person = Person(SCOPE.guild_id, MEMBER, (WOLF,), is_asker=True)
    with pytest.raises(StorageUnavailableError):
        await erase(store, person)
    assert len(store.records.stored) == 2
    assert len(store.records.appended) == 2
    assert WOLF.player_id not in repr(store.records.stored)
    del store.note  # type: ignore[method-assign]
    await erase(store, person)
    assert (len(store.records.stored), len(store.records.appended)) == (2, 6)


def fail_in_transactions(call: str) -> None:
    """Fail at the first step."""
    if call == "in_transaction":
        raise StorageUnavailableError("gone")


async def test_old_records_are_deleted_and_the_files_written_again() -> None:
    """Digests are kept for 400 days."""
    clock, records = FakeClock(), FakeErasureRecords()
    log = build_erasure_log(clock, records)
    await log.note(Person(SCOPE.guild_id, MEMBER, (), is_asker=True))
    clock.move(KEPT.total_seconds() + 1)
    await log.note(Person(SCOPE.guild_id, None, (WOLF,), is_asker=True))
    await log.tidy_files(await log.prune(SCOPE.guild_id))
    [kept] = records.stored.values()
    assert (records.appended, records.kept_since) == ([kept], clock.now() - KEPT)


async def test_only_deaths_up_to_a_moment_are_erased_and_a_new_record_stays(store: FakeErasureStore) -> None:
    """A player who has played on keeps what they played since; without an old death nothing is touched."""
    eraser = Eraser(store, clock=FakeClock(), deaths_at_once=3)
    deaths = store.deaths[WOLF.player_id]
    assert await eraser.erase_deaths(PLACE, WOLF.player_id, before=deaths[3].at) == 4
    assert store.deaths[WOLF.player_id] == deaths[4:]
    record = store.figures[WOLF.player_id]
    assert record.counters.kills == 3
    assert await eraser.erase_deaths(PLACE, WOLF.player_id, before=deaths[3].at) == 0
    assert store.figures[WOLF.player_id] == record
