"""Menu respawns of old game servers are silenced, unless an admin switched something before."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from utils.clock import SystemClock
from utils.database.core.database import SafeDatabase
from utils.database.migrations.migrations import MIGRATIONS, DataVersion, find_data_version
from utils.database.migrations.upgrade import DataUpgrade
from utils.database.repositories.audit import AuditRepository
from utils.database.repositories.leases import LeaseRepository
from utils.database.repositories.servers import GameServerRepository
from utils.models.audit import AuditAction, AuditEntry, AuditFacts, FieldChange
from utils.models.deaths import DeathKind
from utils.models.scope import GuildId, MemberId, ServerId, ServerScope
from utils.models.servers import SILENT_AT_FIRST, GameServer

NOW = datetime(2025, 4, 30, 12, tzinfo=UTC)
OLD = {
    "untouched": frozenset[str](),
    "chosen": frozenset({DeathKind.FALL.value}),
    "off": frozenset({DeathKind.MENU.value}),
    "on again": frozenset[str](),
}


@pytest.mark.parametrize("runs", [1, 2])
async def test_menu_respawns_are_silenced_where_nobody_chose(
    database: SafeDatabase, make_server: Callable[..., GameServer], runs: int
) -> None:
    """A server with a class switched off, or with such a change in its guild's audit, keeps what it has."""
    servers = GameServerRepository(database)
    for guild_id in (GuildId(42), GuildId(43)):
        for number, (name, silenced) in enumerate(OLD.items()):
            scope = ServerScope(guild_id, ServerId(f"server{number}"))
            server = replace(make_server(scope), scope=scope, name=name, silenced=silenced)
            await servers.insert_server(scope, server)
    change = (FieldChange(DeathKind.MENU.value, old=False, new=True),)
    for action, facts in (
        (AuditAction.SERVER_ANNOUNCE, AuditFacts(server_name="on again", changes=change)),
        (AuditAction.SERVER_EDIT, AuditFacts(server_name="untouched", changes=change)),
    ):
        entry = AuditEntry(NOW, MemberId(7), action, facts)
        await AuditRepository(database).insert_entry(GuildId(42), entry)
    await database.unscoped("schema").insert_one({"_id": "data", "version": 1})
    for _ in range(runs):
        await database.unscoped("schema").update_one({"_id": "data"}, {"$set": {"version": 1}})
        leases = LeaseRepository(database, shard_count=1)
        await DataUpgrade(database, leases, instance_id="new", clock=SystemClock()).wait_until_current()
    assert await find_data_version(database) == DataVersion(MIGRATIONS.newest)
    assert {one.name: one.silenced for one in await servers.list_servers(GuildId(42))} == OLD | {
        "untouched": SILENT_AT_FIRST
    }
    assert {one.name: one.silenced for one in await servers.list_servers(GuildId(43))} == OLD | {
        "untouched": SILENT_AT_FIRST,
        "on again": SILENT_AT_FIRST,
    }
