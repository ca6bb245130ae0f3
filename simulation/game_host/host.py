"""A game host: an SFTP server over a folder, with all faults of real ones."""

import asyncio
import itertools
import logging
import os
import socket
import stat
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import asyncssh

from simulation.game_host.faults import HostFaults
from simulation.game_host.log_files import GameServerFiles
from utils.models.servers import Credentials
from utils.sftp.host_keys import format_host_key
from utils.sftp.login import HostLogin

MODERN_KEY = "ssh-ed25519"
LEGACY_KEY = "ssh-rsa"
LEGACY_ALGORITHMS = {
    "kex_algs": ["diffie-hellman-group14-sha1"],
    "encryption_algs": ["aes256-cbc", "aes128-cbc"],
    "mac_algs": ["hmac-sha1"],
    "signature_algs": ["ssh-rsa"],
}
"""The algorithms of an old server, and no others."""


@dataclass(frozen=True, slots=True)
class HostUser:
    """A user who may log in, and their folder below the host's root.

    Attributes:
        password: None for logins by key only.
        public_keys: public keys in OpenSSH's one-line form.
    """

    password: str | None = None
    public_keys: tuple[str, ...] = ()
    folder: str = ""


class GameHost:
    """An SFTP server on 127.0.0.1 with its own host key; every user is locked into a folder.

    Attributes:
        port: 0 before the first start, then the same for all starts; no other process gets it between them.
        requests: the number of SFTP requests of each kind (``stat``, ``open``, ``read``, ...).
        connections_opened: TCP connections accepted since the beginning.
        offered: received user names and passwords, right or wrong, in order.
    """

    address = "127.0.0.1"

    def __init__(
        self,
        root_folder: Path,
        users: Mapping[str, str | HostUser],
        *,
        is_legacy: bool = False,
        port: int = 0,
    ) -> None:
        logging.getLogger("asyncssh").setLevel(logging.WARNING)
        self.root_folder = root_folder
        self.users = {
            name: user if isinstance(user, HostUser) else HostUser(password=user)
            for name, user in users.items()
        }
        self.is_legacy = is_legacy
        self.port = port
        self.faults = HostFaults()
        self.requests: Counter[str] = Counter()
        self.connections_opened = 0
        self.offered: list[tuple[str, str]] = []
        self._open: set[asyncssh.SSHServerConnection] = set()
        self._changed = asyncio.Event()
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._is_down = True
        self._place: socket.socket | None = None
        self._key = self._make_key()

    def __repr__(self) -> str:
        """Show its address and its number of connections."""
        state = "up" if self._acceptor else "down"
        return f"<GameHost {self.address}:{self.port} {state}, connections: {self.connections}>"

    @property
    def is_up(self) -> bool:
        """Tell whether it listens."""
        return self._acceptor is not None

    @property
    def connections(self) -> int:
        """Return how many connections are open now."""
        return len(self._open)

    @property
    def host_key(self) -> str:
        """Return the public host key as ``algorithm base64``."""
        return format_host_key(self._key)

    def open_files(self, number: int, *, with_platforms: bool = False) -> GameServerFiles:
        """Return the files of the game server with a number."""
        return GameServerFiles(
            self.root_folder, host=self.address, number=number, with_platforms=with_platforms
        )

    def login(self, username: str, *, host_key: str | None = None, legacy: bool = False) -> HostLogin:
        """Return a user's login by password, as the bot stores it."""
        return HostLogin(
            host=self.address,
            port=self.port,
            username=username,
            credentials=Credentials(password=self.users[username].password),
            legacy=legacy,
            host_key=host_key,
        )

    async def start(self) -> None:
        """Listen, on the same port as before."""
        self._hold_port()
        self._is_down = False
        options = LEGACY_ALGORITHMS if self.is_legacy else {}
        self._acceptor = await asyncssh.listen(
            self.address,
            self.port,
            server_factory=lambda: _Door(self),
            server_host_keys=[self._key],
            sftp_factory=lambda channel: _Files(self, channel),
            allow_scp=False,
            config=None,
            gss_host=None,
            reuse_address=True,
            **options,
        )

    def _hold_port(self) -> None:
        """Keep the port for this host.

        A bound socket that does not listen refuses connections like a closed port. Without it, another
        process could get the port during an outage.
        """
        if self._place is None:
            self._place = socket.socket()
            self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._place.bind((self.address, self.port))
            self.port = self._place.getsockname()[1]

    async def stop(self) -> None:
        """Cut all connections and listen no more, as in an outage."""
        acceptor, self._acceptor, self._is_down = self._acceptor, None, True
        if acceptor is not None:
            acceptor.close()
        self.faults.resume()
        self.cut_connections()
        await self.wait_for_connections(0)
        if acceptor is not None:
            await acceptor.wait_closed()  # since Python 3.12 it also waits for the connections

    async def change_host_key(self) -> None:
        """Come back with another host key, as after a move to another machine."""
        await self.stop()
        self._key = self._make_key()
        await self.start()

    def send_debug_messages(self, text: str) -> None:
        """Send SSH's debug message, which has no effect, on all connections."""
        for connection in list(self._open):
            connection.send_debug(text)

    def cut_connections(self) -> None:
        """Cut all connections without a close message."""
        for connection in list(self._open):
            connection.abort()

    async def wait_for_connections(self, count: int) -> None:
        """Wait until exactly ``count`` connections are open."""
        while self.connections != count:
            await self._changed.wait()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
        if self._place is not None:
            self._place.close()
            self._place = None

    def _make_key(self) -> asyncssh.SSHKey:
        return asyncssh.generate_private_key(LEGACY_KEY if self.is_legacy else MODERN_KEY)

    def enter(self, connection: asyncssh.SSHServerConnection) -> None:
        """Note a new connection.

        Cut it off if it is above the limit, or if the host went down meanwhile.
        """
        limit = self.faults.maximum_connections
        if self._is_down or (limit is not None and self.connections >= limit):
            asyncio.get_running_loop().call_soon(connection.abort)
            return
        self.connections_opened += 1
        self._open.add(connection)
        self._note_change()

    def leave(self, connection: asyncssh.SSHServerConnection) -> None:
        """Note the end of a connection."""
        self._open.discard(connection)
        self._note_change()

    def _note_change(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


class _Door(asyncssh.SSHServer):
    """Decides about logins."""

    def __init__(self, host: GameHost) -> None:
        self._host = host
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._host.enter(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._connection is not None:
            self._host.leave(self._connection)

    async def begin_auth(self, username: str) -> bool:
        del username
        await asyncio.sleep(self._host.faults.slow_login_seconds)
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        self._host.offered.append((username, password))
        user = self._host.users.get(username)
        is_right = user is not None and user.password is not None and user.password == password
        return is_right and not self._host.faults.refuse_logins

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        user = self._host.users.get(username)
        known = {" ".join(line.split()[:2]) for line in user.public_keys} if user else set()
        return format_host_key(key) in known and not self._host.faults.refuse_logins


class _GarbledAttributes(asyncssh.SFTPAttrs):
    """Attributes that no version of the protocol has."""

    def encode(self, sftp_version: int) -> bytes:
        del sftp_version
        return b"\x7f\xff\xff\xff"


class _Files(asyncssh.SFTPServer):
    """Serves one user's folder, counts requests, and applies the faults."""

    def __init__(self, host: GameHost, channel: asyncssh.SSHServerChannel[bytes]) -> None:
        connection = channel.get_connection()
        user = host.users[connection.get_extra_info("username")]
        super().__init__(channel, chroot=str(host.root_folder / user.folder).encode())
        self._host = host
        self._faults = host.faults
        if host.faults.close_channels:
            asyncio.get_running_loop().call_soon(channel.abort)

    async def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        await self._begin("stat", path)
        return self._lie(Path(self._locate(path)).stat())  # noqa: ASYNC240 - a stat takes microseconds

    async def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        await self._begin("lstat", path)
        return self._lie(Path(self._locate(path)).lstat())  # noqa: ASYNC240 - as above

    async def realpath(self, path: bytes) -> bytes:
        await self._begin("realpath", path)
        return cast("bytes", super().realpath(path))

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        await self._begin("list", path)
        folder = os.fsencode(self._locate(path))
        names = [b".", b"..", *os.listdir(folder)]  # noqa: PTH208 - names as the bytes they are
        for name in names:
            attributes = self._lie(os.lstat(os.path.join(folder, name)))  # noqa: PTH118
            yield asyncssh.SFTPName(name, attrs=attributes)
        asked = path.decode().strip("/")
        if asked in self._faults.garbled_folders:
            yield asyncssh.SFTPName(b"garbled.csv", attrs=_GarbledAttributes())
        for number in itertools.count() if asked in self._faults.endless_folders else ():
            name = f"2024.01.01-{number:09}.csv".encode()
            yield asyncssh.SFTPName(name, attrs=asyncssh.SFTPAttrs(size=1, permissions=stat.S_IFREG))

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        await self._begin("open", path)
        return super().open(path, pflags, attrs)

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        await self._begin("read")
        data = cast("bytes", super().read(file_obj, offset, self._faults.limit_read(size)))
        if self._faults.must_cut(len(data)):
            self.connection.abort()
        return data

    async def close(self, file_obj: object) -> None:
        await self._begin("close")
        super().close(file_obj)

    async def _begin(self, kind: str, path: bytes | None = None) -> None:
        self._host.requests[kind] += 1
        await self._faults.delay(kind)
        if path is not None and self._faults.is_denied(path.decode().strip("/")):
            raise asyncssh.SFTPPermissionDenied("Permission denied")

    def _locate(self, path: bytes) -> str:
        return self.map_path(path).decode()

    def _lie(self, result: os.stat_result) -> asyncssh.SFTPAttrs:
        attributes = asyncssh.SFTPAttrs.from_local(result)
        if stat.S_ISREG(result.st_mode) and attributes.size is not None:
            attributes.size = max(0, attributes.size + self._faults.size_lie)
        if self._faults.hide_types:
            attributes.permissions = None
        return attributes
