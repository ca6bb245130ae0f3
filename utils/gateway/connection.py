"""The connection to Discord's gateway: kept open, and every loss and return told in one line.

Theory of operation: the library connects, and tries again by itself with pauses that grow to 17 minutes. Each
of its failed tries is an event, ``disconnect``. ``ConnectionPace`` decides from these events when waiting for
the library makes no sense any more; then its ``connect`` is cancelled and begun again, which tries at once.
The session is resumed if the library still knows it, and is a new one otherwise.
"""

import asyncio
import logging
import threading
from typing import Protocol

import discord
from discord.gateway import DiscordWebSocket, KeepAliveHandler
from structlog import get_logger

from utils.clock import Clock
from utils.gateway.login import DISALLOWED_INTENTS, explain_close, log_in
from utils.gateway.pace import ConnectionPace, IdentifyBudget
from utils.waiting import Signal

LIBRARY_LOGGERS = ("discord.client", "discord.shard")
OPEN_LOOK_SECONDS = 3600.0  # an event ends the wait
CLOSE_SECONDS = 2.0  # for the goodbye on a connection that is given up

logger = get_logger(__name__)


class ServiceStatus(Protocol):  # implemented by ServiceManager
    """Is told how the connection stands."""

    def note_connected(self) -> None:
        """Note that the bot is connected."""

    def note_lost(self) -> None:
        """Note that the connection is lost."""


class TryReasons(logging.Filter):
    """Takes the library's tracebacks of failed tries out of the log, and remembers their reason."""

    def __init__(self) -> None:
        super().__init__()
        self.reason = ""

    def filter(self, record: logging.LogRecord) -> bool:
        """Hold the record of a failed try back."""
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            return True
        self.reason = f"{type(error).__name__}: {error}"
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
        self, bot: discord.Client, *, clock: Clock, identifies: IdentifyBudget, status: ServiceStatus
    ) -> None:
        self._bot = bot
        self._clock = clock
        self._identifies = identifies
        self._status = status
        self._pace = ConnectionPace()
        self._link = Link(clock)
        self._reasons = TryReasons()
        self._changed = Signal()

    async def run(self) -> None:
        """Stay connected until cancelled or closed.

        Raises:
            discord.ConnectionClosed, discord.PrivilegedIntentsRequired: Discord ended it for good.
        """
        self._bot.add_listener(self._note_failure, "on_disconnect")
        self._bot.add_listener(self._note_new, "on_connect")
        self._bot.add_listener(self._note_resumed, "on_resumed")
        for name in LIBRARY_LOGGERS:
            logging.getLogger(name).addFilter(self._reasons)
        try:
            while not await self._connect():
                await close_sockets()
                logger.warning("Discord's gateway is not reached, trying again", problem=self._reasons.reason)
        finally:
            for name in LIBRARY_LOGGERS:
                logging.getLogger(name).removeFilter(self._reasons)
            await close_sockets(keeping=self._bot.ws)  # the bot closes its own

    async def _connect(self) -> bool:
        """Let the library connect; return False when it was given up, and True when it has ended."""
        if (seconds := self._identifies.compute_wait(self._bot.shard_id or 0)) > 0:
            await self._clock.sleep(seconds)
        self._pace.begin(self._clock.monotonic())
        connecting = asyncio.ensure_future(self._bot.connect(reconnect=True))
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
            connecting.cancel()
            await asyncio.wait([connecting])

    async def _note_failure(self) -> None:
        """Note a lost connection, or a try of the library that failed."""
        self._pace.note_failure(self._clock.monotonic())
        self._changed.set()
        if self._link.note_lost(find_close_code(self._bot.ws)):
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


def find_close_code(socket: DiscordWebSocket | None) -> int | None:
    """Return the code with which a connection was closed; None if there never was one."""
    return None if socket is None else socket.socket.close_code


async def run_gateway(
    bot: discord.Client, token: str, *, clock: Clock, identifies: IdentifyBudget, status: ServiceStatus
) -> None:
    """Log in and stay connected until cancelled.

    Raises:
        ConfigurationError: Discord refuses the token, or closed the connection for good.
    """
    await log_in(bot, token, clock=clock)
    try:
        await GatewayConnection(bot, clock=clock, identifies=identifies, status=status).run()
    except discord.ConnectionClosed as failure:
        raise explain_close(failure.code) from None
    except discord.PrivilegedIntentsRequired:
        raise explain_close(DISALLOWED_INTENTS) from None
