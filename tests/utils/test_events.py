"""The dispatcher calls many handlers for one event; a failing handler stops no other one."""

from tests.fakes.deaths import SCOPE
from tests.fakes.errors import FakeErrorSink
from utils.error_sink import ErrorSource, Where
from utils.events import Event, EventDispatcher, GuildLeft, NoticesQueued, ServerRemoved
from utils.models.guilds import ChannelKind
from utils.models.scope import GuildId

REMOVED = ServerRemoved(scope=SCOPE)


def test_handlers_are_called_in_order() -> None:
    """Each handler gets the event once, before ``dispatch`` returns."""
    events = EventDispatcher()
    called: list[tuple[str, Event]] = []
    events.register(ServerRemoved, lambda event: called.append(("first", event)))
    events.register(ServerRemoved, lambda event: called.append(("second", event)))
    events.dispatch(REMOVED)
    assert called == [("first", REMOVED), ("second", REMOVED)]


def test_failing_handler_is_logged_and_hurts_nobody_else() -> None:
    """The error is reported, and the next handler is called."""
    errors = FakeErrorSink()
    events = EventDispatcher(errors)
    called: list[Event] = []

    def fail(_event: ServerRemoved) -> None:
        raise LookupError("gone")

    events.register(ServerRemoved, fail)
    events.register(ServerRemoved, called.append)
    events.dispatch(REMOVED)
    assert called == [REMOVED]
    assert errors.places == [
        Where(
            source=ErrorSource.HANDLER,
            guild_id=REMOVED.scope.guild_id,
            server_id=REMOVED.scope.server_id,
            name=f"ServerRemoved {fail.__qualname__}",
        )
    ]


def test_only_handlers_of_this_very_type_are_called() -> None:
    """An event without handlers is ignored."""
    events = EventDispatcher()
    seen: list[Event] = []
    events.register(NoticesQueued, seen.append)
    events.dispatch(GuildLeft(guild_id=GuildId(1)))
    events.dispatch(NoticesQueued(scope=SCOPE, kinds=frozenset({ChannelKind.KILLFEED})))
    assert seen == [NoticesQueued(scope=SCOPE, kinds=frozenset({ChannelKind.KILLFEED}))]


def test_handler_that_is_registered_meanwhile_hears_the_next_fact() -> None:
    """A dispatch calls the handlers that were registered at its beginning."""
    events = EventDispatcher()
    seen: list[Event] = []

    def join(_event: ServerRemoved) -> None:
        events.register(ServerRemoved, seen.append)

    events.register(ServerRemoved, join)
    events.dispatch(REMOVED)
    assert seen == []
    events.dispatch(REMOVED)
    assert seen == [REMOVED]
