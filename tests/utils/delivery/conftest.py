"""Fixtures for code that talks to Discord: a community, and a plain bot in it."""

from collections.abc import AsyncIterator

import discord
import pytest
from discord.ext import commands

from simulation.discord import Channel, Guild, SimulatedDiscord
from tests.fakes.clock import FakeClock
from tests.fakes.standing import NoPace
from utils.delivery.sender import DiscordSender
from utils.delivery.standing_messages import StandingMessages
from utils.tasks import TaskManager


@pytest.fixture(name="channel")
def _channel(world: SimulatedDiscord, guild: Guild) -> Channel:
    return world.create_channel(guild, "office")


@pytest.fixture(name="bot")
async def _bot(guild: Guild) -> commands.Bot:
    """A bot that is not connected yet, with the project's options."""
    assert guild.bot
    return commands.Bot(
        intents=discord.Intents(guilds=True),
        cache_default_sounds=False,
        help_command=None,
        guild_ready_timeout=0.1,
    )


@pytest.fixture(name="tasks")
async def _tasks(clock: FakeClock) -> AsyncIterator[TaskManager]:
    tasks = TaskManager(clock)
    yield tasks
    await tasks.stop()


@pytest.fixture(name="sender")
async def _sender(bot: commands.Bot, clock: FakeClock) -> DiscordSender:
    return DiscordSender(bot, clock=clock)


@pytest.fixture(name="standing")
async def _standing(sender: DiscordSender, tasks: TaskManager, clock: FakeClock) -> StandingMessages:
    """Standing messages that are updated without a wait."""
    return StandingMessages(sender, tasks, pace=NoPace(clock), clock=clock)
