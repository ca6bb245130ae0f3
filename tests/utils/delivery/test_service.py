"""DeliveryService: each notice is posted once and in order, after any failure and any end of the process."""

import asyncio
import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.pseudo_language import LANGUAGE
from tests.utils.delivery.fakes import (
    CHANNEL,
    GUILD,
    LANE,
    SCOPE,
    START,
    Answer,
    ProcessKilled,
    World,
    build_entry,
)
from utils.delivery.ports import Lane
from utils.delivery.service import DeliveryOutcome, DeliveryState
from utils.errors import (
    ChannelUnusableError,
    DeliveryDelayedError,
    DeliveryError,
    DeliveryRefusedError,
    DeliveryUncertainError,
    StorageUnavailableError,
)
from utils.events import PostedEventsChanged
from utils.models.guilds import ChannelKind
from utils.models.notices.highlights import Highlight, HighlightKind
from utils.models.notices.outbox import EntryKey, Feed, OutboxEntry
from utils.models.notices.world import WorldEventNotice
from utils.models.post_styles import PostShape, PostStyle
from utils.models.scope import ChannelId, ServerId, ServerScope
from utils.models.world_events import WorldEventKind

OTHER = ChannelId(78)
EVENTS = Lane(GUILD, OTHER)
NOWHERE = Lane(GUILD, None)
FEED = Feed(SCOPE, ChannelKind.KILLFEED)
EVENT_FEED = Feed(SCOPE, ChannelKind.EVENTS)
SECOND = ServerScope(GUILD, ServerId("b0000000"))
SECOND_FEED = Feed(SECOND, ChannelKind.KILLFEED)
IDLE = DeliveryOutcome(DeliveryState.IDLE)


def _sent(entries: int, *emptied: Feed) -> DeliveryOutcome:
    return DeliveryOutcome(DeliveryState.SENT, entries, emptied=frozenset(emptied))


def _cleared(entries: int = 0) -> DeliveryOutcome:
    return DeliveryOutcome(DeliveryState.CLEARED, entries)


def _waiting(seconds: float) -> DeliveryOutcome:
    return DeliveryOutcome(DeliveryState.WAITING, retry_seconds=seconds)


@pytest.fixture(name="world")
async def _world() -> World:
    return World()


async def _deliver_all(world: World, *, step_seconds: float = 0) -> None:
    """Do rounds until nothing is left, with the pauses that each round asks for."""
    for _ in range(200):
        outcome = await world.deliver()
        if outcome.state is DeliveryState.IDLE:
            return
        await world.clock.advance(max(outcome.retry_seconds, step_seconds))
    pytest.fail("delivery does not come to an end")


async def test_entries_are_delivered_in_order_ten_a_message(world: World) -> None:
    """A full message has ten deaths, the next one the rest; ordinary ones are lines without a picture."""
    world.store.add(*(build_entry(number) for number in range(12)))
    outcomes = [await world.deliver() for _ in range(3)]
    assert outcomes == [_sent(10), _sent(2, FEED), IDLE]
    assert world.sender.list_victims() == list(range(12))
    assert [(len(post[1].texts), post[4]) for post in world.sender.posts] == [(1, ())] * 2
    assert [len(message.entries) for message in world.store.sent] == [10, 2]


async def test_message_is_stored_with_its_first_try_before_it_is_sent(world: World) -> None:
    """Before Discord gets a message, its group, its nonce and the time of the try are stored."""
    world.store.add(build_entry(1))
    world.sender.answers = [Answer(DeliveryUncertainError("cut"))]
    await world.deliver()
    message = world.store.message
    assert message is not None
    assert message.entries == (EntryKey(FEED, 1),)
    assert (message.channel_id, message.prepared_at) == (CHANNEL, START)


async def _is_killed(world: World, *, kill_at: int, step_seconds: float = 0) -> bool:
    """Deliver until the process ends at a step; return whether that step was reached."""
    world.fuse.kill_at = kill_at
    try:
        await _deliver_all(world, step_seconds=step_seconds)
    except ProcessKilled:
        return True
    return False


