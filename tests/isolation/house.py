"""The whole application over a real database, with hosts in memory and without Discord.

It runs no loops: a test reads a guild's servers and moves the clock.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path

from tests.fakes.clock import FakeClock
from tests.fakes.game_log import FakeGameLog
from tests.fakes.host_files import FOLDER, FakeSession
from tests.fakes.ingestion import Posted
from utils.composition.application import Application
from utils.composition.build import build_application
from utils.composition.reading import Reading, build_game_logs, build_live
from utils.composition.storage import build_leases
from utils.database.core.database import SafeDatabase
from utils.delivery.bounty_boards import GATHER_SECONDS
from utils.delivery.standing_messages import StandingMessage
from utils.events import NoticesQueued
from utils.models.guilds import ChannelKind
from utils.models.health import ServerReading
from utils.models.reading import FoundLogs, ImportProgress
from utils.models.scope import GuildId, ServerScope
from utils.models.servers import (
    CheckStep,
    ConnectionCount,
    Credentials,
    GameServer,
    HostKeys,
    ServerHealth,
    WayCheck,
    WayStep,
)
from utils.models.texts import text
from utils.secrets import SecretBox
from utils.services.ingestion.deadside_log_reader import DeadsideLogReader
from utils.services.ingestion.log_reader import ServerLook, Visit
from utils.services.ingestion.row_reader import BATCHES_OF_ALL
from utils.services.personal.erasure_log import ErasedPersons
from utils.settings import Settings
from utils.sftp.tail import DeathLogTail, TailMemory
from utils.tasks import TaskManager
from utils.turns import FairTurns

Hosts = Mapping[int, FakeSession]

BOX = SecretBox("a key for these tests alone")


class MemoryHosts:
    """Opens the logs of servers on hosts in memory, which the hoster's number selects."""

    def __init__(self, hosts: Hosts, clock: FakeClock) -> None:
        self._hosts = hosts
        self._clock = clock
        self._memory: dict[ServerScope, TailMemory] = {}
        self.game_logs = {number: FakeGameLog() for number in hosts}

    @asynccontextmanager
    async def open_game_log(self, server: GameServer, *, guild_limit: int) -> AsyncIterator[FakeGameLog]:
        """Open Deadside.log."""
        assert guild_limit > 0
        assert server.number is not None
        yield self.game_logs[server.number]

    @asynccontextmanager
    async def open(self, server: GameServer, *, guild_limit: int) -> AsyncIterator[DeathLogTail]:
        """Open the logs."""
        assert guild_limit > 0
        assert server.number is not None
        memory = self._memory.setdefault(server.scope, TailMemory())
        session = self._hosts[server.number]
        yield DeathLogTail(session, FOLDER, memory, clock=self._clock, local_now=self._clock.now())  # type: ignore[arg-type] # half a session

    def forget(self, scope: ServerScope) -> None:
        """Forget a server."""
        self._memory.pop(scope, None)

    def forget_guild(self, guild_id: GuildId) -> None:
        """Forget a guild's servers."""
        self._memory = {scope: one for scope, one in self._memory.items() if scope.guild_id != guild_id}

    async def check(
        self, server: GameServer, *, guild_limit: int, credentials: Credentials | None = None
    ) -> WayCheck:
        """Find no problem."""
        del guild_limit, credentials
        steps = (CheckStep(WayStep.LOGIN, ok=True, detail=text("renter")),)
        return WayCheck(steps, "ssh-ed25519 AAAA", FoundLogs(f"/{server.number}{FOLDER}"))

    def let_go(self, server: GameServer) -> None:
        """Do nothing."""

    async def read_host_keys(self, server: GameServer, *, guild_limit: int) -> HostKeys:
        """Return no keys."""
        del server, guild_limit
        return HostKeys(None, None)


class Bystander:
    """Replaces the loops over servers: it reads and delivers nothing."""

    def start(self, scope: ServerScope) -> None:
        """Do nothing."""

    def list_readings(self) -> Sequence[ServerReading]:
        """Return no server."""
        return ()

    def refresh(self, scope: ServerScope) -> None:
        """Do nothing."""

    def wake(self, scope: ServerScope) -> None:
        """Do nothing."""

    def removal(self, scope: ServerScope) -> AbstractAsyncContextManager[None]:
        """Do nothing."""
        del scope
        return nullcontext()

    async def restart(self, scope: ServerScope) -> None:
        """Do nothing."""

    async def begin(self) -> None:
        """Do nothing."""

    async def follow_guilds(self, is_member: Callable[[GuildId], bool]) -> None:
        """Do nothing."""

    def forget_guild(self, guild_id: GuildId) -> None:
        """Do nothing."""

    async def stop_guild(self, guild_id: GuildId) -> None:
        """Do nothing."""

    def on_notices_queued(self, event: NoticesQueued) -> None:
        """Do nothing."""

    async def get_health(self, guild_id: GuildId) -> Mapping[ServerScope, ServerHealth]:
        """Return no health."""
        del guild_id
        return {}

    def count_connections(self, guild_id: GuildId) -> ConnectionCount:
        """Return no connections."""
        del guild_id
        return ConnectionCount(0, 0)


