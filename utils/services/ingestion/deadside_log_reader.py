"""Deadside.log's reader: looks for the file, reads on, and stores what follows from its lines.

Theory of operation
-------------------
A visit asks for the size of the file, which is all that it does if nothing changed. New bytes are read in
slices of 256 KiB. Each slice is parsed and taken by the state machine of players (``presence/tracker.py``),
and one transaction stores what changed with the cursor. At the end of a visit ``deadside_news.py`` decides
about posts, which are in the last transaction. Nothing depends on where a slice ends.

Most lines change nothing. Then the cursor moves in memory alone, and is stored with the next change, but
after two minutes at the latest: lines that changed nothing may be read again. Players who were erased are
noticed by the cursor (``LogCursor.edits``): the transaction fails, and everything is read again.

The file may be missing: the server is stopped or starting, or the host does not show it. That is no problem
of the host, so the loop goes on, and looks again after half a minute.
"""

import asyncio
import math
from collections.abc import Sequence
from contextlib import aclosing, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from structlog import get_logger

from utils.clock import Clock
from utils.errors import CursorMovedError, StorageError
from utils.events import EventDispatcher, NoticesQueued, PostedEventsChanged
from utils.models.game_log import (
    RUNS_KEPT,
    GameLogState,
    LogSize,
)
from utils.models.notices.kinds import NOTICE_KINDS
from utils.models.presence import PlaySession
from utils.models.scope import ServerScope
from utils.models.servers import GameServer, LogHealth, ServerHealth
from utils.models.texts import Text, text
from utils.parsers.deadside_log import parse_line
from utils.services.ingestion.deadside_memory import LogMemory, is_changed, take_lines
from utils.services.ingestion.deadside_news import GameLogNews
from utils.services.ingestion.deadside_reading import Continuation, is_cold
from utils.services.ingestion.deadside_stores import (
    CursorStep,
    ErasedPlayers,
    GameLog,
    GameLogOpener,
    GameLogStore,
    LogStep,
    NoticesStep,
    SampleStep,
    store_steps,
)
from utils.services.ingestion.deadside_tail import GameLogTail, LogSlice
from utils.services.ingestion.log_reader import ReadReport, Visit
from utils.services.ingestion.poison import find_place, store_around_poison
from utils.services.ingestion.reader_state import ReaderState
from utils.services.ports import ChannelFinder, SettingsSource
from utils.services.premium.tiers import PremiumService
from utils.services.presence.log_conditions import choose_places
from utils.services.presence.self_check import (
    ONLINE_BEFORE,
    check_log,
    find_checked_since,
    is_check_due,
)
from utils.services.presence.tracker import PresenceTracker, list_unknown_names
from utils.services.world.announcing import list_outdated
from utils.services.world.tracker import WorldTracker
from utils.turns import FairTurns

GAME_LOG = "game"
COLD_STARTS = 4  # each reads some megabytes
MISSING_SECONDS = 30.0
STORE_SECONDS = 120.0
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class GameLogDependencies:
    """Dependencies that the readers of all servers share."""

    logs: GameLogOpener
    store: GameLogStore
    channels: ChannelFinder
    settings: SettingsSource
    premium: PremiumService
    erased: ErasedPlayers
    events: EventDispatcher
    max_announce_age: timedelta
    clock: Clock
    cold_starts: FairTurns = field(default_factory=lambda: FairTurns(COLD_STARTS))


