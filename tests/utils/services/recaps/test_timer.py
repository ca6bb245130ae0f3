"""The timer of recaps and their settings, over a guild in memory."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.fakes.bounties import ADMIN, GUILD, NORTH, SOUTH
from tests.fakes.clock import START
from tests.fakes.deaths import build_player_id
from tests.fakes.small_bot import Shelf
from tests.fakes.storage import put_settings
from utils.events import NoticesQueued
from utils.interactions.services import Services
from utils.models.guilds import ChannelKind
from utils.models.health import ServerReading
from utils.models.notices.notice import compute_event_id
from utils.models.notices.recaps import RecapFact, RecapNotice, RecapPlace, RecapRival, RecapServer
from utils.models.players import BoardRow, Counters
from utils.models.recaps import (
    PlannedRecap,
    Recap,
    RecapBest,
    RecapKind,
    RecapOverview,
    RecapSettings,
    RecapState,
    Rivalry,
    Weekday,
)
from utils.models.scope import ALL_SERVERS, ChannelId, ServerScope
from utils.models.servers import ConnectionState, ServerHealth
from utils.models.statistics import PlayerPlace, WeaponRow
from utils.services.recaps.schedule import find_span

MONDAY = datetime(2025, 5, 5, 9, tzinfo=UTC)  # four days after the clock's start
HOUR = timedelta(hours=1)
UTC_ZONE = ZoneInfo("UTC")
DAILY, WEEKLY = RecapKind.DAILY, RecapKind.WEEKLY
NEWS = {ChannelKind.NEWS: ChannelId(5)}
WOLF, FOX = build_player_id("Wolf"), build_player_id("Fox")
QUEUED = NoticesQueued(scope=ServerScope(GUILD, ALL_SERVERS), kinds=frozenset({ChannelKind.NEWS}))


@pytest.fixture(name="shelf")
async def _shelf() -> Shelf:
    shelf = Shelf()
    shelf.servers.servers = {NORTH.scope: NORTH, SOUTH.scope: SOUTH}
    shelf.statistics.rows = [
        BoardRow(1, WOLF, "Wolf", 40.0, Counters(kills=40)),
        BoardRow(2, FOX, "Fox", 2.0, Counters(kills=2)),
    ]
    shelf.statistics.places[True] = PlayerPlace(2_800, 1, 38)
    shelf.combat.weapons = {(): [WeaponRow("AK-SU", 30, 120), WeaponRow("M16A1", 12, 90)]}
    shelf.combat.rivalry = Rivalry(RecapBest(WOLF, "Wolf", 5), RecapBest(FOX, "Fox", 2))
    shelf.recaps.guild_ids = [GUILD]
    shelf.build_services()
    await put_settings(shelf.guilds, GUILD, channels=NEWS)
    return shelf


async def tell_at(shelf: Shelf, at: datetime, *, is_read: bool = True) -> None:
    """Let the timer come at a moment; the game servers were read just then."""
    shelf.clock.move((at - shelf.clock.now()).total_seconds())
    if is_read:
        shelf.readings.health = {
            one.scope: ServerHealth(one.scope, last_read_at=at) for one in shelf.servers.servers.values()
        }
    await shelf.recap_timer.tell_all()


def plan(due_at: datetime, kind: RecapKind = WEEKLY) -> PlannedRecap:
    """Return the plan of a recap that is due at a moment of UTC."""
    return PlannedRecap(due_at, find_span(RecapSettings(hour=due_at.hour), kind, UTC_ZONE, due_at=due_at))


def build_recap(state: RecapState, at: datetime, kills: int | None, killers: int | None) -> Recap:
    """Return the recap of the week before ``MONDAY``."""
    return Recap(
        guild_id=GUILD, kind=WEEKLY, period="2025-W18", state=state, at=at, kills=kills, killers=killers
    )


async def test_week_is_planned_and_told_once(shelf: Shelf) -> None:
    """The first look plans Monday at 9:00; then the recap is stored with its notice, and the next planned."""
    told: list[object] = []
    shelf.events.register(NoticesQueued, told.append)
    await tell_at(shelf, START)
    assert shelf.recaps.plans == {GUILD: {WEEKLY: plan(MONDAY)}}
    await tell_at(shelf, MONDAY - timedelta(seconds=1))
    assert (shelf.recaps.recaps, told) == ([], [])
    await tell_at(shelf, MONDAY)
    await tell_at(shelf, MONDAY + HOUR)
    assert shelf.recaps.recaps == [build_recap(RecapState.POSTED, MONDAY, 42, 2)]
    assert shelf.recaps.plans == {GUILD: {WEEKLY: plan(MONDAY + 7 * 24 * HOUR)}}
    assert told == [QUEUED]
    server = (42, 2, "Wolf", 40)
    assert shelf.recaps.notices == [
        RecapNotice(
            event_id=compute_event_id(f"{GUILD};recap;weekly;2025-W18"),
            server_name="",
            at=MONDAY,
            kind=WEEKLY,
            first_day="2025-04-28",
            last_day="2025-05-04",
            kills=42,
            kills_before=42,
            killers=2,
            places=(
                RecapPlace(RecapFact.MVP, "Wolf", 40, PlayerPlace(2_800, 1, 38)),
                RecapPlace(RecapFact.LONGEST, "Wolf", 40),
                RecapPlace(RecapFact.STREAK, "Wolf", 40),
            ),
            weapon="AK-SU",
            weapon_kills=30,
            rivals=(RecapRival("Wolf", 5), RecapRival("Fox", 2)),
            servers=(RecapServer("North", *server), RecapServer("South", *server)),
        )
    ]


async def test_quiet_week_and_one_that_comes_too_late_are_not_posted(shelf: Shelf) -> None:
    """They are remembered; a daily recap is too late after 12 hours, a weekly one after 24."""
    await put_settings(shelf.guilds, GUILD, recap=RecapSettings(is_daily=True))
    shelf.recaps.plans = {GUILD: {DAILY: plan(MONDAY, DAILY), WEEKLY: plan(MONDAY)}}
    shelf.statistics.rows = shelf.statistics.rows[1:]
    late = MONDAY + 13 * HOUR
    await tell_at(shelf, late)
    daily = replace(build_recap(RecapState.LATE, late, None, None), kind=DAILY, period="2025-05-04")
    assert shelf.recaps.recaps == [daily, build_recap(RecapState.QUIET, late, 2, 1)]
    assert shelf.recaps.notices == []
    next_week, next_day = MONDAY + 7 * 24 * HOUR, MONDAY + 24 * HOUR
    assert shelf.recaps.plans == {GUILD: {DAILY: plan(next_day, DAILY), WEEKLY: plan(next_week)}}


async def test_recap_waits_for_an_import_and_for_the_days_of_every_server(shelf: Shelf) -> None:
    """An import may take three hours; a server's day may end later than that of the guild."""
    shelf.recaps.plans = {GUILD: {WEEKLY: plan(MONDAY)}}
    reading = ServerReading(NORTH.scope, NORTH.name, ConnectionState.UNKNOWN, None, is_importing=True)
    shelf.readings.readings = [reading]
    await tell_at(shelf, MONDAY + 3 * HOUR - timedelta(seconds=1))
    assert shelf.recaps.recaps == []
    await tell_at(shelf, MONDAY + 3 * HOUR)
    assert len(shelf.recaps.notices) == 1
    shelf.readings.readings = []
    shelf.recaps.recaps.clear()
    shelf.servers.servers[SOUTH.scope] = replace(SOUTH, timezone="Pacific/Honolulu")
    next_week = MONDAY + 7 * 24 * HOUR
    await tell_at(shelf, next_week)
    assert shelf.recaps.recaps == []
    await tell_at(shelf, next_week + HOUR)
    assert len(shelf.recaps.notices) == 2


