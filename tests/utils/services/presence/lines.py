"""Lines of Deadside.log as the parser returns them, for tests of what follows from them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from tests.fakes.deaths import build_player_id
from utils.models.deadside_log import (
    ConnectionClosed,
    JoinRequested,
    JoinSucceeded,
    LogFact,
    LoggedOut,
    LogLine,
    Registered,
    Unregistered,
)
from utils.models.presence import ServerPresence
from utils.models.scope import PlayerId
from utils.services.presence.tracker import PresenceTracker

START = datetime(2025, 6, 3, 2, 0, tzinfo=UTC)
VERSION = "1.3.2.24846c"


def after(seconds: float) -> datetime:
    """Return a moment after the start of the run."""
    return START + timedelta(seconds=seconds)


def say(seconds: float, *facts: LogFact | None) -> list[LogLine]:
    """Return lines of one moment; one without a fact is noise."""
    return [LogLine(after(seconds), "", fact, None) for fact in facts or (None,)]


def close(name: str, *, is_time_out: bool = False) -> ConnectionClosed:
    """Return the end of a player's connection to the world."""
    return ConnectionClosed(
        build_player_id(name), has_game_driver=True, has_controller=True, is_time_out=is_time_out
    )


def close_beacon(name: str) -> ConnectionClosed:
    """Return the end of a connection to the beacon."""
    return ConnectionClosed(build_player_id(name), has_game_driver=False, has_controller=False)


def enter(seconds: float, name: str) -> list[LogLine]:
    """Return the three lines of a player who joins."""
    player_id = build_player_id(name)
    requested = say(seconds, JoinRequested(player_id, name, "PS5", VERSION), JoinSucceeded(name))
    return [*requested, *say(seconds + 0.2, Registered(player_id))]


def depart(seconds: float, name: str, reason: str = "Quit") -> list[LogLine]:
    """Return the four lines of an orderly departure, all in one millisecond."""
    gone = (close(name), close(name), Unregistered(build_player_id(name)), LoggedOut(name, reason))
    return say(seconds, *gone)


def follow(
    lines: Iterable[LogLine],
    before: ServerPresence | None = None,
    *,
    known: Mapping[str, PlayerId] | None = None,
) -> PresenceTracker:
    """Return what follows lines."""
    tracker = PresenceTracker(before or ServerPresence(run="first"), known=known)
    for line in lines:
        tracker.advance(line)
    return tracker