@pytest.mark.parametrize("downtime_seconds", [0, 119, 121, 1800])
async def test_nothing_is_lost_or_doubled_wherever_the_process_ends(downtime_seconds: float) -> None:
    """After a kill at any await, any downtime and a fresh process, each death is posted once and in order."""
    for kill_at in itertools.count(1):
        world = World()
        world.store.add(*(build_entry(number) for number in range(13)))
        if not await _is_killed(world, kill_at=kill_at):
            break
        await world.clock.advance(downtime_seconds)
        world.start()
        await _deliver_all(world)
        assert world.sender.list_victims() == list(range(13)), f"killed at step {kill_at}"
        assert (world.store.entries, world.store.message) == ({}, None)
    assert kill_at > 15


@pytest.mark.parametrize("step_seconds", [1, 130])
async def test_nothing_is_doubled_when_answers_are_lost_and_the_process_ends(step_seconds: float) -> None:
    """Lost answers, long waits and a kill at any await do not change that."""
    for kill_at in itertools.count(1):
        world = World()
        world.store.add(*(build_entry(number) for number in range(3)))
        world.sender.answers = [
            Answer(DeliveryDelayedError("down")),
            Answer(DeliveryUncertainError("cut"), is_posted=True),
            Answer(DeliveryUncertainError("cut"), is_posted=True),
        ]
        is_killed = await _is_killed(world, kill_at=kill_at, step_seconds=step_seconds)
        world.start()
        await _deliver_all(world, step_seconds=step_seconds)
        assert world.sender.list_victims() == [0, 1, 2], f"killed at step {kill_at}"
        if not is_killed:
            break
    assert kill_at > 12


@pytest.mark.parametrize("shows_nonces", [True, False])
async def test_lost_answer_is_looked_up_after_the_nonces_memory(world: World, *, shows_nonces: bool) -> None:
    """More than two minutes after the first try the channel is read, and the message is found there."""
    world.sender.shows_nonces = shows_nonces
    world.store.add(build_entry(1))
    world.sender.answers = [Answer(DeliveryUncertainError("cut"), is_posted=True)]
    assert await world.deliver() == _waiting(1)
    await world.clock.advance(121)
    assert await world.deliver() == _sent(1)
    assert (world.sender.tries, world.sender.list_victims()) == (1, [1])


async def test_message_keeps_its_language_when_the_guild_changes_its_own(world: World) -> None:
    """The text under a nonce must not change; later messages are in the new language."""
    world.languages.language = LANGUAGE
    world.store.add(build_entry(1))
    world.sender.answers = [Answer(DeliveryUncertainError("cut"))]
    await world.deliver()
    assert world.store.message is not None
    assert world.store.message.language == LANGUAGE
    world.languages.language = "en"
    world.languages.spoken.clear()
    world.start()
    assert await world.deliver() == _sent(1)
    assert world.languages.spoken == [LANGUAGE]
    world.store.add(build_entry(2))
    await world.deliver()
    assert set(world.languages.spoken[1:]) == {"en"}


async def test_message_keeps_its_shape_when_the_channel_gets_another_one(world: World) -> None:
    """The posts under a nonce must not change; later messages have the new shape."""
    world.shapes.shape = PostShape(PostStyle.CARD, names_servers=True)
    world.store.add(build_entry(1))
    world.sender.answers = [Answer(DeliveryUncertainError("cut"))]
    await world.deliver()
    world.shapes.shape = PostShape(PostStyle.LINE)
    world.start()
    assert await world.deliver() == _sent(1)
    world.store.add(build_entry(2))
    assert await world.deliver() == _sent(1, FEED)
    first, second = (post[1].texts for post in world.sender.posts)
    assert (bool(first[0][0]), second[0]) == (True, ("", "🎯 **Killer** → **Victim 2** · Mosin 102\u00a0m "))


@pytest.mark.parametrize("style", PostStyle)
@pytest.mark.parametrize("lost", range(5))
async def test_lost_message_is_found_without_an_entry_that_was_removed(
    world: World, style: PostStyle, lost: int
) -> None:
    """Lines move together when a card or a line between them is gone; the rest is still recognised."""
    world.shapes.shape = PostShape(style)
    streak = (Highlight(HighlightKind.STREAK, 5),)
    world.store.add(*(build_entry(number, highlights=streak if number == 2 else ()) for number in range(5)))
    world.sender.answers = [Answer(DeliveryUncertainError("cut"), is_posted=True)]
    assert await world.deliver() == _waiting(1)
    del world.store.entries[EntryKey(FEED, lost)]
    await world.clock.advance(121)
    world.start()
    assert await world.deliver() == _sent(4)
    assert (world.sender.tries, world.store.entries) == (1, {})


