"""Progress messages during the import of a history."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from discord.ext import commands

from simulation.discord import Channel, Fault, Message, SimulatedDiscord
from simulation.discord.clients import running_bot
from tests.fakes.clock import START, FakeClock
from tests.fakes.deaths import SCOPE
from tests.fakes.languages import FakeGuildLanguages
from tests.fakes.storage import build_server
from tests.utils.delivery.fakes import FakeKillChannels
from utils.delivery.progress import EDIT_SECONDS, ImportMessages
from utils.delivery.sender import DiscordSender
from utils.delivery.standing_messages import StandingMessages
from utils.models.reading import ImportJob, ImportProgress
from utils.models.scope import ChannelId
from utils.tasks import TaskManager

SERVER = build_server()
MESSAGE = "/channels/{channel_id}/messages/{message_id}"
TASK = f"message:import:{SCOPE}"


def build_progress(rows: int, *, is_done: bool = False) -> ImportProgress:
    """Return a progress that is identified by its rows."""
    return ImportProgress(1, 2, rows * 100, 100_000, rows, 1.0, is_done=is_done, deaths=rows, days=1)


@pytest.fixture(name="messages")
async def _messages(sender: DiscordSender, standing: StandingMessages) -> ImportMessages:
    return ImportMessages(sender, standing, languages=FakeGuildLanguages(), kill_channels=FakeKillChannels())


class Import:
    """An import with its message in a channel."""

    def __init__(
        self, world: SimulatedDiscord, channel: Channel, messages: ImportMessages, *, begun: int
    ) -> None:
        self._world = world
        self.messages = messages
        self._channel = channel
        self.job = ImportJob(1, START, {}, ChannelId(channel.id), begun)

    @property
    def message(self) -> Message:
        """The only message of the channel."""
        return self._channel.messages[0]

    async def show(self, rows: int, *, is_done: bool = False) -> None:
        """Report the progress."""
        await self.messages.show(SERVER, self.job, build_progress(rows, is_done=is_done))

    async def wait_for(self, rows: int) -> None:
        """Wait until the message shows this number of rows."""
        text = f"{rows:,}"
        await self._world.until(lambda: text in str(self.message.embeds), what=f"{rows} rows")


@pytest.fixture(name="running")
async def _running(
    bot: commands.Bot, world: SimulatedDiscord, channel: Channel, messages: ImportMessages
) -> AsyncIterator[Import]:
    """A connected bot with a posted progress message."""
    async with running_bot(bot, world):
        begun = await messages.create(SERVER.scope.guild_id, ChannelId(channel.id), SERVER.name)
        assert begun == channel.messages[0].id
        yield Import(world, channel, messages, begun=begun)


async def test_message_is_edited_every_few_seconds(
    world: SimulatedDiscord, running: Import, clock: FakeClock
) -> None:
    """The first progress shows at once, then the newest one every four seconds; the import never waits."""
    await running.show(1_001)
    await running.wait_for(1_001)
    for rows in (2_002, 3_003):
        await running.show(rows)
    await world.settle()
    await clock.advance(EDIT_SECONDS)
    await running.wait_for(3_003)
    edits = world.journal.requests_to("PATCH", MESSAGE)
    assert len(edits) == 2
    assert "2,002" not in str([edit.body for edit in edits])


async def test_end_is_shown_at_once(running: Import, world: SimulatedDiscord, tasks: TaskManager) -> None:
    """The end of an import does not wait four seconds, and the task ends."""
    await running.show(1_001)
    await running.wait_for(1_001)
    await running.show(2_002, is_done=True)
    await running.wait_for(2_002)
    await world.settle()
    assert not tasks.is_running(TASK)


async def test_end_of_a_removed_server_is_shown_at_once(
    running: Import, world: SimulatedDiscord, tasks: TaskManager
) -> None:
    """This works after a restart too, when the process has not shown the import yet."""
    removed = ImportProgress(0, 0, 0, 0, 0, 0.0, is_done=True, is_removed=True)
    await running.messages.show(SERVER, running.job, removed)
    await world.until(lambda: "was removed during the import" in str(running.message.embeds), what="the end")
    await world.settle()
    assert not tasks.is_running(TASK)


async def test_import_that_stands_still_holds_no_task(
    running: Import, world: SimulatedDiscord, tasks: TaskManager, clock: FakeClock
) -> None:
    """While the host is away for hours there is no task; after that the message is updated again."""
    await running.show(1_001)
    await running.wait_for(1_001)
    await world.settle()
    await clock.advance(EDIT_SECONDS)
    assert not tasks.is_running(TASK)
    await running.show(2_002)
    await running.wait_for(2_002)


async def test_import_begun_again_is_shown_in_its_new_message(
    running: Import, world: SimulatedDiscord, tasks: TaskManager, channel: Channel, messages: ImportMessages
) -> None:
    """An import that ended with a left guild is forgotten with its task."""
    await running.show(1_001)
    await running.wait_for(1_001)
    await tasks.cancel_guild(SCOPE.guild_id)
    second = await messages.create(SERVER.scope.guild_id, ChannelId(channel.id), SERVER.name)
    job = replace(running.job, message_id=second)
    await messages.show(SERVER, job, build_progress(5_005, is_done=True))
    await world.until(lambda: "5,005" in str(channel.messages[1].embeds), what="the new message")
    assert "1,001" in str(channel.messages[0].embeds)


@pytest.mark.fault
async def test_end_is_shown_later_when_discord_fails(
    running: Import, world: SimulatedDiscord, tasks: TaskManager, clock: FakeClock
) -> None:
    """The last edit is tried until it succeeds, because otherwise the message would stay unfinished."""
    cut = Fault(method="PATCH", route=MESSAGE, cut="before", times=2)
    world.faults.add(cut)
    await running.show(1_001, is_done=True)
    for struck in (1, 2):
        await world.until(lambda struck=struck: cut.struck >= struck, what="a cut edit")  # type: ignore[misc]
        await world.settle()
        await clock.advance(EDIT_SECONDS)
    await running.wait_for(1_001)
    await world.settle()
    assert not tasks.is_running(TASK)


@pytest.mark.parametrize("status", [403, 404])
async def test_message_that_is_gone_is_not_tried_for_ever(
    running: Import, world: SimulatedDiscord, tasks: TaskManager, status: int
) -> None:
    """A deleted message or a lost permission ends the updates, but not the import."""
    gone = Fault(method="PATCH", route=MESSAGE, status=status, times=None)
    world.faults.add(gone)
    await running.show(1_001, is_done=True)
    await world.until(lambda: gone.struck == 1, what="the refused edit")
    await world.settle()
    assert (gone.struck, tasks.is_running(TASK)) == (1, False)


async def test_progress_waits_when_discord_was_never_reached(
    bot: commands.Bot,
    world: SimulatedDiscord,
    channel: Channel,
    messages: ImportMessages,
    clock: FakeClock,
) -> None:
    """An import that goes on after a restart may be done before the bot is logged in."""
    posted = channel.guild.bot if channel.guild else None
    assert posted is not None
    async with running_bot(commands.Bot(intents=bot.intents, cache_default_sounds=False), world) as before:
        message = await before.get_partial_messageable(channel.id).send("Import")
    running = Import(world, channel, messages, begun=message.id)
    await running.show(1_001, is_done=True)
    await clock.advance(0)
    async with running_bot(bot, world):
        await clock.advance(EDIT_SECONDS)
        await running.wait_for(1_001)


async def test_import_without_a_message_shows_nothing(
    messages: ImportMessages, tasks: TaskManager, channel: Channel
) -> None:
    """If the bot may not post, the import shows nothing."""
    for job in (ImportJob(1, START, {}), ImportJob(1, START, {}, ChannelId(channel.id))):
        await messages.show(SERVER, job, build_progress(1))
    assert tasks.list_reports() == ()


async def test_no_message_where_the_bot_may_not_post(
    bot: commands.Bot, world: SimulatedDiscord, channel: Channel, messages: ImportMessages
) -> None:
    """A refused post does not stop the import."""
    world.faults.add(Fault(method="POST", route="/channels/{channel_id}/messages", status=403))
    async with running_bot(bot, world):
        assert await messages.create(SERVER.scope.guild_id, ChannelId(channel.id), SERVER.name) is None


async def test_message_is_deleted_when_no_import_begins(
    running: Import, channel: Channel, messages: ImportMessages
) -> None:
    """A refused server leaves no message; an already deleted one raises no error."""
    assert running.job.message_id is not None
    await messages.discard(ChannelId(channel.id), running.job.message_id)
    await messages.discard(ChannelId(channel.id), running.job.message_id)
    assert channel.messages == []
