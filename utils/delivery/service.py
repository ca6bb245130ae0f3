"""DeliveryService: one round for one server, from what is stored to what is known to be in the channel.

Theory of operation: a round first finishes the prepared message, if there is one, and else prepares the next;
``decisions.py`` decides, this file carries out. Every write is durable before the next action, in this order:

1. ``prepare_message``: the group and its nonce are fixed;
2. ``mark_first_try``: from here on Discord may have it;
3. ``send``;
4. ``mark_sent``: the entries are gone.

A process that ends anywhere is followed by one that reads the same storage and goes on: after 1 and 2 with
the same group and nonce, after 3 as well, and Discord's memory of nonces or the look into the channel makes
it one message.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
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
from utils.delivery.ports import AdminNotifier, ChannelDirectory, MessageSender, OutboxStore
from utils.embeds.factory import EmbedFactory, Post
from utils.embeds.limits import MAX_EMBEDS, count_characters
from utils.errors import (
    ChannelUnusableError,
    DeliveryDelayedError,
    DeliveryRefusedError,
    DeliveryUncertainError,
)
from utils.models.notices import OutboxEntry, OutgoingMessage
from utils.models.scope import ServerScope

LOOK_BACK_MESSAGES = 100  # one request; nothing else of this server is posted before the message that waits

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
    """

    state: DeliveryState
    entries: int = 0
    retry_seconds: float = 0


