"""StandingMessages: messages of the bot that show the newest state of something; one upkeep for all of them.

Theory of operation: a standing message says what it shows (``render``), where it is to stand, and who knows
where it stands now (``MessagePlaces``). One try renders it and does what is missing: nothing where that is
shown already, an edit where something else is shown, a post where there is none; a message in another channel
than the wanted one is deleted first. As with every post the nonce is stored before the first try, so that
after a lost answer, or the end of the process, the next try finds the message and posts no second one.
Whether a message that people deleted is made anew is up to its places.

* ``refresh`` is one try, for those who have to know how it went;
* ``keep`` tries in a task of its own until the message shows it, or never can, always with the newest state
  and with a least pause between two edits;
* ``show`` waits for that.

Tries run at once, ``PLACES`` of them, half of those for one guild, and one for each channel. So a channel
that hangs, or that Discord limits, costs one place and holds up only what is to stand in it. They also take
turns (``MessagePace``), so that a round over many messages leaves the feeds their requests.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

import discord
from structlog import get_logger

from utils.clock import Clock
from utils.delivery.decisions import compute_retry_seconds, is_remembered, make_nonce
from utils.delivery.pace import MessagePace
from utils.delivery.sender import DiscordSender
from utils.errors import DeliveryDelayedError, DeliveryError, DeliveryUncertainError
from utils.locks import KeyedLocks
from utils.models.message_places import MessagePlace
from utils.models.scope import ChannelId, GuildId
from utils.tasks import BackgroundTask, TaskManager, TaskState
from utils.turns import FairTurns
from utils.waiting import wait_for_any

PLACES = 16
LOOK_BACK_MESSAGES = 100  # one request

logger = get_logger(__name__)


class MessagePlaces(Protocol):
    """Storage of where one standing message stands; every write is durable when it returns."""

    async def find(self) -> MessagePlace:
        """Return where it stands; an empty place when it stands nowhere yet."""

    async def save(self, place: MessagePlace) -> bool:
        """Write where it stands; False when nothing is to stand there any more."""

    async def list_others(self) -> Collection[int]:
        """Return the messages that are known to show something else."""


@dataclass(frozen=True, slots=True)
class FixedPlace:
    """The place of a message that was posted before, and is not made anew once somebody deleted it."""

    channel_id: ChannelId
    message_id: int

    async def find(self) -> MessagePlace:
        """Return the place."""
        return MessagePlace(self.channel_id, self.message_id)

    async def save(self, place: MessagePlace) -> bool:
        """Store nothing; a message without an id is a new one, which is not wanted."""
        return place.message_id is not None

    async def list_others(self) -> Collection[int]:
        """Know of no other message."""
        return ()


@dataclass(frozen=True, slots=True)
class StandingMessage:
    """A message that shows the newest state of something.

    Attributes:
        key: what it shows; a newer state of the same key takes the place of one that is not shown yet. Its
            owner does one thing at a time for a key.
        channel_id: where it is to stand.
        render: returns what it shows now.
        places: where it stands.
        pause_seconds: the least between two edits.
        is_last: nothing newer follows, so it need not wait for the pause.
    """

    key: str
    guild_id: GuildId
    channel_id: ChannelId
    render: Callable[[], Awaitable[discord.Embed]]
    places: MessagePlaces
    pause_seconds: float = 0.0
    is_last: bool = False


@dataclass(slots=True)
class _Kept:
    """The newest state of a message, until it is shown."""

    newest: StandingMessage | None = None
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
    """Brings standing messages up to date."""

    def __init__(self, sender: DiscordSender, tasks: TaskManager, *, pace: MessagePace, clock: Clock) -> None:
        self._sender = sender
        self._tasks = tasks
        self._pace = pace
        self._clock = clock
        self._turns = FairTurns(PLACES)
        self._channels = KeyedLocks[ChannelId]()
        self._kept: dict[str, tuple[_Kept, BackgroundTask]] = {}

    async def refresh(self, message: StandingMessage) -> None:
        """Bring a message up to date in one try.

        Raises:
            ChannelUnusableError, DeliveryRefusedError: it cannot succeed unless a person does something.
            DeliveryUncertainError, DeliveryDelayedError: the next try may succeed.
        """
        async with self._turn(message.guild_id, message.channel_id):
            await self._bring_up_to_date(message)

    def keep(self, message: StandingMessage) -> BackgroundTask:
        """Show the newest state of a message as soon as its pause allows; return the task that does so."""
        found = self._kept.get(message.key)
        if found is None or found[1].is_ending:
            found = self._kept[message.key] = self._begin(message)
        kept, task = found
        kept.put(message)
        return task

    async def show(self, message: StandingMessage) -> bool:
        """Keep a message that is the last of its key; return when nothing is left to show.

        Returns:
            False when that was broken off; True when the newest state is shown, or only a person could make
            it be.
        """
        task = self.keep(message)
        await task.wait()
        return task.report.state is TaskState.FINISHED

    async def delete(self, guild_id: GuildId, place: MessagePlace) -> None:
        """Delete a message as far as Discord takes that now; one that is gone already is no error."""
        if place.channel_id is not None:
            async with self._turn(guild_id, place.channel_id):
                await self._delete(place)

    def _begin(self, message: StandingMessage) -> tuple[_Kept, BackgroundTask]:
        kept = _Kept()
        work = partial(self._keep, message.key, kept)
        return kept, self._tasks.start(f"message:{message.key}", work, guild_id=message.guild_id)

    async def _keep(self, key: str, kept: _Kept) -> None:
        """Edit as long as there is something new to show; what stands still holds no task."""
        failures = 0
        try:
            while (message := kept.take()) is not None:
                seconds = await self._try(message, failures)
                failures = 0 if seconds is None else failures + 1
                if seconds is None and message.is_last and kept.newest is None:
                    return
                if seconds is not None and kept.newest is None:
                    kept.newest = message
                pause = max(seconds or 0.0, message.pause_seconds)
                await wait_for_any(kept.has_last, seconds=pause, clock=self._clock)
        finally:
            if key in self._kept and self._kept[key][0] is kept:  # not begun again while it was ending
                del self._kept[key]

    async def _try(self, message: StandingMessage, failures: int) -> float | None:
        """Try once, after so many failures in a row; return seconds until the next try, None without one."""
        try:
            await self.refresh(message)
        except DeliveryError as failure:
            logger.info("a message is not up to date", message=message.key, problem=str(failure))
            if isinstance(failure, DeliveryDelayedError | DeliveryUncertainError):
                return compute_retry_seconds(failure, failures + 1, now=self._clock.now())
        return None

    @asynccontextmanager
    async def _turn(self, guild_id: GuildId, channel_id: ChannelId) -> AsyncIterator[None]:
        """Take the channel, then a place: who waits for a channel holds no place."""
        async with self._channels.hold(channel_id), self._turns.lend(guild_id):
            await self._pace.wait_for_turn()
            yield

    async def _bring_up_to_date(self, message: StandingMessage) -> None:
        """Make a message show what is so now, wherever it stands or does not stand."""
        embed, place = await message.render(), await message.places.find()
        if place.channel_id not in (None, message.channel_id):
            await self._delete(place)
            place = MessagePlace()
        if place.message_id is not None:
            digest = compute_digest(embed)
            if place.digest == digest:
                is_there = await self._sender.has_message(message.channel_id, place.message_id)
            else:
                is_there = await self._sender.edit(message.channel_id, place.message_id, embed=embed)
            if is_there:
                if place.digest != digest:
                    await message.places.save(replace(place, digest=digest))
                return
            logger.info("a message was deleted", message=message.key)
            place = MessagePlace()
        await self._post(message, replace(place, channel_id=message.channel_id), embed)

    async def _post(self, message: StandingMessage, place: MessagePlace, embed: discord.Embed) -> None:
        """Post a message, or find the one of a try whose end nobody saw."""
        now = self._clock.now()
        nonce, first_tried_at = place.nonce, place.first_tried_at
        if nonce is None or first_tried_at is None:
            nonce, first_tried_at = make_nonce(), now
            place = replace(place, nonce=nonce, first_tried_at=first_tried_at)
            if not await message.places.save(place):
                return
        message_id = None
        if not is_remembered(first_tried_at, now):
            message_id = await self._find_lost(message, nonce, embed)
        if message_id is None:
            message_id = await self._sender.send(message.channel_id, embeds=[embed], pictures=(), nonce=nonce)
        elif not await self._sender.edit(message.channel_id, message_id, embed=embed):
            return  # deleted at this moment: the next try begins anew
        await message.places.save(replace(place, message_id=message_id, digest=compute_digest(embed)))

    async def _find_lost(self, message: StandingMessage, nonce: str, embed: discord.Embed) -> int | None:
        """Return the message of an earlier try: by its nonce, or by a title that nothing else has."""
        others = await message.places.list_others()
        for posted in await self._sender.recent_messages(message.channel_id, LOOK_BACK_MESSAGES):
            titles = [title for title, _ in posted.texts]
            is_alike = posted.nonce is None and titles == [embed.title] and posted.message_id not in others
            if posted.nonce == nonce or is_alike:
                return posted.message_id
        return None

    async def _delete(self, place: MessagePlace) -> None:
        if place.channel_id is None or place.message_id is None:
            return
        try:
            await self._sender.delete(place.channel_id, place.message_id)
        except DeliveryError as failure:
            logger.info("a message stays", channel_id=place.channel_id, problem=str(failure))


def compute_digest(embed: discord.Embed) -> str:
    """Return what two embeds have in common when they show the same."""
    return hashlib.sha256(json.dumps(embed.to_dict(), sort_keys=True).encode()).hexdigest()
