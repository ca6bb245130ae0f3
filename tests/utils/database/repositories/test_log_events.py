"""Events of the world in MongoDB: stored with the cursor, and found again after a start."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.utils.database.repositories.test_game_logs import find, store
from utils.database.core.database import SafeDatabase
from utils.database.repositories.game_logs import GameLogRepository
from utils.models.deadside_log import AirdropState, LogFact, LogLine, MissionRespawn, MissionState
from utils.models.game_log import GameLogState, LogCursor
from utils.models.presence import ServerPresence
from utils.models.scope import GuildId, ServerId, ServerScope
from utils.services.ingestion.deadside_stores import CursorStep, EventsStep
from utils.services.world.tracker import WorldTracker

START = datetime(2025, 6, 3, 12, tzinfo=UTC)
SCOPE = ServerScope(GuildId(42), ServerId("k3v9x0aa"))
BUNKER, FARM = "GA_Bunker_01_Mis1", "GA_Farm_01_SFPSACMission"


async def test_events_come_back_as_they_were_and_go_after_a_month(database: SafeDatabase) -> None:
    """Open ones, undecided ones and what suppresses a second start are the same after a start of the bot."""
    logs = GameLogRepository(database, fences=lambda _: None)
    tracker = WorldTracker(GameLogState().world)
    facts: list[tuple[int, LogFact]] = [
        (0, MissionState(BUNKER, "READY")),
        (60, MissionState(FARM, "WAITING")),
        (90, AirdropState("Flying".upper())),
        (95, AirdropState("ODD")),
        (100, MissionRespawn(BUNKER, 221)),
    ]
    for seconds, fact in facts:
        tracker.advance(LogLine(START + timedelta(seconds=seconds), "rule", fact, None))
    world = tracker.freeze()
    state = GameLogState(
        cursor=LogCursor("run", 100),
        presence=ServerPresence(run="run", started_at=START, newest_at=world.newest_at),
        world=world,
    )
    await store(logs, SCOPE, [CursorStep(None, state), EventsStep(list(tracker.changed.values()))])
    assert await logs.load(SCOPE) == state
    assert (len(world.open), len(world.due), world.unknown_states) == (2, 1, 1)
    later = replace(state, cursor=LogCursor("run", 200))
    changed = [replace(one, is_due=False) for one in tracker.changed.values()]
    await store(logs, SCOPE, [CursorStep(state.cursor, later), EventsStep(changed)])
    assert len(await find(database, "log_events", SCOPE)) == 3
    assert (await logs.load(SCOPE)).world.due == ()
    await logs.prune_events(SCOPE, before=START + timedelta(seconds=95))
    kinds = {one["kind"] for one in await find(database, "log_events", SCOPE)}
    assert kinds == {"mission", "airdrop"}