async def test_kill_like_an_earlier_one_is_not_taken_for_posted(world: World) -> None:
    """Two kills can have the same line: a lost second one is not found in the message of the first."""
    world.store.add(build_entry(1))
    await _deliver_all(world)
    world.store.add(build_entry(1))
    world.sender.answers = [Answer(DeliveryUncertainError("cut"))]
    assert await world.deliver() == _waiting(1)
    await world.clock.advance(121)
    world.start()
    assert await world.deliver() == _sent(1)
    assert world.sender.list_victims() == [1, 1]


@pytest.mark.parametrize("style", PostStyle)
async def test_burst_of_200_kills_makes_twenty_messages_in_every_style(
    world: World, style: PostStyle
) -> None:
    """Highlights and styles add no message, and all kills keep the order of the log."""
    world.shapes.shape = PostShape(style)
    highlights = (Highlight(HighlightKind.RECORD, 720, 412), Highlight(HighlightKind.STREAK, 10))
    world.store.add(*(build_entry(number, highlights=highlights[: number % 3]) for number in range(200)))
    await _deliver_all(world)
    assert world.sender.list_victims() == list(range(200))
    assert [len(message.entries) for message in world.store.sent] == [10] * 20


async def test_entry_waits_until_it_is_due_and_then_counts_as_new(world: World) -> None:
    """A delayed post keeps its place, is not held back longer, and is news from its due time on."""
    later = START + timedelta(minutes=50)
    world.store.add(build_entry(1, due_at=later), build_entry(2), build_entry(7, scope=SECOND))
    assert await world.deliver() == _sent(1, SECOND_FEED)
    waiting = replace(IDLE, emptied=frozenset({SECOND_FEED}), wake_ups={FEED: later})
    assert await world.service.deliver_once(LANE, [FEED, SECOND_FEED]) == waiting
    world.start()
    await world.clock.advance(49 * 60)
    assert (await world.deliver()).wake_ups == {FEED: later}
    await world.clock.advance(60)
    assert await world.deliver() == _sent(2, FEED)
    assert world.sender.list_victims() == [7, 1, 2]


async def test_age_of_a_delayed_entry_counts_from_its_due_time(world: World) -> None:
    """It is dropped when it could not be posted for an hour after that, and not before."""
    world.store.add(build_entry(1, due_at=START + timedelta(minutes=50)))
    await world.clock.advance(110 * 60)
    assert await world.deliver() == _sent(1, FEED)
    world.store.add(build_entry(2, due_at=START + timedelta(minutes=50)))
    await world.clock.advance(1)
    assert await world.deliver() == _cleared(1)


async def test_delayed_entry_is_dropped_when_its_channel_is_gone(world: World) -> None:
    """Without a channel nothing waits."""
    world.channels.channels.clear()
    world.store.add(build_entry(1, due_at=START + timedelta(minutes=50)))
    assert await world.deliver(NOWHERE) == _cleared(1)
    assert world.store.entries == {}


async def test_message_that_is_not_found_is_sent_again(world: World) -> None:
    """If the message is not in the channel, the same nonce is sent again."""
    world.store.add(build_entry(1))
    world.sender.answers = [Answer(DeliveryUncertainError("cut"))]
    await world.deliver()
    assert world.store.message is not None
    nonce = world.store.message.nonce
    await world.clock.advance(600)
    assert await world.deliver() == _sent(1)
    assert [post[3] for post in world.sender.posts] == [nonce]


async def test_failed_look_waits_instead_of_sending(world: World) -> None:
    """A message with an unknown result is not sent before the channel could be read."""
    world.store.add(build_entry(1))
    world.sender.answers = [Answer(DeliveryUncertainError("cut"), is_posted=True)]
    await world.deliver()
    await world.clock.advance(121)
    world.sender.looks = [DeliveryDelayedError("down"), ChannelUnusableError("no history")]
    assert await world.deliver() == _waiting(2)
    assert await world.deliver() == _waiting(240)
    assert await world.deliver() == _sent(1)
    assert world.sender.list_victims() == [1]


