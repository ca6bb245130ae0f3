"""Access: opens the logs of a stored game server, and tests the way to them."""

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from utils.clock import Clock
from utils.errors import HostKeyChangedError, LogsMissingError, RemoteError
from utils.models.scope import GuildId, ServerScope
from utils.models.servers import (
    ConnectionCount,
    Credentials,
    EncryptedSecret,
    GameServer,
    HostKey,
    HostKeys,
    Obstacle,
    WayCheck,
)
from utils.sftp.checkup import check_server
from utils.sftp.discovery import find_death_logs, find_real_folder
from utils.sftp.game_log import GameLogFile, place_game_log
from utils.sftp.host_keys import NO_HOST_KEY, compute_fingerprint
from utils.sftp.login import HostLogin
from utils.sftp.pool import SftpConnectionPool
from utils.sftp.session import SftpSession
from utils.sftp.tail import DeathLogTail, TailMemory

LOOK_AGAIN_SECONDS = 60.0  # a folder without logs is searched for again: the logs may appear in another one


class SecretReader(Protocol):  # implemented by SecretBox
    """Decryption of logins."""

    def decrypt(self, scope: ServerScope, secret: EncryptedSecret) -> Credentials:
        """Return the login of one server; ``SecretError`` if the key does not fit."""

    def forget(self, scope: ServerScope) -> None:
        """Stop keeping the login of a server out of logs."""

    def trying(self, guild_id: GuildId, credentials: Credentials) -> AbstractContextManager[None]:
        """Return a context in which a typed login is kept out of logs."""


@dataclass(frozen=True, slots=True)
class _Place:
    """The folder of a server's logs, the state of reading them, and the time of the search.

    Attributes:
        real_folder: the folder as its host names it, links resolved.
        found_at: the time of the search, by the monotonic clock.
    """

    folder: str
    real_folder: str
    found_at: float
    memory: TailMemory = field(default_factory=TailMemory)

    def is_due(self, now: float) -> bool:
        """Tell whether to search for it again: once a minute, as long as it holds no log."""
        return not self.memory.sizes and now - self.found_at >= LOOK_AGAIN_SECONDS


@dataclass(slots=True)
class _Remembered:
    """The state of a server between polls.

    Attributes:
        game_log: the path of Deadside.log, once the death logs were found; it stays if they are gone.
    """

    login: HostLogin
    place: _Place | None = None
    game_log: str | None = None


