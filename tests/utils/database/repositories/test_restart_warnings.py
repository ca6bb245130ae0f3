"""Announced restarts over a real MongoDB: each once, with its notice."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.fakes.storage import build_server
from utils.database.core.database import SafeDatabase
from utils.database.core.scoped import ScopedCollection
from utils.database.repositories.restart_warnings import RestartWarningRepository
from utils.database.repositories.scope_index import ScopeIndexRepository
from utils.database.repositories.servers import GameServerRepository
from utils.models.scope import ServerScope
from utils.models.sharding import Sharding
from utils.services.servers.restart_warnings import build_warning

NOW = datetime(2025, 6, 4, 1, 50, tzinfo=UTC)
RESTART = NOW + timedelta(minutes=10)


async def test_restart_that_was_announced_is_announced_no_second_time(
    database: SafeDatabase, scope: ServerScope
) -> None:
    """A process that is killed after it has announced leaves nothing to do; nor does a removed server."""
    servers = GameServerRepository(database)
    server = replace(build_server(), scope=scope)
    await servers.insert_server(scope, server)
    await servers.set_restarts(scope, ("02:00",), 10)
    warnings = RestartWarningRepository(database, fences=lambda _: None)
    notice = build_warning(server, RESTART, now=NOW)
    told = [await warnings.announce(scope, notice) for _ in range(2)]
    following = replace(notice, restart_at=RESTART + timedelta(days=1))
    told.append(await warnings.announce(scope, following))
    assert told == [True, False, True]
    stored = await ScopedCollection.of_server(database, "outbox", scope).find({})
    assert [one["notice"]["restart_at"] for one in stored] == [RESTART, following.restart_at]
    await servers.mark_removed(scope, keep_stats=True, at=NOW)
    assert not await warnings.announce(scope, replace(notice, restart_at=NOW))


async def test_only_servers_with_a_warning_are_listed(database: SafeDatabase, scope: ServerScope) -> None:
    """A warning of zero minutes is none, and a removed server has none."""
    servers, index = GameServerRepository(database), ScopeIndexRepository(database, Sharding())
    await servers.insert_server(scope, replace(build_server(), scope=scope))
    listed = []
    for times, warning in (((), 0), (("02:00",), 5), (("02:00", "14:00"), 0), (("02:00",), 5)):
        await servers.set_restarts(scope, times, warning)
        listed.append(await index.list_warned_servers())
        found = await servers.find_server(scope)
        assert found is not None
        assert (found.restart_times, found.restart_warning) == (times, warning)
    await servers.mark_removed(scope, keep_stats=True, at=NOW)
    listed.append(await index.list_warned_servers())
    assert listed == [(), (scope,), (), (scope,), ()]
