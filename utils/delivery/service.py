"""DeliveryService: one round delivers one message of one lane, from the outbox to the channel.

**Lanes.** A lane is a channel of Discord. It takes the entries of all feeds of that channel, oldest first, in
the order of each feed. Lanes do not wait for each other, so a failing channel does not delay others. A feed
belongs to one lane at a time: the lane of a prepared message with its entries, else the lane of its channel.
So an entry is never in two messages, even while an admin changes channels.

**Groups.** A round finishes the prepared message of the lane, if there is one. Otherwise it prepares the
next: a group of entries that fits in one message, and a new nonce. Each write is durable before the next
step:

1. ``prepare_message`` fixes group and nonce; from here on Discord may have the message;
2. ``send``, the first try and every later one with the same group and nonce;
3. ``mark_sent`` deletes the entries.

After a crash at any point, the next process goes on from the stored state. Prepared messages are read once,
when the delivery for a guild starts; from then on only this process changes them.

**After a try** one of these is known (``sender.py`` says what a failure means):

* it arrived: ``mark_sent``;
* Discord refuses it: its entries are sent one by one, and a refused one is dropped;
* the channel cannot be used: it waits, and the admins are told once; if another channel is set, it is used;
* unknown, because the answer was lost or delayed: the same try again. Discord posts a nonce once, but
  remembers it only for some minutes; after that the channel is searched first (``decisions.py``).
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, auto

from discord.utils import time_snowflake
from structlog import get_logger

from utils.clock import Clock
from utils.delivery.decisions import (
    UNUSABLE_BACKOFF,
    Step,
    choose_group,
    choose_step,
    compute_retry_seconds,
    find_match,
    find_wake_ups,
    list_alike,
    list_due,
    make_nonce,
    merge_feeds,
)
from utils.delivery.languages import GuildSpeaker
from utils.delivery.ports import Lane, OutboxStore, ShapeFinder
from utils.delivery.sender import DiscordSender
from utils.embeds.factory import NO_DRAWINGS, Drawings, EmbedFactory, Post
from utils.embeds.limits import MAX_EMBEDS, count_characters
from utils.error_sink import ErrorSink, ErrorSource, LoggedErrors, Where
from utils.errors import (
    ChannelUnusableError,
    DeliveryDelayedError,
    DeliveryError,
    DeliveryRefusedError,
    DeliveryUncertainError,
)
from utils.events import EventDispatcher, PostedEventsChanged
from utils.log_context import bind_log_context
from utils.models.guilds import CHANNEL_KIND_NAMES, ChannelKind
from utils.models.incident_kinds import IncidentKind
from utils.models.notices.notice import Notice
from utils.models.notices.outbox import Feed, OutboxEntry, OutgoingMessage
from utils.models.post_styles import PostShape
from utils.models.scope import ChannelId, GuildId
from utils.models.texts import Command, plural, text
from utils.services.ports import AdminNotifier, ChannelFinder
from utils.tasks import Failure, capture

CLOCKS_DIFFER = timedelta(hours=1)  # more than Discord's clock and ours ever do
DRAWING_SECONDS = 10.0  # a picture takes a fifth of a second
LINE_BREAK = 1  # characters between two lines of an embed
LOOK_BACK_MESSAGES = 100  # one request; the lane posts nothing else until this message is known

_log = get_logger(__name__)


class DeliveryState(Enum):
    """How a round ended."""

    IDLE = auto()  # nothing to deliver
    SENT = auto()  # a message is in its channel
    CLEARED = auto()  # entries were dropped or regrouped; the next round goes on
    WAITING = auto()  # not possible now; again after ``retry_seconds``


@dataclass(frozen=True, slots=True)
class DeliveryOutcome:
    """The result of one round.

    Attributes:
        entries: how many notices were sent or dropped.
        retry_seconds: the wait before the next round makes sense; 0 unless waiting.
        emptied: the feeds that were empty when the round read them.
        wake_ups: when feeds go on whose first entry is not due yet.
    """

    state: DeliveryState
    entries: int = 0
    retry_seconds: float = 0
    emptied: frozenset[Feed] = frozenset()
    wake_ups: Mapping[Feed, datetime] = field(default_factory=dict)


class DeliveryService:
    """Delivers the outbox of guilds, each notice once and in the order of its feed.

    One round at a time for each lane; rounds of different lanes may run at once.
    """

    def __init__(
        self,
        store: OutboxStore,
        *,
        channels: ChannelFinder,
        sender: DiscordSender,
        notifier: AdminNotifier,
        languages: GuildSpeaker,
        shapes: ShapeFinder,
        events: EventDispatcher,
        clock: Clock,
        max_announce_age: timedelta,
        errors: ErrorSink | None = None,
    ) -> None:
        self._errors = errors or LoggedErrors()
        self._store = store
        self._channels = channels
        self._sender = sender
        self._notifier = notifier
        self._languages = languages
        self._shapes = shapes
        self._events = events
        self._clock = clock
        self._max_age = max_announce_age
        self._messages: dict[GuildId, dict[str, OutgoingMessage]] = {}  # prepared ones, by nonce
        self._unstored: set[str] = set()  # nonces of messages that the storage may not have yet
        self._held: defaultdict[GuildId, dict[Lane, frozenset[Feed]]] = defaultdict(dict)
        self._failures: defaultdict[Lane, int] = defaultdict(int)
        self._singles: dict[Lane, int] = {}  # how many entries of a lane are still posted alone

    async def list_feeds(self, guild_id: GuildId) -> Sequence[Feed]:
        """Return the feeds of a guild that are not empty.

        Raises:
            StorageError: of the storage.
        """
        return await self._store.list_feeds(guild_id)

    async def list_lanes(self, guild_id: GuildId, feeds: Collection[Feed]) -> frozenset[Lane]:
        """Return the lanes with work: a prepared message, or one of these feeds.

        Raises:
            StorageError: of the storage.
        """
        await self._load(guild_id)
        leading = {feed: await self._find_lane(feed) for feed in feeds}
        messages = self._messages[guild_id].values()
        taken = self._list_taken(guild_id)
        return frozenset(
            [*(Lane(guild_id, message.channel_id) for message in messages)]
            + [lane for feed, lane in leading.items() if feed not in taken]
        )

    async def deliver_once(self, lane: Lane, feeds: Collection[Feed]) -> DeliveryOutcome:
        """Do one round over the feeds of the lane among these; at most one message is sent.

        Raises:
            StorageError: the storage failed; the next round goes on.
        """
        await self._load(lane.guild_id)
        message = self._find_message(lane)
        if message is not None:
            return await self._continue(lane, message)
        own = await self._hold(lane, feeds)
        try:
            return await self._begin(lane, own)
        finally:
            del self._held[lane.guild_id][lane]

    def forget(self, guild_id: GuildId) -> None:
        """Forget the state of a guild; none of its lanes may be running."""
        self._messages.pop(guild_id, None)
        self._held.pop(guild_id, None)
        self.forget_failures(guild_id)

    def forget_failures(self, guild_id: GuildId) -> None:
        """Forget the failures of a guild, because a channel was changed."""
        for known in (self._failures, self._singles):
            for lane in [lane for lane in known if lane.guild_id == guild_id]:
                del known[lane]

    async def _load(self, guild_id: GuildId) -> None:
        if guild_id not in self._messages:
            found = await self._store.list_prepared(guild_id)
            self._messages[guild_id] = {message.nonce: message for message in found}

    def _find_message(self, lane: Lane) -> OutgoingMessage | None:
        """Return the oldest prepared message of the lane."""
        messages = self._messages[lane.guild_id].values()
        return next((message for message in messages if message.channel_id == lane.channel_id), None)

    async def _find_lane(self, feed: Feed) -> Lane:
        channel_id = await self._channels.find_channel(feed.scope, feed.channel_kind)
        return Lane(feed.scope.guild_id, channel_id)

    def _list_taken(self, guild_id: GuildId) -> frozenset[Feed]:
        """Return the feeds of prepared messages and of running rounds."""
        messages = self._messages[guild_id].values()
        held = self._held[guild_id].values()
        nothing: frozenset[Feed] = frozenset()
        return nothing.union(*(message.feeds for message in messages), *held)

    async def _hold(self, lane: Lane, feeds: Collection[Feed]) -> frozenset[Feed]:
        """Take the feeds of the lane that no other lane has."""
        leading = frozenset([feed for feed in feeds if await self._find_lane(feed) == lane])
        # no await from here on, because otherwise two lanes could take one feed
        own = self._held[lane.guild_id][lane] = leading - self._list_taken(lane.guild_id)
        return own

    async def _begin(self, lane: Lane, feeds: Collection[Feed]) -> DeliveryOutcome:
        """Prepare the next message of a lane and try it, or drop entries that cannot be posted."""
        pending = await self._store.list_pending(lane.guild_id, sorted(feeds), limit=MAX_EMBEDS)
        now = self._clock.now()
        for feed, waiting in pending.items():
            if waiting and waiting[0].due_at < now - self._max_age:
                return await self._drop_old(lane, feed)
        if lane.channel_id is None and (entries := merge_feeds(pending.values())):
            return await self._discard(lane, entries, reason="channel_not_set")
        entries = list_alike(merge_feeds(list_due(pending, now).values()))
        if lane.channel_id is None or not entries:
            wake_ups = find_wake_ups(pending, now)
            emptied = frozenset(feeds) - wake_ups.keys()
            return DeliveryOutcome(DeliveryState.IDLE, emptied=emptied, wake_ups=wake_ups)
        language = await self._languages.find_language(lane.guild_id)
        shape = await self._shapes.find_shape(lane.guild_id, lane.channel_id)
        group = await self._choose_group(lane, entries, language, shape)
        message = await self._prepare(lane.channel_id, group, language, shape)
        outcome = await self._try(lane, message, group, Step.SEND)
        if outcome.state is not DeliveryState.SENT:
            return outcome
        rest = {feed: len(waiting) for feed, waiting in pending.items() if len(waiting) < MAX_EMBEDS}
        left = Counter(rest) - Counter(entry.feed for entry in group)
        return replace(outcome, emptied=frozenset(rest.keys() - left.keys()))

    async def _drop_old(self, lane: Lane, feed: Feed) -> DeliveryOutcome:
        oldest = self._clock.now() - self._max_age
        dropped = await self._store.drop_entries(feed.scope, feed.channel_kind, before=oldest)
        await self._tell_expired(lane, feed.channel_kind, dropped)
        return DeliveryOutcome(DeliveryState.CLEARED, dropped)

    async def _choose_group(
        self, lane: Lane, entries: Sequence[OutboxEntry], language: str, shape: PostShape
    ) -> list[OutboxEntry]:
        if len(entries) == 1:
            return list(entries)
        embeds = await self._languages.speak_in(language)
        posts = [embeds.build_feed([entry.notice], shape) for entry in entries]
        sizes = [LINE_BREAK + sum(map(count_characters, post.embeds)) for post in posts]
        return choose_group(entries, sizes, single=self._singles.get(lane, 0) > 0)

    async def _prepare(
        self, channel_id: ChannelId, group: Sequence[OutboxEntry], language: str, shape: PostShape
    ) -> OutgoingMessage:
        message = OutgoingMessage(
            guild_id=group[0].scope.guild_id,
            channel_id=channel_id,
            entries=tuple(entry.key for entry in group),
            nonce=make_nonce(),
            prepared_at=self._clock.now(),
            language=language,
            shape=shape,
            event_ids=tuple(entry.notice.event_id for entry in group if entry.notice.is_standing),
        )
        self._messages[message.guild_id][message.nonce] = message
        self._unstored.add(message.nonce)
        await self._store_message(message)
        return message

    async def _store_message(self, message: OutgoingMessage) -> None:
        """Store the message before it is sent, so that a successor knows it."""
        if message.nonce in self._unstored:
            await self._store.prepare_message(message.guild_id, message)
            self._unstored.discard(message.nonce)

    async def _continue(self, lane: Lane, message: OutgoingMessage) -> DeliveryOutcome:
        """Go on with the prepared message."""
        entries = await self._store.list_entries(lane.guild_id, message.entries)
        leading = [await self._find_lane(feed) for feed in message.feeds]
        step = choose_step(
            message,
            entries,
            has_channel=any(one.channel_id is not None for one in leading),
            now=self._clock.now(),
            max_age=self._max_age,
        )
        if step in (Step.SEND, Step.LOOK_FIRST):
            await self._store_message(message)
            return await self._try(lane, message, entries, step)
        if step is Step.EXPIRE:
            for kind, count in Counter(entry.channel_kind for entry in entries).items():
                await self._tell_expired(lane, kind, count)
        if step in (Step.EXPIRE, Step.DISCARD):
            reason = "expired" if step is Step.EXPIRE else "channel_not_set"
            return await self._discard(lane, entries, reason=reason, message=message)
        await self._drop_message(message)
        return DeliveryOutcome(DeliveryState.CLEARED)

    async def _try(
        self, lane: Lane, message: OutgoingMessage, entries: Sequence[OutboxEntry], step: Step
    ) -> DeliveryOutcome:
        """Find the message in its channel or send it; its log records have its nonce."""
        with bind_log_context(message.guild_id, correlation_id=message.nonce):
            embeds = await self._languages.speak_in(message.language)
            notices = [entry.notice for entry in entries]
            post = embeds.build_feed(notices, message.shape, await self._draw(embeds, notices, lane))
            try:
                message_id = await self._find_posted(message, post) if step is Step.LOOK_FIRST else None
                if message_id is None:
                    message_id = await self._sender.send(
                        message.channel_id,
                        embeds=post.embeds,
                        pictures=post.pictures,
                        nonce=message.nonce,
                        buttons=post.buttons,
                        role_ids=post.role_ids,
                    )
            except DeliveryError as error:
                where = Where(source=ErrorSource.DELIVERY, guild_id=lane.guild_id, task="deliver")
                self._errors.report(error, where=where)
                return await self._handle(lane, message, entries, error)
            now = self._clock.now()
            await self._store.mark_sent(message.guild_id, message, message_id=message_id, at=now)
            self._forget_message(message)
            if message.event_ids:  # they may have changed while their post waited
                for scope in {feed.scope for feed in message.feeds}:
                    self._events.dispatch(PostedEventsChanged(scope=scope))
            await self._mark_delivered(lane, entries)
            return DeliveryOutcome(DeliveryState.SENT, len(entries))

    async def _draw(self, embeds: EmbedFactory, notices: Sequence[Notice], lane: Lane) -> Drawings:
        """Return the pictures that are drawn for notices; none if that fails: a post can do without."""

        async def draw() -> Drawings:
            async with asyncio.timeout(DRAWING_SECONDS):
                return await embeds.draw(notices)

        drawn = await capture(draw)
        if not isinstance(drawn, Failure):
            return drawn
        where = Where(source=ErrorSource.DELIVERY, guild_id=lane.guild_id, task="deliver")
        self._errors.report(drawn.error, where=where)
        return NO_DRAWINGS

    async def _handle(
        self, lane: Lane, message: OutgoingMessage, entries: Sequence[OutboxEntry], error: DeliveryError
    ) -> DeliveryOutcome:
        """Handle a failure by its meaning."""
        match error:
            case ChannelUnusableError():
                return await self._wait_for_admin(lane, message, entries)
            case DeliveryRefusedError():
                return await self._handle_refusal(lane, message, entries, error)
            case DeliveryUncertainError() | DeliveryDelayedError():
                return self._wait(lane, error)
        raise error

    async def _drop_message(self, message: OutgoingMessage) -> None:
        await self._store.drop_message(message.guild_id, message.nonce)
        self._forget_message(message)

    def _forget_message(self, message: OutgoingMessage) -> None:
        self._messages[message.guild_id].pop(message.nonce, None)
        self._unstored.discard(message.nonce)

    async def _find_posted(self, message: OutgoingMessage, post: Post) -> int | None:
        posted = await self._sender.recent_messages(message.channel_id, LOOK_BACK_MESSAGES)
        texts = tuple((embed.title or "", embed.description or "") for embed in post.embeds)
        last_sent = await self._store.find_last_sent(message.guild_id, message.channel_id)
        earliest = time_snowflake(message.prepared_at - CLOCKS_DIFFER)
        found = find_match(posted, nonce=message.nonce, texts=texts, after=max(last_sent, earliest))
        return None if found is None else found.message_id

    async def _mark_delivered(self, lane: Lane, entries: Sequence[OutboxEntry]) -> None:
        """Reset the failures after a message arrived, so that the next one is reported again."""
        self._count_single(lane)
        if self._failures.pop(lane, 0):
            _log.info("delivery goes on", lane=str(lane))
        expired = {_expired_key(lane, entry.channel_kind) for entry in entries}
        for key in (name_unusable_channel(lane.channel_id), *expired):
            await self._notifier.clear(lane.guild_id, key)

    def _count_single(self, lane: Lane) -> None:
        """Count down the entries that are posted alone."""
        left = self._singles.pop(lane, 0) - 1
        if left > 0:
            self._singles[lane] = left

    def _wait(self, lane: Lane, error: DeliveryUncertainError | DeliveryDelayedError) -> DeliveryOutcome:
        self._failures[lane] += 1
        seconds = compute_retry_seconds(error, self._failures[lane], now=self._clock.now())
        _log.warning("delivery waits", lane=str(lane), seconds=seconds, reason=str(error))
        return DeliveryOutcome(DeliveryState.WAITING, retry_seconds=seconds)

    async def _wait_for_admin(
        self, lane: Lane, message: OutgoingMessage, entries: Sequence[OutboxEntry]
    ) -> DeliveryOutcome:
        """The channel cannot be used: use the channels that are set now, or wait."""
        if any([await self._find_lane(feed) != lane for feed in message.feeds]):
            await self._drop_message(message)
            return DeliveryOutcome(DeliveryState.CLEARED)
        first = entries[0]
        sentence = text(
            "I can't post in the {kind} channel of {server}. Check that it still exists and give me View "
            "Channel, Send Messages, Embed Links, Attach Files and Read Message History in it, or choose "
            "another one with {set}.",
            kind=CHANNEL_KIND_NAMES[first.channel_kind],
            server=first.notice.server_name,
            set=Command("admin channel set"),
        )
        await self._notifier.notify(
            lane.guild_id,
            sentence,
            name_unusable_channel(lane.channel_id),
            kind=IncidentKind.CHANNEL_UNUSABLE,
        )
        self._failures[lane] += 1
        seconds = UNUSABLE_BACKOFF.compute_seconds(self._failures[lane])
        _log.warning("channel unusable", lane=str(lane), seconds=seconds)
        return DeliveryOutcome(DeliveryState.WAITING, retry_seconds=seconds)

    async def _handle_refusal(
        self,
        lane: Lane,
        message: OutgoingMessage,
        entries: Sequence[OutboxEntry],
        error: DeliveryRefusedError,
    ) -> DeliveryOutcome:
        """Discord refused the message: try the entries one by one, and drop a refused one."""
        _log.error("payload refused", lane=str(lane), entries=len(entries), reason=str(error))
        if len(entries) > 1:
            self._singles[lane] = len(entries)
            await self._drop_message(message)
            return DeliveryOutcome(DeliveryState.CLEARED)
        (entry,) = entries
        sentence = text(
            "Discord refused a post about {server}, so I left it out. The stats are complete.",
            server=entry.notice.server_name,
        )
        self._count_single(lane)
        await self._notifier.notify(lane.guild_id, sentence, f"refused:{entry.scope.server_id}")
        return await self._discard(lane, entries, reason="refused", message=message)

    async def _discard(
        self,
        lane: Lane,
        entries: Sequence[OutboxEntry],
        *,
        reason: str,
        message: OutgoingMessage | None = None,
    ) -> DeliveryOutcome:
        """Drop entries and then their message; in this order a crash in between is harmless."""
        await self._store.discard_entries(lane.guild_id, [entry.key for entry in entries])
        if message is not None:
            await self._drop_message(message)
        _log.warning("notices dropped", lane=str(lane), entries=len(entries), reason=reason)
        return DeliveryOutcome(DeliveryState.CLEARED, len(entries))

    async def _tell_expired(self, lane: Lane, kind: ChannelKind, count: int) -> None:
        sentence = plural(
            "I couldn't deliver {count} {kind} post for {span}, so I left it out. The stats are complete.",
            "I couldn't deliver {count} {kind} posts for {span}, so I left them out. The stats are complete.",
            count,
            kind=CHANNEL_KIND_NAMES[kind],
            span=plural("{count} minute", "{count} minutes", self._max_age.total_seconds() // 60),
        )
        await self._notifier.notify(
            lane.guild_id, sentence, _expired_key(lane, kind), kind=IncidentKind.CHANNEL_UNUSABLE
        )


def name_unusable_channel(channel_id: ChannelId | None) -> str:
    """Return the key of the alert about a channel that cannot be used."""
    return f"channel-unusable:{channel_id}"


def _expired_key(lane: Lane, kind: ChannelKind) -> str:
    return f"expired:{lane.channel_id}:{kind}"
