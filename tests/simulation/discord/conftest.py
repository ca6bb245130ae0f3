"""A simulated Discord with a server, and a small py-cord bot that talks to it."""

from collections.abc import AsyncIterator

import discord
import pytest
from discord.ext import commands

from simulation.discord import Guild, SimulatedDiscord
from simulation.discord.clients import BareClient


@pytest.fixture(name="world")
async def _world() -> AsyncIterator[SimulatedDiscord]:
    """A Discord without rate limits."""
    async with SimulatedDiscord(enforce_rate_limits=False) as world:
        yield world


@pytest.fixture(name="guild")
def _guild(world: SimulatedDiscord) -> Guild:
    return world.create_guild("Deadside Community")


@pytest.fixture(name="bot")
async def _bot() -> commands.Bot:
    """A bot with the project's options: no privileged intents, no sounds, commands in servers only."""
    return commands.Bot(
        intents=discord.Intents(guilds=True, guild_messages=True),
        cache_default_sounds=False,
        default_command_contexts={discord.InteractionContextType.guild},
        help_command=None,
        guild_ready_timeout=0.1,
    )


@pytest.fixture(name="client")
async def _client(world: SimulatedDiscord) -> AsyncIterator[BareClient]:
    async with BareClient(world) as client:
        yield client
