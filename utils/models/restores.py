"""Restores: what is known of one while it is under way, and what it will change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from utils.models.scope import GuildId
from utils.models.texts import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreFacts:
    """A restore whose data is in place, for the work that follows it.

    Attributes:
        backup_id: the backup that is restored.
        taken_at: the moment of the backup.
        began_at: when the restore began.
        guild_id: the one guild that is restored; None for the whole database.
        is_same_version: the data of before was of the version of the backup.
        has_replaced: the data of before can be read, in collections that are named ``replaced.…``.
        token: that of the lease under which the backup was loaded; a part of the names of its collections.
    """

    backup_id: str
    taken_at: datetime
    began_at: datetime
    guild_id: GuildId | None
    is_same_version: bool
    has_replaced: bool
    token: int

    @property
    def is_readable(self) -> bool:
        """Tell whether this bot can read the data of before."""
        return self.has_replaced and self.is_same_version


@dataclass(frozen=True, slots=True)
class RestoreGap:
    """The deaths of the data of before that the backup does not have.

    Attributes:
        deaths: the number of those that are read again from the logs, as far as the hosts still have them;
            None if the data of before cannot be read.
        gone: the number of those of game servers that the backup does not know, so nothing reads their logs.
        servers: the number of these game servers.
    """

    deaths: int | None = None
    gone: int = 0
    servers: int = 0


@dataclass(frozen=True, slots=True)
class Losses:
    """The data that is newer than a backup, and goes with its restore.

    Attributes:
        rows: the documents by what they are, as JSON; each list is cut at a limit.
        counts: the number of all of them, by the same names; None if they cannot be read.
    """

    rows: Mapping[str, Sequence[Mapping[str, Any]]]
    counts: Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """The changes that a restore will make.

    Attributes:
        backup_id: the backup.
        taken_at: the moment of the backup.
        data_version: the version of the data in it.
        documents: the number of documents by collection, now (None if they cannot be read) and then.
        losses: the data that is newer than the backup.
    """

    backup_id: str
    taken_at: datetime
    data_version: int
    documents: Mapping[str, tuple[int | None, int]]
    losses: Losses


@dataclass(frozen=True, slots=True)
class RestoreOutcome:
    """A restore that an owner asked for in Discord.

    Attributes:
        seconds: how long it took.
        problem: why it failed; None if it is done.
    """

    backup_id: str
    seconds: float
    problem: Text | None = None
