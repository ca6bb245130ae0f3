"""The reports of open events, and of the posts about them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.clock import START, FakeClock
from tests.fakes.deaths import SCOPE
from tests.fakes.small_bot import Shelf
from tests.fakes.storage import build_server
from utils.models.event_settings import EventSettings, KindSettings, PostedKind
from utils.models.game_log import GameLogState
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.presence import ServerPresence
from utils.models.scope import ChannelId
from utils.models.world_events import EventKey, WorldEvent, WorldEventKind, WorldState
from utils.models.world_reports import KindRow, WorldReport
from utils.services.world.reports import WorldReportService

GUILD = SCOPE.guild_id
MISSION, AIRDROP, TRADER = WorldEventKind.MISSION, WorldEventKind.AIRDROP, WorldEventKind.TRADER
HEARD = {AIRDROP: START - timedelta(hours=1), MISSION: START}


def build_event(kind: WorldEventKind, event_id: str, cycle: int, **facts: object) -> WorldEvent:
    """Return an event that has started and has no post."""
    values: dict[str, object] = {
        "since": START,
        "seen_at": START,
        "is_started": True,
        "state": "READY",
    } | facts
    return WorldEvent(key=EventKey(kind, event_id, cycle), **values)  # type: ignore[arg-type] # facts of an event


BUNKER, FARM = build_event(MISSION, "bunker_01_mis1", 5), build_event(MISSION, "farm", 3)
CALL = build_event(TRADER, "trader_1", 4)
PRISON = build_event(MISSION, "prison", 1, respawn_at=START + timedelta(minutes=9))
SOON = build_event(MISSION, "pyramid", 2, respawn_at=START + timedelta(minutes=2))


@pytest.fixture(name="shelf")
def _shelf() -> Shelf:
    """A server whose log tells of open events, of one without a start, and of a restart."""
    shelf = Shelf(clock=FakeClock())
    shelf.servers.servers[SCOPE] = build_server()
    known = replace(build_event(MISSION, "factory", 6), is_started=False)
    restart = build_event(WorldEventKind.RESTART, "", 7)
    opened = {one.key[:2]: one for one in (BUNKER, FARM, CALL, known, restart)}
    shelf.game_logs.states[SCOPE] = GameLogState(
        presence=ServerPresence(newest_at=START), world=WorldState(open=opened, heard_at=HEARD)
    )
    farm_back = replace(FARM, key=EventKey(MISSION, "farm", 0), respawn_at=START + timedelta(minutes=1))
    shelf.game_logs.ended[SCOPE] = [PRISON, SOON, farm_back]
    return shelf


def build_service(shelf: Shelf) -> WorldReportService:
    """Return the service."""
    return shelf.build_services(tier=4).world_reports


async def test_open_events_known_returns_and_the_last_airdrop_are_told(shelf: Shelf) -> None:
    """Those that began first come first; a mission that is open again does not come back."""
    service = build_service(shelf)
    [report] = await service.describe(GUILD, None, None)
    assert report == WorldReport(
        server_name="Mirny", open=(FARM, CALL, BUNKER), returns=(SOON, PRISON), airdrop_at=HEARD[AIRDROP]
    )
    [of_kind] = await service.describe(GUILD, "mirny", TRADER)
    assert of_kind == WorldReport(server_name="Mirny", open=(CALL,))
    shelf.clock.move(16 * 60)
    [later] = await service.describe(GUILD, None, AIRDROP)
    assert later == WorldReport(server_name="Mirny", airdrop_at=HEARD[AIRDROP], as_of=START)


@pytest.mark.parametrize("change", [{"is_closed": True}, {"missing_since": START}])
async def test_events_of_a_stopped_server_say_how_old_they_are(
    shelf: Shelf, change: Mapping[str, Any]
) -> None:
    """They ended with the game server, even if no line has said so."""
    states = shelf.game_logs.states
    states.update({scope: replace(state, **change) for scope, state in states.items()})
    [report] = await build_service(shelf).describe(GUILD, None, TRADER)
    assert report == WorldReport(server_name="Mirny", open=(CALL,), as_of=START)


async def test_server_whose_log_was_never_read_says_so(shelf: Shelf) -> None:
    """Nothing is known of it."""
    shelf.game_logs.states.clear()
    shelf.game_logs.ended.clear()
    [report] = await build_service(shelf).describe(GUILD, None, None)
    assert report == WorldReport(server_name="Mirny", is_known=False)


async def test_table_tells_what_holds_for_each_kind(shelf: Shelf) -> None:
    """Joins and leaves have the connections channel, and are not events that are seen."""
    choices = {PostedKind.AIRDROP: KindSettings(is_on=False), PostedKind.MISSION: KindSettings(role_id=7)}
    shelf.guilds.settings[GUILD] = GuildSettings(
        GUILD,
        channels={ChannelKind.EVENTS: ChannelId(1), ChannelKind.CONNECTIONS: ChannelId(2)},
        events=EventSettings(choices, frozenset({"bunker_01_mis1"})),
    )
    [table] = await build_service(shelf).list_kinds(GUILD, None)
    rows = {row.kind: row for row in table.rows}
    assert (table.server_name, table.muted, list(rows)) == (
        "Mirny",
        ("Underground Bunker",),
        list(PostedKind),
    )
    assert rows[PostedKind.MISSION] == KindRow(
        kind=PostedKind.MISSION,
        is_on=True,
        choices=KindSettings(role_id=7),
        channel_id=ChannelId(1),
        seen_at=START,
    )
    assert (rows[PostedKind.AIRDROP].is_on, rows[PostedKind.CONVOY].is_on) == (False, False)
    assert (rows[PostedKind.JOIN].channel_id, rows[PostedKind.LEAVE].seen_at) == (ChannelId(2), None)
