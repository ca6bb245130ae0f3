"""Facts in past tense, told to whoever registered for them; a failing handler never hurts the others."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from structlog import get_logger

from utils.models.deaths import Death
from utils.models.guilds import ChannelKind
from utils.models.players import PlayerDay, PlayerRecord
from utils.models.scope import GuildId, ServerScope

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeathsStored:
    """New deaths of one server are stored (live or history)."""

    scope: ServerScope
    deaths: tuple[Death, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountersStored:
    """A batch of live deaths is counted.

    Attributes:
        generation: the counters it was counted into.
        batches: how many batches are counted with this one.
        deaths: the new ones.
        players: those they changed, as they are now; ``days`` likewise.
    """

    scope: ServerScope
    generation: int
    batches: int
    deaths: tuple[Death, ...]
    players: tuple[PlayerRecord, ...]
    days: tuple[PlayerDay, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticesQueued:
    """The outbox of a server holds something new to deliver, for these kinds of channel."""

    scope: ServerScope
    kinds: frozenset[ChannelKind]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryImported:
    """A server's history is stored and its counters are switched to the new generation."""

    scope: ServerScope


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAdded:
    """A game server was added to a guild and is read from now on."""

    scope: ServerScope


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRemoved:
    """A game server was taken out of a guild."""

    scope: ServerScope


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerErased:
    """A player of a guild stands nowhere in its data any more."""

    guild_id: GuildId


@dataclass(frozen=True, slots=True, kw_only=True)
class GuildLeft:
    """The bot is no longer in a guild; what it held there ends."""

    guild_id: GuildId


Event = (
    DeathsStored
    | CountersStored
    | NoticesQueued
    | HistoryImported
    | ServerAdded
    | ServerRemoved
    | PlayerErased
    | GuildLeft
)
EventT = TypeVar("EventT")
Handler = Callable[[Any], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class HandlerResult:
    """What became of one handler: its returned value, or its error."""

    handler: str
    value: object = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Subscription:
    """A registration, equal to itself alone; hand it to ``unregister`` to end it."""

    event_type: type
    handler: Handler


class EventDispatcher:
    """Many handlers for one fact, called in the order of their registration."""

    def __init__(self) -> None:
        self._subscriptions: dict[type, list[Subscription]] = {}

    def register(
        self, event_type: type[EventT], handler: Callable[[EventT], Awaitable[object]]
    ) -> Subscription:
        """Call ``handler`` for every event of this very type from now on."""
        subscription = Subscription(event_type, handler)
        self._subscriptions.setdefault(event_type, []).append(subscription)
        return subscription

    def unregister(self, subscription: Subscription) -> None:
        """End a registration; ending it twice is no error."""
        registered = self._subscriptions.get(subscription.event_type, [])
        if subscription in registered:
            registered.remove(subscription)

    async def dispatch(self, event: Event) -> tuple[HandlerResult, ...]:
        """Tell every handler and return what became of each; raises nothing of theirs but cancellation."""
        registered = tuple(self._subscriptions.get(type(event), ()))
        return tuple([await self._call(subscription, event) for subscription in registered])

    async def _call(self, subscription: Subscription, event: Event) -> HandlerResult:
        name = getattr(subscription.handler, "__qualname__", repr(subscription.handler))
        try:
            return HandlerResult(name, value=await subscription.handler(event))
        except Exception as error:
            logger.exception("event handler failed", handler=name, event_type=type(event).__name__)
            return HandlerResult(name, error=error)
