"""Recovery: a restore that was cut off is undone or finished, before anything else is done with the data.

A restore itself goes the same way to its end: once its backup is loaded, it is nothing but a restore that has
to be finished.
"""

from collections.abc import Awaitable, Callable
from dataclasses import KW_ONLY, dataclass, replace

from structlog import get_logger

from utils.backup.lease import RestoreLease
from utils.clock import Clock
from utils.database.archives.switching import (
    REPLACED,
    RESTORING,
    CollectionSwitch,
    RestoreMarker,
    RestoreMarks,
    RestoreState,
    drop_collections,
)
from utils.database.core.database import Fence, SafeDatabase
from utils.database.repositories.leases import RESTORE_LEASE
from utils.errors import BackupBusyError, StorageError
from utils.models.restores import RestoreFacts, RestoreGap

WAIT_SECONDS = 2.0  # between two looks at another process, like a standby

FinishJobs = Callable[[SafeDatabase, RestoreFacts, Fence], Awaitable[RestoreGap]]
"""The work that follows a restore, on data that is in place; it runs again if it is cut off."""

_log = get_logger(__name__)


@dataclass(eq=False)
class Recovery:
    """Finishes or undoes the restore that the marker of a database tells of.

    Args:
        lease: of restores.
        finish_jobs: the work on restored data.
        open_switch: returns the switch of a restore by its token.

    Attributes:
        is_switching: a backup is being put in place, and only the way on is left.
    """

    database: SafeDatabase
    _: KW_ONLY
    lease: RestoreLease
    finish_jobs: FinishJobs
    clock: Clock
    open_switch: Callable[[SafeDatabase, int], CollectionSwitch] = CollectionSwitch

    def __post_init__(self) -> None:
        self.marks = RestoreMarks(self.database)
        self.is_switching = False

    async def recover(self, *, waits: bool) -> None:
        """Return when no restore is under way any more, in this process or another one.

        Args:
            waits: wait for another process; else it is refused.

        Raises:
            BackupBusyError: another process restores a backup.
            StorageError: the database does not answer.
        """
        is_told = False
        while await self.marks.find() is not None or await self.lease.is_held_by_another():
            try:
                async with self.lease.hold() as token:
                    await self.end(Fence(RESTORE_LEASE, token))
            except BackupBusyError:
                if not waits:
                    raise
                if not is_told:
                    is_told = True
                    _log.warning("a backup is being restored, waiting for its end")
                await self.clock.sleep(WAIT_SECONDS)

    async def end(self, fence: Fence) -> None:
        """Undo or finish a restore that was cut off; the lease is held."""
        marker = await self.marks.find()
        if marker is None:
            return
        if marker.state is RestoreState.LOADING:
            await self.undo(fence)
            _log.warning("a restore was cut off before it changed anything", backup=marker.facts.backup_id)
        else:
            _log.warning("a restore was cut off and is finished now", backup=marker.facts.backup_id)
            await self.finish(marker, fence)

    async def undo(self, fence: Fence) -> None:
        """Forget a restore that has replaced nothing yet."""
        await self._drop(fence)
        await self.marks.remove(fence)

    async def finish(self, marker: RestoreMarker, fence: Fence) -> RestoreGap:
        """Bring a restore to its end from any state in which its backup is loaded."""
        self.is_switching = True
        backup_id = marker.facts.backup_id
        if marker.state is not RestoreState.FOLLOWING:
            marker = replace(marker, state=RestoreState.SWITCHING)
            await self.marks.write(marker, fence)
            _log.info("a backup takes the place of the present data", backup=backup_id)
            for name in marker.collections:
                await self.lease.renew(fence.token)
                await self._put_in_place(name, marker.facts, fence)
            marker = await self.marks.follow(marker, fence)
        _log.info("a backup is in place, and what follows is done", backup=backup_id)
        gap = await self.finish_jobs(self.database, marker.facts, fence)
        await self._drop(fence)
        await self.marks.remove(fence)
        self.is_switching = False
        _log.info(
            "a backup is restored",
            backup=backup_id,
            deaths_to_read_again="unknown" if gap.deaths is None else gap.deaths,
            deaths_lost=gap.gone,
        )
        return gap

    async def _put_in_place(self, name: str, facts: RestoreFacts, fence: Fence) -> None:
        switch = self.open_switch(self.database, facts.token)
        try:
            if facts.guild_id is None:
                await switch.put_in_place(name)
            else:
                await switch.put_guild_in_place(name, facts.guild_id, fence)
        except StorageError:
            await self.lease.renew(fence.token)  # tells that another process took over, if that is why
            raise

    async def _drop(self, fence: Fence) -> None:
        """Drop every collection of the restore; the marker is still there, so the next start would go on."""
        await self.lease.renew(fence.token)
        await drop_collections(self.database, RESTORING, REPLACED)
