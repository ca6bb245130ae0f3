"""Backups as people see them: why one is made, how far it is, and what is there."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from utils.models.texts import Text


class BackupReason(StrEnum):
    """Why a backup was made; it is part of the backup's id."""

    DAILY = "daily"
    BY_HAND = "by-hand"
    BEFORE_MIGRATION = "before-migration"
    BEFORE_RESTORE = "before-restore"


class BackupStep(StrEnum):
    """The steps of a backup and of its verification, in their order."""

    TAKING = "taking"
    CHECKING = "checking"
    LOADING = "loading"
    COMPARING = "comparing"
    COPYING = "copying"
    VERIFYING = "verifying"


@dataclass(frozen=True, slots=True)
class BackupProgress:
    """How far a step is.

    Attributes:
        collection: what it is at; empty for a step that is not of collections.
        collections_done: the number of collections that are finished.
        collections: the number of all collections.
        documents: the documents of this step so far.
        stored_bytes: the bytes in files that were written or read in this step so far.
    """

    step: BackupStep
    collection: str = ""
    collections_done: int = 0
    collections: int = 0
    documents: int = 0
    stored_bytes: int = 0


@dataclass(frozen=True, slots=True)
class BackupSummary:
    """One backup.

    Attributes:
        stored_bytes: the size of all its files.
        checked_at: when its files were read and compared last; None if never.
        proven_at: when it was restored on trial last; None if never.
        places: the folders that hold it, the first of them on this machine.
    """

    id: str
    taken_at: datetime
    reason: BackupReason
    stored_bytes: int
    deaths: int
    data_version: int
    checked_at: datetime | None
    proven_at: datetime | None
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BackupOutcome:
    """A backup that was made, or verified.

    Attributes:
        seconds: how long it took.
        unproven: why it was not restored on trial; None if it was.
        problems: what went wrong besides, for example a place that is away.
    """

    backup: BackupSummary
    seconds: float
    unproven: Text | None
    problems: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class BackupState:
    """The complete backups of this machine at one moment.

    Attributes:
        number: how many there are.
        newest_at: the moment of the newest one; None if there is none.
        proven_at: the moment of the newest one that is proven, so a trial of an old backup hides nothing.
        oldest_at: the moment of the oldest one.
        stored_bytes: the size of the newest one.
    """

    number: int = 0
    newest_at: datetime | None = None
    proven_at: datetime | None = None
    oldest_at: datetime | None = None
    stored_bytes: int = 0

    @property
    def is_newest_proven(self) -> bool:
        """Tell whether the newest one is proven."""
        return self.newest_at is not None and self.newest_at == self.proven_at


@dataclass(frozen=True, slots=True)
class PlaceState:
    """A further place of backups, compared with the first one.

    Attributes:
        subject: its name for everybody, which holds no path.
        is_away: it cannot be read.
        lacks_since: the moment of the oldest backup that is newer than all of this place; None if it has the
            newest one, or nothing is known about it.
    """

    subject: str
    is_away: bool = False
    lacks_since: datetime | None = None
