"""Premium and the audit in memory; a test can make each of them fail."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tests.fakes.clock import START, FakeClock
from tests.fakes.server_loops import FakeNotifier, FakeServerLoops
from tests.fakes.storage import FakeAuditStore, FakeServerStore, Outage
from utils.clock import Clock
from utils.models.audit import AuditEntry
from utils.models.premium import Grant, PremiumEvent, PremiumRecord
from utils.models.scope import GuildId, MemberId
from utils.services.premium.grants import GrantService
from utils.services.premium.tiers import PremiumService
from utils.tasks import TaskManager

OWNER = MemberId(7)


class FakePremiumStore(Outage):
    """Grants and their history."""

    def __init__(self) -> None:
        super().__init__()
        self.audit = FakeAuditStore()
        self.records: dict[GuildId, PremiumRecord] = {}

    def give(self, guild_id: GuildId, tier: int, ends_at: datetime | None = None) -> None:
        """Store a grant, as another process would."""
        self.records[guild_id] = PremiumRecord(guild_id, Grant(tier, START, OWNER, ends_at))

    async def get_premium(self, guild_id: GuildId) -> PremiumRecord:
        """Return a guild's premium."""
        self.note("get_premium")
        return await self.answer(self.records.get(guild_id, PremiumRecord(guild_id)))

    async def write_grant(
        self, guild_id: GuildId, grant: Grant | None, event: PremiumEvent, *, entry: AuditEntry
    ) -> None:
        """Replace the grant and add its lines."""
        await self.audit.insert_entry(guild_id, entry)
        before = self.records.get(guild_id, PremiumRecord(guild_id))
        self.records[guild_id] = PremiumRecord(guild_id, grant, (*before.history, event))
        self.note("write_grant")

    async def end_grant(self, guild_id: GuildId, event: PremiumEvent, *, entry: AuditEntry) -> bool:
        """End the grant with that end."""
        self.note("end_grant")
        before = self.records[guild_id]
        if before.grant is None or before.grant.ends_at != event.ends_at:
            return False
        await self.audit.insert_entry(guild_id, entry)
        self.records[guild_id] = PremiumRecord(guild_id, None, (*before.history, event))
        return True

    async def list_ended_premium(self, now: datetime) -> Sequence[GuildId]:
        """Return the guilds whose grant has ended."""
        self.note("list_ended_premium")
        return [
            guild_id
            for guild_id, record in self.records.items()
            if record.grant is not None and record.grant.is_over(now)
        ]


class FakeGrantIndex:
    """The keys of guilds with servers, and of guilds whose grant has ended."""

    def __init__(self, servers: FakeServerStore, premium: FakePremiumStore) -> None:
        self._servers = servers
        self._premium = premium

    async def list_guild_ids(self) -> Sequence[GuildId]:
        """Return every guild with a game server."""
        return sorted({scope.guild_id for scope in self._servers.servers})

    async def list_ended_premium(self, now: datetime) -> Sequence[GuildId]:
        """Return every guild whose grant has ended."""
        return await self._premium.list_ended_premium(now)


def build_premium(tier: int = 4, clock: Clock | None = None) -> PremiumService:
    """Return the service of a bot without any grants."""
    return PremiumService(FakePremiumStore(), default_tier=tier, clock=clock or FakeClock())


@dataclass
class GrantSetup:
    """The grants of a bot over storages in memory, with ``service`` and ``premium``."""

    default_tier: int = 0
    clock: FakeClock = field(default_factory=FakeClock)
    store: FakePremiumStore = field(default_factory=FakePremiumStore)
    servers: FakeServerStore = field(default_factory=FakeServerStore)
    loops: FakeServerLoops = field(default_factory=FakeServerLoops)
    notifier: FakeNotifier = field(default_factory=FakeNotifier)
    audit: FakeAuditStore = field(default_factory=FakeAuditStore)

    def __post_init__(self) -> None:
        self.store.audit = self.audit
        self.premium = PremiumService(self.store, default_tier=self.default_tier, clock=self.clock)
        self.service = GrantService(
            self.store,
            FakeGrantIndex(self.servers, self.store),
            premium=self.premium,
            servers=self.servers,
            loops=self.loops,
            notifier=self.notifier,
            tasks=TaskManager(self.clock),
            clock=self.clock,
            minimum_poll_seconds=5,
        )
