"""The dispatcher: many handlers for one fact, a failing one alone in its failure."""

import asyncio

import pytest
from structlog.testing import capture_logs

from tests.fakes.deaths import SCOPE
from utils.events import Event, EventDispatcher, GuildLeft, HandlerResult, NoticesQueued, ServerRemoved
from utils.models.guilds import ChannelKind
from utils.models.scope import GuildId

REMOVED = ServerRemoved(scope=SCOPE)


async def test_handlers_are_called_in_order_and_their_results_returned() -> None:
    """Who dispatches learns what became of each handler."""
    events = EventDispatcher()
    called: list[tuple[str, Event]] = []

    async def first(event: ServerRemoved) -> int:
        called.append(("first", event))
        return 1

    async def second(event: ServerRemoved) -> None:
        called.append(("second", event))

    events.register(ServerRemoved, first)
    events.register(ServerRemoved, second)
    results = await events.dispatch(REMOVED)
    assert called == [("first", REMOVED), ("second", REMOVED)]
    assert results == (HandlerResult(first.__qualname__, value=1), HandlerResult(second.__qualname__))


async def test_failing_handler_is_logged_and_hurts_nobody_else() -> None:
    """The error is in its result and in the log; the next handler runs."""
    events = EventDispatcher()
    error = LookupError("gone")

    async def fail(_event: ServerRemoved) -> None:
        raise error

    async def work(_event: ServerRemoved) -> str:
        return "done"

    events.register(ServerRemoved, fail)
    events.register(ServerRemoved, work)
    with capture_logs() as logs:
        results = await events.dispatch(REMOVED)
    assert results == (
        HandlerResult(fail.__qualname__, error=error),
        HandlerResult(work.__qualname__, value="done"),
    )
    assert [(entry["event"], entry["handler"], entry["event_type"]) for entry in logs] == [
        ("event handler failed", fail.__qualname__, "ServerRemoved")
    ]


async def test_only_handlers_of_this_very_type_are_called() -> None:
    """A fact without handlers is told to nobody."""
    events = EventDispatcher()
    seen: list[Event] = []

    async def see(event: Event) -> None:
        seen.append(event)

    events.register(NoticesQueued, see)
    assert await events.dispatch(GuildLeft(guild_id=GuildId(1))) == ()
    await events.dispatch(NoticesQueued(scope=SCOPE, kinds=frozenset({ChannelKind.KILLFEED})))
    assert seen == [NoticesQueued(scope=SCOPE, kinds=frozenset({ChannelKind.KILLFEED}))]


async def test_ended_subscription_is_called_no_more_and_may_be_ended_again() -> None:
    """Each registration is its own: ending one twice leaves its twin alone."""
    events = EventDispatcher()
    calls: list[Event] = []

    async def see(event: Event) -> None:
        calls.append(event)

    first = events.register(ServerRemoved, see)
    events.register(ServerRemoved, see)
    events.unregister(first)
    events.unregister(first)
    await events.dispatch(REMOVED)
    assert calls == [REMOVED]


async def test_handler_may_end_its_own_subscription_while_it_is_called() -> None:
    """Who listens once does not make his neighbour miss the fact."""
    events = EventDispatcher()
    calls: list[str] = []

    async def once(_event: ServerRemoved) -> None:
        calls.append("once")
        events.unregister(subscription)

    async def always(_event: ServerRemoved) -> None:
        calls.append("always")

    subscription = events.register(ServerRemoved, once)
    events.register(ServerRemoved, always)
    await events.dispatch(REMOVED)
    await events.dispatch(REMOVED)
    assert calls == ["once", "always", "always"]


async def test_cancellation_goes_through() -> None:
    """Who is cancelled while telling a fact ends; that is no failure of a handler."""
    events = EventDispatcher()
    started = asyncio.Event()

    async def wait(_event: ServerRemoved) -> None:
        started.set()
        await asyncio.Event().wait()

    events.register(ServerRemoved, wait)
    task = asyncio.create_task(events.dispatch(REMOVED))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