class DeadsideLogReader:
    """Reads Deadside.log of one game server."""

    state: ReaderState

    def __init__(self, scope: ServerScope, dependencies: GameLogDependencies) -> None:
        self._scope = scope
        self._dependencies = dependencies
        self._clock = dependencies.clock
        self._news = GameLogNews(
            scope,
            store=dependencies.store,
            channels=dependencies.channels,
            settings=dependencies.settings,
            premium=dependencies.premium,
            clock=dependencies.clock,
        )
        self.state = ReaderState()
        self._memory: LogMemory | None = None
        self._known: GameLogState | None = None  # for health, during a visit and after a failure too
        self._rest_until = -math.inf

    @property
    def is_importing(self) -> bool:
        """Return False: this log is never imported."""
        return False

    def describe(self, server_name: str) -> Text:
        """Return the text that names this log in a failure alert."""
        return text("{server}, Deadside.log", server=server_name)

    def add_health(self, health: ServerHealth) -> ServerHealth:
        """Return the health of the server, with what is known from this log, and a problem of it."""
        status, health = self.state.status, replace(health, game_log=self._known)
        if status.problem is None:
            return health
        other = LogHealth(text("Deadside.log"), status.state, status.problem)
        return replace(health, others=(*health.others, other))

    def list_told(self) -> frozenset[str]:
        """Return the keys of the alerts that are still open."""
        return frozenset(self.state.told)

    async def recall(self) -> None:
        """Let delivery look for posts that a process before this one did not edit any more."""
        self._dependencies.events.dispatch(PostedEventsChanged(scope=self._scope))

    async def save(self, *, is_urgent: bool) -> None:
        """Do nothing: the times are stored with the cursor."""
        del is_urgent

    async def note_removal(self) -> None:
        """Do nothing: this log shows no progress."""

    async def read(self, visit: Visit) -> ReadReport:
        """Read on, unless the file was missing a moment ago."""
        if self._clock.monotonic() >= self._rest_until:
            try:
                await self._read_once(visit)
            except CursorMovedError:  # players were erased
                logger.info("the state of a log is read again", scope=str(self._scope))
                await self._read_once(visit)
        return ReadReport()

    async def _read_once(self, visit: Visit) -> None:
        memory, self._memory = self._memory, None  # after a failure the next visit loads everything
        if memory is None:
            stored = await self._dependencies.store.load(self._scope)
            memory = LogMemory(stored, stored, GameLogTail(self._clock), grown_at=self._clock.monotonic())
        logs, server = self._dependencies.logs, visit.look.server
        async with logs.open_game_log(server, guild_limit=visit.guild_limit) as log:
            if log is None:
                return
            seen = await log.look()
            if seen is None:
                await self._note_missing(memory)
            else:
                await self._read_on(visit, log, seen, memory)
        self._memory, self._known = memory, memory.state

    async def _note_missing(self, memory: LogMemory) -> None:
        """Note since when a file is missing that was there before."""
        self._rest_until = self._clock.monotonic() + MISSING_SECONDS
        memory.seen = memory.sample_at = None
        if memory.state.cursor is not None and memory.state.missing_since is None:
            memory.state = replace(memory.state, missing_since=self._clock.now())
            await self._store(memory, [CursorStep(memory.stored.cursor, memory.state)])

    async def _read_on(self, visit: Visit, log: GameLog, seen: LogSize, memory: LogMemory) -> None:
        """Read what is new, and post what is due."""
        server = visit.look.server
        take = self._take_around_poison if visit.passes_over else self._take
        state, cursor = memory.state, memory.state.cursor
        max_age, has_grown = self._dependencies.max_announce_age, False
        is_silent = is_cold(state.read_at, now=self._clock.now(), max_age=max_age)
        if cursor is not None and is_silent:
            cursor = replace(cursor, border=seen.size)
            memory.state = replace(state, cursor=cursor)
        is_long = cursor is None or cursor.offset < cursor.border
        turns = self._dependencies.cold_starts.lend(self._scope.guild_id) if is_long else nullcontext()
        async with turns:
            if seen != memory.seen:
                async with aclosing(memory.tail.read_on(log, seen, cursor)) as pieces:
                    async for piece in pieces:
                        await take(server, memory, piece)
                        has_grown = True
                memory.seen = seen if memory.tail.is_at_end else None
        if memory.state.cursor is not None and not has_grown:
            await self._finish(server, memory, (), is_silent=is_silent)

    async def _take_around_poison(self, server: GameServer, memory: LogMemory, piece: LogSlice) -> None:
        """Take a slice without each line that cannot be taken."""

        async def store(part: LogSlice) -> None:
            trial = memory.copy()
            await self._take(server, trial, part)
            memory.become(trial)

        async def pass_over(part: LogSlice, reason: Text) -> None:
            del reason  # the line may hold anything, so it is not kept
            await store(replace(part, lines=[]))

        report = partial(self._dependencies.events.errors.report, where=find_place(self._scope))
        await store_around_poison(piece, store=store, pass_over=pass_over, report=report)

    async def _take(self, server: GameServer, memory: LogMemory, piece: LogSlice) -> None:
        """Take the lines of a slice, and store what changed."""
        lines = [parse_line(raw) for raw in piece.lines]
        nameless = list_unknown_names(memory.state.presence, lines)
        known = await self._dependencies.store.find_named(self._scope, nameless) if nameless else {}
        tracker = PresenceTracker(memory.state.presence, known=known)
        world = WorldTracker(memory.state.world)
        if piece.continuation is Continuation.OTHER_RUN:
            tracker.end_run(piece.cursor.run)
            world.end_run()
        elif piece.continuation is Continuation.BEGINS_AGAIN:
            tracker.begin_again()
            world.begin_again()
        before = memory.state.presence.newest_at
        for line in lines:
            tracker.advance(line)
            world.advance(line)
        memory.outdated |= list_outdated(memory.state.world, world.changed)
        memory.events |= world.changed
        presence = tracker.freeze()
        if presence.newest_at != before:
            memory.grown_at = self._clock.monotonic()
        runs = memory.state.run_starts
        if presence.started_at is not None and presence.started_at not in runs:
            runs = (*runs, presence.started_at)[-RUNS_KEPT:]
        state = replace(
            take_lines(memory.state, lines, goes_on=piece.continuation is Continuation.GOES_ON),
            cursor=piece.cursor,
            presence=presence,
            world=world.freeze(),
            run_starts=runs,
            grown_at=self._judge_growth(presence.newest_at, is_silent=piece.is_silent),
        )
        if tracker.peak > state.peak:
            state = replace(state, peak=tracker.peak, peak_at=tracker.peak_at)
        memory.peak = max(memory.peak, tracker.peak)
        memory.state = state
        sessions = await self._leave_out_erased(tracker.sessions)
        if piece.is_end:
            await self._finish(server, memory, sessions, is_silent=piece.is_silent)
        else:
            steps = self._build_steps(server, memory, sessions, is_silent=piece.is_silent)
            await self._store(memory, steps)
        await asyncio.sleep(0)  # other tasks run between two slices

    async def _leave_out_erased(self, sessions: Sequence[PlaySession]) -> Sequence[PlaySession]:
        """Return sessions without those that players began before they were erased.

        An erasure ends an open session, and the log may be read again after a restore.
        """
        if not sessions:
            return sessions
        players, since = {one.player_id for one in sessions}, min(one.started_at for one in sessions)
        guild_id = self._scope.guild_id
        erased = await self._dependencies.erased.find_players(guild_id, players, since=since)
        return [one for one in sessions if one.started_at > erased.get(one.player_id, _NEVER)]

    def _judge_growth(self, newest_at: datetime | None, *, is_silent: bool) -> datetime:
        """Return when a file that was read had grown last; nobody watched it before a silent read."""
        now = self._clock.now()
        return min(now, newest_at) if is_silent and newest_at is not None else now

    async def _finish(
        self, server: GameServer, memory: LogMemory, sessions: Sequence[PlaySession], *, is_silent: bool
    ) -> None:
        """Decide about posts and the sample, and store what changed, with the sessions that ended."""
        now = self._clock.now()
        notices = await self._news.choose(server, memory, is_silent=is_silent)
        memory.state = replace(memory.state, read_at=now, missing_since=None, since=memory.state.since or now)
        if not is_silent and is_check_due(memory.state, now=now):
            await self._check_itself(memory, now)
        steps = self._build_steps(server, memory, sessions, is_silent=is_silent)
        if notices:
            steps.append(NoticesStep(notices, now))
        sample = memory.choose_sample(choose_places(server, memory.state), now)
        if sample is not None:
            steps.append(SampleStep(sample))
        is_due = self._clock.monotonic() - memory.stored_at >= STORE_SECONDS
        if is_due or len(steps) > 1 or is_changed(memory.stored, memory.state):
            await self._store(memory, steps)

    async def _check_itself(self, memory: LogMemory, now: datetime) -> None:
        """Compare this log with the death log; too few kills leave the last result."""
        store, state = self._dependencies.store, memory.state
        since = find_checked_since(state, now=now)
        kills = await store.list_live_kills(self._scope, since=since)
        ended = await store.list_online_times(self._scope, since=since - ONLINE_BEFORE) if kills else ()
        found = check_log(state, kills, ended, now=now)
        memory.state = replace(state, checked_at=now, check=found or state.check)

    def _build_steps(
        self, server: GameServer, memory: LogMemory, sessions: Sequence[PlaySession], *, is_silent: bool
    ) -> list[LogStep]:
        read_at = None if is_silent or memory.state.is_aged else self._clock.now()
        return memory.build_steps(self._scope, server.zone, sessions, read_at=read_at)

    async def _store(self, memory: LogMemory, steps: Sequence[LogStep]) -> None:
        """Carry out steps in one transaction, and tell of new notices."""
        try:
            await self._dependencies.store.in_transaction(self._scope, partial(store_steps, steps=steps))
        except StorageError:
            self._tell(memory, steps)  # it may be stored nevertheless, without its event
            raise
        self._tell(memory, steps)
        memory.note_stored(self._clock.monotonic())

    def _tell(self, memory: LogMemory, steps: Sequence[LogStep]) -> None:
        """Wake delivery for new notices, and for posts that have to be edited."""
        events = self._dependencies.events
        notices = [one for step in steps if isinstance(step, NoticesStep) for one in step.notices]
        if notices:
            kinds = NOTICE_KINDS.list_channel_kinds(notices)
            events.dispatch(NoticesQueued(scope=self._scope, kinds=kinds))
        if memory.outdated:
            events.dispatch(PostedEventsChanged(scope=self._scope))
