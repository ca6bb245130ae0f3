"""Server loops: a task for each log of each game server of this process, and one for each guild's delivery.

Ending a task takes time, and the wanted loops may change during that: a guild comes back, two people change a
server at once. ``_schedulers`` holds the servers to read. After each wait for the end of a task, the missing
loops of these servers are started. If a loop does not end in time, its task name stays taken and a new loop
waits for it, so two loops never read one log.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from structlog import get_logger

from utils.error_sink import ErrorSource, Where
from utils.errors import StillBusyError, StorageError
from utils.events import NoticesQueued
from utils.models.guilds import ChannelKind
from utils.models.health import ServerReading
from utils.models.scope import GuildId, ServerScope
from utils.models.servers import ConnectionCount, ServerHealth
from utils.services.ingestion.log_reader import LogReader
from utils.services.ingestion.reader_loop import LoopDependencies
from utils.services.ingestion.scheduler import ServerScheduler
from utils.tasks import TaskManager

FOLLOW_TASK = "guilds:follow"
LIST_RETRY_SECONDS = 2.0

logger = get_logger(__name__)


class Deliverer(Protocol):  # implemented by DeliveryLoop
    """Delivers the notices in the outbox of a guild."""

    async def run(self, guild_id: GuildId) -> None:
        """Deliver until cancelled."""

    def wake(self, scope: ServerScope, kinds: Iterable[ChannelKind]) -> None:
        """Wake the delivery: a server has new notices for these kinds of channel."""


class ServerIndex(Protocol):  # implemented by ScopeIndexRepository
    """Lists the keys of servers and guilds."""

    async def list_server_scopes(self) -> Sequence[ServerScope]:
        """Return every game server of every guild."""

    async def list_left_guilds(self) -> Sequence[GuildId]:
        """Return every guild that the bot has left."""


class Departures(Protocol):  # implemented by GuildRepository
    """Storage of the guilds that the bot has left."""

    async def set_left(self, guild_id: GuildId, *, is_left: bool) -> None:
        """Note that the bot has left a guild, or is in it again."""


ReaderBuilder = Callable[[ServerScope], LogReader]
"""Makes the reader of one log of a server."""


@dataclass(eq=False, repr=False)
class ServerLoops:
    """Starts and ends the loops over servers, and knows their health.

    Args:
        readers: the builders of readers, by the log's name in names of tasks; the death log first.
    """

    tasks: TaskManager
    deliverer: Deliverer
    scope_index: ServerIndex
    departures: Departures
    readers: Mapping[str, ReaderBuilder]
    dependencies: LoopDependencies

    def __post_init__(self) -> None:
        self._schedulers: dict[ServerScope, ServerScheduler] = {}
        self._in_removal: set[ServerScope] = set()
        self._following = asyncio.Lock()

    def start(self, scope: ServerScope) -> None:
        """Begin to read and deliver for a server, if that has not begun already."""
        if scope in self._in_removal:
            return
        if scope not in self._schedulers:
            self._schedulers[scope] = self._build_scheduler(scope)
        self._start_loops(self._schedulers[scope])
        self._start_delivery(scope.guild_id)

    def _build_scheduler(self, scope: ServerScope) -> ServerScheduler:
        readers = {log: build(scope) for log, build in self.readers.items()}
        return ServerScheduler(scope, readers, self.dependencies)

    def start_all(self, scopes: Iterable[ServerScope]) -> None:
        """Begin for every given server."""
        for scope in scopes:
            self.start(scope)

    async def begin(self) -> None:
        """Begin for every server, before Discord has said which guilds the bot is in.

        Skip guilds that the bot has left. ``follow_guilds`` corrects this later.
        """
        left = frozenset(await self.scope_index.list_left_guilds())
        scopes = await self.scope_index.list_server_scopes()
        self.start_all(scope for scope in scopes if scope.guild_id not in left)

    async def stop(self, scope: ServerScope) -> bool:
        """End the reading of a server, and with the guild's last one the delivery; tell whether it ended."""
        return await self._stop(scope.guild_id, [scope])

    async def stop_guild(self, guild_id: GuildId) -> None:
        """End every loop of a guild."""
        await self._stop(guild_id, [scope for scope in self._schedulers if scope.guild_id == guild_id])

    def forget_guild(self, guild_id: GuildId) -> None:
        """Forget the poll times of a guild; its loops have ended."""
        self.dependencies.schedule.forget_guild(guild_id)

    @asynccontextmanager
    async def removal(self, scope: ServerScope) -> AsyncIterator[None]:
        """Stop reading a server while it is deleted; if that fails, reading goes on.

        The server is still in the list, so ``start_all`` would start it again. ``_in_removal`` prevents that.

        Raises:
            StillBusyError: one of its loops does not end, so it may still store rows.
        """
        self._in_removal.add(scope)
        is_removed = False
        try:
            if not await self.stop(scope):
                raise StillBusyError
            await self._build_scheduler(scope).note_removal()
            yield
            is_removed = True
        finally:
            self._in_removal.discard(scope)
            if not is_removed:
                self._wake_delivery(scope)
                self.start(scope)  # if the server was removed nevertheless, its loops end by themselves

    async def _stop(self, guild_id: GuildId, scopes: Collection[ServerScope]) -> bool:
        """End loops, all at once; loops that are wanted again by then begin again."""
        left = [self._schedulers.pop(scope) for scope in scopes if scope in self._schedulers]
        has_ended = await self.tasks.cancel(*self._name_loops(*scopes))
        for scheduler in left:
            others = [one for scope, one in self._schedulers.items() if scope.guild_id == guild_id]
            await scheduler.clear_told(kept=frozenset[str]().union(*(one.list_told() for one in others)))
        if not self._has_server(guild_id):
            await self.tasks.cancel(_name_delivery(guild_id))
        wanted = [scope for scope in self._schedulers if scope.guild_id == guild_id]
        self.start_all(wanted)
        return has_ended

    async def restart(self, scope: ServerScope) -> None:
        """End the current reading, then begin again with the server's current settings.

        Do nothing for a server that is not read.
        """
        scheduler = self._schedulers.get(scope)
        if scheduler is None:
            return
        await self.tasks.cancel(*self._name_loops(scope))
        self._wake_delivery(scope)
        scheduler.wake()
        if self._schedulers.get(scope) is scheduler:  # not stopped in the meantime
            self._start_loops(scheduler)

    def _wake_delivery(self, scope: ServerScope) -> None:
        """Wake delivery: a loop that was ended may have stored a batch without its event."""
        self.deliverer.wake(scope, ChannelKind)

    def _start_loops(self, scheduler: ServerScheduler) -> None:
        """Begin to read the logs of a server that are not being read already."""
        for log, loop in scheduler.loops.items():
            name = _name_loop(scheduler.scope, log)
            if not self.tasks.is_running(name):
                self.tasks.start(name, loop.run, guild_id=scheduler.scope.guild_id, is_critical=True)

    def _name_loops(self, *scopes: ServerScope) -> list[str]:
        return [_name_loop(scope, log) for scope in scopes for log in self.readers]

    def _start_delivery(self, guild_id: GuildId) -> None:
        """Begin to deliver for a guild, unless delivery is running already."""

        async def deliver() -> None:
            await self.deliverer.run(guild_id)

        if not self.tasks.is_running(_name_delivery(guild_id)):
            self.tasks.start(_name_delivery(guild_id), deliver, guild_id=guild_id, is_critical=True)

    def _has_server(self, guild_id: GuildId) -> bool:
        return any(scope.guild_id == guild_id for scope in self._schedulers)

    async def follow_guilds(self, is_member: Callable[[GuildId], bool]) -> None:
        """Start the loops of guilds the bot is in; stop all others.

        ``is_member`` is asked again after each wait, so a guild that the bot leaves in the meantime is not
        started.
        """
        async with self._following:
            following = self.tasks.start(FOLLOW_TASK, partial(self._follow, is_member))
            try:
                await following.wait()
            except asyncio.CancelledError:
                following.cancel()  # its name is free for the next one
                raise

    async def _follow(self, is_member: Callable[[GuildId], bool]) -> None:
        scopes = await self._list_scopes()

        async def stop_if_left(guild_id: GuildId) -> None:
            if not is_member(guild_id):
                await self.stop_guild(guild_id)

        followed = {scope.guild_id for scope in self._schedulers}
        await self.tasks.for_each(FOLLOW_TASK, followed, stop_if_left)
        self.start_all(scope for scope in scopes if is_member(scope.guild_id))
        await self._note_departures({scope.guild_id for scope in scopes}, is_member)

    async def _note_departures(
        self, guild_ids: Collection[GuildId], is_member: Callable[[GuildId], bool]
    ) -> None:
        """Store which guilds the bot has left, if that changed, for the next start."""
        try:
            left = frozenset(await self.scope_index.list_left_guilds())
        except StorageError as failure:
            logger.warning("departures are noted another time", problem=str(failure))
            self.tasks.errors.report(failure, where=Where(source=ErrorSource.DATABASE, task=FOLLOW_TASK))
            return

        async def note_if_changed(guild_id: GuildId) -> None:
            if is_member(guild_id) == (guild_id in left):
                await self.departures.set_left(guild_id, is_left=guild_id not in left)

        await self.tasks.for_each(FOLLOW_TASK, guild_ids, note_if_changed)

    async def _list_scopes(self) -> Sequence[ServerScope]:
        """Return every server, waiting while the database is away."""
        while True:
            try:
                return await self.scope_index.list_server_scopes()
            except StorageError as failure:
                logger.warning("the list of servers waits for the database", problem=str(failure))
                self.tasks.errors.report(failure, where=Where(source=ErrorSource.DATABASE, task=FOLLOW_TASK))
            await self.dependencies.clock.sleep(LIST_RETRY_SECONDS)

    def refresh(self, scope: ServerScope) -> None:
        """Read a server's settings again before its next poll."""
        if scope in self._schedulers:
            self._schedulers[scope].refresh()

    def wake(self, scope: ServerScope) -> None:
        """Read a server again now, for example after its login was changed."""
        if scope in self._schedulers:
            self._schedulers[scope].wake()

    def on_notices_queued(self, event: NoticesQueued) -> None:
        """Wake the delivery of a server's guild."""
        self.deliverer.wake(event.scope, event.kinds)

    def count_connections(self, guild_id: GuildId) -> ConnectionCount:
        """Return how many connections a guild has, and how many of its requests wait for one."""
        return self.dependencies.logs.count_connections(guild_id)

    def list_readings(self) -> Sequence[ServerReading]:
        """Return how every server is read, from memory alone."""
        return [scheduler.reading for scheduler in self._schedulers.values()]

    async def get_health(self, guild_id: GuildId) -> Mapping[ServerScope, ServerHealth]:
        """Return the health of every server of a guild, with the stored line counts."""
        of_guild = [one for scope, one in self._schedulers.items() if scope.guild_id == guild_id]
        return {scheduler.scope: await scheduler.get_health() for scheduler in of_guild}


def _name_loop(scope: ServerScope, log: str) -> str:
    return f"read:{log}:{scope}"


def _name_delivery(guild_id: GuildId) -> str:
    return f"deliver:{guild_id}"
