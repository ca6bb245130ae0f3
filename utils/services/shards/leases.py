"""Leases: one process for each shard. They are taken at the start, renewed, and given back at the end.

A process holds the leases of all its shards or of none, because it is one connected bot. While another
process holds any of them, it waits as a standby. When it loses one, it stops.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from structlog import get_logger

from utils.clock import Clock
from utils.error_sink import ErrorSink, ErrorSource, LoggedErrors, Where
from utils.errors import KillfeedError, LeaseLostError, StorageError, StorageUnavailableError
from utils.models.health import LeaseState
from utils.models.scope import GuildId
from utils.models.sharding import Sharding

_WHERE = Where(source=ErrorSource.DATABASE, task="leases")

logger = get_logger(__name__)

RENEW_SECONDS = 5.0
STANDBY_SECONDS = 2.0


class LeaseStore(Protocol):  # implemented by LeaseRepository
    """Storage of leases."""

    async def end_other_shard_counts(self, *, instance_id: str, now: datetime) -> None:
        """End expired leases of another shard count.

        Raises:
            ShardCountError: another instance holds one.
        """

    async def acquire(self, shard: int, *, instance_id: str, now: datetime) -> int | None:
        """Take a lease that is free, expired or this instance's own; None while another holds it."""

    async def renew(self, shard: int, *, token: int, now: datetime) -> None:
        """Hold a lease for longer.

        Raises:
            LeaseLostError: another process holds it.
        """

    async def release(self, shard: int, *, token: int) -> None:
        """Give a lease back."""

    async def list_leases(self, *, instance_id: str) -> tuple[LeaseState, ...]:
        """Return the lease of each shard, those that nobody holds included."""


class LeaseHolder:
    """Holds the leases of the shards of this process.

    Args:
        sharding: the shards of this process.
        instance_id: the same after a restart of this process, so that it takes its own leases back at once.

    Attributes:
        renewed_at: when all leases were taken or renewed last, in monotonic seconds.
    """

    def __init__(
        self,
        store: LeaseStore,
        *,
        sharding: Sharding,
        instance_id: str,
        clock: Clock,
        errors: ErrorSink | None = None,
    ) -> None:
        self._store = store
        self._errors = errors or LoggedErrors()
        self._sharding = sharding
        self._instance_id = instance_id
        self._clock = clock
        self._tokens: Mapping[int, int] = {}
        self.renewed_at = clock.monotonic()

    @property
    def instance_id(self) -> str:
        """The id of this process's installation."""
        return self._instance_id

    def get_token(self, guild_id: GuildId) -> tuple[int, int]:
        """Return a guild's shard and the fencing token of its lease.

        Raises:
            LeaseLostError: the lease is not held.
        """
        shard = self._sharding.compute_shard(guild_id)
        if shard not in self._tokens:
            raise LeaseLostError(f"The lease of shard {shard} is not held.")
        return shard, self._tokens[shard]

    async def wait_for_leases(self, *, on_standby: Callable[[], None] = lambda: None) -> None:
        """Wait until every lease is held; until then this process is a standby, which is told once.

        Raises:
            ShardCountError: another process runs with another number of shards.
        """
        is_told = False
        while not self._tokens:
            self._tokens = await self._try_to_take()
            if not self._tokens:
                if not is_told:
                    logger.info(
                        "another process is at work, waiting as its standby", shards=self._sharding.ids
                    )
                    is_told = True
                    on_standby()
                await self._clock.sleep(STANDBY_SECONDS)
        self.renewed_at = self._clock.monotonic()
        logger.info("leases taken", shards=self._sharding.ids, shard_count=self._sharding.count)

    async def _try_to_take(self) -> Mapping[int, int]:
        """Return the tokens of all leases, or of none."""
        tokens: dict[int, int] = {}
        try:
            await self._end_other_shard_counts()
            for shard in self._sharding.ids:
                token = await self._store.acquire(shard, instance_id=self._instance_id, now=self._clock.now())
                if token is None:
                    break
                tokens[shard] = token
            else:
                await self._end_other_shard_counts()  # if two start together, one sees the other now
                return tokens
        except StorageUnavailableError as error:
            logger.warning("leases are not asked for", problem=str(error))  # a standby survives an outage
            self._errors.report(error, where=_WHERE)
        except KillfeedError:
            await self._release(tokens)
            raise
        await self._release(tokens)
        return {}

    async def _end_other_shard_counts(self) -> None:
        await self._store.end_other_shard_counts(instance_id=self._instance_id, now=self._clock.now())

    async def list_leases(self) -> tuple[LeaseState, ...]:
        """Return the lease of each shard of the bot.

        Raises:
            StorageError: the database is away.
        """
        return await self._store.list_leases(instance_id=self._instance_id)

    async def keep(self) -> None:
        """Renew without end.

        Raises:
            LeaseLostError: another process took one of them; this one must stop.
        """
        while True:
            if all([await self._renew(shard) for shard in self._sharding.ids]):
                self.renewed_at = self._clock.monotonic()
            await self._clock.sleep(RENEW_SECONDS)

    async def _renew(self, shard: int) -> bool:
        """Renew a lease; tell whether the database took it."""
        if shard not in self._tokens:
            raise LeaseLostError(f"The lease of shard {shard} is not held.")
        try:
            await self._store.renew(shard, token=self._tokens[shard], now=self._clock.now())
        except LeaseLostError:
            self._tokens = {one: token for one, token in self._tokens.items() if one != shard}
            raise
        except StorageError as error:
            # the database is away for all processes; the fence in every transaction keeps this safe
            logger.warning("lease is not renewed", shard=shard, problem=str(error))
            self._errors.report(error, where=_WHERE)
            return False
        return True

    async def give_back(self) -> None:
        """Give the leases back, so that a successor does not wait for their expiry."""
        tokens, self._tokens = self._tokens, {}
        await self._release(tokens)

    async def _release(self, tokens: Mapping[int, int]) -> None:
        """Give leases back; while the database is away each would wait for it, so one failure is enough."""
        for shard, token in tokens.items():
            try:
                await self._store.release(shard, token=token)
            except StorageError as error:
                logger.info("lease is left to expire", shard=shard, problem=str(error))
                self._errors.report(error, where=_WHERE)
                if isinstance(error, StorageUnavailableError):
                    return
