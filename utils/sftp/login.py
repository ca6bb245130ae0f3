"""Values: the login at a host, and the limits of the pool."""

from dataclasses import dataclass

from utils.models.servers import Credentials


@dataclass(frozen=True, slots=True)
class HostLogin:
    """A login on a game host. Equal logins of one guild share one connection, so it is hashable.

    Attributes:
        legacy: opt-in to the algorithms of old SSH servers.
        host_key: the pinned key, as ``algorithm base64``; None accepts any key, to be pinned afterwards (for
            a secret that was just typed); ``NO_HOST_KEY`` accepts none.
    """

    host: str
    port: int
    username: str
    credentials: Credentials
    legacy: bool = False
    host_key: str | None = None

    def __post_init__(self) -> None:
        """Fold names that are equal for DNS, so that equal hosts compare equal."""
        object.__setattr__(self, "host", self.host.strip().lower())

    @property
    def address(self) -> str:
        """Return ``host:port``, the only part of a login for errors and logs."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def host_and_port(self) -> tuple[str, int]:
        """Return the key of the host."""
        return self.host, self.port

    @property
    def door(self) -> tuple[str, int, bool]:
        """Return the key of the host's circuit: the host, and whether old algorithms are offered."""
        return self.host, self.port, self.legacy

    def is_same_account(self, other: "HostLogin") -> bool:
        """Tell whether both log in as the same user of the same host, with any secret and key."""
        return (self.host, self.port, self.username) == (other.host, other.port, other.username)

    def __repr__(self) -> str:
        """Show the host and the user, never the secret."""
        return f"<HostLogin {self.username}@{self.address} {self.credentials!r}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolLimits:
    """The limits of connections and of waiting (settings ``sftp``).

    Attributes:
        max_connections: the limit over all guilds; the limit of a guild comes with each loan.
        handshakes_per_host: the limit at once, over all guilds; half of them of one guild, and one reserved
            for the tries of circuits. OpenSSH drops connections from the tenth on that are not logged in yet
            (``MaxStartups 10:30:100``), and people log in too.
        handshake_spacing_seconds: the time between the beginnings of two handshakes: at most 20 logins a
            second.
        max_loans_per_connection: SFTP carries many requests at once, but a host answers them in turn.
        wait_timeout_seconds: how long a loan waits for a connection to become free.
        try_wait_seconds: the same for the try of a circuit.
        operation_timeout_seconds: the limit for one operation, or for each block of a big read.
        keepalive_seconds: the time between keepalives on a quiet connection; three without an answer end it.
        check_after_idle_seconds: a connection idle for longer is tested before it is lent again.
        close_timeout_seconds: the time for a clean close before the connection is cut off.
        share_of_loop: the share of the event loop's time for everything that a guild's hosts send.
        burst_seconds: the seconds that a guild may use at once; enough for half a gigabyte of logs.
        patience_seconds: how long a connection may keep its guild at the limit without a pause.
        allow_private_hosts: whether a host may be outside of the public internet.
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
