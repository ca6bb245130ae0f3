"""Ingestion's storage: everything of one batch in one transaction, fenced by the shard's lease.

Batches of servers that come at the same moment share one, also those of several guilds, as long as one lease
guards them. Two batches of history of one server may be stored at once for different files, so they share no
document: lines are counted at the cursor of their file. Live batches of a server run one after another,
because they change the same players and numbers.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TypeVar

from utils.database.core.database import Fence, FenceSource, SafeDatabase
from utils.database.core.scoped import ScopedCollection
from utils.database.core.transaction import Transaction
from utils.database.documents.death_documents import read_cursor
from utils.database.units.ingestion_unit import LINES_KEY, IngestionTransaction
from utils.database.units.shared_transaction import SharedTransaction
from utils.errors import ScopeViolationError
from utils.models.deaths import LogFile
from utils.models.reading import Cursor
from utils.models.scope import GuildId, ServerScope

T = TypeVar("T")

FORGOTTEN_AT_ONCE = 500

_COUNTS = ("lines_read", "lines_rejected")


class IngestionRepository:
    """Storage of game servers' data, one transaction at a time.

    Args:
        fences: the lease of each guild.
    """

    def __init__(self, database: SafeDatabase, *, fences: FenceSource) -> None:
        self._database = database
        self._fences = fences

    async def in_transaction(self, scope: ServerScope, work: Callable[[IngestionTransaction], T]) -> T:
        """Run ``work`` in one transaction; it may run again after a transient error.

        Raises:
            CursorMovedError, StorageConflictError, LeaseLostError, DiskFullError, StorageUnavailableError
        """

        def work_on_server(unit: SharedTransaction) -> T:
            return work(unit.of_server(scope))

        return await self.in_shared_transaction([scope.guild_id], work_on_server)

    async def in_shared_transaction(
        self, guild_ids: Collection[GuildId], work: Callable[[SharedTransaction], T], *, repeats: bool = True
    ) -> T:
        """Run ``work`` in one transaction over servers of one guild or of several; it may run more than once.

        Without ``repeats`` it fails at the first error, also at one that may pass.

        Raises:
            CursorMovedError, StorageConflictError, LeaseLostError, DiskFullError, StorageUnavailableError
        """

        def store(transaction: Transaction) -> T:
            unit = SharedTransaction(transaction, guild_ids)
            result = work(unit)
            unit.finish()
            return result

        return await self._database.in_transaction(
            store, fence=self._find_fence(guild_ids), joins_fence=True, repeats=repeats
        )

    async def list_cursors(self, scope: ServerScope) -> Mapping[LogFile, Cursor]:
        """Return the cursors, by file."""
        cursors = ScopedCollection.of_server(self._database, "cursors", scope)
        found = [read_cursor(document) for document in await cursors.find({"kind": "file"})]
        return {cursor.file: cursor for cursor in found}

    async def forget_cursors(self, scope: ServerScope, files: Sequence[LogFile]) -> None:
        """Delete the cursors of deleted files, some hundred at a time; their lines stay counted."""
        for world, group in groupby(sorted(files), key=lambda file: file.world):
            names = [file.name for file in group]
            for start in range(0, len(names), FORGOTTEN_AT_ONCE):
                await self._forget(scope, world, names[start : start + FORGOTTEN_AT_ONCE])

    def _find_fence(self, guild_ids: Collection[GuildId]) -> Fence | None:
        """Return the fence of all these guilds; a shared transaction counts for no guild's sessions."""
        fences = {self._fences(guild_id) for guild_id in guild_ids}
        if len(fences) > 1:
            fences = {fence and replace(fence, guild_id=None) for fence in fences}
        fence, *others = fences
        if others:
            raise ScopeViolationError("Guilds of several shards do not share a transaction.")
        return fence

    async def _forget(self, scope: ServerScope, world: str, names: Sequence[str]) -> None:
        chosen = {"kind": "file", "world": world, "name": {"$in": list(names)}}

        def forget(transaction: Transaction) -> None:
            cursors = transaction.of_server("cursors", scope)
            found = cursors.find(chosen, hint="cursor")
            counted = {name: sum(one.get(name, 0) for one in found) for name in _COUNTS}
            cursors.update_one(LINES_KEY, {"$inc": counted}, upsert=True)
            cursors.delete(chosen)

        await self._database.in_transaction(forget, fence=self._fences(scope.guild_id))
