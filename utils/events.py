"""Events: facts in past tense for registered handlers; one that fails does not stop the others."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from utils.error_sink import ErrorSink, ErrorSource, LoggedErrors, Where
from utils.models.deaths import Death
from utils.models.guilds import ChannelKind
from utils.models.players import PlayerDay, PlayerRecord
from utils.models.scope import GuildId, MemberId, ServerScope


@dataclass(frozen=True, slots=True, kw_only=True)
class DeathsStored:
    """New live deaths of one server are stored."""

    scope: ServerScope
    deaths: tuple[Death, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountersStored:
    """A batch of live deaths is counted.

    Attributes:
        generation: the generation of counters that the batch was counted in.
        batches: how many batches are counted, this one included.
        deaths: the new deaths.
        players: the counters that the deaths changed, as they are now; so are ``days``.
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
class PostedEventsChanged:
    """Events of a server's world changed after they were posted, or may have done so before somebody looked.

    It is dispatched for a change, when a post about events was sent, and when a reader of the log begins.
    """

    scope: ServerScope


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
    """A player was erased from the data of a guild."""

    guild_id: GuildId


@dataclass(frozen=True, slots=True, kw_only=True)
class LinksChanged:
    """Proven links of a member began or ended: proven, ended by hand, or erased.

    Attributes:
        member_id: the member; ``ERASED_MEMBER_ID`` if a player was erased, no matter who was linked.
    """

    guild_id: GuildId
    member_id: MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class FactionChanged:
    """A faction of a guild changed, or a member of one: by a command, or with the end of the last link."""

    guild_id: GuildId


@dataclass(frozen=True, slots=True, kw_only=True)
class BountiesChanged:
    """A bounty of a guild was placed, raised or ended, or may have been."""

    guild_id: GuildId


@dataclass(frozen=True, slots=True, kw_only=True)
class SeasonChanged:
    """A season of a guild was made, or came into another state, or may have."""

    guild_id: GuildId


@dataclass(frozen=True, slots=True, kw_only=True)
class GuildSettingsChanged:
    """Somebody set settings of a guild, perhaps to the same value, because they want it tried again.

    Attributes:
        names: the names of those settings; a channel is named by its kind.
    """

    guild_id: GuildId
    names: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RolesChanged:
    """A role of a guild or the bot's own roles were edited, or a role was deleted."""

    guild_id: GuildId


@dataclass(frozen=True, slots=True, kw_only=True)
class GuildJoined:
    """The bot was added to a guild while it was online, perhaps not for the first time."""

    guild_id: GuildId


@dataclass(frozen=True, slots=True, kw_only=True)
class GuildLeft:
    """The bot is no longer in a guild; its tasks and connections there end."""

    guild_id: GuildId


Event = (
    DeathsStored
    | CountersStored
    | NoticesQueued
    | PostedEventsChanged
    | HistoryImported
    | ServerAdded
    | ServerRemoved
    | PlayerErased
    | LinksChanged
    | FactionChanged
    | BountiesChanged
    | SeasonChanged
    | GuildSettingsChanged
    | RolesChanged
    | GuildJoined
    | GuildLeft
)
EventT = TypeVar("EventT")
Handler = Callable[[Any], None]


class EventDispatcher:
    """Many handlers for one fact, called in the order of their registration.

    A handler is plain code: it notes what happened, wakes a task that waits for it, or puts work into a queue
    (``utils/queues.py``), and returns. It cannot wait, so a handler never delays the code that dispatches an
    event.

    Args:
        errors: takes the errors of handlers.

    Attributes:
        errors: the same, for those who dispatch.
    """

    def __init__(self, errors: ErrorSink | None = None) -> None:
        self.errors = errors or LoggedErrors()
        self._handlers: dict[type, list[Handler]] = {}

    def register(self, event_type: type[EventT], handler: Callable[[EventT], None]) -> None:
        """Call ``handler`` for every event of exactly this type from now on."""
        self._handlers.setdefault(event_type, []).append(handler)

    def dispatch(self, event: Event) -> None:
        """Call every handler; one that fails is reported and does not stop the others."""
        for handler in tuple(self._handlers.get(type(event), ())):
            try:
                handler(event)
            except Exception as error:  # noqa: BLE001 - any failure of a handler ends here
                self.errors.report(error, where=_find_where(handler, event))


def _find_where(handler: Handler, event: Event) -> Where:
    name = f"{type(event).__name__} {getattr(handler, '__qualname__', repr(handler))}"
    scope: Any = getattr(event, "scope", event)
    guild_id, server_id = scope.guild_id, getattr(scope, "server_id", None)
    return Where(source=ErrorSource.HANDLER, name=name, guild_id=guild_id, server_id=server_id)
