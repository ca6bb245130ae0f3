"""The scheduler of a game server: a loop for each of its logs.

Each log has a loop of its own, so a log that is missing, broken, slow or poisoned delays no other log. They
share the connection of their login, the guild's poll times (``PollSchedule``) and changes of settings
(``refresh``, ``wake``). An obstacle of the host concerns all of them, and the admins are told once.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace

from utils.models.health import ServerReading
from utils.models.scope import ServerScope
from utils.models.servers import ServerHealth
from utils.services.ingestion.log_reader import LogReader
from utils.services.ingestion.reader_loop import LoopDependencies, ReaderLoop
from utils.services.presence.log_conditions import read_log


class ServerScheduler:
    """The loops over the logs of one game server; its health is always readable.

    Args:
        scope: the server.
        readers: the reader of each log, the death log first.
        dependencies: the dependencies of the loops.
    """

    def __init__(
        self, scope: ServerScope, readers: Mapping[str, LogReader], dependencies: LoopDependencies
    ) -> None:
        self.scope = scope
        self.loops = {log: ReaderLoop(scope, log, reader, dependencies) for log, reader in readers.items()}
        self._readers = tuple(readers.values())
        self._dependencies = dependencies

    @property
    def health(self) -> ServerHealth:
        """The state of the death log, and of the other logs if they have other problems."""
        health = ServerHealth(self.scope)
        for reader in self._readers:
            health = reader.add_health(health)
        return replace(health, others=tuple(one for one in health.others if one.problem != health.problem))

    @property
    def reading(self) -> ServerReading:
        """How the death log is read, and how Deadside.log is."""
        health, server = self.health, next(iter(self.loops.values())).server
        return ServerReading(
            self.scope,
            next(iter(self.loops.values())).server_name,
            health.state,
            health.last_read_at,
            health.lag_seconds,
            is_importing=any(reader.is_importing for reader in self._readers),
            log=None if server is None else read_log(server, health, now=self._dependencies.clock.now()),
        )

    async def get_health(self) -> ServerHealth:
        """Return the current health, with the stored line counts."""
        stored = await self._dependencies.servers.get_health(self.scope)
        health, obstacle = self.health, self._dependencies.logs.find_obstacle(self.scope)
        return replace(
            health,
            lines_read=stored.lines_read,
            lines_rejected=stored.lines_rejected,
            next_try_at=health.next_try_at if obstacle is None else obstacle.next_try_at,
        )

    def refresh(self) -> None:
        """Read the server's settings again before the next visit."""
        for loop in self.loops.values():
            loop.refresh()

    def wake(self) -> None:
        """Read again now, with the current settings, because something was changed for this server."""
        self._dependencies.logs.renew(self.scope)
        for loop in self.loops.values():
            loop.wake()

    def list_told(self) -> frozenset[str]:
        """Return the keys of the alerts that are still open."""
        return frozenset(matter for reader in self._readers for matter in reader.list_told())

    async def clear_told(self, *, kept: Collection[str]) -> None:
        """Clear the server's alerts, except those that other servers still need."""
        for matter in sorted(self.list_told().difference(kept)):
            await self._dependencies.notifier.clear(self.scope.guild_id, matter)

    async def note_removal(self) -> None:
        """The server is not read any more: show that in the progress of its import."""
        for reader in self._readers:
            await reader.note_removal()
