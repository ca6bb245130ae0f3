"""DeliveryLoop: delivers for guilds; a task for each guild is woken by new entries, and else polls slowly.

Each channel with something to deliver has a lane: a task that lives until the lane is empty. So a channel
that is deleted, rate limited or failing does not delay others, and a guild with nothing to deliver costs one
read a poll. Lanes take turns (``pace``): notices that arrive while a lane waits go into the same message.
After an unexpected failure the lane tries again, and the status shows it (``unexpected_failures.py``).
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from structlog import get_logger

from utils.clock import Clock
from utils.delivery.pace import MessagePace
from utils.delivery.ports import Lane
from utils.delivery.service import DeliveryOutcome, DeliveryService, DeliveryState
from utils.delivery.unexpected_failures import Place, UnexpectedFailures
from utils.error_sink import ErrorSource, Where
from utils.errors import StorageError
from utils.events import GuildSettingsChanged
from utils.models.guilds import ChannelKind
from utils.models.notices.outbox import Feed
from utils.models.scope import GuildId, ServerScope
from utils.models.texts import Text
from utils.services.ports import AdminNotifier
from utils.tasks import Failure, TaskManager, capture
from utils.waiting import Signal, wait_for_any

logger = get_logger(__name__)

STORAGE_RETRY_SECONDS = 2.0
POLL_SECONDS = 600.0  # a fallback; code that stores entries wakes the loop
WAIT_FOR_MORE_SECONDS = 0.05  # a guild's servers are polled together, and share a message


@dataclass(slots=True)
class _Signals:
    """The work of a guild, and the events that end a wait early.

    Attributes:
        busy: the feeds that may hold entries, each with its number of wake-ups.
        asleep: the feeds whose first entry is not due before that time.
        news: set when a lane may have to start.
        mended: an event for each running lane; set when its channel was changed, to end its wait.
        poll_at: when the outbox is read again, in monotonic seconds.
    """

    busy: dict[Feed, int] = field(default_factory=dict)
    asleep: dict[Feed, datetime] = field(default_factory=dict)
    news: Signal = field(default_factory=Signal)
    mended: dict[Lane, asyncio.Event] = field(default_factory=dict)
    poll_at: float = 0.0

    def note(self, feed: Feed) -> None:
        """Note that a feed has new entries."""
        self.busy[feed] = self.busy.get(feed, 0) + 1
        self.news.set()

    def rest(self, outcome: DeliveryOutcome, seen: Mapping[Feed, int]) -> None:
        """Remove feeds without work from ``busy``, except those with new entries since ``seen``."""
        self.asleep |= outcome.wake_ups
        for one in (*outcome.emptied, *outcome.wake_ups):
            if self.busy.get(one) == seen.get(one):
                self.busy.pop(one, None)

    def wake_due(self, now: datetime) -> None:
        """Make the feeds busy whose time has come."""
        for feed in [feed for feed, due_at in self.asleep.items() if due_at <= now]:
            del self.asleep[feed]
            self.busy.setdefault(feed, 0)

    def compute_wait(self, now: datetime, monotonic: float) -> float:
        """Return the seconds until the outbox is read again, or the next feed is due."""
        due = [(due_at - now).total_seconds() for due_at in self.asleep.values()]
        return min([self.poll_at - monotonic, *due])


class DeliveryLoop:
    """Delivers for guilds; one task for each lane keeps the order of its channel."""

    def __init__(
        self,
        service: DeliveryService,
        tasks: TaskManager,
        *,
        pace: MessagePace,
        notifier: AdminNotifier,
        clock: Clock,
        poll_seconds: float = POLL_SECONDS,
        wait_seconds: float = WAIT_FOR_MORE_SECONDS,
    ) -> None:
        self._service = service
        self._tasks = tasks
        self._pace = pace
        self._unexpected = UnexpectedFailures(notifier, tasks.errors)
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._wait_seconds = wait_seconds
        self._signals: dict[GuildId, _Signals] = {}

    def wake(self, scope: ServerScope, kinds: Iterable[ChannelKind]) -> None:
        """Wake the delivery: a server has new entries of these kinds."""
        if signals := self._signals.get(scope.guild_id):
            for kind in kinds:
                signals.note(Feed(scope, kind))

    def on_guild_settings_changed(self, event: GuildSettingsChanged) -> None:
        """End all waits of a guild when a channel was set."""
        if event.names.isdisjoint(ChannelKind):
            return
        self._service.forget_failures(event.guild_id)
        if signals := self._signals.get(event.guild_id):
            signals.news.set()
            for mended in signals.mended.values():
                mended.set()

    def find_problem(self, guild_id: GuildId) -> Text | None:
        """Return the unexpected failure of a guild's delivery, if there is one."""
        return self._unexpected.find_problem(guild_id)

    async def run(self, guild_id: GuildId) -> None:
        """Deliver for a guild until cancelled; while the storage is away, try again every few seconds."""
        signals = self._signals[guild_id] = _Signals(poll_at=self._clock.monotonic())
        try:
            while True:
                signals.news.clear()
                seconds = await self._start_lanes(guild_id, signals)
                await signals.news.wait_beside(self._clock.sleep(seconds))
        finally:
            # a wake-up without a loop is not lost, because the next loop first reads the outbox
            del self._signals[guild_id]
            # the next loop must not begin while a lane may still post
            await self._tasks.cancel_patiently(*map(_name_task, signals.mended))
            self._service.forget(guild_id)
            await self._unexpected.forget(guild_id)

    async def _start_lanes(self, guild_id: GuildId, signals: _Signals) -> float:
        """Start each lane that has work and is not running; return seconds until the next poll."""
        lanes = await capture(partial(self._find_lanes, guild_id, signals))
        if isinstance(lanes, Failure):
            return await self._after_failure(guild_id, guild_id, lanes.error)
        await self._unexpected.mark_recovered(guild_id, guild_id)
        for lane in lanes:
            if not self._tasks.is_running(_name_task(lane)):
                self._start_lane(lane, signals)
        return signals.compute_wait(self._clock.now(), self._clock.monotonic())

    async def _find_lanes(self, guild_id: GuildId, signals: _Signals) -> Collection[Lane]:
        now = self._clock.monotonic()
        if now >= signals.poll_at:
            for feed in await self._service.list_feeds(guild_id):
                signals.busy.setdefault(feed, 0)
            signals.poll_at = now + self._poll_seconds
        signals.wake_due(self._clock.now())
        return await self._service.list_lanes(guild_id, tuple(signals.busy))

    async def _after_failure(self, guild_id: GuildId, place: Place, error: BaseException) -> float:
        """Return seconds until the next try; note an unexpected failure."""
        if isinstance(error, StorageError) and error.may_pass:
            logger.warning("outbox is not read", place=str(place), problem=str(error))
            where = Where(source=ErrorSource.DELIVERY, guild_id=guild_id, task="deliver")
            self._tasks.errors.report(error, where=where)
            return STORAGE_RETRY_SECONDS
        return await self._unexpected.note(guild_id, place, error)

    def _start_lane(self, lane: Lane, signals: _Signals) -> None:
        async def work_off() -> None:
            await self._work_off(lane, signals)

        signals.mended[lane] = asyncio.Event()
        self._tasks.start(_name_task(lane), work_off, guild_id=lane.guild_id, is_critical=True)

    async def _work_off(self, lane: Lane, signals: _Signals) -> None:
        """Do rounds until a lane is empty."""
        mended = signals.mended[lane]
        await self._clock.sleep(self._wait_seconds)
        while True:
            mended.clear()
            outcome = await self._deliver(lane, signals)
            if outcome.state is DeliveryState.IDLE:
                break
            if outcome.state is DeliveryState.WAITING:
                await wait_for_any(mended, seconds=outcome.retry_seconds, clock=self._clock)
        del signals.mended[lane]
        signals.news.set()  # feeds may now have another lane, or new entries may have come

    async def _deliver(self, lane: Lane, signals: _Signals) -> DeliveryOutcome:
        """Do one round; if it fails, report that and wait."""
        outcome = await capture(partial(self._do_round, lane, signals))
        if isinstance(outcome, Failure):
            seconds = await self._after_failure(lane.guild_id, lane, outcome.error)
            return DeliveryOutcome(DeliveryState.WAITING, retry_seconds=seconds)
        await self._unexpected.mark_recovered(lane.guild_id, lane)
        return outcome

    async def _do_round(self, lane: Lane, signals: _Signals) -> DeliveryOutcome:
        """Wait for the pace, then do one round over the busy feeds; idle if there is nothing to do."""
        if lane not in await self._service.list_lanes(lane.guild_id, tuple(signals.busy)):
            return DeliveryOutcome(DeliveryState.IDLE)
        await self._pace.wait_for_turn()
        seen = dict(signals.busy)
        outcome = await self._service.deliver_once(lane, seen.keys())
        signals.rest(outcome, seen)
        return outcome


def _name_task(lane: Lane) -> str:
    return f"deliver:{lane}"
