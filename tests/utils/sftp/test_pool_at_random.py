"""The pool with random requests, returns and cancellations within a turn of the loop: no slot is lost."""

import asyncio
from dataclasses import dataclass, field
from typing import cast

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.fakes.examples import choose_examples
from utils.models.scope import GuildId
from utils.models.servers import Credentials
from utils.sftp.connection import HostConnection
from utils.sftp.login import HostLogin, PoolLimits
from utils.sftp.pool import SftpConnectionPool

LIMITS = PoolLimits(
    max_connections=2,
    handshakes_per_host=2,
    handshake_spacing_seconds=0,
    max_loans_per_connection=1,
    wait_timeout_seconds=60,  # only a failing test waits as long
    idle_expiry_seconds=0,
)
DOORS = [
    (GuildId(number), HostLogin("host", 22, name, Credentials("p"))) for number in (1, 2) for name in "ab"
]
STEPS = st.tuples(
    st.sampled_from(["come", "leave", "leave", "give up", "give up", "turn", "expire"]), st.integers(0, 11)
)
Step = tuple[str, int]


@dataclass(eq=False, slots=True)
class FakeConnection:
    """A connection that never breaks and takes a few turns to close."""

    host_key: str = "ssh-ed25519 A"
    fault: None = None
    is_usable: bool = True

    async def close(self, timeout_seconds: float) -> None:
        """Close."""
        del timeout_seconds
        self.is_usable = False
        for _ in range(2):
            await asyncio.sleep(0)


async def open_fake(guild_id: GuildId, login: HostLogin) -> HostConnection:
    """Connect within a few turns."""
    del guild_id, login
    for _ in range(2):
        await asyncio.sleep(0)
    return cast("HostConnection", FakeConnection())


@dataclass(eq=False, slots=True)
class Visit:
    """A request for a loan, which is kept until the test ends it."""

    may_leave: asyncio.Event = field(default_factory=asyncio.Event)
    is_served: bool = False
    gave_up: bool = False

    async def make(self, pool: SftpConnectionPool, number: int) -> None:
        """Take a loan."""
        guild_id, login = DOORS[number % len(DOORS)]
        async with pool.lend(guild_id, login, guild_limit=1):
            self.is_served = True
            await self.may_leave.wait()


@dataclass(slots=True)
class Crowd:
    """All requests, with their tasks."""

    pool: SftpConnectionPool
    visits: dict[asyncio.Task[None], Visit] = field(default_factory=dict)

    def come(self, number: int) -> None:
        """Start a request."""
        visit = Visit()
        self.visits[asyncio.create_task(visit.make(self.pool, number))] = visit

    async def take(self, step: str, number: int) -> None:
        """Take a step; all steps between two turns happen at the same moment."""
        inside = [task for task, visit in self.visits.items() if visit.is_served and not task.done()]
        others = [task for task, visit in self.visits.items() if not (visit.is_served or task.done())]
        if step == "come":
            self.come(number)
        elif step == "leave" and inside:
            self.visits[inside[number % len(inside)]].may_leave.set()
        elif step == "give up" and (under_way := others or inside):
            task = under_way[number % len(under_way)]
            self.visits[task].gave_up |= task.cancel()
        elif step == "expire":
            self.pool.expire_idle()
        elif step == "turn":
            for _ in range(number):
                await asyncio.sleep(0)


@settings(max_examples=choose_examples(quick=100, deep=600), deadline=None)
@given(st.lists(st.integers(0, 3), min_size=4, max_size=12), st.lists(STEPS, min_size=10, max_size=60))
@example([0, 0], [("turn", 9), ("leave", 0), ("give up", 0)])
async def test_everybody_who_stays_is_served_and_every_lease_comes_back(
    first: list[int], steps: list[Step]
) -> None:
    """A cancellation at any moment costs no other request a turn, an error or a slot."""
    crowd = Crowd(SftpConnectionPool(LIMITS, opener=open_fake))
    for number in first:
        crowd.come(number)
    for step in steps:
        await crowd.take(*step)
    for visit in crowd.visits.values():
        visit.may_leave.set()
    await asyncio.gather(*crowd.visits, return_exceptions=True)
    for task, visit in crowd.visits.items():
        assert visit.gave_up if task.cancelled() else visit.is_served and task.exception() is None
    pool = crowd.pool
    assert [slot.loans for slot in pool._state.slots if slot.loans] == []
    assert (pool._state.waiting, pool._assigned) == ([], {})
    for number in range(len(DOORS)):
        last = Visit()
        last.may_leave.set()
        await last.make(pool, number)
    await pool.aclose()
    assert (pool._state.slots, pool._links) == ([], {})
