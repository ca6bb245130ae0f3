"""Data of Deadside.log over a real MongoDB: stored slice by slice, erased and removed."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.fakes.deaths import build_death, build_player_id, build_row
from tests.fakes.storage import build_server
from tests.utils.services.presence.lines import after, depart, enter, follow, say
from utils.database.core.database import SafeDatabase
from utils.database.core.scoped import ScopedCollection
from utils.database.documents.death_documents import build_death_document
from utils.database.repositories.erasures import ErasureRepository
from utils.database.repositories.game_logs import GameLogRepository
from utils.database.repositories.personal_data import PersonalDataRepository
from utils.database.repositories.servers import LATE_BATCH_TIME, GameServerRepository
from utils.database.units.game_log_unit import GameLogTransaction
from utils.errors import CursorMovedError, ScopeViolationError
from utils.models.game_log import (
    SAMPLE_TIME,
    GameLogState,
    LineCount,
    LineTally,
    LiveKill,
    LogCursor,
    LogGap,
    OnlineTime,
    PopulationSample,
    SelfCheck,
)
from utils.models.presence import PlaySession
from utils.models.scope import ServerId, ServerScope
from utils.models.world_events import WorldState
from utils.services.ingestion.deadside_stores import (
    CursorStep,
    LogStep,
    NoticesStep,
    PlayersStep,
    SampleStep,
    store_steps,
)
from utils.services.presence.announcing import choose_news
from utils.services.presence.notices import build_notices
from utils.services.presence.playtime import build_record

GHOST, OTTER = build_player_id("Ghost"), build_player_id("Otter")
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2025, 6, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(name="logs")
def _logs(database: SafeDatabase) -> GameLogRepository:
    return GameLogRepository(database, fences=lambda _: None)


def build_steps(scope: ServerScope) -> tuple[GameLogState, list[LogStep]]:
    """Return a state with Ghost online and Otter gone, and all that is stored with it."""
    lines = [*enter(0, "Ghost"), *enter(1, "Otter"), *depart(72_061, "Otter"), *say(72_100)]
    tracker = follow(lines)
    news = choose_news(tracker.freeze(), log_now=after(72_200), is_silent=False, names={})
    state = GameLogState(
        cursor=LogCursor("first", 4_000, 100),
        presence=news.state,
        world=WorldState(newest_at=news.state.newest_at),
        read_at=NOW,
        run_starts=(after(0),),
        peak=2,
        peak_at=after(1),
        since=NOW,
        grown_at=NOW,
        is_closed=True,
        tally=LineTally(
            rules=(LineCount("close", 1),), unmatched=3, shapes=(LineCount("LogSFPS: $airdrop.is · at #", 3),)
        ),
        gaps=(LogGap("2025-06-03", 420.5),),
        check=SelfCheck(NOW, 20, 19),
        checked_at=NOW,
    )
    records = [build_record(scope, one, BERLIN) for one in tracker.sessions]
    sample = PopulationSample(at=NOW, online=1, queue=0, max_players=None, peak=2)
    steps: list[LogStep] = [
        CursorStep(None, state),
        PlayersStep(list(state.presence.players.values()), [], records),
        NoticesStep(build_notices(scope, "Mirny", news), NOW),
        SampleStep(sample),
        SampleStep(replace(sample, online=2)),
    ]
    return state, steps


async def store(logs: GameLogRepository, scope: ServerScope, steps: Sequence[LogStep]) -> None:
    """Carry out steps in one transaction."""

    def work(unit: GameLogTransaction) -> None:
        store_steps(unit, steps)

    await logs.in_transaction(scope, work)


async def find(database: SafeDatabase, name: str, scope: ServerScope) -> list[dict[str, object]]:
    """Return the documents of a server."""
    found = await ScopedCollection.of_server(database, name, scope).find({})
    return [
        {key: value for key, value in one.items() if key not in ("_id", "guild_id", "server_id")}
        for one in found
    ]


async def test_stored_state_comes_back_and_sessions_count_once(
    database: SafeDatabase, logs: GameLogRepository, scope: ServerScope
) -> None:
    """Reading the same lines again under another cursor adds no session, no playtime and no second sample."""
    assert await logs.load(scope) == GameLogState()
    state, steps = build_steps(scope)
    await store(logs, scope, steps)
    assert await logs.load(scope) == state
    moved = replace(state, cursor=LogCursor("first", 5_000, 100))
    again = [CursorStep(state.cursor, moved), *steps[1:2]]
    await store(logs, scope, again)
    assert await logs.load(scope) == moved
    assert await find(database, "play_days", scope) == [
        {
            "player_id": OTTER,
            "name": "Otter",
            "day": "2025-06-03",
            "seconds": 72_000 - 1,
            "sessions": 1,
            "longest": 72_060,
            "estimated": 0,
            "last_at": after(72_061),
        },
        {
            "player_id": OTTER,
            "name": "Otter",
            "day": "2025-06-04",
            "seconds": 61,
            "sessions": 0,
            "estimated": 0,
            "last_at": after(72_061),
        },
    ]
    assert [one["online"] for one in await find(database, "population", scope)] == [2]
    assert len(await find(database, "sessions", scope)) == 1
    assert await logs.find_peak(scope, since=after(0)) == 2
    await logs.prune(scope, sessions=after(72_061), samples=NOW)
    assert [len(await find(database, name, scope)) for name in ("sessions", "population")] == [1, 1]
    await logs.prune(scope, sessions=NOW, samples=NOW + timedelta(seconds=1))
    assert [len(await find(database, name, scope)) for name in ("sessions", "population")] == [0, 0]
    assert await logs.find_peak(scope, since=after(0)) is None
    assert await logs.find_names(scope, [GHOST, OTTER]) == {OTTER: "Otter"}


async def test_self_check_reads_live_kills_and_sessions_of_its_server(
    database: SafeDatabase, logs: GameLogRepository, scope: ServerScope
) -> None:
    """History, other deaths, other servers and what is too old do not count."""
    await store(logs, scope, build_steps(scope)[1])
    other = replace(scope, server_id=ServerId("another1"))
    rows = [
        build_row("Ghost", "Otter", second=10),
        build_row("Otter", "Ghost", second=20),
        build_row("Ghost", "Ghost", second=30),
        build_row("Ghost", "Otter", second=-90_000),
    ]
    documents = []
    for place in (scope, other):
        for row in rows:
            death = build_death(row, scope=place)
            read_at = None if row is rows[1] else death.at + timedelta(seconds=5)
            documents.append({**build_death_document(death, read_at=read_at), **asdict(place)})
    await database.unscoped("kills").insert_many(documents)
    at = build_death(rows[0]).at
    found = await logs.list_live_kills(scope, since=at - timedelta(hours=24))
    assert found == [LiveKill(GHOST, "Ghost", at, at + timedelta(seconds=5))]
    assert await logs.list_online_times(scope, since=after(72_061)) == [
        OnlineTime(OTTER, after(1), after(72_061))
    ]
    assert await logs.list_online_times(scope, since=after(72_062)) == []


@pytest.mark.parametrize("at_once", [13, 2_000])
async def test_old_samples_become_hours_and_gaps_stay(
    logs: GameLogRepository, scope: ServerScope, at_once: int
) -> None:
    """Whole hours before the border are one sample each, in any number of rounds; the rest stays as it is."""
    state, steps = build_steps(scope)
    await store(logs, scope, steps)
    samples = [
        PopulationSample(
            at=NOW + number * SAMPLE_TIME, online=number, queue=1, max_players=50, peak=number + 2
        )
        for number in (*range(12, 24), *range(36, 40))
    ]
    await store(logs, scope, [SampleStep(one) for one in samples])
    first = [*await logs.list_samples(scope, since=NOW - HOUR)][:1]
    folded = PopulationSample(at=NOW + HOUR, online=210, queue=12, max_players=50, peak=25, count=12)
    for border in (NOW + 2 * HOUR, NOW + 2 * HOUR, NOW + 3.5 * HOUR, NOW):
        await logs.fold_samples(scope, before=border, at_once=at_once)
        assert await logs.list_samples(scope, since=NOW - HOUR) == [*first, folded, *samples[12:]]
    await logs.fold_samples(scope, before=NOW + 4 * HOUR, at_once=at_once)
    last = PopulationSample(at=NOW + 3 * HOUR, online=150, queue=4, max_players=50, peak=41, count=4)
    assert await logs.list_samples(scope, since=NOW - HOUR) == [*first, folded, last]
    assert await logs.find_peak(scope, since=NOW) == 41
    assert (await logs.load(scope)).cursor == state.cursor


async def test_only_player_of_a_name_is_found(
    database: SafeDatabase, logs: GameLogRepository, scope: ServerScope
) -> None:
    """A name that two players have leads to neither of them."""
    await GameServerRepository(database).insert_server(scope, replace(build_server(), scope=scope))
    players = ScopedCollection.of_server(database, "players", scope)
    for number, name in enumerate(("Ghost", "Twin", "Twin")):
        await players.insert_one({"generation": 0, "player_id": str(number), "name": name})
    assert await logs.find_named(scope, ["Ghost", "Twin", "Fox"]) == {"ghost": "0"}


async def test_late_slice_stores_nothing(
    database: SafeDatabase, logs: GameLogRepository, scope: ServerScope
) -> None:
    """A cursor that another process moved, also one that it stored first, refuses everything."""
    state, steps = build_steps(scope)
    await store(logs, scope, steps)
    for before in (
        None,
        LogCursor("first", 3_999),
        LogCursor("other", 4_000),
        LogCursor("first", 4_000, edits=1),
    ):
        with pytest.raises(CursorMovedError):
            await store(logs, scope, [CursorStep(before, state), PlayersStep([], [GHOST], [])])
    assert await logs.load(scope) == state
    assert len(await find(database, "outbox", scope)) == 1


async def test_session_of_another_server_is_refused(logs: GameLogRepository, scope: ServerScope) -> None:
    """The id of a session is bound to its server."""
    other = ServerScope(scope.guild_id, ServerId("other000"))
    _, steps = build_steps(other)
    with pytest.raises(ScopeViolationError):
        await store(logs, scope, [*steps[:2]])


async def test_erasure_ends_the_open_session_and_leaves_the_others(
    database: SafeDatabase, logs: GameLogRepository, scope: ServerScope
) -> None:
    """Everything about the player goes, posts that wait included; the reader's next write fails once."""
    state, steps = build_steps(scope)
    await store(logs, scope, steps)
    erasures = ErasureRepository(database, fences=lambda _: None)
    data = PersonalDataRepository(database)
    parts = await data.list_parts_of_player(scope, OTTER)
    exported = {name: len(found) for name, found in parts.items() if found}
    assert exported == {"presence": 1, "sessions": 1, "playtime": 2}
    for player_id, name in ((GHOST, "Ghost"), (OTTER, "Otter")):
        names = await erasures.list_names(scope, player_id)
        assert names == {name}
        await erasures.delete_sessions(scope, player_id, names)
        await erasures.erase_player(scope.guild_id, player_id, names)
    for name in ("presence", "sessions", "play_days"):
        assert await find(database, name, scope) == []
    (waiting,) = await find(database, "outbox", scope)
    assert "Ghost" not in str(waiting)
    with pytest.raises(CursorMovedError):
        await store(logs, scope, [CursorStep(state.cursor, state)])
    reloaded = await logs.load(scope)
    assert (reloaded.presence.players, reloaded.cursor) == ({}, LogCursor("first", 4_000, 100, edits=2))


