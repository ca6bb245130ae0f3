"""Group commit: batches of the same moment share one transaction, and no guild is harmed by another."""

import asyncio
from collections.abc import Iterable, Sequence

import pytest

from tests.fakes.clock import FakeClock, settle
from utils.errors import StorageConflictError
from utils.group_commit import MOST_MEMBERS, MOST_OF_A_GUILD, PROVEN_AFTER, GroupCommit
from utils.models.scope import GuildId

HERE, THERE = GuildId(42), GuildId(43)
NORTH, SOUTH = "north", "south"


class FakeStore:
    """Records each group and fails for chosen batches.

    Attributes:
        rounds: the key and the batches of each call.
        refused: the batches that make a call fail.
        held: groups that wait until ``is_open`` is set.
    """

    def __init__(self) -> None:
        self.rounds: list[tuple[str, tuple[str, ...]]] = []
        self.refused: set[str] = set()
        self.held: set[tuple[str, ...]] = set()
        self.is_open = asyncio.Event()

    async def run(self, key: str, members: Sequence[str]) -> list[str]:
        """Run a group."""
        self.rounds.append((key, tuple(members)))
        if tuple(members) in self.held:
            await self.is_open.wait()
        if bad := self.refused.intersection(members):
            raise StorageConflictError(", ".join(sorted(bad)))
        return [member.upper() for member in members]


class Callers:
    """Batches that join a group."""

    def __init__(self, store: FakeStore, clock: FakeClock) -> None:
        self.store = store
        self._clock = clock
        self.group = GroupCommit(store.run, clock=clock, seconds=1)

    def begin(self, members: Iterable[str], guild_id: GuildId, key: str = NORTH) -> list[asyncio.Task[str]]:
        """Let batches of a guild join."""
        return [asyncio.create_task(self.group.join(key, guild_id, member)) for member in members]

    async def join(self, members: Iterable[str], guild_id: GuildId) -> list[str | BaseException]:
        """Let batches of a guild join, and return the result of each."""
        joining = self.begin(members, guild_id)
        await self._clock.advance(1)
        return await asyncio.gather(*joining, return_exceptions=True)

    def take_rounds(self) -> list[tuple[str, ...]]:
        """Return the groups since the last call."""
        rounds = [members for _, members in self.store.rounds]
        self.store.rounds.clear()
        return rounds


@pytest.fixture(name="store")
def _store() -> FakeStore:
    return FakeStore()


@pytest.fixture(name="callers")
def _callers(store: FakeStore, clock: FakeClock) -> Callers:
    return Callers(store, clock)


async def test_members_of_a_key_share_a_round_and_each_has_their_own_result(
    clock: FakeClock, callers: Callers
) -> None:
    """A group has batches of several guilds, but of one key; later batches begin the next group."""
    joining = [*callers.begin("ab", HERE), *callers.begin("x", THERE), *callers.begin("s", THERE, SOUTH)]
    await clock.advance(1)
    joining += callers.begin("c", HERE)
    await clock.advance(1)
    assert await asyncio.gather(*joining) == ["A", "B", "X", "S", "C"]
    assert callers.store.rounds == [(NORTH, ("a", "b", "x")), (SOUTH, ("s",)), (NORTH, ("c",))]


async def test_nobody_suffers_from_the_fault_of_another(store: FakeStore, callers: Callers) -> None:
    """If a group fails, each batch runs alone and gets its own error."""
    store.refused = {"b"}
    first, second, third = await callers.join("abc", HERE)
    assert (first, str(second), third) == ("A", "b", "C")
    assert callers.take_rounds() == [("a", "b", "c"), ("a",), ("b",), ("c",)]


async def test_fault_of_one_alone_is_raised_without_another_try(store: FakeStore, callers: Callers) -> None:
    """A group of one batch has nothing to separate."""
    store.refused = {"a"}
    (error,) = await callers.join("a", HERE)
    assert isinstance(error, StorageConflictError)
    assert callers.take_rounds() == [("a",)]


async def test_nobody_waits_for_the_second_try_of_another(
    clock: FakeClock, store: FakeStore, callers: Callers
) -> None:
    """A slow second try delays only its own guild."""
    store.refused, store.held = {"b"}, {("b",)}
    first, second = *callers.begin("a", HERE), *callers.begin("b", THERE)
    await clock.advance(1)
    assert await first == "A"
    assert callers.take_rounds() == [("a", "b"), ("a",), ("b",)]
    assert not second.done()
    store.is_open.set()
    with pytest.raises(StorageConflictError):
        await second


async def test_guild_that_failed_goes_alone_until_it_has_succeeded_often_enough(
    store: FakeStore, callers: Callers, clock: FakeClock
) -> None:
    """Its batches run alone and at once; after another failure it must succeed as often again."""
    store.refused = {"b"}
    for members in ("b", "aaab", PROVEN_AFTER * "a"):
        await callers.join(members, HERE)
    callers.take_rounds()
    joining = [*callers.begin("a", HERE), *callers.begin("b", THERE)]
    await clock.advance(1)
    await asyncio.gather(*joining, return_exceptions=True)
    assert callers.take_rounds() == [("a", "b"), ("a",), ("b",)]
    joining = [*callers.begin("a", HERE), *callers.begin("b", THERE)]
    await settle()
    assert callers.take_rounds() == [("b",)]  # at once
    await clock.advance(1)
    assert callers.take_rounds() == [("a",)]
    await asyncio.gather(*joining, return_exceptions=True)
    callers.group.forget_guild(THERE)
    await callers.join("cd", THERE)
    assert callers.take_rounds() == [("c", "d")]


async def test_group_takes_so_many_members_and_so_many_of_a_guild(callers: Callers, clock: FakeClock) -> None:
    """The rest begins the next group at once, and other guilds still have space in the first one."""
    crowd = [f"{number}" for number in range(MOST_OF_A_GUILD + 2)]
    joining = [*callers.begin(crowd, HERE), *callers.begin("x", THERE)]
    for number in range(MOST_MEMBERS):
        joining += callers.begin(["y"], GuildId(100 + number))
    await clock.advance(1)
    await asyncio.gather(*joining)
    first, second = callers.take_rounds()
    others = MOST_MEMBERS - MOST_OF_A_GUILD - 1
    assert first == (*crowd[:MOST_OF_A_GUILD], "x", *["y"] * others)
    assert second == (*crowd[MOST_OF_A_GUILD:], *["y"] * (MOST_MEMBERS - others))


async def test_who_is_cancelled_waits_for_the_end_and_others_notice_nothing(
    clock: FakeClock, store: FakeStore, callers: Callers
) -> None:
    """The batch may be stored, so its caller must wait for the result."""
    store.held = {("a", "b")}
    first, second = callers.begin("ab", HERE)
    await clock.advance(1)
    first.cancel()
    await settle()
    assert not first.done()
    store.is_open.set()
    assert await second == "B"
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_who_is_cancelled_is_not_tried_again_alone(
    clock: FakeClock, store: FakeStore, callers: Callers
) -> None:
    """The group failed as a whole, so the cancelled batch is not stored; all others run alone."""
    store.held, store.refused = {("a", "b", "c")}, {"c"}
    first, second, third = callers.begin("abc", HERE)
    await clock.advance(1)
    first.cancel()
    store.is_open.set()
    await asyncio.wait([first, second, third])
    assert first.cancelled()
    assert second.result() == "B"
    assert callers.take_rounds() == [("a", "b", "c"), ("b",), ("c",)]
    with pytest.raises(StorageConflictError):
        await third
