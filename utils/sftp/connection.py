"""One SSH connection with its SFTP channel, for the pool."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import asyncssh

from utils.errors import (
    ConnectionLostError,
    LoginRefusedError,
    NoSshServerError,
    RemoteError,
    RemoteTimeoutError,
)
from utils.models.scope import GuildId
from utils.sftp.addresses import Address, is_public
from utils.sftp.algorithms import choose_algorithms
from utils.sftp.channel import FOREIGN_TEXT, Pay, open_channel
from utils.sftp.dialling import Dialler
from utils.sftp.failures import (
    build_closed_door_error,
    build_hang_up_error,
    build_held_up_error,
    build_second_factor_error,
    build_silent_names_error,
    map_remote_errors,
)
from utils.sftp.gate import Allowances, Gate
from utils.sftp.host_keys import HostKeyPin, get_key_type
from utils.sftp.login import HostLogin, PoolLimits
from utils.sftp.names import NameResolver
from utils.sftp.private_keys import read_private_key

ANY_HOST_KEY: tuple[list[str], list[str], list[str]] = ([], [], [])
"""No file of known hosts: ``HostKeyPin`` decides."""

KEEPALIVES_UNANSWERED = 3  # a host may miss one or two under load
FAIR_PART = 0.5  # of the time for a login: a host has at least this long before it counts as silent


def quieten_library_logs() -> None:
    """Keep asyncssh's records of connections (user names, paths, packets) out of the logs."""
    logging.getLogger("asyncssh").setLevel(logging.WARNING)


@dataclass(slots=True)
class HostConnection:
    """An open, logged-in connection. ``sftp`` may be used by several loans at once."""

    address: str
    host_key: str
    sftp: asyncssh.SFTPClient
    ssh: asyncssh.SSHClientConnection
    pin: HostKeyPin
    is_broken: bool = False

    @property
    def is_usable(self) -> bool:
        """Tell whether it may be lent; a host that vanished silently is noticed only by a request."""
        return not (self.is_broken or self.pin.is_lost or self.ssh.is_closed())

    @property
    def fault(self) -> ConnectionLostError | None:
        """Return why the bot ended the connection, if the host gave a reason for it."""
        return ConnectionLostError(self.pin.fault.say(host=self.address)) if self.pin.fault else None

    async def close(self, timeout_seconds: float) -> None:
        """Close the connection and wait for its socket to close; cut it off if the host does not answer."""
        if self.is_broken:
            self.ssh.abort()
        self.is_broken = True
        self.ssh.close()
        try:
            async with asyncio.timeout(timeout_seconds):
                await self.ssh.wait_closed()
        except TimeoutError:
            self.ssh.abort()
            await self.ssh.wait_closed()


class Connector:
    """Opens connections for guilds.

    Args:
        names: finds the addresses of hosts; by default by the system's look-up.
        is_public: tells whether an address may be used if private ones may not.
    """

    def __init__(
        self,
        limits: PoolLimits,
        *,
        names: NameResolver | None = None,
        is_public: Callable[[Address], bool] = is_public,
    ) -> None:
        self._limits = limits
        self._names = names or NameResolver()
        self._is_public = is_public
        self._allowances = Allowances(limits)

    async def open(self, guild_id: GuildId, login: HostLogin) -> HostConnection:
        """Find the host, connect, check its key, log in and open the SFTP channel.

        Raises:
            RemoteError: the part of the tree that ``utils.sftp.failures`` lists, and HostKeyChangedError.
        """
        pin = HostKeyPin(login.host_key, login.credentials.password)
        dialler: Dialler | None = None
        try:
            with map_remote_errors(login.address, legacy=login.legacy):
                async with asyncio.timeout(self._limits.connect_timeout_seconds):
                    addresses = await self._names.resolve(guild_id, login.host)
                    dialler = Dialler(
                        addresses,
                        self._may_connect,
                        lambda factory: Gate(factory, guild_id, self._allowances, pin.note_fault),
                    )
                    ssh = await _connect(login, self._limits, pin, dialler)
                    return await _start_sftp(login, ssh, pin, partial(self._allowances.pay, guild_id))
        except RemoteError as error:
            fair_seconds = self._limits.connect_timeout_seconds * FAIR_PART
            explained = _explain(error, login, pin, dialler, fair_seconds=fair_seconds)
            if not (self._limits.allow_private_hosts or pin.has_greeted):
                explained = build_closed_door_error(login.address, explained)
            if explained is error:
                raise
            raise explained from error

    def _may_connect(self, address: Address) -> bool:
        return self._limits.allow_private_hosts or self._is_public(address)


def _explain(
    error: RemoteError, login: HostLogin, pin: HostKeyPin, dialler: Dialler | None, *, fair_seconds: float
) -> RemoteError:
    """Return the error of connecting, explained by what the host had sent by then."""
    if pin.fault is not None:
        return ConnectionLostError(pin.fault.say(host=login.address))
    if isinstance(error, LoginRefusedError) and pin.asked_for_more:
        return build_second_factor_error(login.address)
    if pin.pinned is not None and pin.offered not in (None, pin.pinned):
        return pin.build_changed_error(login.address)
    is_late = isinstance(error, ConnectionLostError | RemoteTimeoutError)
    if is_late and dialler is not None and dialler.has_held_up:
        return build_held_up_error(login.address)
    if pin.offered is not None:
        return error
    was_asked = dialler is not None and dialler.count_seconds() >= fair_seconds
    return _explain_early(error, login, pin, was_asked=was_asked)


def _explain_early(error: RemoteError, login: HostLogin, pin: HostKeyPin, *, was_asked: bool) -> RemoteError:
    """Return the error before the host showed its key: it is of the host if the host had time to answer."""
    if isinstance(error, ConnectionLostError):
        return build_hang_up_error(login.address, has_greeted=pin.has_greeted, legacy=login.legacy)
    if isinstance(error, RemoteTimeoutError) and not was_asked:
        return build_silent_names_error(login.host)
    if isinstance(error, RemoteTimeoutError | NoSshServerError):
        error.is_of_host = True
    return error


async def _connect(
    login: HostLogin, limits: PoolLimits, pin: HostKeyPin, dialler: Dialler
) -> asyncssh.SSHClientConnection:
    """Log in with the secret of the login only: no files, keys or agents of this machine."""
    key = read_private_key(login.credentials)
    return await asyncssh.connect(
        login.host,
        login.port,
        tunnel=dialler,
        username=login.username,
        client_keys=[key] if key else None,
        agent_path=None,
        config=None,
        utf8_decode_errors=FOREIGN_TEXT,
        known_hosts=ANY_HOST_KEY,
        client_factory=lambda: pin,
        gss_host=None,
        x509_trusted_certs=None,
        keepalive_interval=limits.keepalive_seconds,
        keepalive_count_max=KEEPALIVES_UNANSWERED,
        login_timeout=limits.connect_timeout_seconds,
        **choose_algorithms(
            legacy=login.legacy, pinned_type=get_key_type(login.host_key) if login.host_key else None
        ),
    )


async def _start_sftp(
    login: HostLogin, ssh: asyncssh.SSHClientConnection, pin: HostKeyPin, pay: Pay
) -> HostConnection:
    """Open the SFTP channel; a connection without a channel is cut off."""
    try:
        sftp = await open_channel(ssh, pay)
    except BaseException:
        ssh.abort()
        raise
    return HostConnection(address=login.address, host_key=pin.offered or "", sftp=sftp, ssh=ssh, pin=pin)
