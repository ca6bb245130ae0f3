"""The facts by which the health of the bot is judged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from utils.models.backups import BackupState
from utils.models.game_log import LogReading
from utils.models.incident_kinds import IncidentKind
from utils.models.incidents import CheckState, Incident
from utils.models.scope import GuildId, ServerScope
from utils.models.servers import ConnectionState
from utils.models.texts import Text

EXPLAINED = frozenset({ConnectionState.PAUSED, ConnectionState.REFUSED, ConnectionState.NO_LOGS})
"""States whose reason the admins know: they paused the server, or an alert said it."""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The latest result of a check: its worst finding.

    Attributes:
        since: since when it is in this state.
    """

    state: CheckState
    since: datetime
    said: Text


@dataclass(frozen=True, slots=True)
class ShardConnection:
    """The connection of a shard to Discord's gateway, as it is now.

    Attributes:
        latency_seconds: of the last answered heartbeat; not finite before the first one.
    """

    shard: int
    is_open: bool
    latency_seconds: float


@dataclass(frozen=True, slots=True)
class ServerReading:
    """How a game server is read, from memory alone.

    Attributes:
        is_importing: its history is being imported.
        log: how its Deadside.log is; None before that was read.
    """

    scope: ServerScope
    name: str
    state: ConnectionState
    last_read_at: datetime | None
    lag_seconds: float | None = None
    is_importing: bool = False
    log: LogReading | None = None

    @property
    def is_explained(self) -> bool:
        """Tell whether nobody has to be told that it is not read: the reason is known."""
        return self.is_importing or self.state in EXPLAINED


@dataclass(frozen=True, slots=True)
class OutboxState:
    """The posts that wait.

    Attributes:
        entries: by guild, how many there are.
        oldest_seconds: by guild, how long the oldest one waits whose channel can be used.
    """

    entries: Mapping[GuildId, int] = field(default_factory=dict)
    oldest_seconds: Mapping[GuildId, float] = field(default_factory=dict)

    @property
    def longest_seconds(self) -> float:
        """The longest wait."""
        return max(self.oldest_seconds.values(), default=0.0)


@dataclass(frozen=True, slots=True)
class DirectState:
    """The direct messages that wait.

    Attributes:
        waiting: how many there are.
        oldest_seconds: how long the oldest one waits that its member may get.
        is_resting: Discord limits the bot, so it sends none for some minutes.
    """

    waiting: int = 0
    oldest_seconds: float = 0.0
    is_resting: bool = False


@dataclass(frozen=True, slots=True)
class CommandShare:
    """The commands of the last 24 hours since the start of this process."""

    answered: int = 0
    failed: int = 0

    @property
    def used(self) -> int:
        """How many were used."""
        return self.answered + self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class GuildHealth:
    """The health of the bot as the admins of a guild see it, from memory alone.

    Attributes:
        checked_at: when the checks ran last; None: they have not run yet.
        checks: of the database and of Discord, while they are known.
        waiting: posts that wait.
        backups: the state of backups; None: another process makes them, or it is not known yet.
        troubles: its open incidents.
    """

    checked_at: datetime | None
    checks: Mapping[IncidentKind, CheckReport]
    servers: tuple[ServerReading, ...]
    waiting: int
    oldest_seconds: float
    commands: CommandShare
    backups: BackupState | None
    troubles: tuple[Incident, ...]


@dataclass(frozen=True, slots=True)
class LeaseState:
    """The lease of a shard.

    Attributes:
        is_own: this process holds it.
        expires_at: in the past if no process holds it.
    """

    shard: int
    is_own: bool
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BotHealth:
    """The health of the whole bot, for its owners.

    Attributes:
        checks: all of them.
        waiting: posts that wait in all guilds of this process.
        tasks: how many background tasks there are, and how many of them keep failing.
        leases: of all shards; None while the database is away.
        errors: groups of errors that are open, and how many of them are new in 24 hours; None as above.
        locales: uses in all guilds of all processes in this month, by the locale of Discord; None as above.
        troubles: the open incidents of the whole bot.
    """

    checks: Mapping[IncidentKind, CheckReport]
    waiting: int
    oldest_seconds: float
    commands: CommandShare
    tasks: tuple[int, int]
    leases: tuple[LeaseState, ...] | None
    errors: tuple[int, int] | None
    locales: Mapping[str, int] | None
    troubles: tuple[Incident, ...]
