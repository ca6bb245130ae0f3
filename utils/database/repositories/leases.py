"""Leases: one process ingests, delivers and answers for each shard.

A lease has a token that grows with every new holder; transactions check it (``Fence``). Its document
also names the sessions of its holder. The next holder ends those first, so no transaction begun under the old
token can commit afterwards. The ids stay stored until then, in case the new holder is killed.

A lease also names the number of shards of its holder. Two processes with different numbers would both serve
some guilds, and no single lease would show that. So each looks at all leases before and after it takes its
own (``end_other_shard_counts``): if two start at once, at least one sees the other, because both write before
they read.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pymongo import timeout

from utils.database.core.database import SafeDatabase
from utils.database.core.operations import Document
from utils.errors import LeaseLostError, ShardCountError, StorageConflictError
from utils.models.health import LeaseState

EXPIRY_SECONDS = 20.0
RELEASE_SECONDS = 1.5
UPGRADE_LEASE = -1
"""Not a shard: the lease of the process that upgrades the data."""

BACKUP_LEASE = -2
"""The lease of the process that makes a backup, beside the bots; it names no sessions, as it writes files."""

RESTORE_LEASE = -3
"""The lease of the process that restores a backup."""

_LONG_AGO = datetime.fromtimestamp(0, UTC)


class LeaseRepository:
    """The leases of all shards, for a process with ``shard_count`` shards."""

    def __init__(self, database: SafeDatabase, *, shard_count: int) -> None:
        self._database = database
        self._leases = database.unscoped("leases")
        self._shard_count = shard_count

    async def end_other_shard_counts(self, *, instance_id: str, now: datetime) -> None:
        """End leases of another shard count that have expired or are this instance's own.

        A process that wakes up later has a wrong token, so its transactions fail.

        Raises:
            ShardCountError: another instance holds one.
        """
        while others := await self._list_others():
            for held in others:
                if held["instance_id"] != instance_id and held["expires_at"] > now:
                    raise ShardCountError(own=self._shard_count, other=held["shard_count"])
                await self._retire(held)

    async def end_idle(self, *, instance_id: str, now: datetime) -> bool:
        """End the leases of all shards that have expired or are this instance's own.

        Returns:
            True if that was all of them; False while another instance holds one.
        """
        while shards := await self._list_in_use():
            for held in shards:
                if held["instance_id"] != instance_id and held["expires_at"] > now:
                    return False
                await self._retire(held)
        return True

    async def acquire(
        self,
        shard: int,
        *,
        instance_id: str,
        now: datetime,
        expiry_seconds: float = EXPIRY_SECONDS,
        has_sessions: bool = True,
    ) -> int | None:
        """Take a shard's lease if it is free, expired or this instance's own, and return its token.

        With ``has_sessions`` its holder writes in transactions, which the next holder must end.

        Returns:
            The token, or None while another instance holds the lease.
        """
        held = await self._find(shard)
        expires_at = now + timedelta(seconds=expiry_seconds)
        own = self._database.session_ids if has_sessions else ()
        if held is None:
            return await self._insert(shard, instance_id, expires_at, own)
        if held["instance_id"] != instance_id and held["expires_at"] > now:
            return None
        token = int(held["token"]) + 1
        fields = {
            "token": token,
            "instance_id": instance_id,
            "expires_at": expires_at,
            "shard_count": self._shard_count,
            "sessions": [*own, *held["sessions"]],
        }
        if not await self._update(shard, held["token"], fields):
            return None  # another process was faster
        return await self._end_predecessor(shard, token, held["sessions"], own)

    async def acquire_backup(self, *, instance_id: str, now: datetime) -> int | None:
        """Take the lease of backups, unless another instance upgrades or restores the data.

        Returns:
            The token, or None while another instance is at work.
        """
        others = (UPGRADE_LEASE, RESTORE_LEASE)
        return await self._acquire_beside(
            BACKUP_LEASE, others, instance_id=instance_id, now=now, has_sessions=False
        )

    async def acquire_upgrade(self, *, instance_id: str, now: datetime) -> int | None:
        """Take the lease of upgrades, unless another instance restores the data.

        Returns:
            The token, or None while another instance is at work.
        """
        return await self._acquire_beside(UPGRADE_LEASE, (RESTORE_LEASE,), instance_id=instance_id, now=now)

    async def acquire_restore(self, *, instance_id: str, now: datetime) -> int | None:
        """Take the lease of restores, unless another instance works with the data in any way.

        The transactions of holders whose leases ran out are ended.

        Returns:
            The token, or None while another instance is at work.
        """
        others = (UPGRADE_LEASE, BACKUP_LEASE)
        token = await self._acquire_beside(RESTORE_LEASE, others, instance_id=instance_id, now=now)
        if token is not None and not await self.end_idle(instance_id=instance_id, now=now):
            await self.release(RESTORE_LEASE, token=token)
            return None
        return token

    async def is_restored_by_another(self, *, instance_id: str, now: datetime) -> bool:
        """Tell whether another instance restores the data right now."""
        return await self._is_held_by_another(RESTORE_LEASE, instance_id=instance_id, now=now)

    async def renew(
        self, shard: int, *, token: int, now: datetime, expiry_seconds: float = EXPIRY_SECONDS
    ) -> None:
        """Hold a lease for longer.

        Raises:
            LeaseLostError: another process holds it.
        """
        fields: Document = {"expires_at": now + timedelta(seconds=expiry_seconds)}
        if not await self._update(shard, token, fields):
            raise LeaseLostError(f"Another process holds shard {shard} now.")

    async def release(self, shard: int, *, token: int) -> None:
        """Give a lease back; the token stays, so that the next one is higher.

        A process that ends waits for it, so it gives up soon when MongoDB is away.
        """
        with timeout(RELEASE_SECONDS):
            await self._update(shard, token, {"instance_id": "", "expires_at": _LONG_AGO, "sessions": []})

    async def list_sessions(self, shard: int) -> tuple[bytes, ...]:
        """Return the session ids recorded with a lease."""
        held = await self._find(shard)
        return () if held is None else tuple(bytes(one) for one in held["sessions"])

    async def list_leases(self, *, instance_id: str) -> tuple[LeaseState, ...]:
        """Return the lease of each shard, those that nobody holds included."""
        cursor = self._leases.find({"_id": {"$gte": 0}}, sort=[("_id", 1)])
        found = await self._database.run("leases.list", cursor.to_list(None))
        return tuple(
            LeaseState(one["_id"], one["instance_id"] == instance_id, one["expires_at"]) for one in found
        )

    async def _acquire_beside(
        self,
        lease: int,
        others: Sequence[int],
        *,
        instance_id: str,
        now: datetime,
        has_sessions: bool = True,
    ) -> int | None:
        """Take a lease, unless another instance holds one of the others."""
        token = await self.acquire(lease, instance_id=instance_id, now=now, has_sessions=has_sessions)
        if token is None:
            return None
        # asked after the lease is taken: if two processes begin at once, one of them sees the other
        for other in others:
            if await self._is_held_by_another(other, instance_id=instance_id, now=now):
                await self.release(lease, token=token)
                return None
        return token

    async def _is_held_by_another(self, lease: int, *, instance_id: str, now: datetime) -> bool:
        held = await self._find(lease)
        return held is not None and held["instance_id"] != instance_id and held["expires_at"] > now

    async def _find(self, shard: int) -> Document | None:
        return await self._database.run("leases.find", self._leases.find_one({"_id": shard}))

    async def _insert(
        self, shard: int, instance_id: str, expires_at: datetime, own: Sequence[bytes]
    ) -> int | None:
        lease = {
            "_id": shard,
            "token": 1,
            "instance_id": instance_id,
            "expires_at": expires_at,
            "shard_count": self._shard_count,
            "sessions": list(own),
        }
        try:
            await self._database.run("leases.insert", self._leases.insert_one(lease))
        except StorageConflictError:
            return None
        return 1

    async def _list_others(self) -> list[Document]:
        """Return leases of another shard count that may still be in use."""
        return [held for held in await self._list_in_use() if held["shard_count"] != self._shard_count]

    async def _list_in_use(self) -> list[Document]:
        """Return the leases of shards that a process may still use."""
        cursor = self._leases.find({"_id": {"$gte": 0}, "sessions": {"$ne": []}})
        return await self._database.run("leases.list", cursor.to_list(None))

    async def _retire(self, held: Document) -> None:
        """Take a lease from its holder and release it."""
        shard, token = held["_id"], held["token"] + 1
        # the filter holds its expiry, so a holder that renews it at this moment keeps it
        last = {"_id": shard, "token": held["token"], "expires_at": held["expires_at"]}
        fields = {"token": token, "instance_id": "", "expires_at": _LONG_AGO}
        taking = self._leases.update_one(last, {"$set": fields})
        if (await self._database.run("leases.retire", taking)).matched_count == 1:
            await self._database.kill_sessions(held["sessions"])
            await self._update(shard, token, {"sessions": []})

    async def _update(self, shard: int, token: int, fields: Document) -> bool:
        update = self._leases.update_one({"_id": shard, "token": token}, {"$set": fields})
        return (await self._database.run("leases.update", update)).matched_count == 1

    async def _end_predecessor(
        self, shard: int, token: int, sessions: Sequence[bytes], own: Sequence[bytes]
    ) -> int:
        await self._database.kill_sessions(sessions)
        await self._update(shard, token, {"sessions": list(own)})
        return token
