"""Messages of proofs: the outcome replaces the times."""

import asyncio

import pytest
from discord.ext import commands

from simulation.discord import Channel, Fault, SimulatedDiscord
from simulation.discord.clients import running_bot
from tests.fakes.clock import START, FakeClock
from tests.fakes.deaths import SCOPE, build_player_id
from tests.fakes.languages import FakeGuildLanguages
from utils.delivery.proofs import LinkMessages
from utils.delivery.standing_messages import StandingMessages
from utils.models.links import Link, ProofOutcome
from utils.models.scope import ChannelId, MemberId
from utils.tasks import TaskManager

MESSAGE = "/channels/{channel_id}/messages/{message_id}"
WOLF = build_player_id("Wolf")


def build_link(channel: Channel, message_id: int | None) -> Link:
    """Return a link with a message."""
    channel_id = None if message_id is None else ChannelId(channel.id)
    return Link(
        SCOPE.guild_id, MemberId(1), WOLF, "Wolf", START, channel_id=channel_id, message_id=message_id
    )


@pytest.fixture(name="messages")
async def _messages(standing: StandingMessages) -> LinkMessages:
    return LinkMessages(standing, languages=FakeGuildLanguages())


async def test_outcome_takes_the_place_of_the_times(
    bot: commands.Bot, world: SimulatedDiscord, channel: Channel, messages: LinkMessages
) -> None:
    """The message is edited with the bot's own permissions; without a message nothing is done."""
    async with running_bot(bot, world):
        posted = await bot.get_partial_messageable(channel.id).send("times")
        assert await messages.show(build_link(channel, posted.id), ProofOutcome.EXPIRED)
        assert await messages.show(build_link(channel, None), ProofOutcome.EXPIRED)
    [message] = channel.messages
    assert message.embed["title"] == "❌ Not proven in time"
    assert len(world.journal.requests_to("PATCH", MESSAGE)) == 1


@pytest.mark.fault
@pytest.mark.parametrize("status", [403, 404])
async def test_what_lasts_ends_the_matter(
    bot: commands.Bot, world: SimulatedDiscord, channel: Channel, messages: LinkMessages, status: int
) -> None:
    """After a deleted message or a lost permission nothing more is done."""
    async with running_bot(bot, world):
        posted = await bot.get_partial_messageable(channel.id).send("times")
        gone = world.faults.add(Fault(method="PATCH", route=MESSAGE, status=status, times=None))
        assert await messages.show(build_link(channel, posted.id), ProofOutcome.PROVEN)
    assert gone.struck == 1


async def test_outcome_waits_until_the_bot_was_logged_in(
    bot: commands.Bot, world: SimulatedDiscord, channel: Channel, messages: LinkMessages, clock: FakeClock
) -> None:
    """The bot may judge before its login; then the newest outcome of a message is shown."""
    async with running_bot(commands.Bot(intents=bot.intents, cache_default_sounds=False), world) as before:
        posted = await before.get_partial_messageable(channel.id).send("times")
    link = build_link(channel, posted.id)
    showing = asyncio.gather(
        messages.show(link, ProofOutcome.PROVEN), messages.show(link, ProofOutcome.ENDED)
    )
    await clock.advance(0)
    assert not showing.done()
    async with running_bot(bot, world):
        await clock.advance(60)
        assert await showing == [True, True]
    assert len(world.journal.requests_to("PATCH", MESSAGE)) == 1
    assert "ended" in str(channel.messages[0].embed).lower()


async def test_outcome_that_was_broken_off_is_not_taken_as_shown(
    channel: Channel, messages: LinkMessages, clock: FakeClock, tasks: TaskManager
) -> None:
    """The bot left the guild before Discord was reached."""
    showing = asyncio.create_task(messages.show(build_link(channel, 1), ProofOutcome.PROVEN))
    await clock.advance(0)
    await tasks.cancel_guild(SCOPE.guild_id)
    assert not await showing