class MemoryMessages:
    """Keeps the standing messages of guilds in memory, without Discord.

    Attributes:
        shown: the newest state of each message.
    """

    def __init__(self) -> None:
        self.shown: dict[GuildId, StandingMessage] = {}

    def keep(self, message: StandingMessage) -> None:
        """Keep the newest state."""
        self.shown[message.guild_id] = message

    async def write_board(self, guild_id: GuildId) -> list[str]:
        """Return what the board of a guild shows now, row by row; nothing if there is none."""
        if guild_id not in self.shown:
            return []
        [embed] = (await self.shown[guild_id].render()).embeds
        return [str(embed.title), *str(embed.description).splitlines()]


class House:
    """The application without its connections to the outside.

    Attributes:
        application: the built application, which does not run.
        services: the services of its commands.
        messages: the boards of open bounties.
        game_logs: Deadside.log of each game server, by the hoster's number.
    """

    def __init__(self, application: Application, hosts: MemoryHosts, clock: FakeClock) -> None:
        self.application = application
        self.services = application.bot.services
        self.clock = clock
        self.messages = MemoryMessages()
        application.displays.bounty_boards.messages = self.messages  # type: ignore[assignment] # only what boards use
        self._hosts = hosts
        self.game_logs = hosts.game_logs
        erased = ErasedPersons(application.base.repositories.erasure_records, BOX)
        self._game_logs = build_game_logs(application.base, application.guild, erased, hosts)
        self._readers: dict[ServerScope, DeadsideLogReader] = {}
        turns = FairTurns(BATCHES_OF_ALL)
        # without a wait for other servers, because one server is read after the other
        self._live = build_live(application.base, application.guild, turns, group_seconds=0)

    @classmethod
    async def open(cls, folder: Path, database: SafeDatabase, hosts: Hosts, clock: FakeClock) -> "House":
        """Build it and take the lease."""
        settings = Settings.model_validate({"data_dir": folder, "secret_key": "k" * 40})
        leases = build_leases(settings, database, "house", clock)
        await leases.wait_for_leases()
        memory = MemoryHosts(hosts, clock)
        application = build_application(
            settings,
            database,
            leases,
            BOX,
            TaskManager(clock),
            extensions=(),
            clock=clock,
            reading=Reading(memory, Bystander()),
        )
        return cls(application, memory, clock)

    async def rest(self) -> None:
        """Wait until all work for events is done; let time pass when all of it waits for that."""
        tasks = self.application.tasks
        while running := [one for one in tasks.list_reports() if tasks.is_running(one.name)]:
            if len(running) == self.clock.sleeping:
                self.clock.move(GATHER_SECONDS)
            await asyncio.sleep(0.001)

    async def read_all(self, guild_id: GuildId) -> None:
        """Read both logs of every server of a guild, as its loops would."""
        for server in await self.application.repositories.servers.list_servers(guild_id):
            if not server.is_paused:
                await self._read(server)
                await self._read_game_log(server)

    async def _read_game_log(self, server: GameServer) -> None:
        """Read Deadside.log on."""
        reader = self._readers.setdefault(server.scope, DeadsideLogReader(server.scope, self._game_logs))
        look = ServerLook(server, self.clock.monotonic(), 0)
        await reader.read(Visit(look, guild_limit=1, passes_over=False, find_current=partial(_find, server)))

    async def _read(self, server: GameServer) -> None:
        job = await self.application.repositories.imports.find_import(server.scope)
        channel = await self.services.settings.find_channel(server.scope, ChannelKind.KILLFEED)
        posted = Posted() if channel is None else Posted(server.posted_deaths)
        async with self._hosts.open(server, guild_limit=1) as logs:
            if job is not None:
                await self.application.history.run(server, logs, job, on_progress=_show_nobody)
            else:
                now = self.clock.now()
                await self._live.poll(server, logs, last_read_at=now, find_posted=posted)


async def _find(server: GameServer) -> GameServer:
    """Return the server."""
    return server


async def _show_nobody(_: ImportProgress) -> None:
    """Show no progress."""
