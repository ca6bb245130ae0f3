"""Values: who logs in where, and the limits under which connections are held."""

from dataclasses import dataclass

from utils.models.servers import Credentials


@dataclass(frozen=True, slots=True)
class HostLogin:
    """A login on a game host. Equal logins of one guild share one connection, so it is hashable.

    Attributes:
        legacy: opt-in to the algorithms of old SSH servers.
        host_key: the pinned key, as ``algorithm base64``; None takes any key, to be pinned afterwards
            (for a secret that was typed just now); ``NO_HOST_KEY`` takes none.
    """

    host: str
    port: int
    username: str
    credentials: Credentials
    legacy: bool = False
    host_key: str | None = None

    def __post_init__(self) -> None:
        """Fold what DNS does not tell apart, so that equal hosts are equal."""
        object.__setattr__(self, "host", self.host.strip().lower())

    @property
    def address(self) -> str:
        """Return ``host:port``, the only part of a login that errors and logs may name."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def host_and_port(self) -> tuple[str, int]:
        """Return what tells one host from another."""
        return self.host, self.port

    @property
    def door(self) -> tuple[str, int, bool]:
        """Return what decides whether a host talks to us at all, with any login."""
        return self.host, self.port, self.legacy

    def is_same_account(self, other: "HostLogin") -> bool:
        """Tell whether both log in as the same user of the same host, with any secret and key."""
        return (self.host, self.port, self.username) == (other.host, other.port, other.username)

    def __repr__(self) -> str:
        """Show where it leads, never the secret."""
        return f"<HostLogin {self.username}@{self.address} {self.credentials!r}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolLimits:
    """How many connections there may be, and how long anything may take (settings ``sftp``).

    Attributes:
        max_connections: over all guilds; a guild's own limit comes with each loan.
        handshakes_per_host: at once, over all guilds; half of them of one guild, and one kept for the tries
            of circuits. OpenSSH drops connections from the tenth on that is not logged in yet (``MaxStartups
            10:30:100``), and people log in too.
        handshake_spacing_seconds: between the beginnings of two of them: at most 20 logins a second.
        max_loans_per_connection: SFTP carries many requests at once, but a host answers them in turn.
        wait_timeout_seconds: how long a loan waits for a connection to become free.
        try_wait_seconds: the same for the one try while a host or login is known to fail.
        operation_timeout_seconds: for one operation; for each block of a big read.
        keepalive_seconds: between questions on a quiet connection; three without an answer end it.
        check_after_idle_seconds: a connection idle for longer is asked once before it is lent again.
        close_timeout_seconds: how long a host has to say goodbye before it is cut off.
        share_of_loop: of the event loop's time, for all that a guild's hosts send.
        burst_seconds: what a guild may use of it at once; enough for half a gigabyte of logs.
        patience_seconds: how long a connection may keep its guild at that limit without a pause.
        allow_private_hosts: whether a host may be anywhere but in the public internet.
    """

    max_connections: int = 1000
    handshakes_per_host: int = 8
    handshake_spacing_seconds: float = 0.05
    max_loans_per_connection: int = 8
    connect_timeout_seconds: float = 20
    wait_timeout_seconds: float = 60
    try_wait_seconds: float = 2
    operation_timeout_seconds: float = 30
    keepalive_seconds: float = 20
    check_after_idle_seconds: float = 45
    idle_expiry_seconds: float = 300
    check_timeout_seconds: float = 5
    close_timeout_seconds: float = 3
    share_of_loop: float = 0.05
    burst_seconds: float = 1
    patience_seconds: float = 30
    allow_private_hosts: bool = True
