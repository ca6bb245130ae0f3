"""Storage of guilds, servers and leases in memory; a test can make each of them fail."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from tests.fakes.deaths import SCOPE
from utils.embeds.audit_wording import describe_facts
from utils.errors import KillfeedError, LeaseLostError, ShardCountError, StorageUnavailableError
from utils.models.audit import AuditEntry
from utils.models.event_settings import EventSettings
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.locale_uses import LocaleMonth, Uses
from utils.models.reading import RejectedLine
from utils.models.scope import ChannelId, GuildId, MemberId, ServerId, ServerScope
from utils.models.servers import EncryptedSecret, GameServer, ServerHealth
from utils.services.guilds.guild_settings import GuildStore

T = TypeVar("T")


def build_server(
    name: str = "Mirny", server_id: str | None = None, *, guild_id: GuildId = SCOPE.guild_id
) -> GameServer:
    """Return a game server; without an id it is the server of these tests' deaths."""
    return GameServer(
        scope=ServerScope(guild_id, ServerId(server_id or SCOPE.server_id)),
        name=name,
        host="127.0.0.1",
        port=22,
        username="renter",
        secret=EncryptedSecret(b"sealed"),
    )


class Gate:
    """Holds the answer of a read back until the test opens it."""

    def __init__(self) -> None:
        self.has_read = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def hold(self) -> None:
        """Report a read, and wait."""
        self.has_read.set()
        await self.may_answer.wait()


class Outage:
    """A storage that may be away or slow.

    Attributes:
        gate: the gate that slow reads wait for.
        failures: the errors of the next calls, first to last.
        broken: names of methods that always fail.
        calls: the names of the called methods, failed calls included.
    """

    def __init__(self) -> None:
        self.failures: list[KillfeedError] = []
        self.broken: set[str] = set()
        self.calls: list[str] = []
        self.gate: Gate | None = None

    def note(self, call: str) -> None:
        """Record a call, and raise the next error of the test."""
        self.calls.append(call)
        if self.failures:
            raise self.failures.pop(0)
        if call in self.broken:
            raise StorageUnavailableError("away")

    async def answer(self, found: T) -> T:
        """Return the result of a slow read once the gate is open."""
        if self.gate is not None:
            await self.gate.hold()
        return found


class FakeAuditStore(Outage):
    """Entries of every guild, newest last."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[tuple[GuildId, AuditEntry]] = []

    @property
    def lines(self) -> list[tuple[MemberId | None, str, str]]:
        """The actor, the action, and the shown text of each entry."""
        return [(entry.actor_id, str(entry.action), str(describe_facts(entry))) for _, entry in self.entries]

    async def insert_entry(self, guild_id: GuildId, entry: AuditEntry) -> None:
        """Add an entry."""
        self.add(guild_id, entry)

    def add(self, guild_id: GuildId, entry: AuditEntry | None) -> None:
        """Add the entry of a change, if it has one."""
        if entry is not None:
            self.note("insert_entry")
            self.entries.append((guild_id, entry))

    async def list_entries(
        self, guild_id: GuildId, *, actor_id: MemberId | None, action: str | None, limit: int, offset: int
    ) -> tuple[Sequence[AuditEntry], int]:
        """Return entries that fit."""
        self.note("list_entries")
        found = [
            entry
            for owner, entry in reversed(self.entries)
            if owner == guild_id and actor_id in (None, entry.actor_id) and action in (None, entry.action)
        ]
        return found[offset : offset + limit], len(found)


class FakeGuildStore(Outage):
    """Guilds' settings, and uses by month and locale."""

    def __init__(self) -> None:
        super().__init__()
        self.settings: dict[GuildId, GuildSettings] = {}
        self.locales: defaultdict[GuildId, Counter[LocaleMonth]] = defaultdict(Counter)
        self.audit = FakeAuditStore()

    async def get_settings(self, guild_id: GuildId) -> GuildSettings:
        """Return a guild's settings."""
        self.note("get_settings")
        return await self.answer(self.settings.get(guild_id, GuildSettings(guild_id)))

    async def write_settings(
        self,
        guild_id: GuildId,
        before: GuildSettings,
        after: GuildSettings,
        *,
        entry: AuditEntry | None = None,
    ) -> None:
        """Write them all."""
        del before
        self.settings[guild_id] = after
        self.note("write_settings")
        self.audit.add(guild_id, entry)

    async def add_locale_uses(self, guild_id: GuildId, uses: Uses) -> None:
        """Add to the uses."""
        self.note("add_locale_uses")
        await self.answer(None)
        self.locales[guild_id].update(uses)


