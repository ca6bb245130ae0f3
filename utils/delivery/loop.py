"""DeliveryLoop: the endless work for one server, woken by new entries, else polling slowly.

Each kind of channel with something to deliver has a lane of its own: a task that lives until the lane is
empty. So a channel that is gone, that Discord limits, or whose posts fail holds up nobody but itself, and a
server with nothing to deliver costs one read a poll.
"""

import asyncio
from dataclasses import dataclass, field

from structlog import get_logger

from utils.clock import Clock
from utils.delivery.ports import Lane
from utils.delivery.service import DeliveryOutcome, DeliveryService, DeliveryState
from utils.errors import StorageError
from utils.models.scope import ServerScope
from utils.tasks import TaskManager

logger = get_logger(__name__)

STORAGE_RETRY_SECONDS = 2.0
POLL_SECONDS = 30.0  # only for entries whose wake-up was lost; ingestion wakes at once


@dataclass(slots=True)
class _Signals:
    """What can end a wait early: new entries or an emptied lane when idle, a mended channel in a lane.

    ``mended`` has an event for each lane at work; ``wakes`` counts what was told of new entries.
    """

    wakes: int = 0

    entries: asyncio.Event = field(default_factory=asyncio.Event)
    mended: dict[Lane, asyncio.Event] = field(default_factory=dict)


class DeliveryLoop:
    """Delivers for a server until it is cancelled; one task for each lane keeps its channel's order."""

    def __init__(
        self,
        service: DeliveryService,
        tasks: TaskManager,
        *,
        clock: Clock,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._service = service
        self._tasks = tasks
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._signals: dict[ServerScope, _Signals] = {}

    def wake(self, scope: ServerScope) -> None:
        """Tell that entries were added; a wait for Discord or for an admin goes on."""
        if signals := self._signals.get(scope):
            signals.wakes += 1
            signals.entries.set()

    def retry_now(self, scope: ServerScope) -> None:
        """Tell that a channel of the server was changed, so that no wait makes sense any more."""
        self._service.forget(scope)
        if signals := self._signals.get(scope):
            signals.entries.set()
            for mended in signals.mended.values():
                mended.set()

    async def run(self, scope: ServerScope) -> None:
        """Deliver for a server until cancelled; while the storage is away, try again every few seconds."""
        signals = self._signals[scope] = _Signals()
        try:
            while True:
                signals.entries.clear()
                await self._wait(await self._start_lanes(scope, signals), signals.entries)
        finally:
            # a wake-up without a loop is not lost: the next loop begins with a look
            del self._signals[scope]
            for lane in list(signals.mended):
                await self._tasks.cancel(_name_task(lane))

    async def _start_lanes(self, scope: ServerScope, signals: _Signals) -> float:
        """Begin every lane that has work and is not at it; return seconds until the next look."""
        try:
            busy = await self._service.list_lanes(scope)
        except StorageError as failure:
            logger.warning("outbox is not read", scope=str(scope), problem=str(failure))
            return STORAGE_RETRY_SECONDS
        for lane in busy:
            if not self._tasks.is_running(_name_task(lane)):
                self._start_lane(lane, signals)
        return self._poll_seconds

    def _start_lane(self, lane: Lane, signals: _Signals) -> None:
        async def work_off() -> None:
            await self._work_off(lane, signals)

        signals.mended[lane] = asyncio.Event()
        self._tasks.start(_name_task(lane), work_off, guild_id=lane.scope.guild_id, is_critical=True)

    async def _work_off(self, lane: Lane, signals: _Signals) -> None:
        """Do rounds until a lane is empty."""
        mended = signals.mended[lane]
        while True:
            mended.clear()
            wakes = signals.wakes
            outcome = await self._deliver(lane)
            is_empty = outcome.state is DeliveryState.IDLE or outcome.is_last
            if is_empty and wakes == signals.wakes:
                break
            if outcome.state is DeliveryState.WAITING:
                await self._wait(outcome.retry_seconds, mended)
        del signals.mended[lane]  # from here on whoever adds an entry finds this lane at rest

    async def _deliver(self, lane: Lane) -> DeliveryOutcome:
        try:
            return await self._service.deliver_once(lane)
        except StorageError as failure:
            logger.warning("outbox is not read", lane=str(lane), problem=str(failure))
            return DeliveryOutcome(DeliveryState.WAITING, retry_seconds=STORAGE_RETRY_SECONDS)

    async def _wait(self, seconds: float, *events: asyncio.Event) -> None:
        """Return when the time is over or one of the events is set."""
        waits: list[asyncio.Task[object]] = [asyncio.create_task(event.wait()) for event in events]
        waits.append(asyncio.create_task(self._sleep(seconds)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def _sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)


def _name_task(lane: Lane) -> str:
    return f"deliver:{lane}"
