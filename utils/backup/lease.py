"""The leases of long work on a database: one process makes a backup, or restores one, at a time.

Such a lease is like a shard's, with an id of its own (``BACKUP_LEASE``, ``RESTORE_LEASE``): renewed every
5 s, over after 20 s, so it never outlives its holder for long. Nobody gets the lease of backups while another
process upgrades or restores the data, and nobody gets that of restores while any other process is at work.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Protocol

from structlog import get_logger

from utils.clock import Clock
from utils.database.repositories.leases import BACKUP_LEASE, RESTORE_LEASE
from utils.errors import BackupBusyError, LeaseLostError, StorageError
from utils.models.texts import Text, text
from utils.tasks import beside

RENEW_SECONDS = 5.0

_log = get_logger(__name__)


class WorkLeases(Protocol):  # implemented by LeaseRepository
    """Storage of the leases."""

    async def acquire_backup(self, *, instance_id: str, now: datetime) -> int | None:
        """Take the lease of backups and return its token; None while another process is at work."""

    async def acquire_restore(self, *, instance_id: str, now: datetime) -> int | None:
        """Take the lease of restores likewise."""

    async def is_restored_by_another(self, *, instance_id: str, now: datetime) -> bool:
        """Tell whether another process restores the data right now."""

    async def renew(self, lease_id: int, /, *, token: int, now: datetime) -> None:
        """Hold a lease for longer.

        Raises:
            LeaseLostError: another process holds it.
        """

    async def release(self, lease_id: int, /, *, token: int) -> None:
        """Give a lease back."""


class WorkLease(ABC):
    """A lease during one piece of work.

    Args:
        instance_id: of this process alone; a call beside the bot has another one than the bot.
    """

    lease_id: int
    refusal: Text

    def __init__(self, store: WorkLeases, *, instance_id: str, clock: Clock) -> None:
        self._store = store
        self._instance_id = instance_id
        self._clock = clock
        self._is_lost = False

    @abstractmethod
    async def _acquire(self, store: WorkLeases, instance_id: str, now: datetime) -> int | None:
        """Take the lease and return its token."""

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[int]:
        """Hold the lease during the block, which gets its token.

        Raises:
            BackupBusyError: another process is at work.
            StorageError: the database does not answer.
        """
        token = await self._acquire(self._store, self._instance_id, self._clock.now())
        if token is None:
            raise BackupBusyError(self.refusal)
        self._is_lost = False
        try:
            async with beside(partial(self._keep, token)):
                yield token
        finally:
            await self._release(token)

    def verify(self) -> None:
        """Go on only while the lease is held.

        Raises:
            BackupBusyError: this process was suspended, and another one took over.
        """
        if self._is_lost:
            raise BackupBusyError(
                text("Another process took over, because this one stood still for too long.")
            )

    async def renew(self, token: int) -> None:
        """Make sure in the database that the lease is held, before a step that nobody may take twice.

        Raises:
            BackupBusyError: another process took over.
            StorageError: the database does not answer.
        """
        try:
            await self._store.renew(self.lease_id, token=token, now=self._clock.now())
        except LeaseLostError:
            self._is_lost = True
        self.verify()

    async def _keep(self, token: int) -> None:
        while not self._is_lost:
            await self._clock.sleep(RENEW_SECONDS)
            try:
                await self._store.renew(self.lease_id, token=token, now=self._clock.now())
            except LeaseLostError:
                self._is_lost = True
            except StorageError as error:
                _log.warning("the lease of long work is not renewed", lease=self.lease_id, problem=str(error))

    async def _release(self, token: int) -> None:
        try:
            await self._store.release(self.lease_id, token=token)
        except StorageError as error:
            _log.info("the lease of long work is left to expire", lease=self.lease_id, problem=str(error))


class BackupLease(WorkLease):
    """The lease while a backup is made."""

    lease_id = BACKUP_LEASE
    refusal = text("Another process makes a backup, restores one or upgrades the data. Wait for its end.")

    async def _acquire(self, store: WorkLeases, instance_id: str, now: datetime) -> int | None:
        return await store.acquire_backup(instance_id=instance_id, now=now)


class RestoreLease(WorkLease):
    """The lease while a backup is restored."""

    lease_id = RESTORE_LEASE
    refusal = text(
        "A bot works with this database, or a backup is made or restored. Stop every bot first, then try "
        "again."
    )

    async def _acquire(self, store: WorkLeases, instance_id: str, now: datetime) -> int | None:
        return await store.acquire_restore(instance_id=instance_id, now=now)

    async def is_held_by_another(self) -> bool:
        """Tell whether another process restores the data right now."""
        return await self._store.is_restored_by_another(instance_id=self._instance_id, now=self._clock.now())
