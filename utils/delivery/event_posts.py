"""Edits of posts about events of the world: a post shows the newest state until its event is over.

Theory of operation: the transaction that stores a change of a posted event marks its post as outdated, and
an event of the bot wakes the work for that game server. It finds the outdated posts and the messages that
hold them. A post that still waits in the outbox is looked for when it was sent, so no edit overtakes it.
Every message is a standing message: it is built from what is stored at that moment, at most every ten
seconds. When it is shown, the states that it shows are not outdated any more; one that has changed since
then stays so. A process that was killed anywhere has lost nothing: its successor finds what is outdated,
and the same edit twice is one.

A kind may be set to posts without edits. A message stays as it is when somebody deleted it or its channel,
when Discord limits edits of old messages twice in a row, and when one of its events is deleted.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from structlog import get_logger

from utils.clock import Clock
from utils.delivery.languages import GuildSpeaker
from utils.delivery.standing_messages import StandingMessage, StandingMessages
from utils.embeds.factory import Post
from utils.error_sink import ErrorSource, Where
from utils.errors import DeliveryDelayedError, DeliveryRefusedError, StorageError
from utils.events import PostedEventsChanged
from utils.models.event_posts import OutdatedPosts, PostedEvent
from utils.models.event_settings import EventSettings, ServerEventSettings
from utils.models.message_places import MessagePlace
from utils.models.notices.outbox import StandingPost
from utils.models.scope import GuildId, ServerScope
from utils.queues import WorkQueue
from utils.services.ports import ServerStore, SettingsSource
from utils.services.world.notices import build_event_notice
from utils.tasks import TaskManager

EDIT_SECONDS = 10.0  # the least time between two edits of a message
AGAIN_SECONDS = 5.0

logger = get_logger(__name__)


class EventPostStore(Protocol):  # implemented by EventPostRepository
    """Storage of posts about events.

    Raises:
        StorageError: from any method.
    """

    async def find_outdated(self, scope: ServerScope) -> OutdatedPosts:
        """Return the posts of a server that do not show what is known of their events."""

    async def find_events(
        self, guild_id: GuildId, post_ids: Collection[bytes]
    ) -> Mapping[bytes, PostedEvent]:
        """Return the events with these posts, as far as they are stored."""

    async def mark_shown(self, guild_id: GuildId, events: Sequence[PostedEvent]) -> None:
        """Note that posts show events as they are here; one that changed since then stays outdated."""

    async def leave(self, guild_id: GuildId, post: StandingPost) -> None:
        """Note that a message is not edited any more."""


@dataclass(eq=False, repr=False)
class EventPosts:
    """Edits the posts about events of the world."""

    store: EventPostStore
    messages: StandingMessages
    servers: ServerStore
    settings: SettingsSource
    languages: GuildSpeaker
    tasks: TaskManager
    clock: Clock

    def __post_init__(self) -> None:
        self._queue = WorkQueue("events", self._work, tasks=self.tasks)

    def on_posted_events_changed(self, event: PostedEventsChanged) -> None:
        """Look for outdated posts of the game server."""
        self._queue.put(event.scope, guild_id=event.scope.guild_id)

    async def _work(self, scope: ServerScope) -> None:
        """Begin to edit what is outdated; look again later if the database is away."""
        try:
            await self._look(scope)
        except StorageError as error:
            if not error.may_pass:
                raise
            logger.info("posts about events wait", scope=str(scope), problem=str(error))
            where = Where(source=ErrorSource.MESSAGE, guild_id=scope.guild_id, name="events")
            self.tasks.errors.report(error, where=where)
            await self.clock.sleep(AGAIN_SECONDS)
            self._queue.put(scope, guild_id=scope.guild_id)

    async def _look(self, scope: ServerScope) -> None:
        """Begin the edits; posts that wait in the outbox are looked for when they were sent."""
        found = await self.store.find_outdated(scope)
        if not found.events:
            return
        reached = found.waiting.union(*(post.message.event_ids for post in found.posts))
        left = (found.events.keys() - reached) | await self._list_unedited(scope, found)
        if left:
            await self.store.mark_shown(scope.guild_id, [found.events[post_id] for post_id in left])
        edited = found.events.keys() - left
        for post in found.posts:
            if not edited.isdisjoint(post.message.event_ids):
                self._show(post)

    async def _list_unedited(self, scope: ServerScope, found: OutdatedPosts) -> frozenset[bytes]:
        """Return the posts of kinds that are not edited, because the community wants none of it."""
        of_guild = await self.settings.get_settings(scope.guild_id)
        server = await self.servers.find_server(scope)
        settings = ServerEventSettings(EventSettings() if server is None else server.events, of_guild.events)
        return frozenset(key for key, one in found.events.items() if not settings.is_edited(one.event.kind))

    def _show(self, post: StandingPost) -> None:
        shown = _ShownPost(self, post)
        message = post.message
        self.messages.keep(
            StandingMessage(
                key=f"events:{message.channel_id}/{post.message_id}",
                guild_id=message.guild_id,
                channel_id=message.channel_id,
                render=shown.render,
                places=shown,
                pause_seconds=EDIT_SECONDS,
                ends_when_limited=True,
                note_lost=shown.leave,
            )
        )


@dataclass(slots=True)
class _ShownPost:
    """One message: builds it, and notes what it shows.

    Attributes:
        rendered: the events as they were when it was built.
    """

    posts: EventPosts
    post: StandingPost
    rendered: Sequence[PostedEvent] = field(default=())

    async def render(self) -> Post:
        """Return the message as it should be.

        Raises:
            DeliveryRefusedError: one of its events is not stored any more.
            DeliveryDelayedError: the database is away.
        """
        message, posts = self.post.message, self.posts
        try:
            found = await posts.store.find_events(message.guild_id, message.event_ids)
            servers = await posts.servers.list_servers(message.guild_id)
        except StorageError as error:
            raise DeliveryDelayedError(f"the events of a message cannot be read: {error}") from error
        names = {server.scope: server.name for server in servers}
        events = [found[one] for one in message.event_ids if one in found and found[one].scope in names]
        if len(events) < len(message.event_ids):
            raise DeliveryRefusedError("an event of this message is not stored any more")
        self.rendered = events
        embeds = await posts.languages.speak_in(message.language)
        notices = [build_event_notice(one.scope, names[one.scope], one.event) for one in events]
        return embeds.build_feed(notices, message.shape)

    async def find(self) -> MessagePlace:
        """Return the place of the message."""
        return MessagePlace(self.post.message.channel_id, self.post.message_id)

    async def save(self, place: MessagePlace) -> bool:
        """Note what the message shows; without a message, that somebody has deleted it.

        Raises:
            DeliveryDelayedError: the database is away; the same edit comes once more.
        """
        if place.message_id is None:
            await self.leave()
            return False
        try:
            await self.posts.store.mark_shown(self.post.message.guild_id, self.rendered)
        except StorageError as error:
            raise DeliveryDelayedError(f"an edit cannot be noted: {error}") from error
        return True

    async def list_others(self) -> Collection[int]:
        """Return no other message: it is not posted again."""
        return ()

    async def leave(self) -> None:
        """Let the message stay as it is."""
        await self.posts.store.leave(self.post.message.guild_id, self.post)
        logger.info("a post about events stays as it is", message_id=self.post.message_id)
