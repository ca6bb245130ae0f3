"""The whole application over a real database, with hosts in memory and nobody on Discord.

Nothing runs by itself: a test reads a guild's servers when it wants to, and moves the clock.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import timedelta
from pathlib import Path

from tests.fakes.clock import FakeClock
from tests.fakes.host_files import FOLDER, FakeSession
from tests.fakes.ingestion import Posted
from utils.application import Application
from utils.database.core.database import Fence, SafeDatabase
from utils.database.repositories.ingestion import IngestionRepository
from utils.database.repositories.leases import LeaseRepository
from utils.models.guilds import ChannelKind
from utils.models.reading import FoundLogs, ImportProgress
from utils.models.scope import GuildId, ServerScope
from utils.models.servers import CheckStep, Credentials, GameServer, HostKeys, ServerHealth, WayCheck, WayStep
from utils.secrets import SecretBox
from utils.services.ingestion.live import LiveIngestion
from utils.services.money.rewards import KillRewards
from utils.services.shards.leases import LeaseKeeper
from utils.settings import Settings
from utils.sftp.tail import DeathLogTail, TailMemory
from utils.tasks import TaskManager

Hosts = Mapping[int, FakeSession]


class MemoryAccess:
    """Opens the logs of servers on hosts in memory, found by the hoster's number."""

    def __init__(self, hosts: Hosts, clock: FakeClock) -> None:
        self._hosts = hosts
        self._clock = clock
        self._memory: dict[ServerScope, TailMemory] = {}

    @asynccontextmanager
    async def open(self, server: GameServer, *, guild_limit: int) -> AsyncIterator[DeathLogTail]:
        """Lend the logs."""
        assert guild_limit > 0
        assert server.number is not None
        memory = self._memory.setdefault(server.scope, TailMemory())
        session = self._hosts[server.number]
        yield DeathLogTail(session, FOLDER, memory, clock=self._clock, local_now=self._clock.now())  # type: ignore[arg-type]

    def forget(self, scope: ServerScope) -> None:
        """Drop what is known of a server."""
        self._memory.pop(scope, None)

    def forget_guild(self, guild_id: GuildId) -> None:
        """Drop what is known of a guild's servers."""
        self._memory = {scope: one for scope, one in self._memory.items() if scope.guild_id != guild_id}

    async def check(
        self, server: GameServer, *, guild_limit: int, credentials: Credentials | None = None
    ) -> WayCheck:
        """Find everything in order."""
        del guild_limit, credentials
        steps = (CheckStep(WayStep.LOGIN, ok=True, detail="renter"),)
        return WayCheck(steps, "ssh-ed25519 AAAA", FoundLogs(f"/{server.number}{FOLDER}"))

    def let_go(self, server: GameServer) -> None:
        """Hold nothing."""

    async def read_host_keys(self, server: GameServer, *, guild_limit: int) -> HostKeys:
        """Know of no keys."""
        del server, guild_limit
        return HostKeys(None, None)


class Bystander:
    """In the place of the loops over servers: nothing is read or delivered by itself."""

    def start(self, scope: ServerScope) -> None:
        """Do nothing."""

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

    def forget_guild(self, guild_id: GuildId) -> None:
        """Do nothing."""

    async def stop_guild(self, guild_id: GuildId) -> None:
        """Do nothing."""

    def on_notices_queued(self, event: object) -> None:
        """Do nothing."""

    async def get_health(self, guild_id: GuildId) -> Mapping[ServerScope, ServerHealth]:
        """Know of no reading."""
        del guild_id
        return {}


class House(Application):
    """The application without its outer edges."""

    clock: FakeClock

    def __init__(
        self, settings: Settings, database: SafeDatabase, leases: LeaseKeeper, hosts: Hosts, clock: FakeClock
    ) -> None:
        self._hosts = hosts
        self._database = database
        super().__init__(
            settings,
            database,
            leases,
            SecretBox("a key for these tests alone"),
            TaskManager(clock),
            extensions=(),
            clock=clock,
        )

    @classmethod
    async def open(cls, folder: Path, database: SafeDatabase, hosts: Hosts, clock: FakeClock) -> "House":
        """Build it and take the lease."""
        settings = Settings.model_validate({"data_dir": folder, "secret_key": "k" * 40})
        sharding = settings.discord.sharding
        store = LeaseRepository(database, shard_count=sharding.count)
        leases = LeaseKeeper(store, sharding=sharding, instance_id="house", clock=clock)
        await leases.wait_for_leases()
        return cls(settings, database, leases, hosts, clock)

    def _join_rules(self) -> None:
        self.access = MemoryAccess(self._hosts, self.clock)  # type: ignore[assignment]
        super()._join_rules()

    def _build_loops(self) -> Bystander:  # type: ignore[override]
        leases = self.leases
        self.live = LiveIngestion(
            IngestionRepository(
                self._database,
                fences=lambda guild: Fence(*leases.get_token(guild), guild),
            ),
            self.events,
            clock=self.clock,
            max_announce_age=timedelta(hours=1),
            rules=[KillRewards(self.guild_settings, self.premium)],
            group_seconds=0,  # one server is read after the other: there is nobody to wait for
        )
        return Bystander()

    async def rest(self) -> None:
        """Wait until all that events asked for is done."""
        while any(self.tasks.is_running(one.name) for one in self.tasks.list_reports()):  # noqa: ASYNC110 - none tells
            await asyncio.sleep(0.001)

    async def read_all(self, guild_id: GuildId) -> None:
        """Import or poll every server of a guild, as its loops would."""
        for server in await self.repositories.servers.list_servers(guild_id):
            if not server.is_paused:
                await self._read(server)

    async def _read(self, server: GameServer) -> None:
        job = await self.repositories.imports.find_import(server.scope)
        channel = await self.guild_settings.find_channel(server.scope, ChannelKind.KILLFEED)
        posted = Posted(frozenset() if channel is None else server.posted_deaths)
        async with self.access.open(server, guild_limit=1) as logs:
            if job is not None:
                await self.history.run(server, logs, job, on_progress=_show_nobody)
            else:
                now = self.clock.now()
                await self.live.poll(server, logs, last_read_at=now, find_posted=posted)


async def _show_nobody(_: ImportProgress) -> None:
    """Show progress to nobody."""
