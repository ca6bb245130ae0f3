"""DeliveryService: one round for one lane, from what is stored to what is known to be in the channel.

Theory of operation: a round first finishes the prepared message, if there is one, and else prepares the next;
``decisions.py`` decides, this file carries out. Every write is durable before the next action, in this order:

1. ``prepare_message``: the group and its nonce are fixed, and from here on Discord may have it;
2. ``send``;
3. ``mark_sent``: the entries are gone.

A process that ends anywhere is followed by one that reads the same storage and goes on: after 1 with the same
group and nonce, after 2 as well, and Discord's memory of nonces or the look into the channel makes it one
message.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum, auto

from structlog import get_logger

from utils.clock import Clock
from utils.delivery.decisions import (
    DELAY_RETRY_SECONDS,
    UNUSABLE_RETRY_SECONDS,
    Step,
    choose_group,
    choose_retry_seconds,
    choose_step,
    find_match,
    make_nonce,
)
from utils.delivery.ports import AdminNotifier, ChannelDirectory, Lane, MessageSender, OutboxStore
from utils.embeds.factory import EmbedFactory, Post
from utils.embeds.limits import MAX_EMBEDS, count_characters
from utils.errors import (
    ChannelUnusableError,
    DeliveryDelayedError,
    DeliveryRefusedError,
    DeliveryUncertainError,
)
from utils.models.notices import OutboxEntry, OutgoingMessage
from utils.models.quantities import write_quantity
from utils.models.scope import ServerScope

LOOK_BACK_MESSAGES = 100  # one request; nothing else of this lane is posted before the message that waits

_log = get_logger(__name__)


class DeliveryState(Enum):
    """How a round ended."""

    IDLE = auto()  # nothing to deliver
    SENT = auto()  # a message is in its channel
    CLEARED = auto()  # something was dropped or regrouped; the next round goes on
    WAITING = auto()  # not possible now; again after ``retry_seconds``


@dataclass(frozen=True, slots=True)
class DeliveryOutcome:
    """The result of one round.

    Attributes:
        entries: how many notices were sent or dropped.
        retry_seconds: the wait before the next round makes sense; 0 unless waiting.
        is_last: nothing was waiting behind it when the round began.
    """

    state: DeliveryState
    entries: int = 0
    retry_seconds: float = 0
    is_last: bool = False


class DeliveryService:
    """Delivers the outbox of game servers, each notice once and in the order of its lane.

    One round at a time for each lane; rounds of different lanes may run beside each other.
    """

    def __init__(
        self,
        store: OutboxStore,
        *,
        channels: ChannelDirectory,
        sender: MessageSender,
        notifier: AdminNotifier,
        factory: EmbedFactory,
        clock: Clock,
        max_announce_age: timedelta,
    ) -> None:
        self._store = store
        self._channels = channels
        self._sender = sender
        self._notifier = notifier
        self._factory = factory
        self._clock = clock
        self._max_age = max_announce_age
        self._failures: defaultdict[Lane, int] = defaultdict(int)
        self._single_until: dict[Lane, int] = {}
        self._unprepared: set[Lane] = set()  # known to have no message on its way, without asking

    async def list_lanes(self, scope: ServerScope) -> list[Lane]:
        """Return the lanes of a server in which something waits.

        Raises:
            StorageError: of the storage.
        """
        return [Lane(scope, kind) for kind in await self._store.list_kinds(scope)]

    async def deliver_once(self, lane: Lane) -> DeliveryOutcome:
        """Do one round: at most one message is sent.

        Raises:
            StorageError: of the storage; the next round goes on from what is stored.
        """
        if lane not in self._unprepared:
            message = await self._store.find_prepared(lane.scope, lane.kind)
            if message is not None:
                return await self._continue(lane, message)
            self._unprepared.add(lane)
        pending = await self._store.list_pending(lane.scope, lane.kind, limit=MAX_EMBEDS)
        if not pending:
            return DeliveryOutcome(DeliveryState.IDLE)
        oldest = self._clock.now() - self._max_age
        if pending[0].created_at < oldest:
            dropped = await self._store.drop_entries(lane.scope, lane.kind, before=oldest)
            await self._tell_expired(lane, dropped)
            return DeliveryOutcome(DeliveryState.CLEARED, dropped)
        return await self._begin(lane, pending)

    def forget(self, scope: ServerScope) -> None:
        """Forget how a server's deliveries went: the server is gone, or a channel was mended."""
        for lane in [lane for lane in self._failures if lane.scope == scope]:
            del self._failures[lane]
        for lane in [lane for lane in self._single_until if lane.scope == scope]:
            del self._single_until[lane]
        self._unprepared = {lane for lane in self._unprepared if lane.scope != scope}

    async def _begin(self, lane: Lane, pending: Sequence[OutboxEntry]) -> DeliveryOutcome:
        """Prepare the next message and try it."""
        scope = lane.scope
        channel_id = await self._channels.find_channel(scope, lane.kind)
        if channel_id is None:
            return await self._discard(lane, pending, reason="no channel is set")
        is_single = pending[0].sequence <= self._single_until.get(lane, -1)
        sizes = [count_characters(self._factory.build_feed_embed(entry.notice)) for entry in pending]
        group = choose_group(pending, sizes, single=is_single)
        message = OutgoingMessage(
            scope=scope,
            channel_kind=lane.kind,
            channel_id=channel_id,
            sequences=tuple(entry.sequence for entry in group),
            nonce=make_nonce(),
            prepared_at=self._clock.now(),
        )
        self._unprepared.discard(lane)
        await self._store.prepare_message(scope, message)
        outcome = await self._try(lane, message, group, Step.SEND)
        is_last = outcome.state is DeliveryState.SENT and len(group) == len(pending) < MAX_EMBEDS
        return replace(outcome, is_last=is_last)

    async def _continue(self, lane: Lane, message: OutgoingMessage) -> DeliveryOutcome:
        """Go on with the message that was prepared before."""
        entries = await self._store.list_entries(lane.scope, lane.kind, message.sequences)
        channel_id = await self._channels.find_channel(lane.scope, lane.kind)
        step = choose_step(
            message, entries, channel_id=channel_id, now=self._clock.now(), max_age=self._max_age
        )
        if step in (Step.SEND, Step.LOOK_FIRST):
            return await self._try(lane, message, entries, step)
        if step is Step.EXPIRE:
            await self._tell_expired(lane, len(entries))
        if step in (Step.EXPIRE, Step.DISCARD):
            reason = "expired" if step is Step.EXPIRE else "no channel is set"
            return await self._discard(lane, entries, reason=reason, message=message)
        await self._drop_message(lane, message)
        return DeliveryOutcome(DeliveryState.CLEARED)

    async def _try(
        self, lane: Lane, message: OutgoingMessage, entries: Sequence[OutboxEntry], step: Step
    ) -> DeliveryOutcome:
        """Find the message in its channel or send it, and tell each failure by what it means."""
        post = self._factory.build_feed([entry.notice for entry in entries])
        try:
            message_id = await self._find_posted(message, post) if step is Step.LOOK_FIRST else None
            if message_id is None:
                message_id = await self._sender.send(
                    message.channel_id, embeds=post.embeds, pictures=post.pictures, nonce=message.nonce
                )
        except ChannelUnusableError:
            return await self._wait_for_admin(lane, message, entries)
        except DeliveryRefusedError as error:
            return await self._handle_refusal(lane, message, entries, error)
        except (DeliveryUncertainError, DeliveryDelayedError) as error:
            return self._wait(lane, error)
        await self._store.mark_sent(message.scope, message.nonce, message_id=message_id, at=self._clock.now())
        self._unprepared.add(lane)
        await self._settle(lane)
        return DeliveryOutcome(DeliveryState.SENT, len(entries))

    async def _drop_message(self, lane: Lane, message: OutgoingMessage) -> None:
        await self._store.drop_message(lane.scope, message.nonce)
        self._unprepared.add(lane)

    async def _find_posted(self, message: OutgoingMessage, post: Post) -> int | None:
        posted = await self._sender.recent_messages(message.channel_id, LOOK_BACK_MESSAGES)
        texts = tuple((embed.title or "", embed.description or "") for embed in post.embeds)
        found = find_match(posted, nonce=message.nonce, texts=texts)
        return None if found is None else found.message_id

    async def _settle(self, lane: Lane) -> None:
        """A message arrived: whatever was wrong is over, and would be told again."""
        if self._failures.pop(lane, 0):
            _log.info("delivery goes on", lane=str(lane))
        for key in (_unusable_key(lane), _expired_key(lane)):
            await self._notifier.clear(lane.scope.guild_id, key)

    def _wait(self, lane: Lane, error: DeliveryUncertainError | DeliveryDelayedError) -> DeliveryOutcome:
        self._failures[lane] += 1
        seconds: float = choose_retry_seconds(DELAY_RETRY_SECONDS, self._failures[lane])
        if isinstance(error, DeliveryDelayedError) and error.retry_at is not None:
            seconds = max(seconds, (error.retry_at - self._clock.now()).total_seconds())
        _log.warning("delivery waits", lane=str(lane), seconds=seconds, reason=str(error))
        return DeliveryOutcome(DeliveryState.WAITING, retry_seconds=seconds)

    async def _wait_for_admin(
        self, lane: Lane, message: OutgoingMessage, entries: Sequence[OutboxEntry]
    ) -> DeliveryOutcome:
        """The channel is gone or closed to the bot: use the one that is set now, else wait."""
        scope = lane.scope
        channel_id = await self._channels.find_channel(scope, lane.kind)
        if channel_id != message.channel_id:
            await self._drop_message(lane, message)
            return DeliveryOutcome(DeliveryState.CLEARED)
        sentence = (
            f"The {lane.kind.value} channel of {entries[0].notice.server_name} cannot be used: "
            "it is gone, or I may not write there. Give me View Channel, Send Messages, Embed Links, "
            "Attach Files and Read Message History, or choose another one with /admin channel set."
        )
        await self._notifier.notify(scope.guild_id, sentence, _unusable_key(lane))
        self._failures[lane] += 1
        seconds = choose_retry_seconds(UNUSABLE_RETRY_SECONDS, self._failures[lane])
        _log.warning("channel unusable", lane=str(lane), seconds=seconds)
        return DeliveryOutcome(DeliveryState.WAITING, retry_seconds=seconds)

    async def _handle_refusal(
        self,
        lane: Lane,
        message: OutgoingMessage,
        entries: Sequence[OutboxEntry],
        error: DeliveryRefusedError,
    ) -> DeliveryOutcome:
        """Discord took nothing: try the entries one by one, drop the one that is refused alone."""
        scope = lane.scope
        _log.error("payload refused", lane=str(lane), entries=len(entries), reason=str(error))
        if len(entries) > 1:
            self._single_until[lane] = entries[-1].sequence
            await self._drop_message(lane, message)
            return DeliveryOutcome(DeliveryState.CLEARED)
        sentence = (
            f"Discord refused a post about {entries[0].notice.server_name}, and I left it out. "
            "The statistics are complete."
        )
        await self._notifier.notify(scope.guild_id, sentence, f"refused:{scope.server_id}")
        return await self._discard(lane, entries, reason="refused", message=message)

    async def _discard(
        self,
        lane: Lane,
        entries: Sequence[OutboxEntry],
        *,
        reason: str,
        message: OutgoingMessage | None = None,
    ) -> DeliveryOutcome:
        """Drop entries, and the message that held them; in this order, so that an end between is harmless."""
        await self._store.discard_entries(lane.scope, lane.kind, [entry.sequence for entry in entries])
        if message is not None:
            await self._drop_message(lane, message)
        _log.warning("notices dropped", lane=str(lane), entries=len(entries), reason=reason)
        return DeliveryOutcome(DeliveryState.CLEARED, len(entries))

    async def _tell_expired(self, lane: Lane, count: int) -> None:
        posts = write_quantity(count, f"{lane.kind.value} post")
        waited = write_quantity(self._max_age.total_seconds() // 60, "minute")
        sentence = (
            f"{posts} could not be delivered for {waited}, and I left them out: what is so old is no news "
            "any more. The statistics are complete."
        )
        await self._notifier.notify(lane.scope.guild_id, sentence, _expired_key(lane))


def _unusable_key(lane: Lane) -> str:
    return f"channel-unusable:{lane.scope.server_id}:{lane.kind}"


def _expired_key(lane: Lane) -> str:
    return f"expired:{lane.scope.server_id}:{lane.kind}"