class DeathLogAccess:
    """Opens the logs of game servers over the pool.

    Args:
        pool: lends the connections.
        secrets: decrypts logins; a decrypted login is held as long as its server is read.
    """

    def __init__(self, pool: SftpConnectionPool, secrets: SecretReader, *, clock: Clock) -> None:
        self._pool = pool
        self._secrets = secrets
        self._clock = clock
        self._remembered: dict[ServerScope, _Remembered] = {}

    @asynccontextmanager
    async def open(self, server: GameServer, *, guild_limit: int) -> AsyncIterator[DeathLogTail]:
        """Lend the logs of a server for one poll or one import.

        Raises:
            RemoteError: the host, the login or the folder fails.
            SecretError: the login cannot be decrypted.
        """
        known = self._remember(server)
        async with self._pool.lend(server.scope.guild_id, known.login, guild_limit=guild_limit) as session:
            place = await self._find_place(session, server, known)
            local_now = self._compute_local_time(server)
            try:
                yield DeathLogTail(
                    session, place.folder, place.memory, clock=self._clock, local_now=local_now
                )
            except LogsMissingError:
                known.place = None  # they may be in another folder at the next try
                raise

    @asynccontextmanager
    async def open_game_log(
        self, server: GameServer, *, guild_limit: int
    ) -> AsyncIterator[GameLogFile | None]:
        """Lend Deadside.log for one poll; None before the death logs were found, which tell its place.

        Raises:
            RemoteError: the host or the login fails.
            SecretError: the login cannot be decrypted.
        """
        known = self._remember(server)
        if known.game_log is None:
            yield None
            return
        async with self._pool.lend(server.scope.guild_id, known.login, guild_limit=guild_limit) as session:
            yield GameLogFile(session, known.game_log)

    async def _find_place(self, session: SftpSession, server: GameServer, known: _Remembered) -> _Place:
        """Return the folder of a server's logs; search for it if it is unknown, or had no logs for long."""
        now, place = self._clock.monotonic(), known.place
        if place is None or place.is_due(now):
            folder = await find_death_logs(
                session, base_path=server.base_path, host=server.host, number=server.number
            )
            memory = place.memory if place is not None and place.folder == folder else TailMemory()
            known.place = place = _Place(folder, await find_real_folder(session, folder), now, memory)
            known.game_log = place_game_log(folder)
        return place

    def get_log_folder(self, scope: ServerScope) -> str | None:
        """Return the folder in which the logs of a server were found, as its host names it."""
        known = self._remembered.get(scope)
        return None if known is None or known.place is None else known.place.real_folder

    def forget(self, scope: ServerScope) -> None:
        """Drop the login, folder and sizes of a server, and the connection that only it used."""
        known = self._remembered.pop(scope, None)
        if known is not None:
            self._retire(scope.guild_id, known.login)
        self._secrets.forget(scope)

    def forget_guild(self, guild_id: GuildId) -> None:
        """Drop the state of a guild's servers."""
        for scope in [scope for scope in self._remembered if scope.guild_id == guild_id]:
            self.forget(scope)

    def let_go(self, server: GameServer) -> None:
        """Close the connections of a test, unless a server that is read needs them."""
        self._retire(server.scope.guild_id, _join_login(server, Credentials()))

    def renew(self, scope: ServerScope) -> None:
        """Drop the state of a server, and allow its login to be tried again although it was refused."""
        known = self._remembered.pop(scope, None)
        if known is not None:
            self._pool.breakers.forgive(scope.guild_id, known.login)

    def find_obstacle(self, scope: ServerScope) -> Obstacle | None:
        """Return the known reason why a server cannot be connected to, if there is one."""
        known = self._remembered.get(scope)
        if known is None:
            return None
        return self._pool.breakers.find_obstacle(scope.guild_id, known.login)

    async def wait_for_way(self, scope: ServerScope, *, guild_limit: int) -> None:
        """Wait until the obstacle of a server changes; return at once if there is none."""
        known = self._remembered.get(scope)
        if known is not None:
            await self._pool.breakers.wait(scope.guild_id, known.login, guild_limit=guild_limit)

    def count_connections(self, guild_id: GuildId) -> ConnectionCount:
        """Return how many connections a guild has, and how many of its requests wait for one."""
        return self._pool.count(guild_id)

    async def check(
        self, server: GameServer, *, guild_limit: int, credentials: Credentials | None = None
    ) -> WayCheck:
        """Try the way to a server's logs, with the login that was just typed, or else with the stored one.

        A connection that was made only for this stays open only if the server will be read now.
        """
        if credentials is None:
            return await self._check(server, self._build_login(server), guild_limit)
        with self._secrets.trying(server.scope.guild_id, credentials):
            return await self._check(server, _join_login(server, credentials), guild_limit)

    async def _check(self, server: GameServer, login: HostLogin, guild_limit: int) -> WayCheck:
        loan = self._pool.lend(server.scope.guild_id, login, guild_limit=guild_limit, is_forced=True)
        check = await check_server(loan, login=login, base_path=server.base_path, number=server.number)
        if server.is_paused or check.failure is not None:
            self._retire(server.scope.guild_id, login)
        return check

    async def read_host_keys(self, server: GameServer, *, guild_limit: int) -> HostKeys:
        """Return the pinned key, and the key that the host shows now, if it can be asked."""
        login = self._build_login(server)
        pinned = _describe_key(server.host_key) if server.host_key else None
        try:
            async with self._pool.lend(
                server.scope.guild_id, login, guild_limit=guild_limit, is_forced=True
            ) as session:
                return HostKeys(pinned, _describe_key(session.host_key))
        except HostKeyChangedError as error:
            return HostKeys(pinned, _describe_key(error.offered))
        except RemoteError as error:
            return HostKeys(pinned, None, error.said)
        finally:
            if server.is_paused:
                self._retire(server.scope.guild_id, login)

    def _retire(self, guild_id: GuildId, login: HostLogin) -> None:
        """Close the idle connections of an account, unless a server that is read uses it."""
        used = (one.login for scope, one in self._remembered.items() if scope.guild_id == guild_id)
        if not any(login.is_same_account(other) for other in used):
            self._pool.retire(guild_id, login)

    def _remember(self, server: GameServer) -> _Remembered:
        known = self._remembered.get(server.scope)
        if known is None:
            known = self._remembered[server.scope] = _Remembered(self._build_login(server))
        return known

    def _build_login(self, server: GameServer) -> HostLogin:
        """Return the stored login. It is for the pinned key only: without a key no host is trusted."""
        login = _join_login(server, self._secrets.decrypt(server.scope, server.secret))
        return replace(login, host_key=server.host_key or NO_HOST_KEY)

    def _compute_local_time(self, server: GameServer) -> datetime:
        return self._clock.now().astimezone(server.zone)


def _join_login(server: GameServer, credentials: Credentials) -> HostLogin:
    return HostLogin(
        host=server.host,
        port=server.port,
        username=server.username,
        credentials=credentials,
        legacy=server.legacy,
        host_key=server.host_key,
    )


def _describe_key(text: str) -> HostKey:
    return HostKey(text, compute_fingerprint(text))
