"""Standing messages: messages of the bot that are edited to show the newest state.

Theory of operation: a standing message has a content (``render``), a wanted channel, and a storage of its
current place (``MessagePlaces``). One try renders it and does what is missing: nothing if the content is
shown already, an edit if it differs, a post if there is no message. A message in another channel than the
wanted one is deleted first. The nonce of a post is stored before the first try. So after a lost answer or a
crash the next try finds the message and does not post a second one. The places decide whether a deleted
message is posted again.

* ``refresh`` is one try, for callers that need its result;
* ``keep`` tries in a separate task until the message shows the newest state, or never can, with a least pause
  between two edits;
* ``show`` does the same and waits for it.

``PLACES`` tries run at once, at most half of them for one guild, and one for each channel. So a channel that
hangs, or that Discord limits, uses one place and delays only its own messages. Tries also take turns
(``MessagePace``), so that many edits leave enough requests for the feeds.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from structlog import get_logger

from utils.clock import Clock
from utils.delivery.decisions import compute_retry_seconds, is_remembered, make_nonce
from utils.delivery.pace import MessagePace
from utils.delivery.sender import DiscordSender
from utils.embeds.factory import Post
from utils.error_sink import ErrorSource, Where
from utils.errors import DeliveryDelayedError, DeliveryError, DeliveryUncertainError
from utils.locks import KeyedLocks
from utils.models.message_places import MessagePlace
from utils.models.scope import ChannelId, GuildId
from utils.tasks import BackgroundTask, TaskManager, TaskState
from utils.turns import FairTurns
from utils.waiting import wait_for_any

PLACES = 16
LOOK_BACK_MESSAGES = 100  # one request
LIMITED_SECONDS = 600.0  # Discord does not say how many edits of old messages it allows, nor how often

logger = get_logger(__name__)


class MessagePlaces(Protocol):  # implemented by FixedPlace
    """Storage of the place of one standing message; every write is durable when it returns."""

    async def find(self) -> MessagePlace:
        """Return its place; an empty one if it is not posted yet."""

    async def save(self, place: MessagePlace) -> bool:
        """Write its place; return False if the message is not wanted any more."""

    async def list_others(self) -> Collection[int]:
        """Return the ids of messages that are known to be other ones."""


@dataclass(frozen=True, slots=True)
class FixedPlace:
    """The place of an existing message, which is not posted again after it was deleted."""

    channel_id: ChannelId
    message_id: int

    async def find(self) -> MessagePlace:
        """Return the place."""
        return MessagePlace(self.channel_id, self.message_id)

    async def save(self, place: MessagePlace) -> bool:
        """Store nothing; return whether the message has an id, because a new one is not wanted."""
        return place.message_id is not None

    async def list_others(self) -> Collection[int]:
        """Return no other message."""
        return ()


Note = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class StandingMessage:
    """A message that shows the newest state of its key.

    Attributes:
        key: names its content; a newer state replaces an older one of the same key that is not shown yet. The
            owner runs one operation at a time for a key.
        channel_id: the wanted channel.
        render: returns its current content: embeds, and lasting buttons.
        places: the storage of its place.
        pause_seconds: the least pause between two edits.
        is_last: no newer state follows, so it does not wait for the pause.
        is_checked: a message that shows the content already is looked for; if it was deleted, it comes back.
        ends_when_limited: Discord limits the edits of messages older than an hour. When it does, there is one
            more try after ``LIMITED_SECONDS``, and then only a person could make it succeed.
        note_shown: is called after each try that succeeded.
        note_lost: is called when only a person can make it succeed.
    """

    key: str
    guild_id: GuildId
    channel_id: ChannelId
    render: Callable[[], Awaitable[Post]]
    places: MessagePlaces
    pause_seconds: float = 0.0
    is_last: bool = False
    is_checked: bool = True
    ends_when_limited: bool = False
    note_shown: Note | None = None
    note_lost: Note | None = None


@dataclass(slots=True)
class _Kept:
    """The newest state of a message, until it is shown.

    Attributes:
        was_limited: Discord has limited the edits of this message, and one more try is left.
    """

    newest: StandingMessage | None = None
    was_limited: bool = False
    has_last: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, message: StandingMessage) -> None:
        self.newest = message
        if message.is_last:
            self.has_last.set()

    def take(self) -> StandingMessage | None:
        message, self.newest = self.newest, None
        self.has_last.clear()
        return message


class StandingMessages:
    """Updates standing messages."""

    def __init__(self, sender: DiscordSender, tasks: TaskManager, *, pace: MessagePace, clock: Clock) -> None:
        self._sender = sender
        self._tasks = tasks
        self._pace = pace
        self._clock = clock
        self._turns = FairTurns(PLACES)
        self._channels = KeyedLocks[ChannelId]()
        self._kept: dict[str, tuple[_Kept, BackgroundTask]] = {}

    async def refresh(self, message: StandingMessage) -> bool:
        """Update a message in one try; return whether it changed.

        Raises:
            ChannelUnusableError, DeliveryRefusedError: it cannot succeed unless a person does something.
            DeliveryUncertainError, DeliveryDelayedError: the next try may succeed.
        """
        async with self._turn(message.guild_id, message.channel_id):
            return await self._bring_up_to_date(message)

    def keep(self, message: StandingMessage) -> BackgroundTask:
        """Show the newest state of a message as soon as its pause allows; return the task."""
        found = self._kept.get(message.key)
        if found is None or found[1].is_ending:
            found = self._kept[message.key] = self._begin(message)
        kept, task = found
        kept.put(message)
        return task

    async def show(self, message: StandingMessage) -> bool:
        """Show the last state of a key, and wait for that.

        Returns:
            False if that was interrupted; True if the newest state is shown, or if only a person could change
            that.
        """
        task = self.keep(message)
        await task.wait()
        return task.report.state is TaskState.FINISHED

    async def delete(self, guild_id: GuildId, place: MessagePlace) -> None:
        """Try to delete a message once; a missing one is not an error."""
        if place.channel_id is not None:
            async with self._turn(guild_id, place.channel_id):
                await self._delete(guild_id, place)

    def _begin(self, message: StandingMessage) -> tuple[_Kept, BackgroundTask]:
        kept = _Kept()
        work = partial(self._keep, message.key, kept)
        return kept, self._tasks.start(f"message:{message.key}", work, guild_id=message.guild_id)

    async def _keep(self, key: str, kept: _Kept) -> None:
        """Edit while there is a new state to show; then the task ends."""
        failures = 0
        try:
            while (message := kept.take()) is not None:
                seconds = await self._try(message, failures, kept)
                failures = 0 if seconds is None else failures + 1
                if seconds is None and message.is_last and kept.newest is None:
                    return
                if seconds is not None and kept.newest is None:
                    kept.newest = message
                pause = max(seconds or 0.0, message.pause_seconds)
                await wait_for_any(kept.has_last, seconds=pause, clock=self._clock)
        finally:
            if key in self._kept and self._kept[key][0] is kept:  # not begun again since
                del self._kept[key]

    async def _try(self, message: StandingMessage, failures: int, kept: _Kept) -> float | None:
        """Try once, after ``failures`` in a row; return seconds until the next try, or None."""
        try:
            await self.refresh(message)
        except DeliveryError as failure:
            logger.info("a message is not up to date", message=message.key, problem=str(failure))
            where = Where(source=ErrorSource.MESSAGE, guild_id=message.guild_id, task="message")
            self._tasks.errors.report(failure, where=where)
            if message.ends_when_limited and _is_limit(failure):
                kept.was_limited = not kept.was_limited
                if kept.was_limited:
                    return LIMITED_SECONDS
            elif isinstance(failure, DeliveryDelayedError | DeliveryUncertainError):
                return compute_retry_seconds(failure, failures + 1, now=self._clock.now())
            note = message.note_lost
        else:
            kept.was_limited = False
            note = message.note_shown
        if note is not None:
            await note()
        return None

    @asynccontextmanager
    async def _turn(self, guild_id: GuildId, channel_id: ChannelId) -> AsyncIterator[None]:
        """Lock the channel first and then take a place, so that waiting for a channel uses no place."""
        async with self._channels.hold(channel_id), self._turns.lend(guild_id):
            await self._pace.wait_for_turn()
            yield

    async def _bring_up_to_date(self, message: StandingMessage) -> bool:
        """Make a message show its current content, wherever it is posted, or post it; tell of a change."""
        post, place = await message.render(), await message.places.find()
        if place.channel_id not in (None, message.channel_id):
            await self._delete(message.guild_id, place)
            place = MessagePlace()
        if place.message_id is not None:
            digest = compute_digest(post)
            if place.digest == digest and not message.is_checked:
                return False
            if place.digest == digest:
                is_there = await self._sender.has_message(message.channel_id, place.message_id)
            else:
                is_there = await self._edit(message.channel_id, place.message_id, post)
            if is_there:
                if place.digest != digest:
                    await message.places.save(replace(place, digest=digest))
                return place.digest != digest
            logger.info("a message was deleted", message=message.key)
            place = MessagePlace()
        await self._post(message, replace(place, channel_id=message.channel_id), post)
        return True

    async def _post(self, message: StandingMessage, place: MessagePlace, post: Post) -> None:
        """Post a message, or find it if the answer to an earlier try was lost."""
        now = self._clock.now()
        nonce, first_tried_at = place.nonce, place.first_tried_at
        if nonce is None or first_tried_at is None:
            nonce, first_tried_at = make_nonce(), now
            place = replace(place, nonce=nonce, first_tried_at=first_tried_at)
            if not await message.places.save(place):
                return
        digest = compute_digest(post)  # before the library writes into the buttons what Discord answered
        message_id = None
        if not is_remembered(first_tried_at, now):
            message_id = await self._find_lost(message, nonce, post)
        if message_id is None:
            message_id = await self._sender.send(
                message.channel_id, embeds=post.embeds, pictures=(), nonce=nonce, buttons=post.buttons
            )
        elif not await self._edit(message.channel_id, message_id, post):
            return  # deleted at this moment; the next try begins again
        await message.places.save(replace(place, message_id=message_id, digest=digest))

    async def _edit(self, channel_id: ChannelId, message_id: int, post: Post) -> bool:
        return await self._sender.edit(channel_id, message_id, embeds=post.embeds, buttons=post.buttons)

    async def _find_lost(self, message: StandingMessage, nonce: str, post: Post) -> int | None:
        """Return the message of an earlier try: by its nonce, or by a unique title."""
        others = await message.places.list_others()
        for posted in await self._sender.recent_messages(message.channel_id, LOOK_BACK_MESSAGES):
            has_titles = [title for title, _ in posted.texts] == [embed.title for embed in post.embeds]
            is_alike = posted.nonce is None and has_titles and posted.message_id not in others
            if posted.nonce == nonce or is_alike:
                return posted.message_id
        return None

    async def _delete(self, guild_id: GuildId, place: MessagePlace) -> None:
        if place.channel_id is None or place.message_id is None:
            return
        try:
            await self._sender.delete(place.channel_id, place.message_id)
        except DeliveryError as failure:
            logger.info("a message stays", channel_id=place.channel_id, problem=str(failure))
            where = Where(source=ErrorSource.MESSAGE, guild_id=guild_id, name="delete")
            self._tasks.errors.report(failure, where=where)


def _is_limit(failure: DeliveryError) -> bool:
    return isinstance(failure, DeliveryDelayedError) and failure.is_of_old_message


def compute_digest(post: Post) -> str:
    """Return the digest of a message; equal content has an equal digest at any time."""
    shown: list[object] = [{**embed.to_dict(), "timestamp": None} for embed in post.embeds]
    if post.buttons is not None:
        shown += post.buttons.to_components()
    return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()
