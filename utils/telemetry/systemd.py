"""Word to systemd: datagrams to its ``NOTIFY_SOCKET`` (sd_notify(3)); without one nothing is sent.

``READY=1`` when the bot is connected or a standby. Until then the limit of the start is extended while the
event loop lives: an upgrade of much data takes its time, and with Discord away the bot reads and stores.
``WATCHDOG=1`` comes from the event loop, so a loop that is blocked sends none, and systemd ends the process.
"""

import os
import socket
from collections.abc import Mapping

from structlog import get_logger

from utils.clock import Clock

MICROSECONDS = 1_000_000
BEAT_SECONDS = 10.0  # without a watchdog
EXTENSION_SECONDS = 60.0
BEATS_A_WATCHDOG = 4

_log = get_logger(__name__)


class ServiceManager:
    """Tells systemd how the bot is.

    Args:
        environ: of the process; systemd sets ``NOTIFY_SOCKET``, ``WATCHDOG_USEC`` and ``WATCHDOG_PID``.
    """

    def __init__(self, environ: Mapping[str, str], *, clock: Clock) -> None:
        self._address = _read_address(environ.get("NOTIFY_SOCKET", ""))
        self._watchdog_seconds = _read_watchdog(environ)
        self._clock = clock
        self._is_ready = False
        self._is_stopping = False
        self._has_failed = False

    def note_standby(self) -> None:
        """Tell that the bot is a standby: it started well, and waits for another process to end."""
        self._become_ready("waiting as a standby for another process")

    def note_connected(self) -> None:
        """Tell that the bot is connected to Discord."""
        self._become_ready("connected to Discord")

    def note_lost(self) -> None:
        """Tell that Discord is away."""
        self._send("STATUS=connection to Discord lost; reading and storing go on")

    def note_stopping(self) -> None:
        """Tell that the bot stops, once."""
        if not self._is_stopping:
            self._is_stopping = True
            self._send("STOPPING=1", "STATUS=stopping")

    async def keep_alive(self) -> None:
        """Send a sign of life from the event loop every quarter of the watchdog's time, until cancelled."""
        if self._address is None:
            return
        while True:
            words = ["WATCHDOG=1"] if self._watchdog_seconds else []
            if not self._is_ready:
                words.append(f"EXTEND_TIMEOUT_USEC={int(EXTENSION_SECONDS * MICROSECONDS)}")
            if words:
                self._send(*words)
            await self._clock.sleep((self._watchdog_seconds or BEAT_SECONDS * 4) / BEATS_A_WATCHDOG)

    def _become_ready(self, status: str) -> None:
        self._send(*(() if self._is_ready else ("READY=1",)), f"STATUS={status}")
        self._is_ready = True

    def _send(self, *words: str) -> None:
        """Send one datagram without waiting; one that systemd does not take now is lost."""
        if self._address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                sender.sendto("\n".join(words).encode(), self._address)
        except OSError as failure:
            if not self._has_failed:
                self._has_failed = True
                _log.warning("systemd does not take notifications", problem=str(failure))


def _read_address(text: str) -> str | None:
    """Return the address of the socket; one in the abstract namespace begins with ``@``."""
    if not text.startswith(("/", "@")):
        return None
    return f"\0{text[1:]}" if text.startswith("@") else text


def _read_watchdog(environ: Mapping[str, str]) -> float | None:
    """Return the seconds within which systemd expects a sign of life; None without a watchdog."""
    microseconds, owner = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not microseconds.isdecimal() or not int(microseconds) or owner not in ("", str(os.getpid())):
        return None
    return int(microseconds) / MICROSECONDS
