"""Time on game servers over a real MongoDB: sessions that ended, and those that are open."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from tests.fakes.deaths import build_player_id
from tests.fakes.storage import build_server
from tests.utils.database.repositories.test_game_logs import build_steps, store
from tests.utils.services.presence.lines import after
from utils.database.core.database import SafeDatabase
from utils.database.repositories.game_logs import GameLogRepository
from utils.database.repositories.playtimes import PlaytimeRepository
from utils.database.repositories.servers import GameServerRepository
from utils.models.playtime import Playtime
from utils.models.scope import GuildId, ServerId, ServerScope
from utils.models.statistics import CoveredDeaths
from utils.services.ingestion.deadside_stores import CursorStep

GHOST, OTTER = build_player_id("Ghost"), build_player_id("Otter")
DAY = timedelta(days=1)


def cover(scope: ServerScope, since_at: datetime | None = None) -> CoveredDeaths:
    """Return a period of a server and of one without any data."""
    since = None if since_at is None else since_at.date()
    return CoveredDeaths(scope.guild_id, (scope.server_id, ServerId("nothing0")), since, since_at)


async def test_time_is_that_of_ended_and_open_sessions(database: SafeDatabase, scope: ServerScope) -> None:
    """Ghost is online for 20 hours and 100 seconds, Otter has left after 20 hours and one minute.

    If the game server is stopped, Ghost's session goes on, because no line ended it, but Ghost is not online.
    """
    logs, times = GameLogRepository(database, fences=lambda _: None), PlaytimeRepository(database)
    state, steps = build_steps(scope)
    await store(logs, scope, steps)
    running, since = replace(state, is_closed=False, missing_since=None), state.since
    for stopped in (replace(running, is_closed=True), replace(running, missing_since=after(80_000))):
        await store(logs, scope, [CursorStep(state.cursor, stopped)])
        ghost = await times.sum_playtime(cover(scope), [GHOST])
        assert (ghost.seconds, ghost.online_since) == (72_100, None)
    await store(logs, scope, [CursorStep(state.cursor, running)])
    assert await times.sum_playtime(cover(scope), [GHOST]) == Playtime(
        seconds=72_100,
        sessions=1,
        longest=72_100,
        last_at=after(0.2),
        online_since=after(0),
        counted_since=since,
    )
    assert await times.sum_playtime(cover(scope), [OTTER]) == Playtime(
        seconds=72_060, sessions=1, longest=72_060, last_at=after(72_061), counted_since=since
    )
    rows = await times.list_most_played(cover(scope))
    assert [(row.rank, row.name, row.value) for row in rows] == [
        (1, "Ghost", 72_100.0),
        (2, "Otter", 72_060.0),
    ]


async def test_period_cuts_sessions_at_its_beginning(database: SafeDatabase, scope: ServerScope) -> None:
    """A day counts the part of a session on it, and other servers and guilds count nothing."""
    await store(GameLogRepository(database, fences=lambda _: None), scope, build_steps(scope)[1])
    times = PlaytimeRepository(database)
    today = cover(scope, after(72_000))
    assert today.since == date(2025, 6, 3)
    assert (await times.sum_playtime(today, [GHOST])).seconds == 100
    until = replace(today, until=date(2025, 6, 3), until_at=after(72_050))
    assert (await times.sum_playtime(until, [GHOST])).seconds == 50
    before = replace(cover(scope), until=date(2025, 6, 1), until_at=after(-9))
    assert (await times.sum_playtime(before, [GHOST, OTTER])).seconds == 0
    tomorrow = cover(scope, after(72_000) + DAY)
    assert await times.sum_playtime(tomorrow, [OTTER]) == Playtime(
        seconds=61, last_at=after(72_061), counted_since=build_steps(scope)[0].since
    )
    assert [row.name for row in await times.list_most_played(tomorrow)] == ["Otter"]


async def test_time_of_a_log_whose_rules_have_aged_is_estimated(
    database: SafeDatabase, scope: ServerScope
) -> None:
    """As long as the log does not know most killers, its sessions are doubtful."""
    logs, times = GameLogRepository(database, fences=lambda _: None), PlaytimeRepository(database)
    state, steps = build_steps(scope)
    await store(logs, scope, steps)
    assert state.check is not None
    aged = replace(state, check=replace(state.check, online=3))
    await store(logs, scope, [CursorStep(state.cursor, aged)])
    assert (await times.sum_playtime(cover(scope), [OTTER])).is_estimated


async def test_seen_players_are_those_of_the_days_and_of_the_present_run(
    database: SafeDatabase, scope: ServerScope
) -> None:
    """The player who was seen last is the first one; other guilds and removed servers have none."""
    servers = GameServerRepository(database)
    await servers.insert_server(scope, replace(build_server(), scope=scope))
    await store(GameLogRepository(database, fences=lambda _: None), scope, build_steps(scope)[1])
    times = PlaytimeRepository(database)
    seen = await times.list_seen(scope.guild_id, since=date(2025, 6, 1))
    assert [(one.player_id, one.name, one.servers) for one in seen] == [
        (OTTER, "Otter", (scope.server_id,)),
        (GHOST, "Ghost", (scope.server_id,)),
    ]
    assert seen[0].last_seen_at == after(72_061)
    assert await times.list_seen(GuildId(scope.guild_id + 1), since=date(2025, 6, 1)) == ()
    await servers.mark_removed(scope, keep_stats=True, at=after(80_000))
    assert await times.list_seen(scope.guild_id, since=date(2025, 6, 1)) == ()
