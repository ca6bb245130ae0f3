"""A simulated Discord, and a small py-cord bot that talks to it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import discord
import pytest
from discord.ext import commands

from simulation.discord import Channel, Guild, Member, SimulatedDiscord

StartBot = Callable[[commands.Bot], Any]


@pytest.fixture(name="world")
async def _world() -> AsyncIterator[SimulatedDiscord]:
    """A Discord without rate limits; a request out of contract fails the test."""
    async with SimulatedDiscord(enforce_rate_limits=False) as world:
        yield world
        assert world.contract_violations == []


@pytest.fixture(name="guild")
def _guild(world: SimulatedDiscord) -> Guild:
    return world.create_guild("Deadside Community")


@pytest.fixture(name="channel")
def _channel(guild: Guild) -> Channel:
    return guild.create_text_channel("general")


@pytest.fixture(name="alice")
def _alice(guild: Guild) -> Member:
    return guild.add_member("alice")


def make_bot(**options: Any) -> commands.Bot:
    """Build a bot as the project does: no privileged intents, no sounds, commands in servers only."""
    return commands.Bot(
        intents=discord.Intents(guilds=True, guild_messages=True),
        cache_default_sounds=False,
        default_command_contexts={discord.InteractionContextType.guild},
        help_command=None,
        **options,
    )


@asynccontextmanager
async def running(bot: commands.Bot, world: SimulatedDiscord) -> AsyncIterator[commands.Bot]:
    """Run a bot against the simulated Discord until the end of the block."""
    before = discord.http.Route.API_BASE_URL
    discord.http.Route.API_BASE_URL = world.api_base_url
    connected = asyncio.Event()
    bot.add_listener(_setter(connected), "on_connect")
    async with bot:
        task = asyncio.create_task(bot.start(world.token))
        try:
            await _first(task, connected.wait())
            yield bot
        finally:
            await bot.close()
            await asyncio.gather(task, return_exceptions=True)
            discord.http.Route.API_BASE_URL = before


def _setter(event: asyncio.Event) -> Callable[[], Awaitable[None]]:
    async def on_connect() -> None:
        event.set()

    return on_connect


async def _first(task: "asyncio.Task[None]", ready: Awaitable[Any]) -> None:
    """Wait for the event, or for the bot's early end with its error."""
    waiter = asyncio.ensure_future(ready)
    await asyncio.wait({task, waiter}, return_when=asyncio.FIRST_COMPLETED, timeout=20)
    if task.done():
        waiter.cancel()
        await task
    assert waiter.done(), "the bot did not connect in time"


class Client:
    """A bare HTTP client with the bot's token, for refusals that py-cord would not provoke."""

    def __init__(self, session: aiohttp.ClientSession, world: SimulatedDiscord) -> None:
        self._session = session
        self._base = world.api_base_url.format(API_VERSION=10)
        self.headers = {"Authorization": f"Bot {world.token}"}

    async def call(self, method: str, path: str, **arguments: Any) -> tuple[int, Any]:
        """Send a request and return status and JSON body (None without one)."""
        async with self._session.request(
            method, self._base + path, headers=self.headers, **arguments
        ) as response:
            if response.status == 204:
                return 204, None
            return response.status, await response.json()


@pytest.fixture(name="client")
async def _client(world: SimulatedDiscord) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(session, world)
