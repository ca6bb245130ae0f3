"""The facts by which the health of the bot is judged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from utils.models.incidents import CheckState
from utils.models.scope import GuildId, ServerScope
from utils.models.texts import Text


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
    """A game server that should be read now, and when it was read last.

    Attributes:
        is_explained: its admins know the reason already, or its history is being imported.
    """

    scope: ServerScope
    name: str
    last_read_at: datetime | None
    lag_seconds: float | None = None
    is_explained: bool = False


@dataclass(frozen=True, slots=True)
class OutboxState:
    """The posts that wait.

    Attributes:
        entries: how many there are.
        oldest_seconds: by guild, how long the oldest one waits whose channel can be used.
    """

    entries: int = 0
    oldest_seconds: Mapping[GuildId, float] = field(default_factory=dict)

    @property
    def longest_seconds(self) -> float:
        """The longest wait."""
        return max(self.oldest_seconds.values(), default=0.0)
