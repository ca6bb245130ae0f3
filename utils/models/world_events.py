"""Events of a game server's world, as its Deadside.log tells: missions, airdrops, restarts and more."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from utils.models.deadside_log import GameplayEventKind

OPEN_MAXIMUM = 300
"""Open events of a server; a world has about fifty places at most."""

SHORTEST_RETURN, LONGEST_RETURN = timedelta(seconds=30), timedelta(days=1)
"""A mission's return is believed within these; the unit of the number in the log is not proven."""


class WorldEventKind(StrEnum):
    """The kinds of events."""

    MISSION = "mission"
    AIRDROP = "airdrop"
    HELICRASH = "helicrash"
    TRADER = "trader"
    CONVOY = "convoy"
    RESTART = "restart"


GAMEPLAY_KINDS: Mapping[GameplayEventKind, WorldEventKind] = {
    GameplayEventKind.HELICRASH: WorldEventKind.HELICRASH,
    GameplayEventKind.TRADER: WorldEventKind.TRADER,
    GameplayEventKind.CONVOY: WorldEventKind.CONVOY,
}
"""The kinds of gameplay events that are followed; others are only counted."""


AGAIN: Mapping[WorldEventKind, timedelta] = {
    WorldEventKind.MISSION: timedelta(minutes=10),
    WorldEventKind.AIRDROP: timedelta(seconds=60),
}
"""A second start this soon after the first is not posted; a live bot posted a mission twice in a minute."""

UNHEARD: Mapping[WorldEventKind, timedelta] = {
    kind: timedelta(minutes=180 if kind is WorldEventKind.TRADER else 90) for kind in WorldEventKind
}
"""An event without a line for so long is over."""


class EventKey(NamedTuple):
    """Names an event among all of a game server.

    Attributes:
        event_id: of a mission its folded id, of a gameplay event its id in the log in small letters; else
            empty.
        cycle: the stamp of its first line in milliseconds, so that it is the same whenever its log is read.
    """

    kind: WorldEventKind
    event_id: str
    cycle: int


class EventEnd(StrEnum):
    """Why an event is over: the log said so, the server started again, or no line named it for long."""

    OVER = "over"
    RESTART = "restart"
    UNHEARD = "unheard"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldEvent:
    """An event of the world.

    Attributes:
        state: its newest known state as the log names it, in capitals.
        since: the stamp of the line that told this state.
        seen_at: the stamp of the last line about it.
        is_started: a line has said that it can be played; before that it is known, and nothing else.
        fresh_at: when it started, if that was news and not the same start once more.
        is_due: it has started, and nothing was decided about a post yet.
        post_id: names its post, which is edited when the event changes; None without a post.
        ended_at: None while it is open; ``end`` tells why it is over.
        respawn_at: when a mission comes back, if the log told a believable time.
        down_since: of a restart, the last stamp of the run before.
    """

    key: EventKey
    state: str
    since: datetime
    seen_at: datetime
    is_started: bool = False
    fresh_at: datetime | None = None
    is_due: bool = False
    post_id: bytes | None = None
    ended_at: datetime | None = None
    end: EventEnd | None = None
    respawn_at: datetime | None = None
    down_since: datetime | None = None

    @property
    def kind(self) -> WorldEventKind:
        """Its kind."""
        return self.key.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldState:
    """The events of a game server's world.

    Attributes:
        newest_at: the newest stamp that was read; None before the first of a run.
        restarts_from: the last stamp of the run before, until the first stamp of this one is read.
        open: the open events, by kind and id: there is one of each at a time.
        due: events that were over before anything was decided about their posts, oldest first.
        started_at: when an event of a kind and id has started last, as long as that suppresses the next one.
        unknown_states: the number of lines with a state that has no meaning here.
        heard_at: the stamp of the last line about each kind, of any run.
        mentioned_at: the stamp of the last start of each kind that mentioned a role.
    """

    newest_at: datetime | None = None
    restarts_from: datetime | None = None
    open: Mapping[tuple[WorldEventKind, str], WorldEvent] = field(default_factory=dict)
    due: tuple[WorldEvent, ...] = ()
    started_at: Mapping[tuple[WorldEventKind, str], datetime] = field(default_factory=dict)
    unknown_states: int = 0
    heard_at: Mapping[WorldEventKind, datetime] = field(default_factory=dict)
    mentioned_at: Mapping[WorldEventKind, datetime] = field(default_factory=dict)


def collect_world(
    events: Iterable[WorldEvent], facts: WorldState, *, newest_at: datetime | None
) -> WorldState:
    """Return the state of a world of its newest events, those of the last ``UNHEARD`` at least.

    Args:
        events: in any order.
        facts: the facts that do not follow from events.
        newest_at: the newest stamp that was read.
    """
    ordered = sorted(events, key=lambda event: event.key.cycle)
    started = {one.key[:2]: one.fresh_at for one in ordered if one.fresh_at is not None and one.kind in AGAIN}
    return replace(
        facts,
        newest_at=newest_at,
        open={one.key[:2]: one for one in ordered if one.ended_at is None},
        due=tuple(one for one in ordered if one.is_due and one.ended_at is not None),
        started_at={
            place: at
            for place, at in started.items()
            if newest_at is None or at + AGAIN[place[0]] > newest_at
        },
    )
