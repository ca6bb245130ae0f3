"""Messages of proofs: the outcome replaces the times."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Literal

import pytest
from discord.ext import commands

from simulation.discord import Channel, Fault, Guild, Permission, SimulatedDiscord
from simulation.discord.clients import running_bot
from simulation.discord.mentions import Pings
from tests.fakes.clock import START, FakeClock
from tests.fakes.deaths import SCOPE, build_player_id
from tests.fakes.languages import FakeGuildLanguages
from utils.delivery.proofs import LinkMessages
from utils.delivery.sender import DiscordSender
from utils.delivery.standing_messages import StandingMessages
from utils.models.links import Link, ProofOutcome, ProofWindow
from utils.models.scope import ChannelId, MemberId
from utils.tasks import TaskManager

MESSAGE = "/channels/{channel_id}/messages/{message_id}"
MESSAGES = "/channels/{channel_id}/messages"
PATIENCE_SECONDS = 20.0
WOLF = build_player_id("Wolf")


def build_link(channel: Channel, message_id: int | None, member_id: int = 1) -> Link:
    """Return a link with a message."""
    channel_id = None if message_id is None else ChannelId(channel.id)
    return Link(
        SCOPE.guild_id, MemberId(member_id), WOLF, "Wolf", START, channel_id=channel_id, message_id=message_id
    )


@pytest.fixture(name="messages")
async def _messages(sender: DiscordSender, standing: StandingMessages, clock: FakeClock) -> LinkMessages:
    return LinkMessages(sender, standing, languages=FakeGuildLanguages(), clock=clock)


async def test_outcome_takes_the_place_of_the_times(
    bot: commands.Bot, world: SimulatedDiscord, channel: Channel, messages: LinkMessages
) -> None:
    """The message is edited with the bot's own permissions; without a message nothing is done."""
    async with running_bot(bot, world):
        posted = await bot.get_partial_messageable(channel.id).send("times")
        assert await messages.show(build_link(channel, posted.id), ProofOutcome.EXPIRED)
        assert await messages.show(build_link(channel, None), ProofOutcome.EXPIRED)
    assert channel.messages[0].embed["title"] == "❌ Not proven in time"
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


async def test_progress_is_shown_and_then_the_outcome(
    bot: commands.Bot, world: SimulatedDiscord, channel: Channel, messages: LinkMessages
) -> None:
    """A window is ticked off in the message; the outcome takes its place, even if both come at once."""
    first = ProofWindow(START, START + timedelta(minutes=2))
    async with running_bot(bot, world):
        posted = await bot.get_partial_messageable(channel.id).send("times")
        link = replace(build_link(channel, posted.id), windows=(first, replace(first, ends_at=START)))
        messages.tick_off(link, [first])
        messages.tick_off(build_link(channel, None), [first])
        await world.until(lambda: bool(channel.messages[0].embeds))
        assert "**1 of 2 seen**" in channel.messages[0].embed["description"]
        messages.tick_off(link, [first])
        assert await messages.show(link, ProofOutcome.PROVEN)
    assert channel.messages[0].embed["title"] == "✅ Linked and proven"


async def test_member_is_told_the_end_once_by_a_reply_that_pings_them_alone(
    bot: commands.Bot, world: SimulatedDiscord, channel: Channel, messages: LinkMessages, guild: Guild
) -> None:
    """The bot was killed after the reply and before that was stored, so it shows the outcome again."""
    member = world.add_member(guild, "ada")
    async with running_bot(bot, world):
        posted = await bot.get_partial_messageable(channel.id).send("times")
        link = replace(build_link(channel, posted.id, member.id), player_name="@everyone _x_")
        for _ in range(2):
            assert await messages.show(link, ProofOutcome.PROVEN)
    asked, reply = channel.messages
    assert reply.content == f"{member.mention} ✅ Linked and proven: **@\u200beveryone \\_x\\_**"
    assert reply.pings == Pings(users=frozenset({member.id}))
    assert reply.reference is not None
    assert reply.reference["message_id"] == str(asked.id)


@pytest.mark.parametrize("outcome", [ProofOutcome.ENDED, ProofOutcome.REPLACED])
async def test_member_is_not_told_what_they_did_themself(
    bot: commands.Bot,
    world: SimulatedDiscord,
    channel: Channel,
    messages: LinkMessages,
    outcome: ProofOutcome,
) -> None:
    """The member ended the link or asked again; the edit is enough."""
    async with running_bot(bot, world):
        posted = await bot.get_partial_messageable(channel.id).send("times")
        assert await messages.show(build_link(channel, posted.id), outcome)
    assert len(channel.messages) == 1


@pytest.mark.fault
@pytest.mark.parametrize("cut", ["before", "after"])
async def test_lost_answer_makes_no_second_reply(
    bot: commands.Bot,
    world: SimulatedDiscord,
    channel: Channel,
    messages: LinkMessages,
    clock: FakeClock,
    cut: Literal["before", "after"],
) -> None:
    """The connection breaks while the reply is sent. The next try finds it, or sends it."""
    async with running_bot(bot, world):
        posted = await bot.get_partial_messageable(channel.id).send("times")
        world.faults.add(Fault(method="POST", route=MESSAGES, cut=cut))
        telling = asyncio.create_task(messages.show(build_link(channel, posted.id), ProofOutcome.EXPIRED))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not telling.done():
                await clock.advance(60)
                await asyncio.sleep(0.01)
        assert await telling
    assert [message.content for message in channel.messages[1:]] == ["<@1> ❌ Not proven in time: **Wolf**"]


@pytest.mark.fault
async def test_edit_remains_where_the_member_cannot_be_told(
    bot: commands.Bot, world: SimulatedDiscord, channel: Channel, messages: LinkMessages, guild: Guild
) -> None:
    """A reply needs Send Messages and Read Message History; an edit needs neither."""
    async with running_bot(bot, world):
        posted = await bot.get_partial_messageable(channel.id).send("times")
        denied = Permission.SEND_MESSAGES | Permission.READ_MESSAGE_HISTORY
        world.set_overwrite(channel, guild.bot, deny=denied)
        assert await messages.show(build_link(channel, posted.id), ProofOutcome.TAKEN)
    [message] = channel.messages
    assert message.embed["title"] == "❌ Someone else proved it first"


async def test_member_is_told_even_if_the_message_was_deleted(
    bot: commands.Bot, world: SimulatedDiscord, channel: Channel, messages: LinkMessages
) -> None:
    """A moderator deleted the answer, so the reply stands alone."""
    async with running_bot(bot, world):
        posted = await bot.get_partial_messageable(channel.id).send("times")
        await posted.delete()
        assert await messages.show(build_link(channel, posted.id), ProofOutcome.PROVEN)
    assert [message.content for message in channel.messages] == ["<@1> ✅ Linked and proven: **Wolf**"]


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
