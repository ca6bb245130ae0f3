"""Stored game servers and settings of guilds."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from tests.fakes.storage import put_settings
from utils.database.core.database import SafeDatabase
from utils.database.repositories.guilds import GuildRepository
from utils.database.repositories.imports import ImportRepository
from utils.database.repositories.ingestion import IngestionRepository
from utils.database.repositories.scope_index import ScopeIndexRepository
from utils.database.repositories.servers import LATE_BATCH_TIME, GameServerRepository
from utils.database.units.ingestion_unit import IngestionTransaction
from utils.errors import CursorMovedError, StorageConflictError
from utils.models.deaths import Death, DeathKind, LogFile
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.players import PlayerRecord
from utils.models.problems import Problem
from utils.models.reading import Cursor, ImportJob
from utils.models.scope import ChannelId, GuildId, ServerScope
from utils.models.servers import ConnectionState, EncryptedSecret, GameServer, ServerHealth
from utils.models.sharding import Sharding

FILE = LogFile("world_0", "a.csv")
NOW = datetime(2025, 4, 30, 12, tzinfo=UTC)
MakeServer = Callable[..., GameServer]


async def test_server_comes_back_as_it_was(
    servers: GameServerRepository, scope: ServerScope, stranger: ServerScope, make_server: MakeServer
) -> None:
    """Every field comes back; another guild sees no server."""
    server = make_server(
        scope,
        number=7,
        base_path="/x",
        timezone="Europe/Berlin",
        legacy=True,
        host_key="ssh-rsa AAAA",
        silenced=frozenset({DeathKind.KILL, "a kind of later"}),
        generation=3,
        is_paused=True,
        channels={ChannelKind.KILLFEED: ChannelId(9)},
    )
    await servers.insert_server(scope, server)
    assert (await servers.find_server(scope), await servers.find_server(stranger)) == (server, None)
    with pytest.raises(StorageConflictError):
        await servers.insert_server(scope, server)


async def test_servers_are_listed_oldest_first(
    servers: GameServerRepository,
    database: SafeDatabase,
    scope: ServerScope,
    neighbour: ServerScope,
    stranger: ServerScope,
    make_server: MakeServer,
) -> None:
    """A guild sees its own servers; the scope index sees the keys of all guilds of its process."""
    younger = make_server(scope, added_at=NOW.replace(hour=13))
    older = make_server(neighbour, added_at=NOW)
    foreign = make_server(stranger)
    for server in (younger, older, foreign):
        await servers.insert_server(server.scope, server)
    assert await servers.list_servers(scope.guild_id) == (older, younger)
    scope_index = ScopeIndexRepository(database, Sharding())
    assert await scope_index.list_server_scopes() == (scope, neighbour, stranger)
    assert await scope_index.list_guild_ids() == (scope.guild_id, stranger.guild_id)


async def test_settings_change_and_generation_and_health_stay(
    servers: GameServerRepository, database: SafeDatabase, scope: ServerScope, make_server: MakeServer
) -> None:
    """An admin's edit does not undo an import, a pause, a channel or a switch that came meanwhile."""
    server = make_server(scope)
    await servers.insert_server(scope, server)
    imports, job = ImportRepository(database, fences=lambda _: None), ImportJob(2, NOW, {})
    await imports.begin_import(scope, job)
    await imports.finish_import(scope, job)
    health = ServerHealth(scope, ConnectionState.RETRYING, Problem.NO_ANSWER.say(host="away"), NOW, 6.5)
    await servers.save_health(health)
    await servers.set_paused(scope, is_paused=True)
    await servers.set_channel(scope, ChannelKind.EVENTS, ChannelId(3))
    for kind in (DeathKind.FALL, DeathKind.MENU, DeathKind.FALL):
        await servers.set_silenced(scope, kind, is_silenced=True)
    await servers.set_silenced(scope, DeathKind.MENU, is_silenced=False)
    await servers.replace_server(scope, replace(server, name="Other", secret=EncryptedSecret(b"changed")))
    await servers.set_host_key(scope, "ssh-ed25519 BBBB")
    await servers.set_log_folder(scope, "/x_7/actual1/deathlogs")
    changed = replace(
        server,
        name="Other",
        secret=EncryptedSecret(b"changed"),
        generation=2,
        host_key="ssh-ed25519 BBBB",
        log_folder="/x_7/actual1/deathlogs",
        is_paused=True,
        channels={ChannelKind.EVENTS: ChannelId(3)},
        silenced=frozenset({DeathKind.FALL}),
    )
    assert (await servers.find_server(scope), await servers.get_health(scope)) == (changed, health)


