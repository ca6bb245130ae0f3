"""Leases: one process for each shard. Taken at the start, renewed while it runs, given back at the end."""

from datetime import datetime
from typing import Protocol

from structlog import get_logger

from utils.clock import Clock
from utils.errors import LeaseLostError, StorageError, StorageUnavailableError

logger = get_logger(__name__)

RENEW_SECONDS = 5.0
STANDBY_SECONDS = 2.0


class LeaseStore(Protocol):
    """Storage of leases."""

    async def acquire(self, shard: int, *, instance_id: str, now: datetime) -> int | None:
        """Take a lease that is free, expired or this instance's own; None while another holds it."""

    async def renew(self, shard: int, *, token: int, now: datetime) -> None:
        """Hold a lease for longer.

        Raises:
            LeaseLostError: somebody else holds it.
        """

    async def release(self, shard: int, *, token: int) -> None:
        """Give a lease back."""


class LeaseKeeper:
    """Holds the lease of one shard.

    Args:
        shard: the shard this process works for.
        instance_id: the same after a restart of this process, so that it takes its own lease back at once.
    """

    def __init__(self, store: LeaseStore, *, shard: int, instance_id: str, clock: Clock) -> None:
        self._store = store
        self._shard = shard
        self._instance_id = instance_id
        self._clock = clock
        self._token: int | None = None

    @property
    def shard(self) -> int:
        """The shard this process works for."""
        return self._shard

    @property
    def token(self) -> int:
        """The fencing token of the lease.

        Raises:
            LeaseLostError: the lease is not held.
        """
        if self._token is None:
            raise LeaseLostError(f"The lease of shard {self._shard} is not held.")
        return self._token

    async def wait_for_lease(self) -> None:
        """Return once the lease is held; until then this process is a standby."""
        is_told = False
        while self._token is None:
            self._token = await self._acquire()
            if self._token is None:
                if not is_told:
                    logger.info("another process is at work, waiting as its standby", shard=self._shard)
                    is_told = True
                await self._clock.sleep(STANDBY_SECONDS)
        logger.info("lease taken", shard=self._shard, token=self._token)

    async def _acquire(self) -> int | None:
        try:
            return await self._store.acquire(
                self._shard, instance_id=self._instance_id, now=self._clock.now()
            )
        except StorageUnavailableError as error:
            logger.warning("lease is not asked for", problem=str(error))  # a standby outlives an outage
            return None

    async def keep(self) -> None:
        """Renew for ever.

        Raises:
            LeaseLostError: another process took it; this one must stop.
        """
        while True:
            try:
                await self._store.renew(self._shard, token=self.token, now=self._clock.now())
            except LeaseLostError:
                self._token = None
                raise
            except StorageError as error:
                # the database is away for everybody; the fence in every transaction keeps this safe
                logger.warning("lease is not renewed", problem=str(error))
            await self._clock.sleep(RENEW_SECONDS)

    async def give_back(self) -> None:
        """End the lease, so that a successor need not wait for its expiry."""
        if self._token is None:
            return
        token, self._token = self._token, None
        try:
            await self._store.release(self._shard, token=token)
        except StorageError as error:
            logger.info("lease is left to expire", problem=str(error))