async def test_later_entries_wait_for_the_message_before_them(world: World) -> None:
    """The prepared group does not change; later entries follow in the next message."""
    world.store.add(build_entry(1))
    world.sender.answers = [Answer(DeliveryDelayedError("down"))]
    await world.deliver()
    world.store.add(build_entry(2))
    await _deliver_all(world)
    assert world.sender.list_victims() == [1, 2]
    assert [[key.sequence for key in message.entries] for message in world.store.sent] == [[1], [2]]


async def test_waits_grow_and_discords_own_time_is_kept(world: World) -> None:
    """Each failure in a row waits longer, at least for Discord's own time; a success resets the pause."""
    world.store.add(build_entry(1))
    later = START + timedelta(seconds=90)
    errors: list[DeliveryError] = [
        DeliveryDelayedError("down"),
        DeliveryUncertainError("cut"),
        DeliveryDelayedError("limit", retry_at=later),
    ]
    world.sender.answers = [Answer(error) for error in errors]
    outcomes = [await world.deliver() for _ in range(4)]
    assert outcomes == [_waiting(1), _waiting(2), _waiting(90), _sent(1)]
    world.store.add(build_entry(2))
    world.sender.answers = [Answer(DeliveryDelayedError("down"))]
    assert await world.deliver() == _waiting(1)


async def test_unusable_channel_is_told_once_and_tried_at_growing_distance(world: World) -> None:
    """There is one alert; nothing is dropped while it is news; after a fix everything arrives."""
    world.store.add(build_entry(1))
    world.sender.answers = [Answer(ChannelUnusableError("403"))] * 6
    waits = []
    for _ in range(6):
        outcome = await world.deliver()
        waits.append(outcome.retry_seconds)
        await world.clock.advance(outcome.retry_seconds)
    assert waits == [60, 120, 240, 480, 600, 600]
    assert [key for key, _ in world.notifier.told] == ["channel-unusable:77"]
    assert "/admin channel set" in str(world.notifier.told[0][1])
    assert await world.deliver() == _sent(1)
    assert world.notifier.open_keys == set()


async def test_deleted_channel_is_left_for_the_new_one(world: World) -> None:
    """Entries that could not be posted go to the channel that an admin sets next."""
    world.store.add(build_entry(1), build_entry(2))
    world.sender.answers = [Answer(ChannelUnusableError("404"))] * 2
    assert await world.deliver() == _waiting(60)
    world.channels.channels[ChannelKind.KILLFEED] = OTHER
    assert await world.deliver() == _cleared()
    assert await world.deliver() == IDLE
    assert await world.deliver(EVENTS) == _sent(2, FEED)
    assert (world.sender.list_victims(), world.sender.list_victims(OTHER)) == ([], [1, 2])


async def test_tried_message_stays_with_its_channel(world: World) -> None:
    """A message that may be in the old channel is completed there, so that it is not posted twice."""
    world.store.add(build_entry(1))
    world.sender.answers = [Answer(DeliveryUncertainError("cut"), is_posted=True)]
    await world.deliver()
    world.channels.channels[ChannelKind.KILLFEED] = OTHER
    await _deliver_all(world)
    assert (world.sender.list_victims(), world.sender.list_victims(OTHER)) == ([1], [])


async def test_entries_without_a_channel_are_dropped(world: World) -> None:
    """A guild without a channel wants no posts; entries of other kinds stay."""
    world.channels.channels = {ChannelKind.EVENTS: OTHER}
    world.store.add(build_entry(1), build_entry(2, kind=ChannelKind.EVENTS), build_entry(3))
    assert await world.service.list_lanes(GUILD, world.store.feeds) == {NOWHERE, EVENTS}
    assert await world.deliver(NOWHERE) == _cleared(2)
    assert await world.deliver(NOWHERE) == IDLE
    assert await world.deliver(EVENTS) == _sent(1, EVENT_FEED)
    assert world.sender.list_victims(OTHER) == [2]


