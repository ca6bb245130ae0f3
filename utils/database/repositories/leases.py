"""Leases: which process ingests, delivers and answers for a shard.

A lease has a token that counts up with every change of hands; transactions check it (``Fence``). Its document
also names the sessions of its holder. Whoever takes it over ends those first, so no transaction begun under
the old token can commit afterwards. Until that is done they stay on record, for the case that it is killed
meanwhile.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from utils.database.database import Document, SafeDatabase
from utils.errors import LeaseLostError, StorageConflictError

EXPIRY_SECONDS = 20.0


class LeaseRepository:
    """The leases of all shards."""

    def __init__(self, database: SafeDatabase) -> None:
        self._database = database
        self._leases = database.unscoped("leases")

    async def acquire(
        self, shard: int, *, instance_id: str, now: datetime, expiry_seconds: float = EXPIRY_SECONDS
    ) -> int | None:
        """Take a shard's lease when it is free, expired or this instance's own, and return its token.

        Returns:
            The token, or None while another instance holds the lease.
        """
        held = await self._find(shard)
        if held is None:
            return await self._insert(shard, instance_id, now + timedelta(seconds=expiry_seconds))
        if held["instance_id"] != instance_id and held["expires_at"] > now:
            return None
        token = int(held["token"]) + 1
        fields = {
            "token": token,
            "instance_id": instance_id,
            "expires_at": now + timedelta(seconds=expiry_seconds),
            "sessions": [*self._database.session_ids, *held["sessions"]],
        }
        if not await self._update(shard, held["token"], fields):
            return None  # somebody was faster
        return await self._end_predecessor(shard, token, held["sessions"])

    async def renew(
        self, shard: int, *, token: int, now: datetime, expiry_seconds: float = EXPIRY_SECONDS
    ) -> None:
        """Hold a lease for longer.

        Raises:
            LeaseLostError: somebody else holds it.
        """
        fields: Document = {"expires_at": now + timedelta(seconds=expiry_seconds)}
        if not await self._update(shard, token, fields):
            raise LeaseLostError(f"Another process holds shard {shard} now.")

    async def release(self, shard: int, *, token: int) -> None:
        """Give a lease back; the token stays, so that the next one is higher."""
        long_ago = datetime.fromtimestamp(0, UTC)
        await self._update(shard, token, {"instance_id": "", "expires_at": long_ago, "sessions": []})

    async def list_sessions(self, shard: int) -> tuple[bytes, ...]:
        """Return the session ids recorded with a lease."""
        held = await self._find(shard)
        return () if held is None else tuple(bytes(one) for one in held["sessions"])

    async def _find(self, shard: int) -> Document | None:
        return await self._database.run("leases.find", self._leases.find_one({"_id": shard}))

    async def _insert(self, shard: int, instance_id: str, expires_at: datetime) -> int | None:
        lease = {
            "_id": shard,
            "token": 1,
            "instance_id": instance_id,
            "expires_at": expires_at,
            "sessions": list(self._database.session_ids),
        }
        try:
            await self._database.run("leases.insert", self._leases.insert_one(lease))
        except StorageConflictError:
            return None
        return 1

    async def _update(self, shard: int, token: int, fields: Document) -> bool:
        update = self._leases.update_one({"_id": shard, "token": token}, {"$set": fields})
        return (await self._database.run("leases.update", update)).matched_count == 1

    async def _end_predecessor(self, shard: int, token: int, sessions: Sequence[bytes]) -> int:
        await self._database.kill_sessions(sessions)
        await self._update(shard, token, {"sessions": list(self._database.session_ids)})
        return token