async def test_server_that_is_gone_is_not_made_again_by_late_writes(
    servers: GameServerRepository, scope: ServerScope, make_server: MakeServer
) -> None:
    """A loop that ends after the removal stores nothing."""
    await servers.replace_server(scope, make_server(scope))
    await servers.set_paused(scope, is_paused=True)
    await servers.set_silenced(scope, DeathKind.FALL, is_silenced=True)
    await servers.set_channel(scope, ChannelKind.EVENTS, ChannelId(3))
    await servers.save_health(ServerHealth(scope, ConnectionState.CONNECTED))
    await servers.set_host_key(scope, "key")
    await servers.set_log_folder(scope, "/x_7/actual1/deathlogs")
    assert (await servers.find_server(scope), await servers.get_health(scope)) == (None, ServerHealth(scope))


@pytest.mark.parametrize("keep_stats", [True, False])
async def test_removed_server_leaves_its_statistics_only_when_they_are_kept(
    servers: GameServerRepository,
    ingestion: IngestionRepository,
    database: SafeDatabase,
    scope: ServerScope,
    neighbour: ServerScope,
    make_server: MakeServer,
    make_death: Callable[..., Death],
    make_player: Callable[..., PlayerRecord],
    *,
    keep_stats: bool,
) -> None:
    """Login and cursors are deleted always, deaths and counters only if asked; a neighbour keeps all."""
    for one in (scope, neighbour):
        await servers.insert_server(one, make_server(one, host_key="key"))

        def store(unit: IngestionTransaction, one: ServerScope = one) -> None:
            unit.insert_deaths([make_death(one, "a", "b")])
            unit.replace_players([make_player("a")], generation=0)
            unit.move_cursor(None, Cursor(LogFile("world_0", "a.csv")))

        await ingestion.in_transaction(one, store)
    await servers.mark_removed(scope, keep_stats=keep_stats, at=NOW)
    await servers.delete_leftovers(scope, now=NOW)
    assert await servers.find_server(scope) is None
    assert [server.scope for server in await servers.list_servers(scope.guild_id)] == [neighbour]
    assert await ScopeIndexRepository(database, Sharding()).list_server_scopes() == (neighbour,)
    left = 1 if keep_stats else 0
    counts = {
        name: await database.unscoped(name).count_documents({}) for name in ("kills", "players", "cursors")
    }
    assert counts == {"kills": 1 + left, "players": 1 + left, "cursors": 1}
    scope_index = ScopeIndexRepository(database, Sharding())
    own = {"server_id": scope.server_id}
    assert [one["secret"] async for one in database.unscoped("game_servers").find(own)] == [b""]
    assert await scope_index.list_removals() == (scope,)
    await servers.delete_leftovers(scope, now=NOW + LATE_BATCH_TIME)
    assert await scope_index.list_removals() == ()
    assert await database.unscoped("game_servers").count_documents(own) == left
    await servers.delete_leftovers(scope, now=NOW + LATE_BATCH_TIME)
    assert await database.unscoped("kills").count_documents({}) == 1 + left