class DeliveryService:
    """Delivers the outbox of game servers, each notice once and in order.

    One round at a time for each server; rounds of different servers may run beside each other.
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
        self._failures: defaultdict[ServerScope, int] = defaultdict(int)
        self._single_until: dict[ServerScope, int] = {}

    async def deliver_once(self, scope: ServerScope) -> DeliveryOutcome:
        """Do one round: at most one message is sent.

        Raises:
            StorageError: of the storage; the next round goes on from what is stored.
        """
        message = await self._store.find_prepared(scope)
        if message is not None:
            return await self._continue(message)
        dropped = await self._store.drop_entries(scope, before=self._clock.now() - self._max_age)
        if dropped:
            await self._tell_expired(scope, dropped)
        pending = await self._store.list_pending(scope, limit=MAX_EMBEDS)
        if not pending:
            return DeliveryOutcome(DeliveryState.CLEARED if dropped else DeliveryState.IDLE, dropped)
        return await self._begin(scope, pending)

    def forget(self, scope: ServerScope) -> None:
        """Forget how a server's deliveries went: the server is gone, or its channel was mended."""
        self._failures.pop(scope, None)
        self._single_until.pop(scope, None)

    async def _begin(self, scope: ServerScope, pending: Sequence[OutboxEntry]) -> DeliveryOutcome:
        """Prepare the next message and try it."""
        kind = pending[0].channel_kind
        channel_id = await self._channels.find_channel(scope, kind)
        if channel_id is None:
            homeless = [entry for entry in pending if entry.channel_kind == kind]
            return await self._discard(scope, homeless, reason="no channel is set")
        is_single = pending[0].sequence <= self._single_until.get(scope, -1)
        sizes = [count_characters(self._factory.build_death(entry.notice)) for entry in pending]
        group = choose_group(pending, sizes, single=is_single)
        message = OutgoingMessage(
            scope=scope,
            channel_id=channel_id,
            sequences=tuple(entry.sequence for entry in group),
            nonce=make_nonce(),
            prepared_at=self._clock.now(),
        )
        await self._store.prepare_message(scope, message)
        return await self._try(message, group, Step.SEND)

    async def _continue(self, message: OutgoingMessage) -> DeliveryOutcome:
        """Go on with the message that was prepared before."""
        scope = message.scope
        entries = await self._store.list_entries(scope, message.sequences)
        kind = entries[0].channel_kind if entries else None
        channel_id = await self._channels.find_channel(scope, kind) if kind else None
        step = choose_step(
            message, entries, channel_id=channel_id, now=self._clock.now(), max_age=self._max_age
        )
        if step in (Step.SEND, Step.LOOK_FIRST):
            return await self._try(message, entries, step)
        if step is Step.EXPIRE:
            await self._tell_expired(scope, len(entries))
        if step in (Step.EXPIRE, Step.DISCARD):
            reason = "expired" if step is Step.EXPIRE else "no channel is set"
            return await self._discard(scope, entries, reason=reason, message=message)
        await self._store.drop_message(scope, message.nonce)
        return DeliveryOutcome(DeliveryState.CLEARED)

    async def _try(
        self, message: OutgoingMessage, entries: Sequence[OutboxEntry], step: Step
    ) -> DeliveryOutcome:
        """Find the message in its channel or send it, and tell each failure by what it means."""
        post = self._factory.build_deaths([entry.notice for entry in entries])
        try:
            message_id = await self._find_posted(message, post) if step is Step.LOOK_FIRST else None
            if message_id is None:
                message_id = await self._send(message, post)
        except ChannelUnusableError:
            return await self._wait_for_admin(message, entries)
        except DeliveryRefusedError as error:
            return await self._handle_refusal(message, entries, error)
        except (DeliveryUncertainError, DeliveryDelayedError) as error:
            return self._wait(message.scope, error)
        await self._store.mark_sent(message.scope, message.nonce, message_id=message_id, at=self._clock.now())
        await self._settle(message.scope)
        return DeliveryOutcome(DeliveryState.SENT, len(entries))

    async def _send(self, message: OutgoingMessage, post: Post) -> int:
        if message.first_tried_at is None:
            await self._store.mark_first_try(message.scope, message.nonce, at=self._clock.now())
        return await self._sender.send(
            message.channel_id, embeds=post.embeds, pictures=post.pictures, nonce=message.nonce
        )

    async def _find_posted(self, message: OutgoingMessage, post: Post) -> int | None:
        posted = await self._sender.recent_messages(message.channel_id, LOOK_BACK_MESSAGES)
        texts = tuple((embed.title or "", embed.description or "") for embed in post.embeds)
        found = find_match(posted, nonce=message.nonce, texts=texts)
        return None if found is None else found.message_id

    async def _settle(self, scope: ServerScope) -> None:
        """A message arrived: whatever was wrong is over, and would be told again."""
        if self._failures.pop(scope, 0):
            _log.info("delivery goes on", guild=scope.guild_id, server=scope.server_id)
        for key in (_unusable_key(scope), _expired_key(scope)):
            await self._notifier.clear(scope.guild_id, key)

    def _wait(
        self, scope: ServerScope, error: DeliveryUncertainError | DeliveryDelayedError
    ) -> DeliveryOutcome:
        self._failures[scope] += 1
        seconds: float = choose_retry_seconds(DELAY_RETRY_SECONDS, self._failures[scope])
        if isinstance(error, DeliveryDelayedError) and error.retry_at is not None:
            seconds = max(seconds, (error.retry_at - self._clock.now()).total_seconds())
        _log.warning(
            "delivery waits", guild=scope.guild_id, server=scope.server_id, seconds=seconds, reason=str(error)
        )
        return DeliveryOutcome(DeliveryState.WAITING, retry_seconds=seconds)

    async def _wait_for_admin(
        self, message: OutgoingMessage, entries: Sequence[OutboxEntry]
    ) -> DeliveryOutcome:
        """The channel is gone or closed to the bot: use the one that is set now, else wait."""
        scope = message.scope
        channel_id = await self._channels.find_channel(scope, entries[0].channel_kind)
        if channel_id != message.channel_id:
            await self._store.drop_message(scope, message.nonce)
            return DeliveryOutcome(DeliveryState.CLEARED)
        sentence = (
            f"The {entries[0].channel_kind.value} channel of {entries[0].notice.server_name} cannot be used: "
            "it is gone, or I may not write there. Give me View Channel, Send Messages, Embed Links, "
            "Attach Files and Read Message History, or choose another one with /admin channel set."
        )
        await self._notifier.notify(scope.guild_id, sentence, _unusable_key(scope))
        self._failures[scope] += 1
        seconds = choose_retry_seconds(UNUSABLE_RETRY_SECONDS, self._failures[scope])
        _log.warning("channel unusable", guild=scope.guild_id, server=scope.server_id, seconds=seconds)
        return DeliveryOutcome(DeliveryState.WAITING, retry_seconds=seconds)

    async def _handle_refusal(
        self, message: OutgoingMessage, entries: Sequence[OutboxEntry], error: DeliveryRefusedError
    ) -> DeliveryOutcome:
        """Discord took nothing: try the entries one by one, drop the one that is refused alone."""
        scope = message.scope
        _log.error(
            "payload refused",
            guild=scope.guild_id,
            server=scope.server_id,
            entries=len(entries),
            reason=str(error),
        )
        if len(entries) > 1:
            self._single_until[scope] = entries[-1].sequence
            await self._store.drop_message(scope, message.nonce)
            return DeliveryOutcome(DeliveryState.CLEARED)
        sentence = (
            f"Discord refused a post about {entries[0].notice.server_name}, and I left it out. "
            "The statistics are complete."
        )
        await self._notifier.notify(scope.guild_id, sentence, f"refused:{scope.server_id}")
        return await self._discard(scope, entries, reason="refused", message=message)

    async def _discard(
        self,
        scope: ServerScope,
        entries: Sequence[OutboxEntry],
        *,
        reason: str,
        message: OutgoingMessage | None = None,
    ) -> DeliveryOutcome:
        """Drop entries, and the message that held them; in this order, so that an end between is harmless."""
        await self._store.discard_entries(scope, [entry.sequence for entry in entries])
        if message is not None:
            await self._store.drop_message(scope, message.nonce)
        _log.warning(
            "notices dropped",
            guild=scope.guild_id,
            server=scope.server_id,
            entries=len(entries),
            reason=reason,
        )
        return DeliveryOutcome(DeliveryState.CLEARED, len(entries))

    async def _tell_expired(self, scope: ServerScope, count: int) -> None:
        minutes = int(self._max_age.total_seconds() // 60)
        sentence = (
            f"{count} killfeed posts could not be delivered for {minutes} minutes, and I left them out: "
            "they are no news any more. The statistics are complete."
        )
        await self._notifier.notify(scope.guild_id, sentence, _expired_key(scope))


def _unusable_key(scope: ServerScope) -> str:
    return f"channel-unusable:{scope.server_id}"


def _expired_key(scope: ServerScope) -> str:
    return f"expired:{scope.server_id}"
