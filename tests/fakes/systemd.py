"""A stand-in for systemd: the socket to which a service sends its word."""

import socket
from pathlib import Path


class FakeSystemd:
    """The socket at which systemd listens."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(str(path))

    def read(self) -> list[str]:
        """Return the datagrams that have come since the last look."""
        found = []
        while True:
            try:
                found.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return found

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()
