"""Group commit: members of a guild that come at the same moment share one piece of work."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.fakes.clock import FakeClock, settle
from utils.errors import StorageConflictError
from utils.models.scope import GuildId
from utils.services.ingestion.group_commit import GroupCommit

HERE, THERE = GuildId(42), GuildId(43)


class Desk:
    """Notes who was served together, and fails for whom it is told to.

    Attributes:
        rounds: who was served, round by round.
        refused: those with whom a round fails.
        is_open: while it is not set, rounds do not end.
    """

    def __init__(self) -> None:
        self.rounds: list[tuple[GuildId, tuple[str, ...]]] = []
        self.refused: set[str] = set()
        self.is_open = asyncio.Event()
        self.is_open.set()

    async def serve(self, guild_id: GuildId, members: Sequence[str]) -> list[str]:
        """Serve several at once."""
        self.rounds.append((guild_id, tuple(members)))
        await self.is_open.wait()
        if bad := self.refused.intersection(members):
            raise StorageConflictError(", ".join(sorted(bad)))
        return [member.upper() for member in members]


@pytest.fixture(name="desk")
def _desk() -> Desk:
    return Desk()


async def test_members_of_a_guild_share_a_round_and_each_has_his_own_result(
    clock: FakeClock, desk: Desk
) -> None:
    """Another guild's are never among them; who comes later begins the next round."""
    group = GroupCommit(desk.serve, clock=clock, seconds=1)
    joining = [asyncio.create_task(group.join(HERE, member)) for member in "ab"]
    joining.append(asyncio.create_task(group.join(THERE, "x")))
    await clock.advance(1)
    joining.append(asyncio.create_task(group.join(HERE, "c")))
    await clock.advance(1)
    assert await asyncio.gather(*joining) == ["A", "B", "X", "C"]
    assert desk.rounds == [(HERE, ("a", "b")), (THERE, ("x",)), (HERE, ("c",))]


async def test_nobody_suffers_from_the_fault_of_another(clock: FakeClock, desk: Desk) -> None:
    """After a round that failed each is served alone, and told of his own fault."""
    desk.refused = {"b"}
    group = GroupCommit(desk.serve, clock=clock, seconds=1)
    joining = [asyncio.create_task(group.join(HERE, member)) for member in "abc"]
    await clock.advance(1)
    first, second, third = await asyncio.gather(*joining, return_exceptions=True)
    assert (first, str(second), third) == ("A", "b", "C")
    assert [members for _, members in desk.rounds] == [("a", "b", "c"), ("a",), ("b",), ("c",)]


async def test_fault_of_one_alone_is_raised_without_another_try(clock: FakeClock, desk: Desk) -> None:
    """There is nobody to tell him from."""
    desk.refused = {"a"}
    joining = asyncio.create_task(GroupCommit(desk.serve, clock=clock, seconds=1).join(HERE, "a"))
    await clock.advance(1)
    with pytest.raises(StorageConflictError):
        await joining
    assert len(desk.rounds) == 1


async def test_who_is_cancelled_waits_for_the_end_and_others_notice_nothing(
    clock: FakeClock, desk: Desk
) -> None:
    """What was asked for may happen, so nobody must go on as if it could not."""
    desk.is_open.clear()
    group = GroupCommit(desk.serve, clock=clock, seconds=1)
    first, second = (asyncio.create_task(group.join(HERE, member)) for member in "ab")
    await clock.advance(1)
    first.cancel()
    await settle()
    assert not first.done()
    desk.is_open.set()
    assert await second == "B"
    with pytest.raises(asyncio.CancelledError):
        await first
