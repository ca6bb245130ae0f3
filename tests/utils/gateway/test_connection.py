"""The connection to Discord: losses and returns, outages, tries that hang, refused identifies."""

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import discord
import pytest
from discord.gateway import KeepAliveHandler
from structlog.testing import capture_logs

from simulation.discord import GATEWAY_ROUTE, Fault, SimulatedDiscord
from tests.fakes.clock import FakeClock
from tests.fakes.own_bot import wait_until
from utils.gateway.pace import IDENTIFIES_AN_HOUR, OPEN_SECONDS, PAUSES, SPARING_SECONDS, IdentifyBudget
from utils.gateway.running import run_gateway
from utils.interactions.reaching import is_trouble
from utils.telemetry.errors import ErrorTelemetry
from utils.telemetry.kinds import LibraryErrors

AWAY_SECONDS = 600

# The library drops a connection that is given up before its greeting; its finalizer closes it and warns.
pytestmark = [
    pytest.mark.fault,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


class BareBot(discord.Bot):
    """A bot that knows nothing but its budget of identifies."""

    def __init__(self, identifies: IdentifyBudget) -> None:
        super().__init__(
            intents=discord.Intents(guilds=True), auto_sync_commands=False, cache_default_sounds=False
        )
        self._identifies = identifies

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Keep the budget, without the library's pause of five seconds."""
        del initial
        await self._identifies.take(shard_id or 0)


class LosingBot(BareBot):
    """Its first ``connect`` hangs and loses a cancellation, as ``asyncio.wait_for`` does beside a result."""

    is_first = True
    is_connecting = False
    closed_while_connecting = False

    async def connect(self, *, reconnect: bool = True) -> None:
        """Connect, the first time only after a cancellation."""
        is_first, self.is_first = self.is_first, False
        self.is_connecting = True
        try:
            if is_first:
                with suppress(asyncio.CancelledError):
                    await asyncio.Event().wait()
            await super().connect(reconnect=reconnect)
        finally:
            self.is_connecting = False

    async def close(self) -> None:
        """Note whether something still connects."""
        self.closed_while_connecting |= self.is_connecting
        await super().close()


class BareShardedBot(discord.AutoShardedBot):
    """The same bot with two shards, which it launches once."""

    _has_launched = False

    def __init__(self, identifies: IdentifyBudget) -> None:
        super().__init__(
            intents=discord.Intents(guilds=True),
            auto_sync_commands=False,
            cache_default_sounds=False,
            shard_count=2,
            shard_ids=[0, 1],
        )
        self._identifies = identifies

    async def launch_shards(self) -> None:
        """Launch all shards, once."""
        if not self._has_launched:
            await super().launch_shards()
            self._has_launched = True

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Keep the budget, without the library's pause of five seconds."""
        del initial
        await self._identifies.take(shard_id or 0)


class NotedStatus:
    """Records how the connection stood."""

    def __init__(self) -> None:
        self.noted: list[str] = []

    def note_connected(self) -> None:
        """Record a connection."""
        self.noted.append("connected")

    def note_lost(self) -> None:
        """Record a loss."""
        self.noted.append("lost")


class Connected:
    """A bot that stays connected, its clock, and its log."""

    def __init__(
        self, world: SimulatedDiscord, logs: list[Mapping[str, Any]], build: type[BareBot | BareShardedBot]
    ) -> None:
        self.world = world
        self.logs = logs
        self.clock = FakeClock()
        self.status = NotedStatus()
        self.errors = ErrorTelemetry(self.clock, library_errors=LibraryErrors(is_trouble=is_trouble))
        self.identifies = IdentifyBudget(self.clock)
        self.bot = build(self.identifies)

    def list_lines(self) -> list[dict[str, Any]]:
        """Return the lines about losses and returns."""
        about = ("connected to Discord", "connection to Discord lost", "connection to Discord is back")
        return [dict(line) for line in self.logs if line["event"] in about]

    async def pass_until_connected(self, step_seconds: float = 1.0) -> float:
        """Let time pass until the bot is connected; return the seconds."""
        began = self.clock.monotonic()
        async with asyncio.timeout(60):
            while len(self.status.noted) < 1 or self.status.noted[-1] != "connected":
                await self.let_pass(step_seconds)
        return self.clock.monotonic() - began

    async def let_pass(self, seconds: float) -> None:
        """Let time pass, and let real connections do something."""
        await self.clock.advance(seconds)
        await asyncio.sleep(0.02)


@asynccontextmanager
async def connect(
    world: SimulatedDiscord, build: type[BareBot | BareShardedBot] = BareBot
) -> AsyncIterator[Connected]:
    """Stay connected until the end of the block."""
    before = discord.http.Route.API_BASE_URL
    discord.http.Route.API_BASE_URL = world.api_base_url
    with capture_logs() as logs:
        own = Connected(world, logs, build)
        async with own.bot:
            staying = asyncio.create_task(
                run_gateway(
                    own.bot,
                    world.token,
                    clock=own.clock,
                    identifies=own.identifies,
                    status=own.status,
                    errors=own.errors,
                )
            )
            try:
                yield own
            finally:
                staying.cancel()
                await asyncio.gather(staying, return_exceptions=True)
                await own.bot.close()
                gc.collect()  # so that no later test meets the finalizers
                discord.http.Route.API_BASE_URL = before


@pytest.mark.parametrize("code", [None, 4000, 4009])
async def test_each_loss_and_each_return_is_one_line(world: SimulatedDiscord, code: int | None) -> None:
    """A loss names its close code, a return its seconds and whether the session went on."""
    async with connect(world) as own:
        await wait_until(lambda: own.status.noted == ["connected"])
        await world.gateway.drop(code)
        await wait_until(lambda: own.status.noted == ["connected", "lost", "connected"])
        world.gateway.refuses_resumes = True
        await world.gateway.drop(code)
        await wait_until(lambda: own.status.noted == ["connected", "lost"] * 2 + ["connected"])
        lost = {"event": "connection to Discord lost", "log_level": "warning", "code": code or 1006}
        back = {"event": "connection to Discord is back", "log_level": "info", "seconds": 0.0}
        assert own.list_lines() == [
            {"event": "connected to Discord", "log_level": "info"},
            lost,
            back | {"session": "resumed"},
            lost,
            back | {"session": "new"},
        ]


async def test_bot_is_back_soon_after_discord_was_away_for_long(world: SimulatedDiscord) -> None:
    """After an outage no more time passes than the longest pause and a try; the log says so once."""
    async with connect(world) as own:
        await wait_until(lambda: own.status.noted == ["connected"])
        async with world.outage():
            await wait_until(lambda: own.status.noted == ["connected", "lost"])
            while own.clock.monotonic() < 1000 + AWAY_SECONDS:
                await own.let_pass(5)
        assert await own.pass_until_connected() <= PAUSES[-1] + 5
        assert [line["event"] for line in own.list_lines()] == [
            "connected to Discord",
            "connection to Discord lost",
            "connection to Discord is back",
        ]
        assert own.list_lines()[-1]["seconds"] >= AWAY_SECONDS
        assert own.errors.troubles.totals.total() >= AWAY_SECONDS / PAUSES[-1]
        assert own.errors.totals == {}


async def test_each_shard_is_back_soon_after_discord_was_away_for_long(world: SimulatedDiscord) -> None:
    """Every shard has its own pace and its own lines; a loss names its code."""
    async with connect(world, BareShardedBot) as own:
        await wait_until(lambda: len(own.list_lines()) == 2)
        async with world.outage():
            await wait_until(lambda: len(own.list_lines()) > 2)
            while own.clock.monotonic() < 1000 + AWAY_SECONDS:
                await own.let_pass(5)
        ended = own.clock.monotonic()
        async with asyncio.timeout(60):
            while len(own.list_lines()) < 6:
                await own.let_pass(1)
        assert own.clock.monotonic() - ended <= PAUSES[-1] + 5
        assert all(map(world.gateway.is_shard_connected, (0, 1)))
        lost = [line for line in own.list_lines() if line["event"] == "connection to Discord lost"]
        assert sorted((line["shard"], line["code"]) for line in lost) == [(0, 1006), (1, 1006)]
        await world.gateway.drop(4000)
        await wait_until(lambda: len(own.list_lines()) == 10)
        again = own.list_lines()[6:]
        assert {(line["shard"], line.get("code"), line.get("session")) for line in again} == {
            (shard, code, session) for shard in (0, 1) for code, session in ((4000, None), (None, "resumed"))
        }


async def test_login_is_tried_for_ever_while_discord_is_away(world: SimulatedDiscord) -> None:
    """At the start, the pauses are those of the connection."""
    async with world.outage(), connect(world) as own:
        for pause in (*PAUSES, PAUSES[-1]):
            await wait_until(lambda: bool(own.clock.sleeping))
            await own.clock.advance(pause)
        await wait_until(lambda: bool(own.clock.sleeping))
        assert own.clock.slept == [*PAUSES, PAUSES[-1], PAUSES[-1]]
        world.faults.end_outage()
        await own.pass_until_connected()
        assert own.errors.troubles.totals.total() == len(PAUSES) + 2
        assert own.errors.totals == {}


async def test_try_that_hangs_is_given_up(world: SimulatedDiscord) -> None:
    """A connection that Discord takes and then leaves without a word is begun again after 30 seconds."""
    held = asyncio.Event()
    hanging = world.faults.add(Fault(route=GATEWAY_ROUTE, held=held))
    async with connect(world) as own:
        await wait_until(lambda: hanging.struck == 1)
        assert await own.pass_until_connected() in (30.0, 31.0)
        held.set()


@pytest.mark.parametrize("is_given_up", [False, True])
async def test_nothing_connects_when_the_bot_closes(world: SimulatedDiscord, *, is_given_up: bool) -> None:
    """The bot closes after its connection ended, although the library loses a cancellation."""
    async with connect(world, LosingBot) as own:
        bot = own.bot
        assert isinstance(bot, LosingBot)
        await wait_until(lambda: bot.is_connecting)
        if is_given_up:
            await own.clock.advance(OPEN_SECONDS)
            await wait_until(lambda: world.gateway.identifies == 1)
    assert not bot.closed_while_connecting


async def test_budget_is_kept_when_identifies_are_refused(world: SimulatedDiscord) -> None:
    """A gateway that ends each new session gets twenty identifies, then one in five minutes."""
    world.gateway.refuses_identifies = True
    async with connect(world) as own:
        await wait_until(lambda: world.gateway.identifies == IDENTIFIES_AN_HOUR)
        for expected in (1, 2):
            for _ in range(int(SPARING_SECONDS / 10) - 1):
                await own.let_pass(10)
            assert world.gateway.identifies == IDENTIFIES_AN_HOUR + expected - 1
            await own.let_pass(10)
            await wait_until(
                lambda expected=expected: world.gateway.identifies == IDENTIFIES_AN_HOUR + expected
            )
        world.gateway.refuses_identifies = False
        await own.pass_until_connected(step_seconds=10)
    await wait_until(lambda: not any(isinstance(one, KeepAliveHandler) for one in threading.enumerate()))
