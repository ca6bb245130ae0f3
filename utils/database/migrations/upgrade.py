"""Upgrade: data of an older version is brought up to date by one process, while no other works with it.

*Theory of operation.* Each step closes a door:

1. Migrations have a lease like a shard's (``UPGRADE_LEASE``): one process runs them at a time, and another
   goes on when it dies. They write behind its fence, so a sleeper that wakes writes nothing more.
2. While another process holds the lease of any shard they wait. Leases that ran out are ended first, and with
   them the transactions of a process that only slept.
3. The version is raised *before* the data is changed: no older bot starts from then on.
4. A bot that has taken its leases looks at the version again (``Migrations.ensure_version``), and the one
   that raised it looks at the leases again. Of an older bot and a newer one that begin together at least one
   sees the other, for both wrote before they looked.
"""

from dataclasses import KW_ONLY, dataclass
from functools import partial

from structlog import get_logger

from utils.clock import Clock
from utils.database.core.database import Fence, SafeDatabase
from utils.database.core.indexes import ensure_indexes
from utils.database.migrations.migrations import MIGRATIONS, Migrations
from utils.database.repositories.leases import UPGRADE_LEASE, LeaseRepository
from utils.errors import LeaseLostError, StorageError
from utils.tasks import beside

WAIT_SECONDS = 2.0  # between two looks, as a standby waits
RENEW_SECONDS = 5.0

_log = get_logger(__name__)


@dataclass(eq=False, repr=False)
class DataUpgrade:
    """What a process does before it takes its leases.

    Args:
        instance_id: the same after a restart of this process, so that it goes on at once.
    """

    database: SafeDatabase
    leases: LeaseRepository
    _: KW_ONLY
    instance_id: str
    clock: Clock
    migrations: Migrations = MIGRATIONS

    def __post_init__(self) -> None:
        self._told: str | None = None

    async def wait_until_current(self) -> None:
        """Return once the data is of this bot's version, brought to it by this process or another.

        Raises:
            ConfigurationError: the data was written by a newer bot.
        """
        if await self._is_current():
            return
        while not await self._is_current():
            if not await self._try():
                await self.clock.sleep(WAIT_SECONDS)
        await ensure_indexes(self.database)

    async def _is_current(self) -> bool:
        return self.migrations.is_current(await self.migrations.ensure_version(self.database))

    async def _try(self) -> bool:
        """Bring the data up to date, unless another process is in the way."""
        token = await self.leases.acquire(UPGRADE_LEASE, instance_id=self.instance_id, now=self.clock.now())
        if token is None:
            self._tell("another process brings the data up to date, waiting for it")
            return False
        try:
            return await self._upgrade(Fence(UPGRADE_LEASE, token))
        except LeaseLostError:
            return False  # this process slept, and another went on
        finally:
            await self._release(token)

    async def _upgrade(self, fence: Fence) -> bool:
        version = await self.migrations.ensure_version(self.database)
        if self.migrations.is_current(version):
            return True
        # before the version is raised as well: a newer bot that was only tried changes nothing
        if await self._is_anybody_at_work():
            return False
        first = await self.migrations.begin(self.database, version, fence)
        if await self._is_anybody_at_work():
            return False
        _log.info("data of an older version is brought up to date", version=first)
        async with beside(partial(self._keep, fence.token)):
            await self.migrations.run(self.database, first, fence)
        return True

    async def _is_anybody_at_work(self) -> bool:
        if await self.leases.end_idle(instance_id=self.instance_id, now=self.clock.now()):
            return False
        self._tell("the data is of an older version and another bot works with it: stop that one first")
        return True

    async def _keep(self, token: int) -> None:
        """Renew until cancelled; once the lease is lost, the fence ends the work."""
        while True:
            await self.clock.sleep(RENEW_SECONDS)
            try:
                await self.leases.renew(UPGRADE_LEASE, token=token, now=self.clock.now())
            except StorageError as error:
                _log.warning("the lease of the upgrade is not renewed", problem=str(error))

    async def _release(self, token: int) -> None:
        try:
            await self.leases.release(UPGRADE_LEASE, token=token)
        except StorageError as error:
            _log.info("the lease of the upgrade is left to expire", problem=str(error))

    def _tell(self, what: str) -> None:
        if what != self._told:
            self._told = what
            _log.warning(what)
