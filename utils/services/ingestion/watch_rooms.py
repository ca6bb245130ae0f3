"""What a watch works with: Protocols of its own needs, and the rooms that fulfil them."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from utils.clock import Clock
from utils.models.guilds import ChannelKind
from utils.models.reading import ImportJob, ImportProgress
from utils.models.scope import ChannelId, GuildId, ServerScope
from utils.models.servers import ConnectionCount, GameServer, Obstacle, ServerHealth
from utils.models.texts import Text
from utils.services.ingestion.history import HistoryImport
from utils.services.ingestion.live import LiveIngestion
from utils.services.ingestion.reading import DeathLogTail, HistoryLogs
from utils.services.ingestion.schedule import PollSchedule
from utils.services.premium.tiers import PremiumService
from utils.services.servers.log_places import LogPlaces


class WatchedLogs(DeathLogTail, HistoryLogs, Protocol):
    """A server's logs, opened."""


class LogAccess(Protocol):
    """Opens the logs of game servers; remembers between polls what it knows of each."""

    def open(self, server: GameServer, *, guild_limit: int) -> AbstractAsyncContextManager[WatchedLogs]:
        """Lend the logs of a server for one poll or one import.

        Raises:
            RemoteError: the host, the login or the folder is not as it should be.
        """

    def get_log_folder(self, scope: ServerScope) -> str | None:
        """Return where the logs of a server were found, as its host names the folder; None before that."""

    def forget(self, scope: ServerScope) -> None:
        """Drop what is remembered of a server."""

    def renew(self, scope: ServerScope) -> None:
        """Drop what is remembered of a server, and let its login be tried again although it was refused."""

    def find_obstacle(self, scope: ServerScope) -> Obstacle | None:
        """Return what is known to be in the way of connecting to a server, if anything is."""

    async def wait_for_way(self, scope: ServerScope, *, guild_limit: int) -> None:
        """Return when what is in the way of a server has changed; at once when nothing is."""

    def count_connections(self, guild_id: GuildId) -> ConnectionCount:
        """Return how many connections a guild has, and how many of its servers wait for one."""


class WatchedServers(Protocol):
    """Storage of servers and of how reading them goes."""

    async def find_server(self, scope: ServerScope) -> GameServer | None:
        """Return the server as it is now."""

    async def get_health(self, scope: ServerScope) -> ServerHealth:
        """Return the stored health; defaults for a server never read."""

    async def save_health(self, health: ServerHealth) -> None:
        """Store state, problem and times; the counts of lines are kept by ingestion."""


class ImportJobs(Protocol):
    """Storage of imports under way."""

    async def find_import(self, scope: ServerScope) -> ImportJob | None:
        """Return the import under way, if any."""


class Departures(Protocol):
    """Storage of which guilds the bot has left."""

    async def set_left(self, guild_id: GuildId, *, is_left: bool) -> None:
        """Note that the bot is no longer in a guild, or that it is there again."""


class ChannelFinder(Protocol):
    """Which channel of a kind a server posts to."""

    async def find_channel(self, scope: ServerScope, kind: ChannelKind) -> ChannelId | None:
        """Return the server's own, else the guild's, else none."""


class AdminNotifier(Protocol):
    """Tells the admins of a guild something once, until it is cleared."""

    async def notify(self, guild_id: GuildId, sentence: Text | str, key: str) -> None:
        """Tell, unless this key was told and not cleared."""

    async def clear(self, guild_id: GuildId, key: str) -> None:
        """The fault is over: the next one is told again."""


class ProgressReporter(Protocol):
    """Shows people how an import goes."""

    async def show(self, server: GameServer, job: ImportJob, progress: ImportProgress) -> None:
        """Take the newest progress; must not hold up the import."""


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """How often to read, and what is news."""

    minimum_poll_seconds: float
    max_announce_age: timedelta


@dataclass(frozen=True, slots=True)
class WatchRooms:
    """The rooms a watch works with."""

    servers: WatchedServers
    imports: ImportJobs
    logs: LogAccess
    places: LogPlaces
    live: LiveIngestion
    history: HistoryImport
    channels: ChannelFinder
    premium: PremiumService
    notifier: AdminNotifier
    progress: ProgressReporter
    departures: Departures
    clock: Clock
    schedule: PollSchedule = field(default_factory=PollSchedule)
