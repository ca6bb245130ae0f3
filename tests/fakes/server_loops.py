"""What the loops over servers work with, in memory, and the loops themselves."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from tests.fakes.ingestion import FakeDeathLogs
from utils.errors import KillfeedError, RemoteError
from utils.models.guilds import ChannelKind
from utils.models.reading import ImportJob, ImportProgress
from utils.models.scope import ChannelId, GuildId, ServerScope
from utils.models.servers import ConnectionCount, GameServer, Obstacle
from utils.models.texts import Text


class FakeLogAccess:
    """Lends one server's logs, or fails.

    Attributes:
        failures: errors that the next openings raise, first to last.
        opened: how often it was asked, failed openings included.
        limits: the guild's limit of connections at each opening.
        forgotten: the servers that were to be forgotten.
        renewed: the servers whose login was to be tried again.
        obstacle: what is in the way of connecting; ``clear`` takes it away.
        log_folder: where the logs lie.
    """

    def __init__(self, logs: FakeDeathLogs) -> None:
        self.logs = logs
        self.failures: list[KillfeedError] = []
        self.opened: list[GameServer] = []
        self.limits: list[int] = []
        self.forgotten: list[ServerScope] = []
        self.renewed: list[ServerScope] = []
        self.obstacle: Obstacle | None = None
        self.log_folder: str | None = None
        self._cleared = asyncio.Event()

    @asynccontextmanager
    async def open(self, server: GameServer, *, guild_limit: int) -> AsyncIterator[FakeDeathLogs]:
        """Lend the logs."""
        self.opened.append(server)
        self.limits.append(guild_limit)
        if self.failures:
            failure = self.failures.pop(0)
            if isinstance(failure, RemoteError) and failure.is_lasting:
                self.obstacle = Obstacle("login", None)
            raise failure
        yield self.logs

    def get_log_folder(self, scope: ServerScope) -> str | None:
        """Return where the logs lie."""
        del scope
        return self.log_folder

    def forget(self, scope: ServerScope) -> None:
        """Note that nothing is to be remembered of a server."""
        self.forgotten.append(scope)

    def renew(self, scope: ServerScope) -> None:
        """Note that a login is to be tried again."""
        self.renewed.append(scope)
        self.clear()

    def clear(self) -> None:
        """Let everybody through who waits."""
        self.obstacle = None
        self._cleared.set()

    def find_obstacle(self, scope: ServerScope) -> Obstacle | None:
        """Return what is in the way."""
        del scope
        return self.obstacle

    async def wait_for_way(self, scope: ServerScope, *, guild_limit: int) -> None:
        """Return when nothing is in the way any more."""
        del scope, guild_limit
        if self.obstacle is not None:
            self._cleared.clear()
            await self._cleared.wait()

    def count_connections(self, guild_id: GuildId) -> ConnectionCount:
        """Return how many there are."""
        del guild_id
        return ConnectionCount(3, 1)


class FakeNotifier:
    """Admins who are told once for each key, until it is cleared.

    Attributes:
        told: the sentences they read.
    """

    def __init__(self) -> None:
        self.told: list[str] = []
        self._keys: set[tuple[GuildId, str]] = set()

    async def notify(self, guild_id: GuildId, sentence: Text, key: str) -> None:
        """Tell, unless this key was told and not cleared."""
        if (guild_id, key) not in self._keys:
            self._keys.add((guild_id, key))
            self.told.append(str(sentence))

    async def clear(self, guild_id: GuildId, key: str) -> None:
        """The fault is over."""
        self._keys.discard((guild_id, key))


class FakeProgressReporter:
    """Remembers the progress of imports.

    Attributes:
        shown: of which server, which job and how far.
        may_go_on: whoever shows something waits for it; set unless a test clears it.
    """

    def __init__(self) -> None:
        self.shown: list[tuple[str, ImportJob, ImportProgress]] = []
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def show(self, server: GameServer, job: ImportJob, progress: ImportProgress) -> None:
        """Take the newest progress."""
        self.shown.append((server.name, job, progress))
        await self.may_go_on.wait()


class FakeChannelFinder:
    """One channel for everything, or none."""

    def __init__(self, channel_id: int | None = 77) -> None:
        self.channel_id = channel_id

    async def find_channel(self, scope: ServerScope, kind: ChannelKind) -> ChannelId | None:
        """Return the channel."""
        del scope, kind
        return None if self.channel_id is None else ChannelId(self.channel_id)


class FakeServerIndex:
    """The keys of every server, and which guilds were left."""

    def __init__(self, *scopes: ServerScope, failures: Sequence[Exception] = ()) -> None:
        self.scopes = scopes
        self.failures = list(failures)
        self.left: set[GuildId] = set()
        self.notes: list[tuple[GuildId, bool]] = []

    async def list_left_guilds(self) -> Sequence[GuildId]:
        """Return those noted as left."""
        return sorted(self.left)

    async def set_left(self, guild_id: GuildId, *, is_left: bool) -> None:
        """Note a departure or a return."""
        self.notes.append((guild_id, is_left))
        (self.left.add if is_left else self.left.discard)(guild_id)

    async def list_server_scopes(self) -> Sequence[ServerScope]:
        """Return them, once every failure was raised."""
        if self.failures:
            raise self.failures.pop(0)
        return self.scopes


class FakeServerLoops:
    """Notes which loops begin and end."""

    def __init__(self) -> None:
        self.notes: list[tuple[str, ServerScope]] = []

    def start(self, scope: ServerScope) -> None:
        """Note a begin."""
        self.notes.append(("start", scope))

    @asynccontextmanager
    async def removal(self, scope: ServerScope) -> AsyncIterator[None]:
        """Note an end, and a begin when the block fails."""
        self.notes.append(("stop", scope))
        try:
            yield
        except Exception:
            self.start(scope)
            raise

    def refresh(self, scope: ServerScope) -> None:
        """Note a call to look at the settings."""
        self.notes.append(("refresh", scope))

    def wake(self, scope: ServerScope) -> None:
        """Note a call to read now."""
        self.notes.append(("wake", scope))

    async def restart(self, scope: ServerScope) -> None:
        """Note a new beginning."""
        self.notes.append(("restart", scope))
