"""Upgrade: one process upgrades data of an older version, while no other process uses it.

*Theory of operation.* Each step excludes one danger:

1. Migrations have a lease like a shard's (``UPGRADE_LEASE``): one process runs them at a time, and another
goes on if it dies. They write behind its fence, so a suspended process that wakes up writes nothing more.
2. They wait while another process holds the lease of any shard. Leases that ran out are ended first, together
with the transactions of a process that was only suspended.
3. The version is raised *before* the data is changed, so from then on no older bot starts.
4. Before the version is raised, a backup of the data is made and proven (``UpgradeGuard``). After the last
step everything that no migration names must be as it is in that backup; else the upgrade ends the start.
5. A bot that has taken its leases checks the version again (``Migrations.ensure_version``), and the process
that raised the version checks the leases again. If an older and a newer bot start together, at least one sees
the other, because both write before they read.
"""

from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import Protocol

from structlog import get_logger

from utils.clock import Clock
from utils.database.core.database import Fence, SafeDatabase
from utils.database.core.indexes import ensure_indexes
from utils.database.migrations.migrations import MIGRATIONS, DataVersion, Migrations
from utils.database.repositories.leases import UPGRADE_LEASE, LeaseRepository
from utils.errors import ConfigurationError, LeaseLostError, StorageError
from utils.tasks import beside

WAIT_SECONDS = 2.0  # between two checks, like a standby
RENEW_SECONDS = 5.0

_log = get_logger(__name__)


class UpgradeGuard(Protocol):  # implemented by BackedUpgrade
    """Keeps the data of before an upgrade, and compares it with the data afterwards."""

    async def keep(self, version: DataVersion) -> None:
        """Make a proven backup, unless the upgrade was begun with one already.

        Raises:
            ConfigurationError: there is no proven backup; nothing is changed.
        """

    async def verify(self, touched: frozenset[str]) -> None:
        """Compare everything besides the touched collections with the backup, and verify samples.

        Raises:
            ConfigurationError: it differs; the text says how to go back.
        """


class FollowUp(Protocol):  # implemented by PendingDueTimes
    """Work on data of the present version that had to wait for its upgrade."""

    async def is_pending(self) -> bool:
        """Tell whether it is still to be done."""

    async def pass_over(self, fence: Fence) -> None:
        """Do it; it may run again if it is cut off."""


@dataclass(eq=False, repr=False)
class DataUpgrade:
    """The upgrade of the data, which a process runs before it takes its leases.

    Args:
        instance_id: the same after a restart of this process, so that it goes on at once.
        guard: None: no backup is made, and nothing is compared.
        follow_up: what a restore of older data has left for the time after the upgrade.
    """

    database: SafeDatabase
    leases: LeaseRepository
    _: KW_ONLY
    instance_id: str
    clock: Clock
    migrations: Migrations = MIGRATIONS
    guard: UpgradeGuard | None = None
    follow_up: FollowUp | None = None

    def __post_init__(self) -> None:
        self._told: str | None = None

    async def wait_until_current(self) -> None:
        """Return when the data has this bot's version, upgraded by this process or another one.

        Raises:
            ConfigurationError: the data was written by a newer bot, or the upgrade may not begin or end.
        """
        if await self._is_current():
            return
        while not await self._is_current():
            if not await self._try():
                await self.clock.sleep(WAIT_SECONDS)
        await ensure_indexes(self.database)

    async def upgrade_now(self) -> None:
        """Upgrade the data in this process.

        Raises:
            ConfigurationError: another process is at work, or the upgrade may not begin or end.
        """
        if not await self._is_current() and not await self._try():
            raise ConfigurationError(f"Nothing was changed: {self._told}.")
        await ensure_indexes(self.database)

    async def _is_current(self) -> bool:
        if not self.migrations.is_current(await self.migrations.ensure_version(self.database)):
            return False
        return self.follow_up is None or not await self.follow_up.is_pending()

    async def _try(self) -> bool:
        """Upgrade the data, unless another process uses it."""
        token = await self.leases.acquire_upgrade(instance_id=self.instance_id, now=self.clock.now())
        if token is None:
            self._tell("another process brings the data up to date, waiting for it")
            return False
        try:
            return await self._upgrade(Fence(UPGRADE_LEASE, token))
        except LeaseLostError:
            return False  # this process was suspended, and another one went on
        finally:
            await self._release(token)

    async def _upgrade(self, fence: Fence) -> bool:
        if await self._is_current():
            return True
        # also before the version is raised, so that a newer bot that was only tried changes nothing
        if await self._is_anybody_at_work():
            return False
        async with beside(partial(self._keep, fence.token)):
            version = await self.migrations.ensure_version(self.database)
            if not self.migrations.is_current(version) and not await self._migrate(version, fence):
                return False
            if self.follow_up is not None:
                await self.follow_up.pass_over(fence)
        return True

    async def _migrate(self, version: DataVersion, fence: Fence) -> bool:
        if self.guard is not None:
            await self.guard.keep(version)
        first = await self.migrations.begin(self.database, version, fence)
        if await self._is_anybody_at_work():
            return False
        _log.info("data of an older version is brought up to date", first=first)
        await ensure_indexes(self.database)  # a restored backup of older data has none
        await self.migrations.run(self.database, first, fence)
        if self.guard is not None:
            await self.guard.verify(self.migrations.list_touched(first))
        await self.migrations.finish(self.database, fence)
        return True

    async def _is_anybody_at_work(self) -> bool:
        if await self.leases.end_idle(instance_id=self.instance_id, now=self.clock.now()):
            return False
        self._tell("the data is of an older version and another bot works with it: stop that one first")
        return True

    async def _keep(self, token: int) -> None:
        """Renew until cancelled; if the lease is lost, the fence ends the work."""
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