async def test_unread_server_is_waited_for_ten_minutes(shelf: Shelf) -> None:
    """A host that is down does not keep a recap back."""
    shelf.recaps.plans = {GUILD: {WEEKLY: plan(MONDAY)}}
    await tell_at(shelf, MONDAY, is_read=False)
    assert shelf.recaps.recaps == []
    await tell_at(shelf, MONDAY + timedelta(minutes=10), is_read=False)
    assert len(shelf.recaps.notices) == 1


async def test_guild_without_tier_or_channel_or_recaps_gets_none(shelf: Shelf) -> None:
    """Nothing is stored, and it goes on when they are there."""
    shelf.recaps.plans = {GUILD: {WEEKLY: plan(MONDAY)}}
    shelf.build_services(tier=0)
    await tell_at(shelf, MONDAY)
    shelf.build_services(tier=1)
    await put_settings(shelf.guilds, GUILD, channels={})
    await tell_at(shelf, MONDAY)
    shelf.build_services(tier=1)
    await put_settings(shelf.guilds, GUILD, channels=NEWS, recap=RecapSettings(is_weekly=False))
    await tell_at(shelf, MONDAY)
    assert shelf.recaps.recaps == []
    shelf.build_services(tier=1)
    await put_settings(shelf.guilds, GUILD, recap=RecapSettings())
    await tell_at(shelf, MONDAY)
    assert len(shelf.recaps.notices) == 1


async def test_player_who_was_erased_while_it_was_read_is_not_named(shelf: Shelf) -> None:
    """The round stores nothing, and the next one reads the figures again."""
    shelf.recaps.plans = {GUILD: {WEEKLY: plan(MONDAY)}}
    shelf.recaps.erased = {FOX}
    await tell_at(shelf, MONDAY)
    assert shelf.recaps.recaps == []
    shelf.combat.rivalry = None
    await tell_at(shelf, MONDAY)
    [notice] = shelf.recaps.notices
    assert notice.rivals == ()


