"""The state machine of the world's events: lines of Deadside.log in, events out; no I/O.

Theory of operation
-------------------
Only lines and their stamps decide about events. The clock of the bot, the length of a read and the settings
of posts have no part in it, so a file gives the same events however it is cut into reads, and reading it
again gives the same keys. What is posted is decided elsewhere (``announcing.py``).

===================  =======================  ======================  ==================================
kind                 starts                   changes                 is over
===================  =======================  ======================  ==================================
mission              READY or ACTIVE          ACTIVE, WAITING, READY  will respawn in N, INITIAL, ENDED
airdrop              FLYING                   DROPPING, WAITING       DEAD, or the next FLYING
helicopter, trader,  READY or ACTIVE          READY, ACTIVE           INITIAL, ENDED, WAITING, DEAD
convoy
restart              the first stamp of a     -                       the world is ready, or a player
                     run, if there was one                            is in it
                     before
===================  =======================  ======================  ==================================

A start is *due* for a post unless one of the same kind and id has started shortly before (``AGAIN``). A state
without a meaning changes nothing and ends nothing; it is counted. An event without a line for long
(``UNHEARD``) is over, and so is every one when its run ends.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from utils.models.deadside_log import (
    AirdropState,
    GameplayEventState,
    LogFact,
    LogLine,
    MissionRespawn,
    MissionState,
    Registered,
    WorldReady,
)
from utils.models.missions import fold_mission_id
from utils.models.world_events import (
    AGAIN,
    GAMEPLAY_KINDS,
    LONGEST_RETURN,
    OPEN_MAXIMUM,
    SHORTEST_RETURN,
    UNHEARD,
    EventEnd,
    EventKey,
    WorldEvent,
    WorldEventKind,
    WorldState,
)

RESTARTING, OPENED = "RESTARTING", "OPEN"
"""The states of a restart, which no line names."""

_STARTS = frozenset({"READY", "ACTIVE"})
_MISSION_CHANGES = frozenset({"WAITING"})
_MISSION_ENDS = frozenset({"INITIAL", "ENDED"})
_EVENT_ENDS = frozenset({"INITIAL", "ENDED", "WAITING", "DEAD"})
_FLIGHT_STARTS = frozenset({"FLYING"})
_FLIGHT_CHANGES = frozenset({"DROPPING", "WAITING"})
_FLIGHT_ENDS = frozenset({"DEAD"})
_NONE: frozenset[str] = frozenset()

_Place = tuple[WorldEventKind, str]


class WorldTracker:
    """Follows the events of one game server from a known state on.

    Args:
        before: the state; it is not changed.

    Attributes:
        changed: the events that changed since then, by key, in their newest form.
    """

    def __init__(self, before: WorldState) -> None:
        self.changed: dict[EventKey, WorldEvent] = {}
        self._newest_at = before.newest_at
        self._restarts_from = before.restarts_from
        self._open = dict(before.open)
        self._due = list(before.due)
        self._started_at = dict(before.started_at)
        self._unknown_states = before.unknown_states
        self._heard_at = dict(before.heard_at)
        self._mentioned_at = before.mentioned_at
        self._unheard_at = self._find_unheard()

    def freeze(self) -> WorldState:
        """Return the state now."""
        now = self._newest_at
        return WorldState(
            newest_at=now,
            restarts_from=self._restarts_from,
            open=dict(self._open),
            due=tuple(self._due),
            started_at={
                place: at
                for place, at in self._started_at.items()
                if now is None or at + AGAIN[place[0]] > now
            },
            unknown_states=self._unknown_states,
            heard_at=dict(self._heard_at),
            mentioned_at=self._mentioned_at,
        )

    def advance(self, line: LogLine) -> None:
        """Take the next line of the log."""
        if line.at is not None:
            self._pass_time(line.at)
        if line.fact is not None and self._newest_at is not None:
            self._take(line.fact, self._newest_at)

    def end_run(self) -> None:
        """End the run and all its events at the last stamp; a run that begins next is a restart."""
        ended_at = self._newest_at
        if ended_at is not None:
            for event in list(self._open.values()):
                self._end(event, ended_at, EventEnd.RESTART)
        self._started_at.clear()
        self._newest_at, self._restarts_from = None, ended_at or self._restarts_from
        self._unheard_at = None

    def begin_again(self) -> None:
        """Forget the events of this run, because its log is read again from its beginning.

        Those that it tells again have the same keys, so they are open again; others are over.
        """
        for event in list(self._open.values()):
            self._end(replace(event, is_due=False), event.seen_at, EventEnd.UNHEARD)
        self._due.clear()
        self._started_at.clear()
        self._newest_at = self._unheard_at = None

    def _pass_time(self, at: datetime) -> None:
        """Move on to a stamp; time never goes back. End what was not heard of for long before it."""
        if self._newest_at is not None and at <= self._newest_at:
            return
        self._newest_at = at
        if self._restarts_from is not None:
            self._begin_restart(at)
        if self._unheard_at is not None and at > self._unheard_at:
            for event in list(self._open.values()):
                if (unheard_at := _compute_unheard(event)) < at:
                    self._end(event, unheard_at, EventEnd.UNHEARD)
            self._unheard_at = self._find_unheard()

    def _begin_restart(self, at: datetime) -> None:
        self._heard_at[WorldEventKind.RESTART] = at
        self._start((WorldEventKind.RESTART, ""), RESTARTING, at)
        event = self._open.get((WorldEventKind.RESTART, ""))
        if event is not None:
            self._put(replace(event, down_since=self._restarts_from))
        self._restarts_from = None

    def _take(self, fact: LogFact, now: datetime) -> None:
        match fact:
            case MissionState(mission_id=mission_id, state=state):
                place = WorldEventKind.MISSION, fold_mission_id(mission_id)
                self._switch(place, state, now, _STARTS, _MISSION_CHANGES, _MISSION_ENDS)
            case MissionRespawn(mission_id=mission_id, seconds=seconds):
                self._end_mission(fold_mission_id(mission_id), timedelta(seconds=seconds), now)
            case AirdropState(state=state):
                self._fly(state, now)
            case GameplayEventState(kind=kind, event_id=event_id, state=state) if kind in GAMEPLAY_KINDS:
                place = GAMEPLAY_KINDS[kind], event_id.lower()
                self._switch(place, state, now, _STARTS, _NONE, _EVENT_ENDS)
            case WorldReady():
                self._end_restart(now, tells_time=True)
            case Registered():
                self._end_restart(now, tells_time=False)
            case _:
                pass

    def _switch(
        self,
        place: _Place,
        state: str,
        now: datetime,
        starts: frozenset[str],
        changes: frozenset[str],
        ends: frozenset[str],
    ) -> None:
        """Take a state of an event: it starts, changes, or is over."""
        self._heard_at[place[0]] = now
        event = self._open.get(place)
        if state in starts and (event is None or not event.is_started):
            self._start(place, state, now)
        elif state in starts | changes:
            self._change(place, state, now)
        elif state in ends:
            if event is not None:
                self._end(replace(event, state=state, since=now, seen_at=now), now, EventEnd.OVER)
        else:
            self._unknown_states += 1
            if event is not None:
                self._put(replace(event, seen_at=now))

    def _fly(self, state: str, now: datetime) -> None:
        """Take a state of the airdrop, of which there is one at a time."""
        place = WorldEventKind.AIRDROP, ""
        self._heard_at[WorldEventKind.AIRDROP] = now
        flight = self._open.get(place)
        if state in _FLIGHT_STARTS and flight is not None:
            if now < flight.since + AGAIN[WorldEventKind.AIRDROP] and flight.state == state:
                return  # written twice
            self._end(flight, now, EventEnd.OVER)
        if flight is None and state in _FLIGHT_CHANGES:
            return  # of a flight whose beginning nobody has read
        self._switch(place, state, now, _FLIGHT_STARTS, _FLIGHT_CHANGES, _FLIGHT_ENDS)

    def _start(self, place: _Place, state: str, now: datetime) -> None:
        """Begin an event, or let one start that is known already."""
        event = self._open.get(place)
        if event is None:
            if len(self._open) >= OPEN_MAXIMUM:
                return
            key = EventKey(*place, cycle=compute_cycle(now))
            event = WorldEvent(key=key, state=state, since=now, seen_at=now)
        last, again = self._started_at.get(place), AGAIN.get(place[0])
        is_due = last is None or again is None or now >= last + again
        if is_due and again is not None:
            self._started_at[place] = now
        started = replace(event, state=state, since=now, seen_at=now, is_started=True, is_due=is_due)
        self._put(replace(started, fresh_at=now if is_due else None))

    def _change(self, place: _Place, state: str, now: datetime) -> None:
        """Note another state; an event that nobody saw start is known from now on."""
        event = self._open.get(place)
        if event is None:
            if len(self._open) < OPEN_MAXIMUM:
                key = EventKey(*place, cycle=compute_cycle(now))
                self._put(WorldEvent(key=key, state=state, since=now, seen_at=now))
        elif event.state == state:
            self._put(replace(event, seen_at=now))
        else:
            self._put(replace(event, state=state, since=now, seen_at=now))

    def _end_mission(self, mission_id: str, pause: timedelta, now: datetime) -> None:
        self._heard_at[WorldEventKind.MISSION] = now
        event = self._open.get((WorldEventKind.MISSION, mission_id))
        if event is not None:
            respawn_at = now + pause if SHORTEST_RETURN <= pause <= LONGEST_RETURN else None
            self._end(replace(event, seen_at=now, respawn_at=respawn_at), now, EventEnd.OVER)

    def _end_restart(self, now: datetime, *, tells_time: bool) -> None:
        """Note that the world is open; the first player in it does not tell how long it was down."""
        restart = self._open.get((WorldEventKind.RESTART, ""))
        if restart is not None:
            down_since = restart.down_since if tells_time else None
            opened = replace(restart, state=OPENED, since=now, seen_at=now, down_since=down_since)
            self._end(opened, now, EventEnd.OVER)

    def _put(self, event: WorldEvent) -> None:
        self._open[event.key[:2]] = self.changed[event.key] = event
        unheard_at = _compute_unheard(event)
        if self._unheard_at is None or unheard_at < self._unheard_at:
            self._unheard_at = unheard_at

    def _end(self, event: WorldEvent, ended_at: datetime, end: EventEnd) -> None:
        ended = replace(event, ended_at=ended_at, end=end)
        del self._open[event.key[:2]]
        self.changed[event.key] = ended
        if ended.is_due:
            self._due.append(ended)

    def _find_unheard(self) -> datetime | None:
        """Return the first moment behind which an event is over without a line."""
        return min(map(_compute_unheard, self._open.values()), default=None)


def compute_cycle(at: datetime) -> int:
    """Return the milliseconds of a stamp since 1970, which name a cycle."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _compute_unheard(event: WorldEvent) -> datetime:
    return event.seen_at + UNHEARD[event.kind]
