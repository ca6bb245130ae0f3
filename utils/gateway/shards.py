"""The connections of a bot of several shards: each is given up and begun again by itself.

Theory of operation: the library connects all shards, and handles their losses one after the other in
``connect``, where it also waits before each further try. So when a shard is due, a ``connect`` that waits is
ended and begun again, which does not touch the shards that are open (``launch_shards`` of our bot launches
them once), and that shard is connected by ``ShardInfo.reconnect``. Its session is always a new one. Until all
shards were launched, the library tries each of them every five seconds.
"""

import asyncio
from collections import defaultdict

import discord
from structlog import get_logger

from utils.clock import Clock
from utils.gateway.connection import NOT_REACHED, Link, ServiceStatus, TryReasons, close_sockets, end_work
from utils.gateway.pace import ConnectionPace, IdentifyBudget
from utils.waiting import Signal

LOOK_SECONDS = 3600.0  # an event ends the wait

logger = get_logger(__name__)


class ShardConnections:
    """The connections of a bot of several shards."""

    def __init__(
        self,
        bot: discord.AutoShardedClient,
        reasons: TryReasons,
        *,
        clock: Clock,
        identifies: IdentifyBudget,
        status: ServiceStatus,
    ) -> None:
        self._bot = bot
        self._clock = clock
        self._identifies = identifies
        self._status = status
        self._paces: defaultdict[int, ConnectionPace] = defaultdict(ConnectionPace)
        self._links: dict[int, Link] = {}
        self._reasons = reasons
        self._changed = Signal()
        self._connecting: asyncio.Future[None]

    async def run(self) -> None:
        """Stay connected until cancelled or closed.

        Raises:
            discord.ConnectionClosed, discord.PrivilegedIntentsRequired: Discord ended it for good.
        """
        self._bot.add_listener(self._note_failure, "on_shard_disconnect")
        self._bot.add_listener(self._note_new, "on_shard_connect")
        self._bot.add_listener(self._note_resumed, "on_shard_resumed")
        with self._reasons:
            self._begin()
            try:
                while not self._connecting.done():
                    self._changed.clear()
                    shard_id, left = self._find_next()
                    if left == 0:
                        await self._begin_again(shard_id)
                    else:
                        await self._changed.wait_beside(self._clock.sleep(left))
                self._connecting.result()
            finally:
                await end_work(self._connecting)
                if self._bot.is_closed():
                    await close_sockets()

    def _begin(self) -> None:
        self._connecting = asyncio.ensure_future(self._bot.connect(reconnect=True))
        self._connecting.add_done_callback(lambda _: self._changed.set())

    def _find_next(self) -> tuple[int, float]:
        """Return the shard that is given up first, and the seconds until then."""
        now = self._clock.monotonic()
        lefts = {shard_id: pace.compute_left(now) for shard_id, pace in self._paces.items()}
        due = [(left, shard_id) for shard_id, left in lefts.items() if left is not None]
        left, shard_id = min(due, default=(LOOK_SECONDS, 0))
        return shard_id, left

    async def _begin_again(self, shard_id: int) -> None:
        """Connect a shard now, and wait until that has failed or succeeded."""
        pace, shard = self._paces[shard_id], self._bot.get_shard(shard_id)
        wait = self._identifies.compute_wait(shard_id)
        pace.begin(self._clock.monotonic(), after_seconds=wait)
        if shard is None or wait > 0:
            return
        logger.warning(NOT_REACHED, shard=shard_id, problem=self._reasons.reason)
        if await end_work(self._connecting):
            self._begin()
        trying = asyncio.ensure_future(shard.reconnect())
        trying.add_done_callback(lambda _: self._changed.set())
        try:
            while pace.is_trying and not trying.done():
                self._changed.clear()
                left = pace.compute_left(self._clock.monotonic())
                if left == 0:
                    return
                await self._changed.wait_beside(self._clock.sleep(LOOK_SECONDS if left is None else left))
        finally:
            await end_work(trying)

    async def _note_failure(self, shard_id: int) -> None:
        self._paces[shard_id].note_failure(self._clock.monotonic())
        self._changed.set()
        if self._find_link(shard_id).note_lost(self._reasons.code):
            self._status.note_lost()

    async def _note_new(self, shard_id: int) -> None:
        self._note_open(shard_id, is_resumed=False)

    async def _note_resumed(self, shard_id: int) -> None:
        self._note_open(shard_id, is_resumed=True)

    def _note_open(self, shard_id: int, *, is_resumed: bool) -> None:
        self._paces[shard_id].note_open()
        self._changed.set()
        self._find_link(shard_id).note_open(is_resumed=is_resumed)
        if all(pace.compute_left(self._clock.monotonic()) is None for pace in self._paces.values()):
            self._status.note_connected()

    def _find_link(self, shard_id: int) -> Link:
        if shard_id not in self._links:
            self._links[shard_id] = Link(self._clock, shard=shard_id)
        return self._links[shard_id]
