"""The connection to Discord's gateway: kept open, and every loss and return told in one line.

Theory of operation: the library connects, and tries again by itself with pauses that grow to 17 minutes. Each
of its failed tries is an event, ``disconnect``. ``ConnectionPace`` decides from these events when waiting for
the library makes no sense any more; then its ``connect`` is cancelled and begun again, which tries at once.
The session is resumed if the library still knows it, and is a new one otherwise.
"""

import asyncio
import logging
import threading
from typing import Protocol, Self

import discord
from discord.gateway import DiscordWebSocket, KeepAliveHandler
from structlog import get_logger

from utils.clock import Clock
from utils.error_sink import ErrorSink, ErrorSource, Where
from utils.gateway.pace import ConnectionPace, IdentifyBudget
from utils.waiting import Signal

CODE_LOGGER = "discord.gateway"
CLOSED_WITH = "Websocket closed with %s"
LIBRARY_LOGGERS = ("discord.client", "discord.shard", CODE_LOGGER)
OPEN_LOOK_SECONDS = 3600.0  # an event ends the wait
NOT_REACHED = "Discord's gateway is not reached, trying again"
END_SECONDS = 1.0  # for a cancelled piece of the library to end, or to go on regardless
CLOSE_SECONDS = 2.0  # for the goodbye on a connection that is given up

logger = get_logger(__name__)


class ServiceStatus(Protocol):  # implemented by ServiceManager
    """Is told how the connection stands."""

    def note_connected(self) -> None:
        """Note that the bot is connected."""

    def note_lost(self) -> None:
        """Note that the connection is lost."""


class TryReasons(logging.Filter):
    """Takes the library's records of losses and of failed tries out of the log, and remembers what they say.

    Args:
        errors: takes the error of each loss and failed try.

    Attributes:
        reason: of the last failed try.
        code: with which a connection was closed last; None if it broke otherwise.
    """

    def __init__(self, errors: ErrorSink) -> None:
        super().__init__()
        self._errors = errors
        self.reason = ""
        self.code: int | None = None

    def __enter__(self) -> Self:
        for name in LIBRARY_LOGGERS:
            logging.getLogger(name).addFilter(self)
        logging.getLogger(CODE_LOGGER).setLevel(logging.INFO)
        return self

    def __exit__(self, *_: object) -> None:
        for name in LIBRARY_LOGGERS:
            logging.getLogger(name).removeFilter(self)
        logging.getLogger(CODE_LOGGER).setLevel(logging.NOTSET)

    def filter(self, record: logging.LogRecord) -> bool:
        """Hold back the record of a failed try, and what the library says of every connection."""
        if record.name == CODE_LOGGER and record.levelno <= logging.INFO:
            if str(record.msg).startswith(CLOSED_WITH) and isinstance(record.args, tuple):
                code = record.args[0]
                self.code = int(code) if isinstance(code, int) else None
            return False
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            return True
        self.reason = f"{type(error).__name__}: {error}"
        self._errors.report(error, where=Where(source=ErrorSource.DISCORD, name="connect"))
        return False


class Link:
    """One connection: open or lost, and since when."""

    def __init__(self, clock: Clock, **named: object) -> None:
        self._clock = clock
        self._named = named
        self._lost_at: float | None = None
        self._was_open = False

    def note_lost(self, code: int | None) -> bool:
        """Write the line of a loss, once; tell whether it was open before."""
        if not self._was_open or self._lost_at is not None:
            return False
        self._lost_at = self._clock.monotonic()
        logger.warning("connection to Discord lost", code=code, **self._named)
        return True

    def note_open(self, *, is_resumed: bool) -> None:
        """Write the line of a return, or of the first connection."""
        lost_at, self._lost_at = self._lost_at, None
        if lost_at is not None:
            logger.info(
                "connection to Discord is back",
                seconds=round(self._clock.monotonic() - lost_at, 1),
                session="resumed" if is_resumed else "new",
                **self._named,
            )
        elif not self._was_open:
            logger.info("connected to Discord", **self._named)
        self._was_open = True