async def put_settings(store: GuildStore, guild_id: GuildId, **changed: Any) -> None:
    """Store settings of a guild in addition to its stored ones."""
    before = await store.get_settings(guild_id)
    await store.write_settings(guild_id, before, replace(before, **changed))


class FakeServerStore(Outage):
    """Game servers and their health.

    Attributes:
        servers: the servers in the order of adding.
        saved: every saved health.
        kept_stats: the removed servers whose statistics stayed.
        swept: the servers with deleted leftovers.
    """

    def __init__(self, *servers: GameServer) -> None:
        super().__init__()
        self.servers = {server.scope: server for server in servers}
        self.saved: list[ServerHealth] = []
        self.kept_stats: list[ServerScope] = []
        self.swept: list[ServerScope] = []
        self.audit = FakeAuditStore()

    async def find_server(self, scope: ServerScope) -> GameServer | None:
        """Return one server."""
        self.note("find_server")
        return self.servers.get(scope)

    async def list_servers(self, guild_id: GuildId) -> tuple[GameServer, ...]:
        """Return the guild's servers."""
        self.note("list_servers")
        return tuple(server for scope, server in self.servers.items() if scope.guild_id == guild_id)

    async def insert_server(
        self, scope: ServerScope, server: GameServer, *, entry: AuditEntry | None = None
    ) -> None:
        """Store a new server."""
        self.note("insert_server")
        assert scope not in self.servers
        self.audit.add(scope.guild_id, entry)
        self.servers[scope] = server

    async def replace_server(
        self, scope: ServerScope, server: GameServer, *, entry: AuditEntry | None = None
    ) -> None:
        """Write the fields that an edit changes; a removed server stays removed."""
        kept = (
            *("silenced", "generation", "is_paused", "channels", "added_at"),
            *("slots", "restart_times", "restart_warning"),
        )
        stored = self.servers.get(scope)
        if stored is not None:
            self.audit.add(scope.guild_id, entry)
            self.servers[scope] = replace(server, **{name: getattr(stored, name) for name in kept})
        self.note("replace_server")

    async def set_channel(
        self,
        scope: ServerScope,
        kind: ChannelKind,
        channel_id: ChannelId | None,
        *,
        entry: AuditEntry | None = None,
    ) -> None:
        """Set or clear the server's own channel."""
        self.note("set_channel")
        if scope in self.servers:
            self.audit.add(scope.guild_id, entry)
            channels = {**self.servers[scope].channels, kind: channel_id}
            kept = {kind: channel for kind, channel in channels.items() if channel is not None}
            self.servers[scope] = replace(self.servers[scope], channels=kept)

    async def set_counter_format(
        self, scope: ServerScope, template: str | None, *, entry: AuditEntry | None = None
    ) -> None:
        """Set the format of a counter's name."""
        self._change("set_counter_format", scope, entry, counter_format=template)

    async def set_silenced(
        self, scope: ServerScope, name: str, *, is_silenced: bool, entry: AuditEntry | None = None
    ) -> None:
        """Stop or start the posts of a kind."""
        self.note("set_silenced")
        self.audit.add(scope.guild_id, entry)
        before = self.servers[scope].silenced
        silenced = before | {name} if is_silenced else before - {name}
        self.servers[scope] = replace(self.servers[scope], silenced=silenced)

    async def set_events(
        self, scope: ServerScope, settings: EventSettings, *, entry: AuditEntry | None = None
    ) -> None:
        """Write the own choices of a server."""
        self._change("set_events", scope, entry, events=settings)

    async def set_host_key(
        self, scope: ServerScope, host_key: str | None, *, entry: AuditEntry | None = None
    ) -> None:
        """Pin a host key."""
        self._change("set_host_key", scope, entry, host_key=host_key)

    async def set_slots(
        self, scope: ServerScope, slots: int | None, *, entry: AuditEntry | None = None
    ) -> None:
        """Set the number of places."""
        self._change("set_slots", scope, entry, slots=slots)

    async def set_restarts(
        self,
        scope: ServerScope,
        times: tuple[str, ...],
        warning: int,
        *,
        entry: AuditEntry | None = None,
    ) -> None:
        """Set the times of restarts."""
        self._change("set_restarts", scope, entry, restart_times=times, restart_warning=warning)

    def _change(self, name: str, scope: ServerScope, entry: AuditEntry | None, **fields: object) -> None:
        """Write fields of a server with their entry, as the call of a name."""
        self.note(name)
        self.audit.add(scope.guild_id, entry)
        self.servers[scope] = replace(self.servers[scope], **fields)  # type: ignore[arg-type] # of its class

    async def set_log_folder(self, scope: ServerScope, folder: str) -> None:
        """Store the folder of the logs."""
        self.note("set_log_folder")
        if scope in self.servers:
            self.servers[scope] = replace(self.servers[scope], log_folder=folder)

    async def set_paused(self, scope: ServerScope, *, is_paused: bool) -> None:
        """Pause a server, or let it go on."""
        self.note("set_paused")
        self.servers[scope] = replace(self.servers[scope], is_paused=is_paused)

    async def mark_removed(
        self, scope: ServerScope, *, keep_stats: bool, at: datetime, entry: AuditEntry | None = None
    ) -> None:
        """Remove a server."""
        assert at.tzinfo is not None
        self.note("mark_removed")
        self.audit.add(scope.guild_id, entry)
        del self.servers[scope]
        self.kept_stats += [scope] if keep_stats else []

    async def delete_leftovers(self, scope: ServerScope, *, now: datetime) -> None:
        """Record the deletion of the rest of a removed server."""
        assert now.tzinfo is not None
        self.note("delete_leftovers")
        assert scope not in self.servers
        self.swept.append(scope)

    async def get_health(self, scope: ServerScope) -> ServerHealth:
        """Return the health that was saved last."""
        self.note("get_health")
        own = [health for health in self.saved if health.scope == scope]
        return own[-1] if own else ServerHealth(scope)

    async def save_health(self, health: ServerHealth) -> None:
        """Save the health."""
        self.note("save_health")
        self.saved.append(health)