async def test_stuck_channel_does_not_hold_up_another(world: World) -> None:
    """Every channel has its own prepared message, its own pauses and its own alert."""
    world.channels.channels[ChannelKind.EVENTS] = OTHER
    world.store.add(build_entry(1), build_entry(2), build_entry(1, kind=ChannelKind.EVENTS))
    assert await world.service.list_lanes(GUILD, world.store.feeds) == {EVENTS, LANE}
    world.sender.answers = [Answer(ChannelUnusableError("403"))]
    assert await world.deliver() == _waiting(60)
    assert await world.deliver(EVENTS) == _sent(1, EVENT_FEED)
    assert world.notifier.open_keys == {"channel-unusable:77"}
    assert world.store.message is not None
    assert await world.deliver() == _sent(2)
    assert (world.sender.list_victims(), world.sender.list_victims(OTHER)) == ([1, 2], [1])
    assert await world.service.list_lanes(GUILD, world.store.feeds) == frozenset()


async def test_prepared_message_without_a_channel_is_dropped(world: World) -> None:
    """If the channel is cleared while a message waits, the message is dropped."""
    world.store.add(build_entry(1))
    world.sender.answers = [Answer(DeliveryDelayedError("down"))]
    await world.deliver()
    world.channels.channels.clear()
    assert await world.deliver() == _cleared(1)
    assert (world.store.entries, world.store.message, world.notifier.told) == ({}, None, [])


async def test_old_entries_are_dropped_with_a_note(world: World) -> None:
    """Entries that are too old are dropped with an alert, the others are sent."""
    world.store.add(build_entry(1), build_entry(2), build_entry(3, due_at=START + timedelta(minutes=30)))
    await world.clock.advance(61 * 60)
    assert await world.deliver() == _cleared(2)
    assert await world.deliver() == _sent(1, FEED)
    assert world.sender.list_victims() == [3]
    ((key, sentence),) = world.notifier.told
    assert key == "expired:77:killfeed"
    assert str(sentence).startswith("I couldn't deliver 2 killfeed posts for 60 minutes, so I left them out")


async def test_prepared_message_expires_with_its_newest_entry(world: World) -> None:
    """A message that could not be delivered for too long is dropped with its entries and an alert."""
    world.store.add(build_entry(1))
    world.sender.answers = [Answer(DeliveryDelayedError("down"))]
    await world.deliver()
    await world.clock.advance(60 * 60)
    world.sender.answers = [Answer(DeliveryDelayedError("down"))]
    assert (await world.deliver()).state is DeliveryState.WAITING
    await world.clock.advance(1)
    assert await world.deliver() == _cleared(1)
    assert (world.store.entries, world.store.message) == ({}, None)
    assert [key for key, _ in world.notifier.told] == ["expired:77:killfeed"]


async def test_only_old_entries_leave_nothing_to_send(world: World) -> None:
    """The round that dropped everything reports that."""
    world.store.add(build_entry(1))
    await world.clock.advance(61 * 60)
    assert await world.deliver() == _cleared(1)
    assert await world.deliver() == IDLE
    assert await world.service.deliver_once(LANE, [FEED]) == replace(IDLE, emptied=frozenset({FEED}))


async def test_refused_group_is_split_and_the_bad_entry_left_out(world: World) -> None:
    """After a refused payload its entries are sent one by one, and the refused one is dropped."""
    world.store.add(*(build_entry(number) for number in range(12)))
    world.sender.answers = [Answer(DeliveryRefusedError("400"))]
    assert await world.deliver() == _cleared()
    assert [await world.deliver() for _ in range(3)] == [_sent(1)] * 3
    world.sender.answers = [Answer(DeliveryRefusedError("400"))]
    assert await world.deliver() == _cleared(1)
    await _deliver_all(world)
    assert world.sender.list_victims() == [0, 1, 2, *range(4, 12)]
    assert [len(message.entries) for message in world.store.sent] == [1] * 9 + [2]
    assert [key for key, _ in world.notifier.told] == ["refused:k3v9x0aa"]


async def test_message_whose_entries_are_gone_is_forgotten(world: World) -> None:
    """A prepared message without entries does not block."""
    world.store.add(build_entry(1))
    world.sender.answers = [Answer(DeliveryDelayedError("down"))]
    await world.deliver()
    world.store.entries.clear()
    assert await world.deliver() == _cleared()
    assert await world.deliver() == IDLE


