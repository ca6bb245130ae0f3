"""The lease of backups: one process makes one at a time, over all processes of a database.

It is a lease like a shard's, with an id of its own (``BACKUP_LEASE``): renewed every 5 s, over after 20 s, so
it never outlives its holder for long. Nobody gets it while another process upgrades or restores the data.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Protocol

from structlog import get_logger

from utils.clock import Clock
from utils.database.repositories.leases import BACKUP_LEASE
from utils.errors import BackupBusyError, LeaseLostError, StorageError
from utils.models.texts import text
from utils.tasks import beside

RENEW_SECONDS = 5.0

_log = get_logger(__name__)


class WorkLeases(Protocol):  # implemented by LeaseRepository
    """Storage of the lease."""

    async def acquire_backup(self, *, instance_id: str, now: datetime) -> int | None:
        """Take the lease of backups and return its token; None while another process is at work."""

    async def renew(self, lease_id: int, /, *, token: int, now: datetime) -> None:
        """Hold a lease for longer.

        Raises:
            LeaseLostError: another process holds it.
        """

    async def release(self, lease_id: int, /, *, token: int) -> None:
        """Give a lease back."""


class BackupLease:
    """The lease while a backup is made.

    Args:
        instance_id: of this process alone; a call beside the bot has another one than the bot.
    """

    def __init__(self, store: WorkLeases, *, instance_id: str, clock: Clock) -> None:
        self._store = store
        self._instance_id = instance_id
        self._clock = clock
        self._is_lost = False

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Hold the lease during the block.

        Raises:
            BackupBusyError: another process is at work.
            StorageError: the database does not answer.
        """
        token = await self._store.acquire_backup(instance_id=self._instance_id, now=self._clock.now())
        if token is None:
            raise BackupBusyError(
                text("Another process makes a backup, restores one or upgrades the data. Wait for its end.")
            )
        self._is_lost = False
        try:
            async with beside(partial(self._keep, token)):
                yield
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

    async def _keep(self, token: int) -> None:
        while not self._is_lost:
            await self._clock.sleep(RENEW_SECONDS)
            try:
                await self._store.renew(BACKUP_LEASE, token=token, now=self._clock.now())
            except LeaseLostError:
                self._is_lost = True
            except StorageError as error:
                _log.warning("the lease of the backup is not renewed", problem=str(error))

    async def _release(self, token: int) -> None:
        try:
            await self._store.release(BACKUP_LEASE, token=token)
        except StorageError as error:
            _log.info("the lease of the backup is left to expire", problem=str(error))
