"""Messages of proofs: the outcome, on the message that named the times."""

import pytest
from discord.ext import commands

from simulation.discord import Channel, Fault, SimulatedDiscord
from simulation.discord.clients import running_bot
from tests.fakes.clock import START, FakeClock
from tests.fakes.deaths import SCOPE, build_player_id
from utils.delivery.proofs import LinkMessages
from utils.delivery.sender import DiscordSender
from utils.embeds.factory import EmbedFactory
from utils.models.links import Link, ProofOutcome
from utils.models.scope import ChannelId, MemberId

MESSAGE = "/channels/{channel_id}/messages/{message_id}"
WOLF = build_player_id("Wolf")


def build_link(channel: Channel, message_id: int | None) -> Link:
    """Return a link that is shown in a message."""
    channel_id = None if message_id is None else ChannelId(channel.id)
    return Link(
        SCOPE.guild_id, MemberId(1), WOLF, "Wolf", START, channel_id=channel_id, message_id=message_id
    )


async def test_outcome_takes_the_place_of_the_times(
    bot: commands.Bot, world: SimulatedDiscord, channel: Channel
) -> None:
    """The message is edited as the bot's own; where there is none, nothing is left to do."""
    messages = LinkMessages(DiscordSender(bot, clock=FakeClock()), factory=EmbedFactory())
    async with running_bot(bot, world):
        posted = await bot.get_partial_messageable(channel.id).send("times")
        assert await messages.show(build_link(channel, posted.id), ProofOutcome.EXPIRED)
        assert await messages.show(build_link(channel, None), ProofOutcome.EXPIRED)
    [message] = channel.messages
    assert message.embed["title"] == "❌ Not proven in time"
    assert len(world.journal.requests_to("PATCH", MESSAGE)) == 1


@pytest.mark.fault
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(method="PATCH", route=MESSAGE, status=403), True),
        (Fault(method="PATCH", route=MESSAGE, status=404), True),
        (Fault(method="PATCH", route=MESSAGE, cut="before"), False),
    ],
    ids=["forbidden", "gone", "cut"],
)
async def test_only_what_can_succeed_later_is_tried_again(
    bot: commands.Bot, world: SimulatedDiscord, channel: Channel, fault: Fault, *, expected: bool
) -> None:
    """A deleted message or a lost permission ends the matter; a broken connection does not."""
    messages = LinkMessages(DiscordSender(bot, clock=FakeClock()), factory=EmbedFactory())
    async with running_bot(bot, world):
        posted = await bot.get_partial_messageable(channel.id).send("times")
        world.faults.add(fault)
        assert await messages.show(build_link(channel, posted.id), ProofOutcome.PROVEN) is expected


async def test_outcome_waits_until_the_bot_was_logged_in(bot: commands.Bot, channel: Channel) -> None:
    """A restart judges at once; Discord may take longer."""
    messages = LinkMessages(DiscordSender(bot, clock=FakeClock()), factory=EmbedFactory())
    assert not await messages.show(build_link(channel, 1), ProofOutcome.PROVEN)
