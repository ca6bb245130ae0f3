"""DeliveryLoop: woken by entries, patient with Discord, ended by cancelling."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

from tests.fakes.clock import settle
from tests.utils.delivery.fakes import CHANNEL, GUILD, SCOPE, START, Answer, World, build_entry
from utils.delivery.loop import (
    POLL_SECONDS,
    STORAGE_RETRY_SECONDS,
    WAIT_FOR_MORE_SECONDS,
    DeliveryLoop,
)
from utils.delivery.pace import MESSAGES_A_SECOND, MessagePace
from utils.delivery.unexpected_failures import ALERT_KEY
from utils.errors import ChannelUnusableError, DeliveryDelayedError, StorageError, StorageUnavailableError
from utils.events import GuildSettingsChanged
from utils.models.guilds import ChannelKind
from utils.models.scope import ChannelId, ServerId, ServerScope
from utils.tasks import TaskManager, TaskState

KINDS = (ChannelKind.KILLFEED, ChannelKind.EVENTS)


@pytest.fixture(name="world")
async def _world() -> World:
    return World()


@pytest.fixture(name="loop")
async def _loop(world: World) -> AsyncIterator[DeliveryLoop]:
    tasks = TaskManager(world.clock)
    pace = MessagePace(world.clock, share=1e9)
    loop = DeliveryLoop(
        world.service,
        tasks,
        pace=pace,
        notifier=world.notifier,
        clock=world.clock,
        poll_seconds=30,
        wait_seconds=0,
    )
    task = asyncio.create_task(loop.run(GUILD))
    yield loop
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert {report.state for report in tasks.list_reports()} <= {TaskState.FINISHED}


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - the conditions have no event of their own
            await asyncio.sleep(0)


def build_change(name: str) -> GuildSettingsChanged:
    """Return the event of a changed setting of the guild."""
    return GuildSettingsChanged(guild_id=GUILD, names=frozenset({name}))


async def test_new_entries_wake_an_idle_loop(world: World, loop: DeliveryLoop) -> None:
    """A wake-up by ingestion delivers at once, without a poll."""
    await _until(lambda: world.clock.sleeps == [30])
    world.store.add(build_entry(1))
    loop.wake(SCOPE, KINDS)
    await _until(lambda: world.sender.list_victims() == [1])


@pytest.mark.usefixtures("loop")
async def test_lost_wake_up_is_made_good_by_the_poll(world: World) -> None:
    """Entries without a wake-up are found at the next poll."""
    await _until(lambda: world.clock.sleeps == [30])
    world.store.add(build_entry(1))
    await world.clock.advance(30)
    await _until(lambda: world.sender.list_victims() == [1])


@pytest.mark.parametrize("is_woken", [True, False], ids=["woken", "after a restart"])
async def test_loop_wakes_by_itself_when_a_delayed_entry_is_due(
    world: World, loop: DeliveryLoop, *, is_woken: bool
) -> None:
    """Until then it costs no more than the polls; a start finds it in the outbox."""
    await _until(lambda: world.clock.sleeps == [30])
    world.store.add(build_entry(1, due_at=START + timedelta(seconds=45)))
    if is_woken:
        loop.wake(SCOPE, KINDS)
        await _until(lambda: world.store.reads > 0)
    await world.clock.advance(30)
    await _until(lambda: 15 in world.clock.sleeps)
    await settle()
    reads = world.store.reads
    await settle()
    assert (world.store.reads, world.sender.list_victims()) == (reads, [])
    await world.clock.advance(15)
    await _until(lambda: world.sender.list_victims() == [1])


async def test_delayed_entry_holds_up_no_other_feed(world: World, loop: DeliveryLoop) -> None:
    """A bounty in the same channel is posted at once."""
    world.channels.channels[ChannelKind.BOUNTIES] = CHANNEL
    world.store.add(build_entry(1, due_at=START + timedelta(hours=1)))
    loop.wake(SCOPE, [ChannelKind.KILLFEED])
    await _until(lambda: world.store.reads > 0)
    world.store.add(build_entry(2, kind=ChannelKind.BOUNTIES))
    loop.wake(SCOPE, [ChannelKind.BOUNTIES])
    await _until(lambda: world.sender.list_victims() == [2])


async def test_new_entries_do_not_shorten_a_wait_for_discord(world: World, loop: DeliveryLoop) -> None:
    """A wake-up while Discord is down does not end the wait early."""
    world.store.add(build_entry(1))
    world.sender.answers = [Answer(DeliveryDelayedError("down"))]
    loop.wake(SCOPE, KINDS)
    await _until(lambda: 1 in world.clock.sleeps)
    loop.wake(SCOPE, KINDS)
    for _ in range(20):
        await asyncio.sleep(0)
    assert world.sender.tries == 1
    await world.clock.advance(1)
    await _until(lambda: world.sender.list_victims() == [1])


async def test_mended_channel_ends_every_wait(world: World, loop: DeliveryLoop) -> None:
    """After an admin has set a channel, every lane tries again at once."""
    world.store.add(build_entry(1))
    world.sender.answers = [Answer(ChannelUnusableError("403"))]
    loop.wake(SCOPE, KINDS)
    await _until(lambda: 60 in world.clock.sleeps)
    loop.on_guild_settings_changed(build_change("expiry_hours"))
    await settle()
    assert world.sender.list_victims() == []
    loop.on_guild_settings_changed(build_change(ChannelKind.KILLFEED))
    await _until(lambda: world.sender.list_victims() == [1])


async def test_channel_that_is_gone_holds_up_no_other_kind(world: World, loop: DeliveryLoop) -> None:
    """While one channel waits for an admin, posts for another arrive at once, early and late ones."""
    other = world.channels.channels[ChannelKind.EVENTS] = ChannelId(78)
    world.store.add(build_entry(1))
    world.sender.answers = [Answer(ChannelUnusableError("403"))]
    loop.wake(SCOPE, KINDS)
    await _until(lambda: 60 in world.clock.sleeps)
    for number in range(3):
        world.store.add(build_entry(number, kind=ChannelKind.EVENTS))
        loop.wake(SCOPE, KINDS)
        await _until(lambda number=number: world.sender.list_victims(other) == list(range(number + 1)))
    assert world.sender.list_victims() == []
    await world.clock.advance(60)
    await _until(lambda: world.sender.list_victims() == [1])


async def test_kind_whose_posts_fail_is_tried_again_and_holds_up_no_other(
    world: World, loop: DeliveryLoop
) -> None:
    """An unexpected error stops only its own lane, and for a moment."""
    other = world.channels.channels[ChannelKind.EVENTS] = ChannelId(78)
    world.store.add(build_entry(1))
    world.sender.answers = [Answer(ZeroDivisionError("a fault of ours"))]
    loop.wake(SCOPE, KINDS)
    await _until(lambda: 1 in world.clock.sleeps)
    world.store.add(build_entry(2, kind=ChannelKind.EVENTS))
    loop.wake(SCOPE, KINDS)
    await _until(lambda: world.sender.list_victims(other) == [2])
    await world.clock.advance(1)
    await _until(lambda: world.sender.list_victims() == [1])


@pytest.mark.parametrize(
    ("failure", "name"),
    [
        (ZeroDivisionError("secret"), "ZeroDivisionError"),
        (StorageError("MongoDB refused."), "StorageError"),
    ],
)
async def test_failure_nobody_thought_of_is_shown_and_told_once(
    world: World, loop: DeliveryLoop, failure: Exception, name: str
) -> None:
    """The pauses grow; after a success the alert is closed, so the next failure is a new alert."""
    for times in (1, 2):
        world.store.add(build_entry(times))
        world.sender.answers = [Answer(failure)] * 3
        world.clock.sleeps.clear()
        loop.wake(SCOPE, KINDS[:1])
        await _wait_out(world, loop, name, times)
        await _until(lambda times=times: world.sender.list_victims() == [*range(1, times + 1)])
        await _until(lambda: loop.find_problem(GUILD) is None)
        assert world.notifier.open_keys == set()


async def test_outbox_that_cannot_be_read_is_shown_and_told_once(world: World, loop: DeliveryLoop) -> None:
    """The guild has the failure, because no lane has begun."""
    await _until(lambda: 30 in world.clock.sleeps)
    world.store.add(build_entry(1))
    world.store.failures = [ZeroDivisionError("secret")] * 3
    await world.clock.advance(30)
    await _wait_out(world, loop, "ZeroDivisionError", 1)
    await _until(lambda: world.sender.list_victims() == [1])
    assert (loop.find_problem(GUILD), world.notifier.open_keys) == (None, set())


async def _wait_out(world: World, loop: DeliveryLoop, name: str, times: int) -> None:
    """Let three failures in a row pass; the admins must have this number of alerts."""
    sentence = (
        f"Posting to Discord failed unexpectedly ({name}). I'll keep trying; the bot's log has the details."
    )
    for pause in (1, 2, 4):
        await _until(lambda pause=pause: pause in world.clock.sleeps)
        assert str(loop.find_problem(GUILD)) == sentence
        assert [(key, str(said)) for key, said in world.notifier.told] == [(ALERT_KEY, sentence)] * times
        await world.clock.advance(pause)


async def test_what_passes_by_itself_is_told_to_nobody(world: World, loop: DeliveryLoop) -> None:
    """While the database is away, the loop tries every two seconds."""
    world.store.add(build_entry(1))
    world.store.failures = [StorageUnavailableError("away")] * 2
    loop.wake(SCOPE, KINDS[:1])
    for _ in range(2):
        await _until(lambda: STORAGE_RETRY_SECONDS in world.clock.sleeps)
        world.clock.sleeps.clear()
        await world.clock.advance(STORAGE_RETRY_SECONDS)
    await _until(lambda: world.sender.list_victims() == [1])
    assert (loop.find_problem(GUILD), world.notifier.told) == (None, [])


async def test_entries_that_come_while_a_lane_waits_for_its_turn_go_into_its_message(world: World) -> None:
    """With many waiting lanes the messages become fuller, not more."""
    pace = MessagePace(world.clock)
    tasks = TaskManager(world.clock)
    loop = DeliveryLoop(
        world.service, tasks, pace=pace, notifier=world.notifier, clock=world.clock, wait_seconds=0
    )
    await pace.wait_for_turn()
    task = asyncio.create_task(loop.run(GUILD))
    world.store.add(build_entry(1))
    loop.wake(SCOPE, KINDS[:1])
    await _until(lambda: 1 / MESSAGES_A_SECOND in world.clock.sleeps)
    world.store.add(build_entry(2))
    loop.wake(SCOPE, KINDS[:1])
    await world.clock.advance(1)
    await _until(lambda: world.sender.list_victims() == [1, 2])
    assert len(world.sender.posts) == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_second_server_of_a_channel_waits_for_no_poll(world: World, loop: DeliveryLoop) -> None:
    """The running lane delivers new entries of another server of its channel."""
    other = ServerScope(GUILD, ServerId("b0000000"))
    for number in range(20):
        world.store.add(build_entry(number))
        loop.wake(SCOPE, KINDS[:1])
        for _ in range(number):
            await asyncio.sleep(0)
        world.store.add(build_entry(100 + number, scope=other))
        loop.wake(other, KINDS[:1])
        expected = {*range(number + 1), *range(100, 101 + number)}
        await _until(lambda expected=expected: set(world.sender.list_victims()) == expected)
    assert {seconds for seconds in world.clock.sleeps if seconds > 0.001} == {30}


async def test_feed_moves_on_when_the_lane_that_held_it_is_empty(world: World, loop: DeliveryLoop) -> None:
    """A channel is moved while a message for the old one is prepared: later entries go to the new one."""
    world.store.add(build_entry(1))
    world.sender.answers = [Answer(DeliveryDelayedError("down"))]
    loop.wake(SCOPE, KINDS[:1])
    await _until(lambda: 1 in world.clock.sleeps)
    other = world.channels.channels[ChannelKind.KILLFEED] = ChannelId(78)
    world.store.add(build_entry(2))
    loop.wake(SCOPE, KINDS[:1])
    await world.clock.advance(1)
    await _until(lambda: (world.sender.list_victims(), world.sender.list_victims(other)) == ([1], [2]))


async def test_what_servers_of_a_guild_have_at_the_same_moment_goes_into_one_message(world: World) -> None:
    """The servers are polled at the same moment, and the lane waits a little for the others."""
    tasks, pace = TaskManager(world.clock), MessagePace(world.clock)
    loop = DeliveryLoop(world.service, tasks, pace=pace, notifier=world.notifier, clock=world.clock)
    task = asyncio.create_task(loop.run(GUILD))
    await _until(lambda: world.clock.sleeps == [POLL_SECONDS])
    world.store.add(build_entry(1))
    await world.clock.advance(POLL_SECONDS)
    await _until(lambda: WAIT_FOR_MORE_SECONDS in world.clock.sleeps)
    world.store.add(build_entry(2))
    await world.clock.advance(WAIT_FOR_MORE_SECONDS)
    await _until(lambda: world.sender.list_victims() == [1, 2])
    assert len(world.sender.posts) == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_signals_without_a_loop_are_no_fault(world: World) -> None:
    """A server may send signals before its loop runs, and after it has ended."""
    pace = MessagePace(world.clock, share=1e9)
    tasks = TaskManager(world.clock)
    loop = DeliveryLoop(
        world.service, tasks, pace=pace, notifier=world.notifier, clock=world.clock, wait_seconds=0
    )
    loop.wake(SCOPE, KINDS)
    loop.on_guild_settings_changed(build_change(ChannelKind.KILLFEED))
    world.store.add(build_entry(1))
    task = asyncio.create_task(loop.run(GUILD))
    await _until(lambda: world.sender.list_victims() == [1])
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
