"""The message after joining: once, where Discord itself writes, or nowhere."""

from collections.abc import AsyncIterator
from datetime import datetime

import pytest
from discord.ext import commands

from simulation.discord import Channel, Fault, Guild, Permission, SimulatedDiscord
from simulation.discord.clients import running_bot
from tests.fakes.clock import FakeClock
from tests.fakes.languages import FakeGuildLanguages
from utils.delivery.sender import DiscordSender
from utils.delivery.welcomes import WelcomeMessages
from utils.events import GuildJoined
from utils.models.scope import GuildId
from utils.tasks import TaskManager

POST = "/channels/{channel_id}/messages"


class FakeWelcomes:
    """The guilds that were welcomed."""

    def __init__(self) -> None:
        self.noted: list[GuildId] = []

    async def note_welcome(self, guild_id: GuildId, *, at: datetime) -> bool:
        """Note a guild, once."""
        del at
        if guild_id in self.noted:
            return False
        self.noted.append(guild_id)
        return True


class Welcome:
    """Lets the bot join the guild and wait until nothing more happens."""

    def __init__(self, messages: WelcomeMessages, world: SimulatedDiscord, guild: Guild) -> None:
        self._messages = messages
        self._world = world
        self._guild = guild

    async def __call__(self) -> None:
        """Dispatch the event."""
        self._messages.on_guild_joined(GuildJoined(guild_id=GuildId(self._guild.id)))
        await self._world.settle()


@pytest.fixture(name="store")
def _store() -> FakeWelcomes:
    return FakeWelcomes()


@pytest.fixture(name="updates")
def _updates(world: SimulatedDiscord, guild: Guild, channel: Channel) -> Channel:
    """A community whose system channel is the office, with a channel for news of Discord."""
    updates = world.create_channel(guild, "moderators")
    guild.system_channel_id, guild.updates_channel_id = channel.id, updates.id
    return updates


@pytest.fixture(name="welcome")
async def _welcome(
    bot: commands.Bot,
    world: SimulatedDiscord,
    guild: Guild,
    updates: Channel,
    store: FakeWelcomes,
    tasks: TaskManager,
    sender: DiscordSender,
    clock: FakeClock,
) -> AsyncIterator[Welcome]:
    assert updates.guild is guild
    messages = WelcomeMessages(bot, store, sender, tasks, languages=FakeGuildLanguages(), clock=clock)
    async with running_bot(bot, world):
        await world.until(lambda: bot.get_guild(guild.id) is not None, what="the guild")
        yield Welcome(messages, world, guild)


async def test_new_guild_reads_three_lines_and_a_button(
    welcome: Welcome, channel: Channel, updates: Channel
) -> None:
    """The message is in the system channel, once; a second join says nothing."""
    await welcome()
    await welcome()
    [message] = channel.messages
    assert len(message.embed["description"].splitlines()) == 3
    [button] = message.interactive_components
    assert (button["label"], button["custom_id"]) == ("Set up", "kf!setup:1:")
    assert updates.messages == []
    assert not message.pings


async def test_channel_for_news_of_discord_is_the_second_choice(
    welcome: Welcome, world: SimulatedDiscord, guild: Guild, channel: Channel, updates: Channel
) -> None:
    """The bot may not write in the system channel."""
    world.set_overwrite(channel, guild.everyone, deny=int(Permission.SEND_MESSAGES))
    world.set_overwrite(channel, guild.bot, deny=int(Permission.SEND_MESSAGES))
    await world.settle()
    await welcome()
    assert (len(channel.messages), len(updates.messages)) == (0, 1)


async def test_guild_in_which_the_bot_may_write_in_neither_reads_nothing(
    welcome: Welcome,
    world: SimulatedDiscord,
    guild: Guild,
    channel: Channel,
    updates: Channel,
    store: FakeWelcomes,
) -> None:
    """No channel is guessed, and no person gets a direct message; a later join may still say it."""
    for one in (channel, updates):
        world.set_overwrite(one, guild.bot, deny=int(Permission.EMBED_LINKS))
    await world.settle()
    await welcome()
    assert [one.messages for one in guild.channels.values()] == [[], []]
    assert (world.direct_messages(guild.owner.user).messages, store.noted) == ([], [])


@pytest.mark.fault
@pytest.mark.parametrize(
    ("fault", "posts"),
    [(Fault(method="POST", route=POST, status=403), 0), (Fault(method="POST", route=POST, cut="after"), 1)],
    ids=["refused", "answer lost"],
)
async def test_welcome_that_fails_is_never_doubled(
    welcome: Welcome, world: SimulatedDiscord, channel: Channel, fault: Fault, posts: int
) -> None:
    """A refusal ends it; after a lost answer the same nonce finds the message."""
    world.faults.add(fault)
    await welcome()
    await welcome()
    assert len(channel.messages) == posts