@pytest.mark.parametrize("call", ["find_plan", "put_plan", "finish_recap"])
async def test_away_database_delays_a_recap(shelf: Shelf, call: str) -> None:
    """Nothing is decided, and the next round does it."""
    if call != "put_plan":
        shelf.recaps.plans = {GUILD: {WEEKLY: plan(MONDAY)}}
    shelf.recaps.broken = {call}
    await tell_at(shelf, MONDAY - HOUR if call == "put_plan" else MONDAY)
    assert shelf.recaps.recaps == []
    shelf.recaps.broken = set()
    await tell_at(shelf, MONDAY - HOUR if call == "put_plan" else MONDAY)
    await tell_at(shelf, MONDAY)
    assert len(shelf.recaps.notices) == 1


async def test_recap_whose_commit_gets_no_answer_wakes_delivery(shelf: Shelf) -> None:
    """It may be stored, so delivery looks into its outbox; it is not told twice."""
    told: list[object] = []
    shelf.events.register(NoticesQueued, told.append)
    shelf.recaps.plans = {GUILD: {WEEKLY: plan(MONDAY)}}
    shelf.recaps.unanswered = {"finish_recap"}
    await tell_at(shelf, MONDAY)
    await tell_at(shelf, MONDAY)
    assert (told, len(shelf.recaps.notices)) == ([QUEUED], 1)


async def test_changed_settings_plan_the_next_recap_that_is_new(shelf: Shelf) -> None:
    """The next recap is about other days than the last one. Without a change the plan stays."""
    services: Services = shelf.build_services()
    await tell_at(shelf, START)
    shelf.recaps.plans = {GUILD: {WEEKLY: plan(MONDAY)}}
    await tell_at(shelf, MONDAY)
    next_week = MONDAY + 7 * 24 * HOUR
    evening = RecapSettings(hour=20, weekday=Weekday.TUESDAY)
    overview = await services.recaps.change(GUILD, ADMIN, hour=20, weekday=Weekday.TUESDAY)
    later = next_week + 35 * HOUR  # tomorrow's would be about the same week
    assert overview == RecapOverview(evening, "UTC", {WEEKLY: later}, has_channel=True)
    assert shelf.recaps.plans == {GUILD: {WEEKLY: plan(later)}}
    shelf.recaps.calls.clear()
    assert await services.recaps.change(GUILD, ADMIN, hour=20) == overview
    assert "put_plan" not in shelf.recaps.calls
    off = await services.recaps.change(GUILD, ADMIN, is_weekly=False, is_daily=True)
    assert off.next_at == {DAILY: MONDAY + 11 * HOUR}
    assert [entry.action for _, entry in shelf.audit.entries] == ["recap", "recap"]


async def test_recap_comes_by_the_clock_of_the_guild(shelf: Shelf) -> None:
    """Nine o'clock on Monday is midnight in UTC where the sun rises, and the answer names the zone."""
    services: Services = shelf.build_services()
    await put_settings(shelf.guilds, GUILD, timezone="Asia/Tokyo")
    at = MONDAY.replace(hour=0)
    assert await services.recaps.describe(GUILD) == RecapOverview(
        RecapSettings(), "Asia/Tokyo", {WEEKLY: at}, has_channel=True
    )
    await tell_at(shelf, START)
    await tell_at(shelf, at - HOUR)
    assert shelf.recaps.recaps == []
    await tell_at(shelf, at)
    assert [(one.period, one.state) for one in shelf.recaps.recaps] == [("2025-W18", RecapState.POSTED)]
    later = PlannedRecap(at + 7 * 24 * HOUR, plan(MONDAY + 7 * 24 * HOUR).span)
    assert shelf.recaps.plans == {GUILD: {WEEKLY: later}}


async def test_week_is_told_though_its_hour_is_moved_into_the_past(shelf: Shelf) -> None:
    """An admin chooses eight o'clock a minute before nine: the recap comes at once, and only once."""
    services: Services = shelf.build_services()
    await tell_at(shelf, START)
    await tell_at(shelf, MONDAY - HOUR / 60)
    assert shelf.recaps.recaps == []
    changed = await services.recaps.change(GUILD, ADMIN, hour=8)
    assert changed.next_at == {WEEKLY: shelf.clock.now()}
    for at in (MONDAY, MONDAY + HOUR, MONDAY + 7 * 24 * HOUR - HOUR):
        await tell_at(shelf, at)
    assert [(one.period, one.at) for one in shelf.recaps.recaps] == [
        ("2025-W18", MONDAY),
        ("2025-W19", MONDAY + 7 * 24 * HOUR - HOUR),
    ]
