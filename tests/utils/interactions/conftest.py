"""A community, and the small bot in it."""

from collections.abc import AsyncIterator

import pytest

from simulation.discord import Guild, SimulatedDiscord
from simulation.discord.clients import running_bot
from tests.fakes.small_bot import Shelf, SmallBot


@pytest.fixture(name="shelf")
def _shelf() -> Shelf:
    return Shelf()


@pytest.fixture(name="bot")
async def _bot(world: SimulatedDiscord, guild: Guild, shelf: Shelf) -> AsyncIterator[SmallBot]:
    """The connected bot, with a tier that opens everything."""
    assert guild.members
    bot = SmallBot(shelf.build_services())
    async with running_bot(bot, world):
        yield bot
