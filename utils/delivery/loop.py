"""DeliveryLoop: the endless round of one server, woken by new entries, else polling slowly."""

import asyncio
from dataclasses import dataclass, field

from structlog import get_logger

from utils.clock import Clock
from utils.delivery.service import DeliveryOutcome, DeliveryService, DeliveryState
from utils.errors import StorageError
from utils.models.scope import ServerScope

logger = get_logger(__name__)

STORAGE_RETRY_SECONDS = 2.0
POLL_SECONDS = 30.0  # only for entries whose wake-up was lost; ingestion wakes at once


@dataclass(slots=True)
class _Signals:
    """What can end a wait early: new entries when idle, a mended channel always."""

    entries: asyncio.Event = field(default_factory=asyncio.Event)
    mended: asyncio.Event = field(default_factory=asyncio.Event)


class DeliveryLoop:
    """Runs rounds of a server until it is cancelled; a task for each server keeps its channel's order."""

    def __init__(self, service: DeliveryService, *, clock: Clock, poll_seconds: float = POLL_SECONDS) -> None:
        self._service = service
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._signals: dict[ServerScope, _Signals] = {}

    def wake(self, scope: ServerScope) -> None:
        """Tell that entries were added; a wait for Discord or for an admin goes on."""
        if signals := self._signals.get(scope):
            signals.entries.set()

    def retry_now(self, scope: ServerScope) -> None:
        """Tell that the server's channel was changed, so that no wait makes sense any more."""
        self._service.forget(scope)
        if signals := self._signals.get(scope):
            signals.mended.set()

    async def run(self, scope: ServerScope) -> None:
        """Deliver for a server until cancelled; while the storage is away, try again every few seconds."""
        signals = self._signals[scope] = _Signals()
        try:
            while True:
                signals.entries.clear()
                signals.mended.clear()
                outcome = await self._deliver(scope)
                if outcome.state is DeliveryState.IDLE:
                    await self._wait(self._poll_seconds, signals.entries, signals.mended)
                elif outcome.state is DeliveryState.WAITING:
                    await self._wait(outcome.retry_seconds, signals.mended)
        finally:
            # a wake-up without a loop is not lost: the next loop begins with a round
            del self._signals[scope]

    async def _deliver(self, scope: ServerScope) -> DeliveryOutcome:
        try:
            return await self._service.deliver_once(scope)
        except StorageError as failure:
            logger.warning("outbox is not read", scope=str(scope), problem=str(failure))
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
