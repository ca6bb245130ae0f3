"""Groups of equal errors, as they are counted, stored and shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from utils.models.scope import GuildId, MemberId

TOP = 10  # the most frequent commands, tasks, servers, members or guilds that a group keeps
SAMPLES = 3  # the last errors that a group keeps


class ErrorCategory(StrEnum):
    """The parts of the bot, of its surroundings, or of its work that an error concerns."""

    COMMAND = "command"
    DATABASE = "database"
    SFTP = "sftp"
    DELIVERY = "delivery"
    DISCORD = "discord"
    RATE_LIMIT = "rate limit"
    TASK = "task"
    EVENT = "event"
    RESOURCES = "resources"
    CONFIGURATION = "configuration"
    DATA = "data"


class GroupState(StrEnum):
    """The state of a group."""

    OPEN = "open"
    RESOLVED = "resolved"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class TopCount:
    """The number of errors with one command, task, server, member or guild.

    Attributes:
        id: its name, or its id in Discord.
    """

    id: str | int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One of the last errors of a group.

    Attributes:
        correlation_id: the ``id`` of the log records that belong to it.
    """

    at: datetime
    correlation_id: str | None = None
    command: str | None = None
    server_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorGroup:
    """All equal errors of a guild, or of the whole bot.

    Attributes:
        fingerprint: its key, with the version of the way it is made: ``v2:…``.
        reference: the six characters that people see.
        error_type: the full name of the class.
        place: the innermost function.
        frames: up to five innermost functions, outermost first.
        text: the plain words of the last error; empty if its class may hold data in them.
        regressions: how often it came back after it was resolved.
        alerted_at: when the owners were told of it last.
        commands: the most frequent ones, as are ``tasks``, ``servers``, ``members`` and ``guilds``.
        guilds: of the whole bot alone, which has neither servers nor members.
        samples: the last errors, the latest last.
    """

    fingerprint: str
    reference: str
    category: ErrorCategory
    error_type: str
    place: str
    frames: tuple[str, ...] = ()
    text: str = ""
    count: int
    first_seen_at: datetime
    last_seen_at: datetime
    state: GroupState = GroupState.OPEN
    resolved_at: datetime | None = None
    resolved_by: MemberId | None = None
    regressions: int = 0
    alerted_at: datetime | None = None
    commands: tuple[TopCount, ...] = ()
    tasks: tuple[TopCount, ...] = ()
    servers: tuple[TopCount, ...] = ()
    members: tuple[TopCount, ...] = ()
    guilds: tuple[TopCount, ...] = ()
    samples: tuple[Sample, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDelta:
    """The errors of a group since the last time it was written.

    Attributes:
        hours: the number of errors by the beginning of their hour (UTC).
        commands: the number of errors by command, as are ``tasks``, ``servers``, ``members`` and ``guilds``.
    """

    guild_id: GuildId
    fingerprint: str
    reference: str
    category: ErrorCategory
    error_type: str
    place: str
    frames: tuple[str, ...]
    text: str
    count: int
    first_seen_at: datetime
    last_seen_at: datetime
    hours: Mapping[datetime, int]
    commands: Mapping[str | int, int]
    tasks: Mapping[str | int, int]
    servers: Mapping[str | int, int]
    members: Mapping[str | int, int]
    guilds: Mapping[str | int, int]
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class TroubleCount:
    """Troubles of one class in the running hour, with one host.

    Attributes:
        host: a game host, ``MongoDB`` or ``Discord``.
    """

    error_type: str
    host: str
    count: int


@dataclass(frozen=True, slots=True)
class GroupWrite:
    """More errors of a group, and the group with them.

    Attributes:
        is_new: it was not stored before.
        is_opened: it was resolved or stale before, and is open again.
        is_regressed: it came back after somebody had resolved it.
    """

    delta: GroupDelta
    group: ErrorGroup
    is_new: bool = False
    is_opened: bool = False
    is_regressed: bool = False
