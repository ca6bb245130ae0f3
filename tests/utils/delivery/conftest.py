"""A community and a plain bot in it, for what talks to Discord itself."""

from collections.abc import AsyncIterator

import discord
import pytest
from discord.ext import commands

from simulation.discord import Channel, Guild, SimulatedDiscord


@pytest.fixture(name="world")
async def _world() -> AsyncIterator[SimulatedDiscord]:
    async with SimulatedDiscord(enforce_rate_limits=False) as world:
        yield world
        assert world.contract_violations == []


@pytest.fixture(name="channel")
def _channel(world: SimulatedDiscord, guild: Guild) -> Channel:
    return world.create_channel(guild, "office")


@pytest.fixture(name="bot")
async def _bot(guild: Guild) -> commands.Bot:
    """A bot that is not connected yet, as the project builds its own."""
    assert guild.bot
    return commands.Bot(
        intents=discord.Intents(guilds=True),
        cache_default_sounds=False,
        help_command=None,
        guild_ready_timeout=0.1,
    )
