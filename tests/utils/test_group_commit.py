"""Group commit: members that come at the same moment share one piece of work, and no guild suffers by it."""

import asyncio
from collections.abc import Iterable, Sequence

import pytest

from tests.fakes.clock import FakeClock, settle
from utils.errors import StorageConflictError
from utils.group_commit import MOST_MEMBERS, MOST_OF_A_GUILD, PROVEN_AFTER, GroupCommit
from utils.models.scope import GuildId

HERE, THERE = GuildId(42), GuildId(43)
NORTH, SOUTH = "north", "south"


class Desk:
    """Notes who was served together, and fails for whom it is told to.

    Attributes:
        rounds: who was served, round by round.
        refused: those with whom a round fails.
        held: rounds that do not end, while ``is_open`` is not set.
    """

    def __init__(self) -> None:
        self.rounds: list[tuple[str, tuple[str, ...]]] = []
        self.refused: set[str] = set()
        self.held: set[tuple[str, ...]] = set()
        self.is_open = asyncio.Event()

    async def serve(self, key: str, members: Sequence[str]) -> list[str]:
        """Serve several at once."""
        self.rounds.append((key, tuple(members)))
        if tuple(members) in self.held:
            await self.is_open.wait()
        if bad := self.refused.intersection(members):
            raise StorageConflictError(", ".join(sorted(bad)))
        return [member.upper() for member in members]


class Guests:
    """Members who join a group of a desk."""

    def __init__(self, desk: Desk, clock: FakeClock) -> None:
        self.desk = desk
        self._clock = clock
        self.group = GroupCommit(desk.serve, clock=clock, seconds=1)

    def begin(self, members: Iterable[str], guild_id: GuildId, key: str = NORTH) -> list[asyncio.Task[str]]:
        """Let members of a guild come."""
        return [asyncio.create_task(self.group.join(key, guild_id, member)) for member in members]

    async def serve(self, members: Iterable[str], guild_id: GuildId) -> list[str | BaseException]:
        """Let members of a guild come, and return what each of them got."""
        joining = self.begin(members, guild_id)
        await self._clock.advance(1)
        return await asyncio.gather(*joining, return_exceptions=True)

    def take_rounds(self) -> list[tuple[str, ...]]:
        """Return who was served together since this was asked last."""
        rounds = [members for _, members in self.desk.rounds]
        self.desk.rounds.clear()
        return rounds


@pytest.fixture(name="desk")
def _desk() -> Desk:
    return Desk()


@pytest.fixture(name="guests")
def _guests(desk: Desk, clock: FakeClock) -> Guests:
    return Guests(desk, clock)


async def test_members_of_a_key_share_a_round_and_each_has_their_own_result(
    clock: FakeClock, guests: Guests
) -> None:
    """They may be of several guilds, not of several keys; who comes later begins the next round."""
    joining = [*guests.begin("ab", HERE), *guests.begin("x", THERE), *guests.begin("s", THERE, SOUTH)]
    await clock.advance(1)
    joining += guests.begin("c", HERE)
    await clock.advance(1)
    assert await asyncio.gather(*joining) == ["A", "B", "X", "S", "C"]
    assert guests.desk.rounds == [(NORTH, ("a", "b", "x")), (SOUTH, ("s",)), (NORTH, ("c",))]


async def test_nobody_suffers_from_the_fault_of_another(desk: Desk, guests: Guests) -> None:
    """After a round that failed each is served alone, and told of their own fault."""
    desk.refused = {"b"}
    first, second, third = await guests.serve("abc", HERE)
    assert (first, str(second), third) == ("A", "b", "C")
    assert guests.take_rounds() == [("a", "b", "c"), ("a",), ("b",), ("c",)]


async def test_fault_of_one_alone_is_raised_without_another_try(desk: Desk, guests: Guests) -> None:
    """There is nobody to tell them from."""
    desk.refused = {"a"}
    (error,) = await guests.serve("a", HERE)
    assert isinstance(error, StorageConflictError)
    assert guests.take_rounds() == [("a",)]


async def test_nobody_waits_for_the_second_try_of_another(
    clock: FakeClock, desk: Desk, guests: Guests
) -> None:
    """A guild whose own try takes long holds up itself alone."""
    desk.refused, desk.held = {"b"}, {("b",)}
    first, second = *guests.begin("a", HERE), *guests.begin("b", THERE)
    await clock.advance(1)
    assert await first == "A"
    assert guests.take_rounds() == [("a", "b"), ("a",), ("b",)]
    assert not second.done()
    desk.is_open.set()
    with pytest.raises(StorageConflictError):
        await second


async def test_guild_that_failed_goes_alone_until_it_has_succeeded_often_enough(
    desk: Desk, guests: Guests, clock: FakeClock
) -> None:
    """It spoils no further group, waits for nobody, and has to begin anew when it fails once more."""
    desk.refused = {"b"}
    for members in ("b", "aaab", PROVEN_AFTER * "a"):
        await guests.serve(members, HERE)
    guests.take_rounds()
    joining = [*guests.begin("a", HERE), *guests.begin("b", THERE)]
    await clock.advance(1)
    await asyncio.gather(*joining, return_exceptions=True)
    assert guests.take_rounds() == [("a", "b"), ("a",), ("b",)]
    joining = [*guests.begin("a", HERE), *guests.begin("b", THERE)]
    await settle()
    assert guests.take_rounds() == [("b",)]  # at once
    await clock.advance(1)
    assert guests.take_rounds() == [("a",)]
    await asyncio.gather(*joining, return_exceptions=True)
    guests.group.forget_guild(THERE)
    await guests.serve("cd", THERE)
    assert guests.take_rounds() == [("c", "d")]


async def test_group_takes_so_many_members_and_so_many_of_a_guild(guests: Guests, clock: FakeClock) -> None:
    """The rest begins the next group at once; others still find room in the first one."""
    crowd = [f"{number}" for number in range(MOST_OF_A_GUILD + 2)]
    joining = [*guests.begin(crowd, HERE), *guests.begin("x", THERE)]
    for number in range(MOST_MEMBERS):
        joining += guests.begin(["y"], GuildId(100 + number))
    await clock.advance(1)
    await asyncio.gather(*joining)
    first, second = guests.take_rounds()
    others = MOST_MEMBERS - MOST_OF_A_GUILD - 1
    assert first == (*crowd[:MOST_OF_A_GUILD], "x", *["y"] * others)
    assert second == (*crowd[MOST_OF_A_GUILD:], *["y"] * (MOST_MEMBERS - others))


async def test_who_is_cancelled_waits_for_the_end_and_others_notice_nothing(
    clock: FakeClock, desk: Desk, guests: Guests
) -> None:
    """What was asked for may happen, so nobody must go on as if it could not."""
    desk.held = {("a", "b")}
    first, second = guests.begin("ab", HERE)
    await clock.advance(1)
    first.cancel()
    await settle()
    assert not first.done()
    desk.is_open.set()
    assert await second == "B"
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_who_is_cancelled_is_not_tried_again_alone(
    clock: FakeClock, desk: Desk, guests: Guests
) -> None:
    """The group failed as a whole, so nothing of theirs happened; all others are served."""
    desk.held, desk.refused = {("a", "b", "c")}, {"c"}
    first, second, third = guests.begin("abc", HERE)
    await clock.advance(1)
    first.cancel()
    desk.is_open.set()
    await asyncio.wait([first, second, third])
    assert first.cancelled()
    assert second.result() == "B"
    assert guests.take_rounds() == [("a", "b", "c"), ("b",), ("c",)]
    with pytest.raises(StorageConflictError):
        await third
