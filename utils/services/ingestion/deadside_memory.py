"""Deadside.log: what its reader keeps in memory between two visits, and the steps that store it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from utils.models.deadside_log import LogLine
from utils.models.game_log import (
    SAMPLE_TIME,
    GameLogState,
    LineTally,
    LogCondition,
    LogSize,
    PopulationSample,
    floor_sample,
)
from utils.models.presence import PlaySession
from utils.models.scope import ServerScope
from utils.models.world_events import EventKey, WorldEvent
from utils.services.ingestion.deadside_stores import CursorStep, EventsStep, LogStep, PlayersStep
from utils.services.ingestion.deadside_tail import GameLogTail
from utils.services.ingestion.deadside_tally import count_lines, is_closed_by, measure_gaps
from utils.services.presence.log_conditions import judge_state
from utils.services.presence.playtime import build_record


@dataclass(slots=True)
class LogMemory:
    """The facts between two visits.

    Attributes:
        stored: the state as it is stored; ``state`` is at most further in its cursor, stamps and times.
        seen: the size of the file when it was read to its end.
        tail: reads the file.
        grown_at: when the newest stamp was read, in monotonic seconds, and ``stored_at`` when it was stored.
        sample_at: the five minutes that the next sample is about.
        peak: the most players at once in these minutes so far.
        events: the events of the world that changed since the state was stored, and ``outdated`` those whose
            posts do not show it.
    """

    stored: GameLogState
    state: GameLogState
    tail: GameLogTail
    seen: LogSize | None = None
    grown_at: float = 0.0
    stored_at: float = -math.inf
    sample_at: datetime | None = None
    peak: int = 0
    events: dict[EventKey, WorldEvent] = field(default_factory=dict)
    outdated: set[EventKey] = field(default_factory=set)

    def copy(self) -> "LogMemory":
        """Return another one with the same facts."""
        return replace(self, events=dict(self.events), outdated=set(self.outdated))

    def become(self, other: "LogMemory") -> None:
        """Take over the facts of another one."""
        for one in fields(self):
            setattr(self, one.name, getattr(other, one.name))

    def note_stored(self, at: float) -> None:
        """Note that everything is stored, at a moment in monotonic seconds."""
        self.stored, self.stored_at = self.state, at
        self.events, self.outdated = {}, set()

    def choose_sample(self, places: int | None, now: datetime) -> PopulationSample | None:
        """Return the sample of the five minutes that are over, if they were read from their beginning.

        A log that stands still, or whose run is over, does not tell who is online.
        """
        if judge_state(self.state, now=now) is not LogCondition.OK:
            self.sample_at = None
            return None
        at, presence, sample = floor_sample(now), self.state.presence, None
        online = presence.count_online()
        begun = self.sample_at
        if begun is not None and begun < at == begun + SAMPLE_TIME:
            sample = PopulationSample(
                at=begun,
                online=online,
                queue=presence.count_queue(places),
                max_players=places,
                peak=max(self.peak, online),
            )
        if self.sample_at != at:
            self.sample_at, self.peak = at, online
        return sample

    def build_steps(
        self, scope: ServerScope, zone: ZoneInfo, sessions: Sequence[PlaySession], *, read_at: datetime | None
    ) -> list[LogStep]:
        """Return the steps that store the state and sessions; the cursor alone if nothing else changed.

        The days of sessions are those of ``zone``; ``read_at`` is when they were read live, if they were.
        """
        before, after = self.stored.presence.players, self.state.presence.players
        changed = [one for key, one in after.items() if before.get(key) != one]
        gone = before.keys() - after.keys()
        records = [build_record(scope, one, zone, read_at=read_at) for one in sessions]
        steps: list[LogStep] = [CursorStep(self.stored.cursor, self.state)]
        if changed or gone or records:
            steps.append(PlayersStep(changed, gone, records))
        if self.events:
            steps.append(EventsStep(list(self.events.values()), frozenset(self.outdated)))
        return steps


def take_lines(state: GameLogState, lines: Sequence[LogLine], *, goes_on: bool) -> GameLogState:
    """Return a state with some more lines counted; ``goes_on``: they do not begin their run."""
    tally = state.tally if goes_on else LineTally()
    newest_at = state.presence.newest_at if goes_on else None
    return replace(
        state,
        tally=count_lines(tally, lines),
        gaps=measure_gaps(state.gaps, lines, newest_at=newest_at),
        is_closed=is_closed_by(lines, is_closed=state.is_closed and goes_on),
    )


def is_changed(before: GameLogState, after: GameLogState) -> bool:
    """Tell whether more changed than the offset, the newest stamp and the time of the read."""
    return _without_times(before) != _without_times(after)


def _without_times(state: GameLogState) -> GameLogState:
    cursor = state.cursor and replace(state.cursor, offset=0)
    return replace(
        state,
        cursor=cursor,
        read_at=None,
        grown_at=None,
        checked_at=None,
        gaps=(),
        tally=LineTally(),
        presence=replace(state.presence, newest_at=None),
        world=replace(state.world, newest_at=None, started_at={}, heard_at={}),
    )