async def test_restart_embeds_the_same_facts_alike(world: World) -> None:
    """A second process builds exactly the same texts, so the search in the channel finds them."""
    world.store.add(*(build_entry(number) for number in range(10)))
    world.sender.answers = [Answer(DeliveryUncertainError("cut"), is_posted=True)]
    await world.deliver()
    await world.clock.advance(1000)
    world.start()
    assert await world.deliver() == _sent(10)
    assert len(world.sender.posts) == 1


async def test_servers_that_share_a_channel_share_its_messages(world: World) -> None:
    """Entries of several servers for a channel share messages, oldest first, each server in order."""
    later = START + timedelta(seconds=2)
    world.store.add(
        build_entry(1, due_at=later),
        build_entry(2),  # written after the clock was set back
        build_entry(7, scope=SECOND, due_at=START + timedelta(seconds=1)),
        build_entry(8, scope=SECOND, due_at=later + timedelta(seconds=1)),
    )
    await world.clock.advance(10)
    assert await world.deliver() == _sent(4, FEED, SECOND_FEED)
    assert world.sender.list_victims() == [7, 1, 2, 8]
    assert len(world.sender.posts) == 1


async def test_server_with_a_channel_of_its_own_is_not_mixed_in(world: World) -> None:
    """A lane takes only entries for its own channel."""
    world.channels.own[SECOND_FEED] = OTHER
    world.store.add(build_entry(1), build_entry(7, scope=SECOND))
    assert await world.deliver() == _sent(1, FEED)
    assert await world.deliver(EVENTS) == _sent(1, SECOND_FEED)
    assert (world.sender.list_victims(), world.sender.list_victims(OTHER)) == ([1], [7])


@pytest.mark.parametrize("downtime_seconds", [0, 121])
async def test_two_servers_of_a_channel_lose_and_double_nothing_wherever_the_process_ends(
    downtime_seconds: float,
) -> None:
    """After a kill at any await each death of both servers is posted once, in each server's order."""
    for kill_at in itertools.count(1):
        world = World()
        world.store.add(*(build_entry(number) for number in range(7)))
        world.store.add(*(build_entry(number, scope=SECOND) for number in range(10, 17)))
        if not await _is_killed(world, kill_at=kill_at):
            break
        await world.clock.advance(downtime_seconds)
        world.start()
        await _deliver_all(world)
        posted = world.sender.list_victims()
        assert [number for number in posted if number < 10] == list(range(7)), f"killed at step {kill_at}"
        assert [number for number in posted if number >= 10] == list(range(10, 17))
        assert (world.store.entries, world.store.message) == ({}, None)
    assert kill_at > 15


async def test_removed_server_leaves_the_rest_of_a_message_posted_once(world: World) -> None:
    """A message that may have arrived whole is recognised by the rest of its entries."""
    world.store.add(build_entry(1), build_entry(2, scope=SECOND), build_entry(3))
    world.sender.answers = [Answer(DeliveryUncertainError("cut"), is_posted=True)]
    assert await world.deliver() == _waiting(1)
    del world.store.entries[EntryKey(SECOND_FEED, 2)]
    await world.clock.advance(121)
    assert await world.deliver() == _sent(2)
    assert (world.sender.tries, world.store.entries) == (1, {})


async def test_moved_channel_gets_nothing_before_the_message_in_the_old_one_is_settled(world: World) -> None:
    """Later entries never overtake a prepared message, even if the channel changes."""
    world.store.add(build_entry(1))
    world.sender.answers = [Answer(DeliveryDelayedError("down"))]
    assert await world.deliver() == _waiting(1)
    world.channels.channels[ChannelKind.KILLFEED] = OTHER
    world.store.add(build_entry(2))
    assert await world.service.list_lanes(GUILD, world.store.feeds) == {LANE}
    assert await world.deliver(EVENTS) == IDLE
    assert await world.deliver() == _sent(1)
    assert await world.service.list_lanes(GUILD, world.store.feeds) == {EVENTS}
    assert await world.deliver(EVENTS) == _sent(1, FEED)
    assert (world.sender.list_victims(), world.sender.list_victims(OTHER)) == ([1], [2])


