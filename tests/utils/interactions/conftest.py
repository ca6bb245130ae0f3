"""A community, and the small bot in it."""

from collections.abc import AsyncIterator

import pytest

from simulation.discord import Channel, Guild, Member, Permission, SimulatedDiscord
from simulation.discord.clients import running_bot
from tests.fakes.small_bot import Shelf, SmallBot


@pytest.fixture(name="world")
async def _world() -> AsyncIterator[SimulatedDiscord]:
    async with SimulatedDiscord(enforce_rate_limits=False) as world:
        yield world
        assert world.contract_violations == []


@pytest.fixture(name="guild")
def _guild(world: SimulatedDiscord) -> Guild:
    return world.create_guild("Community")


@pytest.fixture(name="channel")
def _channel(guild: Guild) -> Channel:
    return guild.create_text_channel("general")


@pytest.fixture(name="alice")
def _alice(guild: Guild) -> Member:
    """A member without any permission of her own."""
    return guild.add_member("alice")


@pytest.fixture(name="manager")
def _manager(guild: Guild) -> Member:
    """A member with Manage Server."""
    return guild.add_member(
        "manager", roles=[guild.create_role("m", permissions=int(Permission.MANAGE_GUILD))]
    )


@pytest.fixture(name="shelf")
def _shelf() -> Shelf:
    return Shelf()


@pytest.fixture(name="bot")
async def _bot(world: SimulatedDiscord, guild: Guild, shelf: Shelf) -> AsyncIterator[SmallBot]:
    """The bot, connected; everybody may do everything by its tier."""
    assert guild.members
    bot = SmallBot(shelf.build_services())
    async with running_bot(bot, world):
        yield bot