class FakeRejectedStore:
    """Lines that could not be read."""

    def __init__(self) -> None:
        self.lines: dict[ServerScope, list[RejectedLine]] = {}

    async def list_rejected(self, scope: ServerScope, *, limit: int) -> Sequence[RejectedLine]:
        """Return the newest lines."""
        return self.lines.get(scope, [])[:limit]

    async def count_rejected(self, scope: ServerScope) -> int:
        """Return the number of lines."""
        return len(self.lines.get(scope, []))


class FakeLeaseStore(Outage):
    """The leases of all shards.

    Attributes:
        holders: instance and token of each lease's holder, by shard.
        renewed_at: the time of the last renewal, by shard.
        other_counts: the shard count of the other processes, for each check; an empty list: none differs.
    """

    def __init__(self) -> None:
        super().__init__()
        self.holders: dict[int, tuple[str, int]] = {}
        self.renewed_at: list[tuple[int, datetime]] = []
        self.other_counts: list[int | None] = []
        self._tokens = 0

    async def end_other_shard_counts(self, *, instance_id: str, now: datetime) -> None:
        """Raise the error that the test sets."""
        del instance_id, now
        other = self.other_counts.pop(0) if self.other_counts else None
        if other is not None:
            raise ShardCountError(own=1, other=other)

    async def acquire(self, shard: int, *, instance_id: str, now: datetime) -> int | None:
        """Take a lease if it is free or belongs to this instance."""
        del now
        self.note("acquire")
        if shard in self.holders and self.holders[shard][0] != instance_id:
            return None
        self._tokens += 1
        self.holders[shard] = (instance_id, self._tokens)
        return self._tokens

    async def renew(self, shard: int, *, token: int, now: datetime) -> None:
        """Extend the lease."""
        self.note("renew")
        if shard not in self.holders or self.holders[shard][1] != token:
            raise LeaseLostError(f"Another process holds shard {shard} now.")
        self.renewed_at.append((shard, now))

    async def release(self, shard: int, *, token: int) -> None:
        """Give the lease back."""
        self.note("release")
        if shard in self.holders and self.holders[shard][1] == token:
            del self.holders[shard]
