"""Posts about events in MongoDB: which are outdated, and where they are."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.utils.database.repositories.test_game_logs import store
from utils.database.core.database import SafeDatabase
from utils.database.repositories.event_posts import EventPostRepository
from utils.database.repositories.game_logs import GameLogRepository
from utils.database.repositories.outbox import OutboxRepository
from utils.models.event_posts import OutdatedPosts, PostedEvent
from utils.models.game_log import GameLogState, LogCursor
from utils.models.guilds import ChannelKind
from utils.models.notices.outbox import EntryKey, Feed, MessageState, OutgoingMessage, StandingPost
from utils.models.presence import ServerPresence
from utils.models.scope import ChannelId, GuildId, ServerId, ServerScope
from utils.models.world_events import EventEnd, EventKey, WorldEvent, WorldEventKind
from utils.services.ingestion.deadside_stores import CursorStep, EventsStep, LogStep, NoticesStep
from utils.services.world.announcing import compute_post_id
from utils.services.world.notices import build_event_notice

START = datetime(2025, 6, 3, 12, tzinfo=UTC)
SCOPE = ServerScope(GuildId(42), ServerId("k3v9x0aa"))
NEIGHBOUR = ServerScope(GuildId(42), ServerId("nnnnnnnn"))


def build_event(scope: ServerScope, number: int) -> WorldEvent:
    """Return an event that was posted."""
    key = EventKey(WorldEventKind.MISSION, "bunker_01_mis1", number)
    post_id = compute_post_id(scope, key)
    return WorldEvent(key=key, state="READY", since=START, seen_at=START, is_started=True, post_id=post_id)


class Desk:
    """The storage, and the steps of a reader and of delivery."""

    def __init__(self, database: SafeDatabase) -> None:
        self.logs = GameLogRepository(database, fences=lambda _: None)
        self.outbox = OutboxRepository(database, fences=lambda _: None, prepare_seconds=0, mark_seconds=0)
        self.posts = EventPostRepository(database, fences=lambda _: None)
        self._cursors: dict[ServerScope, LogCursor] = {}

    async def store(self, scope: ServerScope, *steps: LogStep) -> None:
        """Store what follows from some lines."""
        before = self._cursors.get(scope)
        cursor = self._cursors[scope] = LogCursor("run", 1 + (before.offset if before else 0))
        presence = ServerPresence(run="run", started_at=START, newest_at=START)
        await store(
            self.logs, scope, [CursorStep(before, GameLogState(cursor=cursor, presence=presence)), *steps]
        )

    async def start(self, scope: ServerScope, event: WorldEvent) -> None:
        """Let an event start and be posted."""
        notice = build_event_notice(scope, "Mirny", event)
        await self.store(scope, EventsStep([event]), NoticesStep([notice], START))

    async def change(self, scope: ServerScope, event: WorldEvent) -> None:
        """Let an event change after it was posted."""
        await self.store(scope, EventsStep([event], {event.key}))

    async def send(self, *entries: tuple[ServerScope, WorldEvent], number: int = 0) -> StandingPost:
        """Send a message about events, of which each is the first of its feed."""
        keys = tuple(EntryKey(Feed(scope, ChannelKind.EVENTS), number) for scope, _ in entries)
        ids = tuple(event.post_id or b"" for _, event in entries)
        message = OutgoingMessage(SCOPE.guild_id, ChannelId(5), keys, f"n{number}", START, event_ids=ids)
        await self.outbox.prepare_message(SCOPE.guild_id, message)
        assert (await self.outbox.list_prepared(SCOPE.guild_id)) == (message,)
        await self.outbox.mark_sent(SCOPE.guild_id, message, message_id=99, at=START)
        return StandingPost(replace(message, state=MessageState.SENT), 99)


@pytest.fixture(name="desk")
async def _desk(database: SafeDatabase) -> Desk:
    return Desk(database)


async def test_outdated_posts_are_found_with_their_messages(desk: Desk) -> None:
    """A post waits in the outbox, then it is in a message, perhaps beside those of other servers."""
    mine, theirs = build_event(SCOPE, 1), build_event(NEIGHBOUR, 1)
    await desk.start(SCOPE, mine)
    await desk.start(NEIGHBOUR, theirs)
    assert await desk.posts.find_outdated(SCOPE) == OutdatedPosts()
    active = replace(mine, state="ACTIVE", since=START + timedelta(seconds=1))
    await desk.change(SCOPE, active)
    ids = frozenset([mine.post_id])
    outdated = {mine.post_id: PostedEvent(SCOPE, active)}
    assert await desk.posts.find_outdated(SCOPE) == OutdatedPosts(events=outdated, waiting=ids)  # type: ignore[arg-type] # it was posted
    post = await desk.send((SCOPE, mine), (NEIGHBOUR, theirs))
    assert await desk.posts.find_outdated(SCOPE) == OutdatedPosts(events=outdated, posts=(post,))  # type: ignore[arg-type] # it was posted
    assert await desk.posts.find_outdated(NEIGHBOUR) == OutdatedPosts()
    found = await desk.posts.find_events(SCOPE.guild_id, post.message.event_ids)
    assert found == {mine.post_id: PostedEvent(SCOPE, active), theirs.post_id: PostedEvent(NEIGHBOUR, theirs)}


async def list_outdated(desk: Desk) -> Sequence[WorldEvent]:
    """Return the events whose posts are outdated."""
    return [one.event for one in (await desk.posts.find_outdated(SCOPE)).events.values()]


async def test_post_that_changed_during_its_edit_stays_outdated(desk: Desk) -> None:
    """The shown event is compared with the stored one; the reader's next form of it keeps its post."""
    event = build_event(SCOPE, 1)
    await desk.start(SCOPE, event)
    active = replace(event, state="ACTIVE")
    over = replace(active, ended_at=START, end=EventEnd.OVER)
    await desk.change(SCOPE, active)
    await desk.change(SCOPE, over)
    await desk.posts.mark_shown(SCOPE.guild_id, [PostedEvent(SCOPE, active)])
    assert await list_outdated(desk) == [over]
    await desk.posts.mark_shown(SCOPE.guild_id, [PostedEvent(SCOPE, over)])
    assert await list_outdated(desk) == []
    await desk.store(SCOPE, EventsStep([replace(over, seen_at=START + timedelta(seconds=9), post_id=None)]))
    found = await desk.posts.find_events(SCOPE.guild_id, [event.post_id or b""])
    assert [one.event.seen_at for one in found.values()] == [START + timedelta(seconds=9)]


async def test_message_that_is_left_is_not_found_again(desk: Desk) -> None:
    """Its events stay outdated until they are noted as lost."""
    event = build_event(SCOPE, 1)
    await desk.start(SCOPE, event)
    post = await desk.send((SCOPE, event))
    await desk.change(SCOPE, replace(event, state="ACTIVE"))
    await desk.posts.leave(SCOPE.guild_id, post)
    found = await desk.posts.find_outdated(SCOPE)
    assert (list(found.events), found.posts, found.waiting) == ([event.post_id], (), frozenset())
