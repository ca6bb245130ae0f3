"""Samples of the posts of each kind of channel."""

import pytest
from discord.ext import commands

from simulation.discord import Channel, Fault, SimulatedDiscord
from simulation.discord.clients import running_bot
from tests.fakes.clock import FakeClock
from tests.fakes.languages import FakeGuildLanguages
from tests.fakes.server_loops import FakeChannelFinder, FakeShapes
from tests.fakes.storage import build_server
from utils.delivery.samples import SamplePosts
from utils.delivery.sender import DiscordSender
from utils.errors import DiscordAwayError, NotFoundError, PermissionMissingError, UserFacingError
from utils.models.guilds import OFFERED_KINDS, ChannelKind

SERVER = build_server("*Mirny*")
GUILD = SERVER.scope.guild_id
POST = "/channels/{channel_id}/messages"


@pytest.fixture(name="finder")
def _finder(channel: Channel) -> FakeChannelFinder:
    return FakeChannelFinder(channel.id)


@pytest.fixture(name="samples")
async def _samples(bot: commands.Bot, finder: FakeChannelFinder) -> SamplePosts:
    clock = FakeClock()
    return SamplePosts(
        DiscordSender(bot, clock=clock),
        channels=finder,
        shapes=FakeShapes(),
        languages=FakeGuildLanguages(),
        clock=clock,
    )


@pytest.mark.parametrize("kind", OFFERED_KINDS)
async def test_sample_of_every_kind_is_posted(
    bot: commands.Bot, world: SimulatedDiscord, channel: Channel, samples: SamplePosts, kind: ChannelKind
) -> None:
    """A sample looks like the later posts, and does not ping."""
    async with running_bot(bot, world):
        assert await samples.post(GUILD, kind, SERVER) == channel.id
    [message] = channel.messages
    assert message.embeds
    assert not message.pings


async def test_sample_of_a_recap_has_its_card_alone(
    bot: commands.Bot, world: SimulatedDiscord, channel: Channel, samples: SamplePosts
) -> None:
    """A reader of the real recap sees the card of its MVP; no other sample of the channel has one."""
    async with running_bot(bot, world):
        await samples.post(GUILD, ChannelKind.NEWS, None)
    [message] = channel.messages
    [recap] = [embed for embed in message.embeds if "image" in embed]
    [card] = [one for one in message.attachments if one.filename in recap["image"]["url"]]
    assert recap["title"].startswith("🗞️")
    assert (card.description or "").startswith("Sample player · Level 10")


async def test_sample_without_a_server_is_that_of_the_guild(
    bot: commands.Bot, world: SimulatedDiscord, channel: Channel, samples: SamplePosts
) -> None:
    """A guild's own channel needs no server."""
    async with running_bot(bot, world):
        assert await samples.post(GUILD, ChannelKind.KILLFEED, None) == channel.id


async def test_sample_is_refused_when_no_channel_is_set(
    samples: SamplePosts, finder: FakeChannelFinder
) -> None:
    """The refusal names the command to set a channel."""
    finder.channel_id = None
    with pytest.raises(NotFoundError, match="/admin channel set"):
        await samples.post(GUILD, ChannelKind.ALERTS, None)


@pytest.mark.parametrize(
    ("status", "refusal", "sentence"),
    [
        (403, PermissionMissingError, "I can't post in the killfeed channel"),
        (404, PermissionMissingError, "it still exists"),
        (400, DiscordAwayError, "Try again in a minute"),
    ],
)
async def test_sample_that_discord_refuses_says_why(
    bot: commands.Bot,
    world: SimulatedDiscord,
    samples: SamplePosts,
    status: int,
    refusal: type[UserFacingError],
    sentence: str,
) -> None:
    """A lasting refusal names the admin's task, a temporary one does not."""
    world.faults.add(Fault(method="POST", route=POST, status=status))
    async with running_bot(bot, world):
        with pytest.raises(refusal) as caught:
            await samples.post(GUILD, ChannelKind.KILLFEED, None)
    assert sentence in str(caught.value)


async def test_sample_is_refused_before_the_first_login(samples: SamplePosts) -> None:
    """Before the login the answer is a sentence to try later."""
    with pytest.raises(DiscordAwayError, match="Try again in a minute"):
        await samples.post(GUILD, ChannelKind.KILLFEED, None)