class GatewayConnection:
    """The connection of a bot of one shard."""

    def __init__(
        self,
        bot: discord.Client,
        reasons: TryReasons,
        *,
        clock: Clock,
        identifies: IdentifyBudget,
        status: ServiceStatus,
    ) -> None:
        self._bot = bot
        self._clock = clock
        self._identifies = identifies
        self._status = status
        self._pace = ConnectionPace()
        self._link = Link(clock)
        self._reasons = reasons
        self._changed = Signal()
        self._connecting: asyncio.Future[None] | None = None

    async def run(self) -> None:
        """Stay connected until cancelled or closed.

        Raises:
            discord.ConnectionClosed, discord.PrivilegedIntentsRequired: Discord ended it for good.
        """
        self._bot.add_listener(self._note_failure, "on_disconnect")
        self._bot.add_listener(self._note_new, "on_connect")
        self._bot.add_listener(self._note_resumed, "on_resumed")
        with self._reasons:
            try:
                while not await self._connect():
                    await close_sockets()
                    logger.warning(NOT_REACHED, problem=self._reasons.reason)
            finally:
                await self._end_connecting()  # a stop may have come while one was given up
                await close_sockets(keeping=self._bot.ws)  # the bot closes its own

    async def _connect(self) -> bool:
        """Let the library connect; return False when it was given up, and True when it has ended."""
        if (seconds := self._identifies.compute_wait(self._bot.shard_id or 0)) > 0:
            await self._clock.sleep(seconds)
        self._pace.begin(self._clock.monotonic())
        connecting = self._connecting = asyncio.ensure_future(self._bot.connect(reconnect=True))
        connecting.add_done_callback(lambda _: self._changed.set())
        try:
            while not connecting.done():
                self._changed.clear()
                left = self._pace.compute_left(self._clock.monotonic())
                if left == 0:
                    return False
                await self._changed.wait_beside(
                    self._clock.sleep(OPEN_LOOK_SECONDS if left is None else left)
                )
            connecting.result()
            return True
        finally:
            await self._end_connecting()

    async def _end_connecting(self) -> None:
        """Cancel the library's work until it has ended: it loses a cancellation that comes with a result."""
        while self._connecting is not None and not self._connecting.done():
            await end_work(self._connecting)

    async def _note_failure(self) -> None:
        """Note a lost connection, or a try of the library that failed."""
        self._pace.note_failure(self._clock.monotonic())
        self._changed.set()
        if self._link.note_lost(self._reasons.code):
            self._status.note_lost()

    async def _note_new(self) -> None:
        self._note_open(is_resumed=False)

    async def _note_resumed(self) -> None:
        self._note_open(is_resumed=True)

    def _note_open(self, *, is_resumed: bool) -> None:
        self._pace.note_open()
        self._changed.set()
        self._link.note_open(is_resumed=is_resumed)
        self._status.note_connected()


async def end_work(work: "asyncio.Future[None]") -> bool:
    """Cancel a piece of the library; tell whether that ended it. Some of it goes on after a cancellation."""
    work.cancel()
    await asyncio.wait([work], timeout=END_SECONDS)
    return work.cancelled()


async def close_sockets(*, keeping: DiscordWebSocket | None = None) -> None:
    """Close connections that nothing reads any more, so that their threads do not keep them alive.

    The library forgets a connection that is given up before its session has begun; its thread still knows it.
    """
    for thread in threading.enumerate():
        if isinstance(thread, KeepAliveHandler) and thread.ws is not keeping:
            try:
                async with asyncio.timeout(CLOSE_SECONDS):
                    await thread.ws.close()
            except (OSError, TimeoutError) as failure:
                logger.debug("connection is not closed", problem=str(failure))
            thread.stop()
