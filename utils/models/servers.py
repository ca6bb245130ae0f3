"""Game servers: how they are reached, what is switched, and how reading them goes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from utils.models.coded_texts import CodedText, sentence
from utils.models.deaths import DeathKind
from utils.models.guilds import ChannelKind
from utils.models.reading import FoundLogs
from utils.models.scope import ChannelId, ServerScope
from utils.models.texts import Text, Value, plural


def count_game_servers(count: int) -> Text:
    """Return how many there are: ``2 game servers``."""
    return plural("{count} game server", "{count} game servers", count)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a login proves itself with: a password, a private key (OpenSSH or PEM text), or both.

    A key locked with a passphrase is refused. Lives only as long as a connection needs it, is stored as
    ``EncryptedSecret`` alone, and never shows itself.
    """

    password: str | None = None
    private_key: str | None = None

    def __repr__(self) -> str:
        """Show which secrets there are and nothing of them."""
        kept = [name for name in ("password", "private_key") if getattr(self, name) is not None]
        return f"Credentials({', '.join(f'{name}=***' for name in kept)})"


@dataclass(frozen=True, slots=True)
class EncryptedSecret:
    """A password and/or private key, encrypted at rest (``utils.secrets``); opaque to everyone else."""

    ciphertext: bytes

    def __repr__(self) -> str:
        """Show that there is a secret and nothing of it."""
        return "EncryptedSecret(***)"


@dataclass(frozen=True, slots=True)
class GameServer:
    """A game server that a guild has added.

    Attributes:
        number: the hoster's small server number as in the folder ``{host}_{number}``; may be absent.
        base_path: the folder below the login's root that holds ``actual1``; found by looking when None.
        timezone: IANA name of the zone of the times in its logs.
        legacy: opt-in to the algorithms of old SSH servers.
        host_key: the pinned host key, in OpenSSH's ``algorithm base64`` form.
        log_folder: where its logs were found last, as the host names it; None before that.
        silenced: what is not posted, by name (``NoticeKind.silenceable``); a class that is new is posted.
        generation: which generation of counters is shown; an import switches it with one write.
        is_paused: over the premium limit, so it is not read; never deleted.
    """

    scope: ServerScope
    name: str
    host: str
    port: int
    username: str
    secret: EncryptedSecret
    number: int | None = None
    base_path: str | None = None
    timezone: str = "UTC"
    legacy: bool = False
    host_key: str | None = None
    log_folder: str | None = None
    silenced: frozenset[str] = frozenset()
    generation: int = 0
    is_paused: bool = False
    added_at: datetime | None = None
    channels: Mapping[ChannelKind, ChannelId] = field(default_factory=dict)

    @property
    def posted_deaths(self) -> frozenset[DeathKind]:
        """The classes of death that are posted where there is a channel."""
        return frozenset(kind for kind in DeathKind if kind not in self.silenced)


class ConnectionState(StrEnum):
    """How the connection to a game server stands, as shown to people."""

    UNKNOWN = "unknown"
    CONNECTED = "connected"
    RETRYING = "retrying"
    REFUSED = "refused"
    NO_LOGS = "no logs"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class LogHealth:
    """How reading a log goes that lies beside a server's death log.

    Attributes:
        log: what people call it.
    """

    log: Text
    state: ConnectionState = ConnectionState.UNKNOWN
    problem: Text | None = None


@dataclass(frozen=True, slots=True)
class ServerHealth:
    """What ``/killfeed status`` shows of reading one server.

    Attributes:
        lines_read: whole lines read since the server was added.
        lines_rejected: those that could not be read.
        problem: the last failure; None while all is well. It is stored as a code and facts (``Problem``).
        lag_seconds: from the poll before the last row to its arrival; None before the first row.
        next_try_at: while it fails: when it is tried next; None while it is tried, or waits for a person. Not
            stored.
        others: of the logs beside the death log, which all the rest is about. Not stored.
    """

    scope: ServerScope
    state: ConnectionState = ConnectionState.UNKNOWN
    problem: Text | None = None
    last_read_at: datetime | None = None
    last_kill_at: datetime | None = None
    lag_seconds: float | None = None
    lines_read: int = 0
    lines_rejected: int = 0
    next_try_at: datetime | None = None
    others: tuple[LogHealth, ...] = ()

    @property
    def is_well(self) -> bool:
        """Tell whether no log suffers from anything."""
        return self.problem is None and all(one.problem is None for one in self.others)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What is known to be in the way of connecting to a server.

    Attributes:
        matter: equal for all servers of a guild that suffer from the same thing, so that it is told once.
        next_try_at: None while it is tried, or when only a person can mend it.
    """

    matter: str
    next_try_at: datetime | None


@dataclass(frozen=True, slots=True)
class ConnectionCount:
    """Connections to game hosts that a guild has now, and how many of its requests wait for one."""

    opened: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class HostKey:
    """A host's public key in OpenSSH's ``algorithm base64`` form, and how ``ssh-keygen -l`` prints it."""

    text: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class HostKeys:
    """The key a server was pinned to, and the one its host shows now.

    Attributes:
        shown: None while the host cannot be asked; ``problem`` tells why.
    """

    pinned: HostKey | None
    shown: HostKey | None
    problem: Text | None = None

    @property
    def is_changed(self) -> bool:
        """Tell whether the host shows another key than the pinned one."""
        return self.shown is not None and self.shown != self.pinned


class WayStep(CodedText):
    """The steps of testing the way to a server's logs; the audit keeps the code of one that failed."""

    UNDERSTOOD = sentence("As understood")
    REACH = sentence("Reach the host")
    HANDSHAKE = sentence("SSH handshake")
    HOST_KEY = sentence("Host key")
    LOGIN = sentence("Login")
    CONNECTION = sentence("Connection")
    FIND_LOGS = sentence("Find the death logs")
    READ_NEWEST = sentence("Read the newest log")
    OTHER_SERVERS = sentence("Other servers")


def name_step(code: str) -> Value:
    """Return what the step of a code is called; the code itself where it is not known any more."""
    return next((step.say() for step in WayStep if step.code == code), code)


@dataclass(frozen=True, slots=True)
class CheckStep:
    """One step of testing the way to a server's logs: what was tried, and what came of it."""

    name: WayStep
    ok: bool
    detail: Text


@dataclass(frozen=True, slots=True)
class WayCheck:
    """What a test of the way to a server's logs found.

    Attributes:
        steps: what was tried, up to the first failure.
        host_key: the key the host showed; None when the login did not come so far.
        logs: what was found; None when the test failed.
    """

    steps: tuple[CheckStep, ...]
    host_key: str | None = None
    logs: FoundLogs | None = None

    @property
    def failure(self) -> CheckStep | None:
        """Return the step that failed; None when the whole way works."""
        return next((step for step in self.steps if not step.ok), None)
