"""Announces restarts, some minutes before the times that admins set.

Theory of operation
-------------------
A timer looks at the few servers with a warning. A warning is given within ``LATE_TIME`` of its moment or
never: a bot that starts later, or a database that comes back later, announces nothing, because people would
be told a wrong time to get ready. One transaction stores the notice and for which restart it is. So a process
that dies before it announces nothing, and the next one does it; one that dies after it has announced it.
"""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import datetime, timedelta
from typing import Protocol

from utils.clock import Clock
from utils.errors import StorageError
from utils.events import EventDispatcher, NoticesQueued
from utils.models.guilds import ChannelKind
from utils.models.notices.notice import compute_event_id
from utils.models.notices.restarts import RestartNotice
from utils.models.scope import ServerScope
from utils.models.servers import GameServer
from utils.services.ports import ChannelFinder, ServerStore
from utils.services.premium.tiers import PremiumService, has_open_channel
from utils.services.servers.restart_times import list_set_restarts
from utils.tasks import TaskManager

WARN_TASK = "restarts:warn"

LATE_TIME = timedelta(minutes=1)
"""The timer comes several times in it, so that a slow round misses no warning."""


class WarnedServers(Protocol):  # implemented by ScopeIndexRepository
    """Lists the servers whose restarts are announced."""

    async def list_warned_servers(self) -> Sequence[ServerScope]:
        """Return every game server with a warning."""


class RestartWarningStore(Protocol):  # implemented by RestartWarningRepository
    """Storage of the announced restarts."""

    async def announce(self, scope: ServerScope, notice: RestartNotice) -> bool:
        """Store a notice in the outbox, unless its restart was announced before; tell whether it is new."""


@dataclass(eq=False, repr=False)
class RestartWarnings:
    """Announces the restarts of all servers."""

    index: WarnedServers
    store: RestartWarningStore
    _: KW_ONLY
    servers: ServerStore
    channels: ChannelFinder
    premium: PremiumService
    events: EventDispatcher
    tasks: TaskManager
    clock: Clock

    async def warn_all(self) -> None:
        """Announce every restart that is due.

        Raises:
            StorageError: the database is away; the next time goes on.
        """
        await self.tasks.for_each(WARN_TASK, await self.index.list_warned_servers(), self._warn)

    async def _warn(self, scope: ServerScope) -> None:
        server = await self.servers.find_server(scope)
        if server is None or server.is_paused:
            return
        now = self.clock.now()
        restart_at = find_due_restart(server, now=now)
        if restart_at is None:
            return
        if not await has_open_channel(self.channels, self.premium, scope, ChannelKind.EVENTS):
            return
        notice = build_warning(server, restart_at, now=now)
        queued = NoticesQueued(scope=scope, kinds=frozenset({ChannelKind.EVENTS}))
        try:
            is_new = await self.store.announce(scope, notice)
        except StorageError:  # it may be stored nevertheless, without its event, so wake delivery
            self.events.dispatch(queued)
            raise
        if is_new:
            self.events.dispatch(queued)


def find_due_restart(server: GameServer, *, now: datetime) -> datetime | None:
    """Return the set restart that is to be announced now; None if there is none."""
    if not server.restart_warning:
        return None
    before = timedelta(minutes=server.restart_warning)
    upcoming = list_set_restarts(server, now=now)
    return next((at for at in upcoming if timedelta() <= now - (at - before) <= LATE_TIME), None)


def build_warning(server: GameServer, restart_at: datetime, *, now: datetime) -> RestartNotice:
    """Return the notice about a restart."""
    matter = f"{server.scope};restart;{restart_at.isoformat()}"
    return RestartNotice(
        event_id=compute_event_id(matter), server_name=server.name, at=now, restart_at=restart_at
    )
