"""Two clients of the simulated Discord: an unmodified py-cord bot, and bare HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import aiohttp
import discord

from simulation.discord.interactions import InteractionRecord
from simulation.discord.server import SimulatedDiscord

POLL_SECONDS = 0.005
START_SECONDS = 60.0  # the longest wait until the bot has synced its commands


@asynccontextmanager
async def running_bot(bot: discord.Bot, world: SimulatedDiscord) -> AsyncIterator[discord.Bot]:
    """Run a py-cord bot against the simulated Discord until the end of the block.

    The block begins when the bot is connected and its commands are registered, if py-cord syncs them by
    itself. py-cord keeps the API's address in a class attribute. It is restored afterwards.

    Raises:
        TimeoutError: the bot was not ready in time.
        discord.DiscordException: the bot ended first, with this error.
    """
    before = discord.http.Route.API_BASE_URL
    discord.http.Route.API_BASE_URL = world.api_base_url
    async with bot:
        greeted = asyncio.create_task(bot.wait_for("connect", timeout=START_SECONDS))
        life = asyncio.create_task(bot.start(world.token))
        try:
            await asyncio.wait({greeted, life}, return_when=asyncio.FIRST_COMPLETED)
            await _wait_until_registered(bot, life)
            yield bot
            await world.settle()
        finally:
            greeted.cancel()
            await bot.close()
            await asyncio.gather(life, greeted, return_exceptions=True)
            discord.http.Route.API_BASE_URL = before


async def _wait_until_registered(bot: discord.Bot, life: "asyncio.Task[None]") -> None:
    """Poll: py-cord fires no event once it has taken in the answer to its registration."""
    async with asyncio.timeout(START_SECONDS):
        while True:
            if life.done():
                await life
            if not (bot.auto_sync_commands and bot.pending_application_commands) or bot.application_commands:
                return
            await asyncio.sleep(POLL_SECONDS)


class BareClient:
    """Sends single REST requests with the bot's token: `async with BareClient(world) as client`."""

    def __init__(self, world: SimulatedDiscord) -> None:
        self._world = world
        self._base_url = world.api_base_url.format(API_VERSION=10)
        self.headers = {"Authorization": f"Bot {world.token}"}
        self.session = aiohttp.ClientSession()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()

    def url(self, path: str) -> str:
        """Return the full address of a path of the API."""
        return self._base_url + path

    async def call(self, method: str, path: str, **arguments: Any) -> tuple[int, Any]:
        """Send a request (arguments as of aiohttp); return status and JSON body (None for 204)."""
        async with self.session.request(
            method, self.url(path), headers=self.headers, **arguments
        ) as response:
            if response.status == 204:
                return 204, None
            return response.status, await response.json()

    async def register(self, *commands: dict[str, Any]) -> tuple[int, Any]:
        """Replace the global commands."""
        path = f"/applications/{self._world.application_id}/commands"
        return await self.call("PUT", path, json=list(commands))

    async def acknowledge(
        self, interaction: InteractionRecord, kind: int, data: dict[str, Any] | None = None
    ) -> tuple[int, Any]:
        """Send the callback of an interaction."""
        path = f"/interactions/{interaction.id}/{interaction.token}/callback?with_response=true"
        return await self.call("POST", path, json={"type": kind, "data": data or {}})

    def webhook(self, interaction: InteractionRecord, message: str = "") -> str:
        """Return the path of an interaction's webhook, or of one of its messages."""
        base = f"/webhooks/{self._world.application_id}/{interaction.token}"
        return f"{base}/messages/{message}" if message else base
