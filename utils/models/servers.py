"""Game servers: how they are reached, what is switched, and how reading them goes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from utils.models.deaths import DeathKind, LogFile
from utils.models.guilds import ChannelKind
from utils.models.scope import ChannelId, ServerScope


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
        announced: the classes of death that are posted.
        generation: which generation of counters is shown; an import switches it with one write.
        is_paused: over the premium limit, neither read nor posted; never deleted.
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
    announced: frozenset[DeathKind] = frozenset(DeathKind)
    generation: int = 0
    is_paused: bool = False
    added_at: datetime | None = None
    channels: Mapping[ChannelKind, ChannelId] = field(default_factory=dict)


class ConnectionState(StrEnum):
    """How the connection to a game server stands, as shown to people."""

    UNKNOWN = "unknown"
    CONNECTED = "connected"
    RETRYING = "retrying"
    REFUSED = "refused"
    NO_LOGS = "no logs"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class ServerHealth:
    """What ``/killfeed status`` shows of reading one server.

    Attributes:
        lines_read: whole lines read since the server was added.
        lines_rejected: those that could not be read.
        problem: the sentence of the last failure; None while all is well.
        lag_seconds: from the poll before the last row to its arrival; None before the first row.
    """

    scope: ServerScope
    state: ConnectionState = ConnectionState.UNKNOWN
    problem: str | None = None
    last_read_at: datetime | None = None
    last_kill_at: datetime | None = None
    lag_seconds: float | None = None
    lines_read: int = 0
    lines_rejected: int = 0


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where reading of one log file stands; durable, moved in the same transaction as the data.

    Attributes:
        offset: everything before this byte is stored; always just behind a newline.
        head: the file's first bytes (at most ``HEAD_BYTES``, never beyond ``offset``); another head means
            another file under the same name.
        history_end: bytes before this are history (silent); an import fixes it at its start.
    """

    file: LogFile
    offset: int = 0
    head: bytes = b""
    history_end: int = 0


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A rejected line with its place, as kept for admins (the newest; text cut to 300 characters)."""

    file: LogFile
    offset: int
    line: str
    reason: str
    seen_at: datetime
