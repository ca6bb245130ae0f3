"""Faults of a game host, on demand. Each is off until it is set; ``clear`` ends all of them.

=========================  ==========================================================================
``stall(kind, ...)``       requests of these kinds (``stat``, ``read``, ...) get no answer until ``resume``
``slow_seconds``           every answer takes this long
``refuse_logins``          no password and no key is right
``slow_login_seconds``     after the key exchange a login takes this much longer
``close_channels``         who is logged in gets no SFTP channel: it is closed at once
``maximum_connections``    further connections are cut off at the door
``cut_after_bytes``        the connection is cut when this many more bytes were read from files
``short_reads``            a read answers with at most this many bytes
``size_lie``               ``stat`` adds this to the size of files
``denied_paths``           permission denied for these paths and what lies below them
``endless_folders``        these folders list new death logs for ever, behind what is in them
``garbled_folders``        behind what is in these folders comes an entry with attributes that do not exist
``hide_types``             attributes do not tell what is a file and what is a folder
=========================  ==========================================================================
"""

import asyncio
from dataclasses import dataclass, field


@dataclass(slots=True)
class HostFaults:
    """The present faults of a host."""

    slow_seconds: float = 0.0
    refuse_logins: bool = False
    slow_login_seconds: float = 0.0
    close_channels: bool = False
    maximum_connections: int | None = None
    cut_after_bytes: int | None = None
    short_reads: int | None = None
    size_lie: int = 0
    denied_paths: set[str] = field(default_factory=set)
    endless_folders: set[str] = field(default_factory=set)
    garbled_folders: set[str] = field(default_factory=set)
    hide_types: bool = False
    _stalled: set[str] = field(default_factory=set)
    _resumed: asyncio.Event = field(default_factory=asyncio.Event)

    def stall(self, *kinds: str) -> None:
        """Answer no request of these kinds until ``resume``."""
        self._stalled.update(kinds)
        self._resumed = asyncio.Event()

    def stall_reads(self) -> None:
        """Answer no read until ``resume``."""
        self.stall("read")

    def resume(self) -> None:
        """Answer again, including the stalled requests."""
        self._stalled.clear()
        self._resumed.set()

    def clear(self) -> None:
        """End all faults."""
        self.resume()
        healthy = HostFaults()
        self.slow_seconds, self.refuse_logins = healthy.slow_seconds, healthy.refuse_logins
        self.slow_login_seconds, self.close_channels = healthy.slow_login_seconds, healthy.close_channels
        self.maximum_connections, self.cut_after_bytes = None, None
        self.short_reads, self.size_lie, self.denied_paths = None, healthy.size_lie, healthy.denied_paths
        self.endless_folders, self.garbled_folders = healthy.endless_folders, healthy.garbled_folders
        self.hide_types = healthy.hide_types

    async def delay(self, kind: str) -> None:
        """Hold one request back as long as the faults say."""
        if self.slow_seconds:
            await asyncio.sleep(self.slow_seconds)
        while kind in self._stalled:
            await self._resumed.wait()

    def is_denied(self, path: str) -> bool:
        """Tell whether access to a path (from the user's root, without leading slash) is denied."""
        return any(path == denied or path.startswith(denied + "/") for denied in self.denied_paths)

    def limit_read(self, size: int) -> int:
        """Return the number of bytes for the answer to one read."""
        return size if self.short_reads is None else min(size, self.short_reads)

    def must_cut(self, size: int) -> bool:
        """Count bytes before they are read; return whether the connection must be cut instead."""
        if self.cut_after_bytes is None:
            return False
        self.cut_after_bytes -= size
        return self.cut_after_bytes < 0