@dataclass
class Straggler:
    """A late batch whose transaction stops within its first attempt."""

    ingestion: IngestionRepository
    scope: ServerScope
    death: Death
    before: Cursor | None
    has_begun: threading.Event = field(default_factory=threading.Event)
    may_go_on: threading.Event = field(default_factory=threading.Event)

    async def store(self) -> None:
        """Store a death and move the cursor."""

        def carry_out(unit: IngestionTransaction) -> None:
            unit.find_known_ids([self.death.id])  # from here on the transaction sees the data of this moment
            self.has_begun.set()
            self.may_go_on.wait(20)
            unit.insert_deaths([self.death])
            unit.move_cursor(self.before, Cursor(FILE, offset=9))

        await self.ingestion.in_transaction(self.scope, carry_out)


@pytest.mark.parametrize("keep_stats", [True, False])
@pytest.mark.parametrize("has_cursor", [True, False])
@pytest.mark.parametrize("is_late", [True, False])
async def test_batch_that_comes_late_leaves_nothing_of_a_removed_server(
    servers: GameServerRepository,
    ingestion: IngestionRepository,
    database: SafeDatabase,
    scope: ServerScope,
    make_server: MakeServer,
    make_death: Callable[..., Death],
    *,
    keep_stats: bool,
    has_cursor: bool,
    is_late: bool,
) -> None:
    """A late batch fails, or its data is deleted, whenever it began and for any file."""
    await servers.insert_server(scope, make_server(scope))
    before = Cursor(FILE, offset=3) if has_cursor else None
    if before is not None:

        def begin(unit: IngestionTransaction) -> None:
            unit.move_cursor(None, before)

        await ingestion.in_transaction(scope, begin)
    straggler = Straggler(ingestion, scope, make_death(scope, "a", "b"), before)
    if is_late:
        storing = asyncio.ensure_future(straggler.store())
        await asyncio.to_thread(straggler.has_begun.wait, 20)
    await servers.mark_removed(scope, keep_stats=keep_stats, at=NOW)
    await servers.delete_leftovers(scope, now=NOW)
    straggler.may_go_on.set()
    if not is_late:
        storing = asyncio.ensure_future(straggler.store())
    await asyncio.wait([storing])
    has_failed = has_cursor or not is_late
    assert isinstance(storing.exception(), CursorMovedError) == has_failed
    await servers.delete_leftovers(scope, now=NOW + LATE_BATCH_TIME)
    kept = 1 if keep_stats and not has_failed else 0  # one more stored row
    names = ("kills", "players", "cursors", "game_servers")
    counts = [await database.unscoped(name).count_documents({}) for name in names]
    assert counts == [kept, 0, 0, int(keep_stats)]


async def test_channels_of_guild_and_server_are_set_and_cleared(
    servers: GameServerRepository, database: SafeDatabase, scope: ServerScope, make_server: MakeServer
) -> None:
    """A guild without settings has defaults; a server's own channel is in its document."""
    guilds, guild_id = GuildRepository(database), scope.guild_id
    await servers.insert_server(scope, make_server(scope))
    assert await guilds.get_settings(guild_id) == GuildSettings(guild_id)
    both = {ChannelKind.KILLFEED: ChannelId(1), ChannelKind.ALERTS: ChannelId(2)}
    await put_settings(guilds, guild_id, channels=both)
    await put_settings(guilds, guild_id, channels={ChannelKind.ALERTS: ChannelId(2)})
    await servers.set_channel(scope, ChannelKind.EVENTS, ChannelId(3))
    await servers.set_channel(scope, ChannelKind.COUNTER, ChannelId(4))
    await servers.set_channel(scope, ChannelKind.COUNTER, None)
    await put_settings(guilds, guild_id, admin_role_id=77)
    server = await servers.find_server(scope)
    assert server is not None
    assert server.channels == {ChannelKind.EVENTS: ChannelId(3)}
    assert await guilds.get_settings(guild_id) == GuildSettings(
        guild_id, {ChannelKind.ALERTS: ChannelId(2)}, admin_role_id=77
    )
    assert await guilds.get_settings(GuildId(99)) == GuildSettings(GuildId(99))