@pytest.mark.parametrize("keep_stats", [False, True])
async def test_removed_server_takes_its_state_with_it(
    *, database: SafeDatabase, logs: GameLogRepository, scope: ServerScope, keep_stats: bool
) -> None:
    """A late slice stores nothing any more; with kept statistics only sessions and numbers stay."""
    servers = GameServerRepository(database)
    await servers.insert_server(scope, replace(build_server(), scope=scope))
    state, steps = build_steps(scope)
    await store(logs, scope, steps)
    await servers.mark_removed(scope, keep_stats=keep_stats, at=NOW)
    for before in (state.cursor, None):
        with pytest.raises(CursorMovedError):
            await store(logs, scope, [CursorStep(before, state)])
    await servers.delete_leftovers(scope, now=NOW + LATE_BATCH_TIME + timedelta(seconds=1))
    left = [
        name
        for name in ("log_state", "presence", "sessions", "play_days", "population", "outbox")
        if await find(database, name, scope)
    ]
    assert left == (["sessions", "play_days", "population"] if keep_stats else [])


def test_session_has_one_id() -> None:
    """It depends on the server, the run, the player and the start alone."""
    scopes = [ServerScope(build_server().scope.guild_id, ServerId(name)) for name in ("a", "b")]
    (session,) = follow([*enter(0, "Ghost"), *depart(9, "Ghost"), *say(50)]).sessions
    variants: list[PlaySession] = [
        session,
        replace(session, ended_at=after(99), name="Fox", is_estimated=True),
        replace(session, run="second"),
        replace(session, started_at=after(1)),
        replace(session, player_id=OTTER),
    ]
    ids = [build_record(scope, one, BERLIN).id for scope in scopes for one in variants]
    assert (len(set(ids)), ids[0] == ids[1]) == (8, True)