async def test_feed_is_never_in_two_rounds_at_once(world: World) -> None:
    """If the channel changes while a round reads its entries, a second round does not get them too."""
    world.store.add(build_entry(1))
    first = asyncio.ensure_future(world.deliver())
    while not world.store.reads:  # noqa: ASYNC110 - the store has no event of its own
        await asyncio.sleep(0)
    world.channels.channels[ChannelKind.KILLFEED] = OTHER
    second = asyncio.ensure_future(world.deliver(EVENTS))
    assert await asyncio.gather(first, second) == [_sent(1, FEED), IDLE]
    assert (world.sender.list_victims(), world.sender.list_victims(OTHER)) == ([1], [])


async def test_message_is_stored_before_any_try_when_the_storage_failed_first(world: World) -> None:
    """Discord gets the message only when it is stored, and then it is the same message."""
    world.store.add(build_entry(1))
    await world.service.list_lanes(GUILD, [])
    world.store.failures = [None, StorageUnavailableError("away"), StorageUnavailableError("away")]
    for _ in range(2):
        with pytest.raises(StorageUnavailableError):
            await world.deliver()
    assert (world.sender.tries, world.store.messages) == (0, {})
    assert await world.deliver() == _sent(1)
    assert (world.sender.list_victims(), world.store.messages, world.store.entries) == ([1], {}, {})


async def test_message_is_not_sent_twice_when_the_storage_failed_after_it(world: World) -> None:
    """A message that was sent but not marked is sent again with its nonce, which Discord still remembers."""
    world.store.add(build_entry(1))
    await world.service.list_lanes(GUILD, [])
    world.store.failures = [None, None, StorageUnavailableError("away")]
    with pytest.raises(StorageUnavailableError):
        await world.deliver()
    assert await world.deliver() == _sent(1)
    assert (world.sender.tries, world.sender.list_victims()) == (2, [1])


def build_event_entry(number: int, *, role_id: int | None = None) -> OutboxEntry:
    """Return the entry of an event, whose post is edited later."""
    notice = WorldEventNotice(
        event_id=bytes([number]),
        server_name="North",
        at=START,
        kind=WorldEventKind.AIRDROP,
        state="FLYING",
        since=START,
        role_id=role_id,
    )
    return OutboxEntry(SCOPE, number, ChannelKind.EVENTS, notice, START + timedelta(seconds=number))


async def test_posts_that_are_edited_share_no_message_with_others(world: World) -> None:
    """A message of events can be built again, because it holds nothing else; it remembers their ids."""
    world.channels.channels[ChannelKind.EVENTS] = CHANNEL
    deaths = [build_entry(number, due_at=START + timedelta(seconds=number)) for number in (1, 2, 8)]
    world.store.add(*deaths, *(build_event_entry(number, role_id=7) for number in (3, 4, 5)))
    await world.clock.advance(10)
    await _deliver_all(world)
    assert [len(message.entries) for message in world.store.sent] == [2, 3, 1]
    assert [message.event_ids for message in world.store.sent] == [(), (b"\x03", b"\x04", b"\x05"), ()]
    assert world.sender.mentions == [(), (7,), ()]


async def test_sent_post_of_an_event_is_looked_at_because_it_may_be_outdated(world: World) -> None:
    """The event may have changed while its post waited; a post of a death is never edited."""
    told: list[PostedEventsChanged] = []
    world.events.register(PostedEventsChanged, told.append)
    world.channels.channels[ChannelKind.EVENTS] = CHANNEL
    world.store.add(build_entry(1), build_event_entry(2), build_event_entry(3))
    await world.clock.advance(10)
    await _deliver_all(world)
    assert told == [PostedEventsChanged(scope=SCOPE)]


async def test_role_of_several_events_is_mentioned_once(world: World) -> None:
    """Events may have no role."""
    world.channels.channels[ChannelKind.EVENTS] = CHANNEL
    roles = (None, 8, 7, 8)
    world.store.add(*(build_event_entry(number, role_id=role) for number, role in enumerate(roles)))
    await world.clock.advance(10)
    await _deliver_all(world)
    assert world.sender.mentions == [(8, 7)]
