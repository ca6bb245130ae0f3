"""The parts that the loops over servers use, in memory, and the loops themselves."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from tests.fakes.ingestion import FakeDeathLogs
from utils.errors import KillfeedError, RemoteError
from utils.models.guilds import ChannelKind
from utils.models.incident_kinds import IncidentKind
from utils.models.lasting_buttons import LastingButton
from utils.models.post_styles import NEW_SHAPE, NEW_STYLE, ChannelStyle, PostShape
from utils.models.reading import ImportJob, ImportProgress
from utils.models.scope import ChannelId, GuildId, ServerScope
from utils.models.servers import ConnectionCount, GameServer, Obstacle
from utils.models.texts import Text


class FakeLogAccess:
    """Opens one server's logs, or fails.

    Attributes:
        failures: the errors of the next openings, first to last.
        opened: the number of openings, failed ones included.
        limits: the guild's limit of connections, for each opening.
        forgotten: the arguments of ``forget``.
        renewed: the arguments of ``renew``.
        obstacle: the obstacle for connections; ``clear`` removes it.
        log_folder: the folder of the logs.
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
        """Open the logs."""
        self.opened.append(server)
        self.limits.append(guild_limit)
        if self.failures:
            failure = self.failures.pop(0)
            if isinstance(failure, RemoteError) and failure.is_lasting:
                self.obstacle = Obstacle("login", None)
            raise failure
        yield self.logs

    def get_log_folder(self, scope: ServerScope) -> str | None:
        """Return the folder of the logs."""
        del scope
        return self.log_folder

    def forget(self, scope: ServerScope) -> None:
        """Record the server to forget."""
        self.forgotten.append(scope)

    def renew(self, scope: ServerScope) -> None:
        """Record the login to try again."""
        self.renewed.append(scope)
        self.clear()

    def clear(self) -> None:
        """Remove the obstacle and let all waiters go on."""
        self.obstacle = None
        self._cleared.set()

    def find_obstacle(self, scope: ServerScope) -> Obstacle | None:
        """Return the obstacle."""
        del scope
        return self.obstacle

    async def wait_for_way(self, scope: ServerScope, *, guild_limit: int) -> None:
        """Return once the obstacle is removed."""
        del scope, guild_limit
        if self.obstacle is not None:
            self._cleared.clear()
            await self._cleared.wait()

    def count_connections(self, guild_id: GuildId) -> ConnectionCount:
        """Return the number of connections."""
        del guild_id
        return ConnectionCount(3, 1)


class FakeNotifier:
    """Sends one alert for each key until it is cleared.

    Attributes:
        told: the sent sentences.
        buttons: the buttons below them.
        kinds: the kind of incident of each.
    """

    def __init__(self) -> None:
        self.told: list[str] = []
        self.buttons: list[LastingButton] = []
        self.kinds: list[IncidentKind | None] = []
        self._keys: set[tuple[GuildId, str]] = set()

    async def notify(
        self,
        guild_id: GuildId,
        sentence: Text,
        key: str,
        *,
        buttons: Sequence[LastingButton] = (),
        kind: IncidentKind | None = None,
        **_: object,
    ) -> None:
        """Send the alert, unless an alert with this key is open."""
        if (guild_id, key) not in self._keys:
            self.kinds.append(kind)
            self.buttons += buttons
            self._keys.add((guild_id, key))
            self.told.append(str(sentence))

    async def clear(self, guild_id: GuildId, key: str) -> None:
        """Close the alert with this key."""
        self._keys.discard((guild_id, key))

    async def list_reported(self, scope: ServerScope) -> frozenset[str]:
        """Return the keys that an earlier process left open."""
        return frozenset(key for guild_id, key in self._keys if guild_id == scope.guild_id)


class FakeProgressReporter:
    """Records the progress of imports.

    Attributes:
        shown: server, job and progress of each call.
        may_go_on: an event that each call waits for; set unless a test clears it.
    """

    def __init__(self) -> None:
        self.shown: list[tuple[str, ImportJob, ImportProgress]] = []
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def show(self, server: GameServer, job: ImportJob, progress: ImportProgress) -> None:
        """Record the newest progress."""
        self.shown.append((server.name, job, progress))
        await self.may_go_on.wait()


class FakeChannelFinder:
    """One channel for everything, or none."""

    def __init__(self, channel_id: int | None = 77) -> None:
        self.channel_id = channel_id
        self.style = NEW_STYLE

    async def find_channel(self, scope: ServerScope, kind: ChannelKind) -> ChannelId | None:
        """Return the channel."""
        del scope, kind
        return None if self.channel_id is None else ChannelId(self.channel_id)

    async def find_style(self, guild_id: GuildId, channel_id: ChannelId) -> ChannelStyle:
        """Return the style of every channel."""
        del guild_id, channel_id
        return self.style


class FakeShapes:
    """The one shape of all channels."""

    def __init__(self, shape: PostShape = NEW_SHAPE) -> None:
        self.shape = shape

    async def find_shape(self, guild_id: GuildId, channel_id: ChannelId) -> PostShape:
        """Return the shape."""
        del guild_id, channel_id
        return self.shape


class FakeServerIndex:
    """The keys of every server, and the left guilds."""

    def __init__(self, *scopes: ServerScope, failures: Sequence[Exception] = ()) -> None:
        self.scopes = scopes
        self.failures = list(failures)
        self.left: set[GuildId] = set()
        self.notes: list[tuple[GuildId, bool]] = []

    async def list_left_guilds(self) -> Sequence[GuildId]:
        """Return the left guilds."""
        return sorted(self.left)

    async def set_left(self, guild_id: GuildId, *, is_left: bool) -> None:
        """Record that the bot left a guild, or came back."""
        self.notes.append((guild_id, is_left))
        (self.left.add if is_left else self.left.discard)(guild_id)

    async def list_server_scopes(self) -> Sequence[ServerScope]:
        """Return the servers' keys, after raising every failure once."""
        if self.failures:
            raise self.failures.pop(0)
        return self.scopes


class FakeServerLoops:
    """Records the start and the end of loops."""

    def __init__(self) -> None:
        self.notes: list[tuple[str, ServerScope]] = []

    def start(self, scope: ServerScope) -> None:
        """Record a start."""
        self.notes.append(("start", scope))

    @asynccontextmanager
    async def removal(self, scope: ServerScope) -> AsyncIterator[None]:
        """Record an end, and a start if the block fails."""
        self.notes.append(("stop", scope))
        try:
            yield
        except Exception:
            self.start(scope)
            raise

    def refresh(self, scope: ServerScope) -> None:
        """Record a call that reads the settings."""
        self.notes.append(("refresh", scope))

    def wake(self, scope: ServerScope) -> None:
        """Record a call that starts a poll."""
        self.notes.append(("wake", scope))

    async def restart(self, scope: ServerScope) -> None:
        """Record a restart."""
        self.notes.append(("restart", scope))
