"""The events of a world: their starts, changes and ends, however the log is cut into reads."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.game_host.battle import Battle
from simulation.game_host.server_life import ServerLife
from utils.models.deadside_log import (
    AirdropState,
    GameplayEventKind,
    GameplayEventState,
    LogFact,
    LogLine,
    MissionRespawn,
    MissionState,
    Registered,
    RunStarted,
    WorldReady,
)
from utils.models.missions import MISSIONS
from utils.models.scope import GuildId, PlayerId, ServerId, ServerScope
from utils.models.world_events import EventEnd, EventKey, WorldEvent, WorldEventKind, WorldState
from utils.parsers.deadside_log import parse_line
from utils.services.world.announcing import EventMention, EventPost, EventRules, choose_posts, list_outdated
from utils.services.world.tracker import WorldTracker, compute_cycle

START = datetime(2025, 6, 3, 12, tzinfo=UTC)
SCOPE = ServerScope(GuildId(42), ServerId("k3v9x0aa"))
BUNKER, FARM, ELSEWHERE = "GA_Bunker_01_Mis1", "GA_Farm_01_SFPSACMission", "GA_Swamp_02_Mis_1"
CRASH = "HelicrashManager_3_HelicrashEvent_7"
MISSION, AIRDROP, HELICRASH = WorldEventKind.MISSION, WorldEventKind.AIRDROP, WorldEventKind.HELICRASH


def at(seconds: float) -> datetime:
    """Return a moment of the run."""
    return START + timedelta(seconds=seconds)


def tell(seconds: float, fact: LogFact | None) -> LogLine:
    """Return a line of the log."""
    return LogLine(at(seconds), "rule", fact, None)


def mission(seconds: float, state: str, mission_id: str = BUNKER) -> LogLine:
    """Return a line about a mission."""
    return tell(seconds, MissionState(mission_id, state))


def flight(seconds: float, state: str) -> LogLine:
    """Return a line about the airdrop."""
    return tell(seconds, AirdropState(state))


def crash(seconds: float, state: str) -> LogLine:
    """Return a line about a crashed helicopter."""
    return tell(seconds, GameplayEventState(GameplayEventKind.HELICRASH, CRASH, state))


def read(lines: Sequence[LogLine], before: WorldState | None = None) -> WorldState:
    """Return the state after lines."""
    tracker = WorldTracker(before or WorldState())
    for line in lines:
        tracker.advance(line)
    return tracker.freeze()


def follow(lines: Sequence[LogLine]) -> list[WorldEvent]:
    """Return every event of some lines in its newest form."""
    tracker = WorldTracker(WorldState())
    for line in lines:
        tracker.advance(line)
    return list(tracker.changed.values())


def build(
    kind: WorldEventKind, event_id: str, began: float, state: str, since: float, **facts: object
) -> WorldEvent:
    """Return an event that has started."""
    key = EventKey(kind, event_id, compute_cycle(at(began)))
    values: dict[str, object] = {
        "seen_at": at(since),
        "is_started": True,
        "is_due": True,
        "fresh_at": at(began),
    }
    values |= facts
    return WorldEvent(key=key, state=state, since=at(since), **values)  # type: ignore[arg-type] # facts of an event


def test_mission_is_one_event_from_ready_until_it_is_gone() -> None:
    """READY starts it, ACTIVE and WAITING change it, the announced return ends it."""
    lines = [mission(0, "INITIAL"), mission(10, "READY"), mission(20, "ACTIVE"), mission(30, "WAITING")]
    assert follow(lines) == [build(MISSION, "bunker_01_mis1", 10, "WAITING", 30)]
    over = tell(40, MissionRespawn(BUNKER.upper(), 221))
    assert follow([*lines, over, mission(261, "INITIAL")]) == [
        build(
            *(MISSION, "bunker_01_mis1", 10, "WAITING", 30),
            seen_at=at(40),
            ended_at=at(40),
            end=EventEnd.OVER,
            respawn_at=at(261),
        )
    ]


@pytest.mark.parametrize("state", ["INITIAL", "ENDED"])
def test_mission_is_over_when_its_state_says_so(state: str) -> None:
    """Both words end it; the event keeps its last state."""
    assert follow([mission(0, "ACTIVE"), mission(9, state)]) == [
        build(MISSION, "bunker_01_mis1", 0, state, 9, ended_at=at(9), end=EventEnd.OVER)
    ]


@pytest.mark.parametrize(
    ("seconds", "is_believed"), [(29, False), (30, True), (86_400, True), (86_401, False)]
)
def test_return_of_a_mission_is_told_if_it_can_be_right(seconds: int, *, is_believed: bool) -> None:
    """The unit of the number is likely, not proven."""
    [event] = follow([mission(0, "READY"), tell(5, MissionRespawn(BUNKER, seconds))])
    assert event.respawn_at == (at(5 + seconds) if is_believed else None)


def test_ready_twice_is_one_start() -> None:
    """A live bot posted it twice in a minute; the second line changes nothing but when it was seen."""
    assert follow([mission(0, "READY"), mission(40, "READY")]) == [
        build(MISSION, "bunker_01_mis1", 0, "READY", 0, seen_at=at(40))
    ]


@pytest.mark.parametrize(("seconds", "is_due"), [(599, False), (600, True)])
def test_mission_that_starts_again_at_once_is_no_news(seconds: int, *, is_due: bool) -> None:
    """Within ten minutes of its last start a mission is followed, and not posted."""
    lines = [mission(0, "READY"), mission(5, "INITIAL"), mission(seconds, "READY")]
    assert [event.is_due for event in follow(lines)] == [True, is_due]


def test_unknown_state_changes_and_ends_nothing() -> None:
    """It is counted, and the event goes on."""
    state = read(
        [mission(0, "READY"), mission(60, "IN_PROGRESS"), mission(61, "COMPLETED", FARM), flight(62, "x")]
    )
    assert list(state.open.values()) == [build(MISSION, "bunker_01_mis1", 0, "READY", 0, seen_at=at(60))]
    assert state.unknown_states == 3


def test_airdrop_is_one_flight_after_the_other() -> None:
    """The next flight ends the one before; a line within a minute is the same flight written twice."""
    lines = [
        flight(0, "FLYING"),
        flight(59, "FLYING"),
        flight(70, "DROPPING"),
        flight(900, "FLYING"),
        flight(960, "DEAD"),
    ]
    assert follow(lines) == [
        build(AIRDROP, "", 0, "DROPPING", 70, ended_at=at(900), end=EventEnd.OVER),
        build(AIRDROP, "", 900, "DEAD", 960, ended_at=at(960), end=EventEnd.OVER),
    ]
    assert follow([flight(0, "DROPPING"), flight(5, "DEAD")]) == []


@pytest.mark.parametrize("state", ["INITIAL", "ENDED", "WAITING", "DEAD"])
def test_crashed_helicopter_is_over_when_its_state_says_so(state: str) -> None:
    """READY and ACTIVE are its open states."""
    assert follow([crash(0, "READY"), crash(5, "ACTIVE"), crash(9, state)]) == [
        build(HELICRASH, CRASH.lower(), 0, state, 9, ended_at=at(9), end=EventEnd.OVER)
    ]


def test_other_gameplay_events_are_not_followed() -> None:
    """Only the kinds that people asked for are events."""
    assert follow([tell(0, GameplayEventState(GameplayEventKind.OTHER, "StormEvent_1", "READY"))]) == []


@pytest.mark.parametrize(
    ("kind", "expected", "minutes"),
    [
        (GameplayEventKind.HELICRASH, WorldEventKind.HELICRASH, 90),
        (GameplayEventKind.TRADER, WorldEventKind.TRADER, 180),
    ],
)
def test_event_is_over_when_nothing_was_heard_of_it_for_long(
    kind: GameplayEventKind, expected: WorldEventKind, minutes: int
) -> None:
    """It ended when the time was up, whenever the next line comes."""
    start, limit = tell(0, GameplayEventState(kind, "x", "READY")), minutes * 60
    assert [event.ended_at for event in follow([start, tell(limit, None)])] == [None]
    assert follow([start, tell(limit + 500, None)]) == [
        build(expected, "x", 0, "READY", 0, ended_at=at(limit), end=EventEnd.UNHEARD)
    ]


def test_restart_ends_all_events_and_is_one_itself() -> None:
    """The new run is open when its world is ready; how long it was down follows from the run before."""
    tracker = WorldTracker(read([mission(0, "READY"), flight(5, "FLYING")]))
    tracker.end_run()
    for line in (tell(95, RunStarted()), tell(110, WorldReady()), tell(111, WorldReady())):
        tracker.advance(line)
    assert list(tracker.changed.values()) == [
        build(MISSION, "bunker_01_mis1", 0, "READY", 0, ended_at=at(5), end=EventEnd.RESTART),
        build(AIRDROP, "", 5, "FLYING", 5, ended_at=at(5), end=EventEnd.RESTART),
        build(
            *(WorldEventKind.RESTART, "", 95, "OPEN", 110),
            ended_at=at(110),
            end=EventEnd.OVER,
            down_since=at(5),
        ),
    ]
    assert tracker.freeze().open == {}


def test_player_in_the_world_proves_that_it_is_open() -> None:
    """If no line says that the world is ready, the first player ends the restart."""
    tracker = WorldTracker(read([flight(5, "FLYING")]))
    tracker.end_run()
    for line in (tell(95, RunStarted()), tell(400, Registered(PlayerId("a" * 32))), tell(410, WorldReady())):
        tracker.advance(line)
    restart = build(
        *(WorldEventKind.RESTART, "", 95, "OPEN", 400), ended_at=at(400), end=EventEnd.OVER, down_since=None
    )
    assert list(tracker.changed.values())[1:] == [restart]


def test_first_run_that_is_read_is_no_restart() -> None:
    """A bot that meets a server for the first time does not know that it restarted."""
    assert follow([tell(0, RunStarted()), tell(5, WorldReady())]) == []


@cache
def live_a_shift() -> tuple[LogLine, ...]:
    """Return hours of a simulated log, as the parser reads it, with the lines about events alone."""
    life = ServerLife(4, fighters=Battle(4, players=5).fighters, start=START)
    lines = [parse_line(entry.text.encode()) for entry in life.live_until(START + timedelta(hours=8))]
    rules = {"mission_state", "mission_respawn", "airdrop", "gameplay_event", "world_up", "run_started"}
    return tuple(line for line in lines if line.rule in rules)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 800), max_size=12))
def test_events_are_the_same_however_the_log_is_cut(places: list[int]) -> None:
    """No event, key or post depends on where a read ends."""
    lines = live_a_shift()
    whole = WorldTracker(WorldState())
    for line in lines:
        whole.advance(line)
    state, changed = WorldState(), dict[EventKey, WorldEvent]()
    posts: list[EventPost] = []
    bounds = sorted({0, len(lines), *(place for place in places if place < len(lines))})
    for first, last in pairwise(bounds):
        tracker = WorldTracker(state)
        for line in lines[first:last]:
            tracker.advance(line)
        changed |= tracker.changed
        news = choose_posts(SCOPE, tracker.freeze(), is_silent=False, rules=EventRules(min_level=1))
        state, posts = news.state, [*posts, *news.posts]
    at_once = choose_posts(SCOPE, whole.freeze(), is_silent=False, rules=EventRules(min_level=1))
    assert state == at_once.state
    assert {key: replace(one, is_due=False, post_id=None) for key, one in changed.items()} == {
        key: replace(one, is_due=False) for key, one in whole.changed.items()
    }
    assert [post.event.key for post in posts] == [post.event.key for post in at_once.posts]
    assert {post.event.kind for post in posts} >= {MISSION, AIRDROP, HELICRASH, WorldEventKind.TRADER}


def test_log_that_is_read_again_gives_the_same_events() -> None:
    """After the cursor was lost everything is read in silence, under the keys of before."""
    lines = live_a_shift()
    first = WorldTracker(WorldState())
    for line in lines:
        first.advance(line)
    again = WorldTracker(choose_posts(SCOPE, first.freeze(), is_silent=False, rules=EventRules()).state)
    again.begin_again()
    for line in lines:
        again.advance(line)
    assert again.changed == first.changed
    assert again.freeze() == first.freeze()
    news = choose_posts(SCOPE, again.freeze(), is_silent=True, rules=EventRules())
    assert news.posts == ()
    assert choose_posts(SCOPE, news.state, is_silent=False, rules=EventRules()).posts == ()


FACTS = st.one_of(
    st.builds(
        MissionState,
        st.sampled_from([BUNKER, FARM, ELSEWHERE]),
        st.sampled_from(["READY", "ACTIVE", "WAITING", "INITIAL", "ENDED", "ODD"]),
    ),
    st.builds(MissionRespawn, st.sampled_from([BUNKER, FARM]), st.integers(0, 100_000)),
    st.builds(AirdropState, st.sampled_from(["FLYING", "DROPPING", "WAITING", "DEAD", "ODD"])),
    st.just(WorldReady()),
)


@given(st.lists(st.tuples(st.integers(1, 4_000), FACTS), max_size=40))
def test_any_lines_keep_the_rules_of_events(drawn: list[tuple[int, LogFact]]) -> None:
    """There is one open event of a kind and id, time does not go back, and what is over stays so."""
    tracker, ended = WorldTracker(WorldState()), dict[EventKey, datetime]()
    now = 0
    for step, fact in drawn:
        now += step
        tracker.advance(tell(now, fact))
        state = tracker.freeze()
        assert all(event.key[:2] == place and event.ended_at is None for place, event in state.open.items())
        over = {key: one.ended_at for key, one in tracker.changed.items() if one.ended_at is not None}
        assert all(over.get(key) == moment for key, moment in ended.items())
        ended = over


@given(st.lists(st.tuples(st.integers(1, 4_000), FACTS), max_size=40))
def test_line_that_is_read_twice_changes_nothing(drawn: list[tuple[int, LogFact]]) -> None:
    """The same line once more leaves the same events."""
    once, twice, now = WorldTracker(WorldState()), WorldTracker(WorldState()), 0
    for step, fact in drawn:
        now += step
        once.advance(tell(now, fact))
        for _ in range(2):
            twice.advance(tell(now, fact))
    assert twice.changed == once.changed
    assert replace(twice.freeze(), unknown_states=0) == replace(once.freeze(), unknown_states=0)


def choose(
    lines: Sequence[LogLine], rules: EventRules, *, is_silent: bool = False
) -> list[tuple[str, int | None]]:
    """Return the ids of the events that are posted, with the roles that are mentioned."""
    news = choose_posts(SCOPE, read(lines), is_silent=is_silent, rules=rules)
    return [(post.event.key.event_id or post.event.kind, post.role_id) for post in news.posts]


STARTS = [mission(0, "READY"), mission(1, "READY", FARM), mission(2, "READY", ELSEWHERE), flight(3, "FLYING")]


def test_missions_are_posted_from_a_level_on() -> None:
    """At first those that can be hard; an unknown mission counts as easy."""
    assert choose(STARTS, EventRules()) == [("bunker_01_mis1", None), ("airdrop", None)]
    assert [name for name, _ in choose(STARTS, EventRules(min_level=1))] == [
        *("bunker_01_mis1", "farm_01_sfpsacmission", "swamp_02_mis_1", "airdrop")
    ]


def test_silenced_kinds_muted_missions_and_silent_reads_are_not_posted() -> None:
    """Their starts are decided, so they are not posted later."""
    assert choose(STARTS, EventRules(muted=frozenset({"bunker_01_mis1"}))) == [("airdrop", None)]
    assert choose(STARTS, EventRules(silenced=frozenset({AIRDROP}))) == [("bunker_01_mis1", None)]
    assert choose(STARTS, EventRules(), is_silent=True) == []
    silent = choose_posts(SCOPE, read(STARTS), is_silent=True, rules=EventRules())
    assert choose_posts(SCOPE, silent.state, is_silent=False, rules=EventRules()).posts == ()


def test_convoys_are_silent_at_first() -> None:
    """Their line is the weakest of all."""
    line = tell(0, GameplayEventState(GameplayEventKind.CONVOY, "ConvoyEvent_1", "READY"))
    assert choose([line], EventRules()) == []
    assert choose([line], EventRules(silenced=frozenset())) == [("convoyevent_1", None)]


def test_role_is_mentioned_once_in_its_cooldown_and_for_its_level_alone() -> None:
    """The cooldown is one of its kind, also over several reads."""
    role = 77
    rules = EventRules(min_level=1, mentions={MISSION: EventMention(role, level=4)})
    hard = [f"GA_{one.ids[0]}" for one in MISSIONS if one.level == 4][:3]
    lines = [mission(0, "READY", FARM), mission(1, "READY", hard[0]), mission(1_800, "READY", hard[1])]
    assert [role_id for _, role_id in choose(lines, rules)] == [None, role, None]
    news = choose_posts(SCOPE, read(lines), is_silent=False, rules=rules)
    later = read([mission(1_801, "READY", hard[2])], news.state)
    posts = choose_posts(SCOPE, later, is_silent=False, rules=rules).posts
    assert [post.role_id for post in posts] == [role]


def list_outdated_after(lines: Sequence[LogLine]) -> list[str]:
    """Return the events whose posts are outdated by lines that follow their starts."""
    before = choose_posts(SCOPE, read(STARTS), is_silent=False, rules=EventRules()).state
    tracker = WorldTracker(before)
    for line in lines:
        tracker.advance(line)
    return sorted(key.event_id or key.kind for key in list_outdated(before, tracker.changed))


def test_post_is_outdated_when_what_it_shows_changes() -> None:
    """A line that tells the same again outdates nothing, and neither does an event without a post."""
    assert list_outdated_after([mission(9, "READY"), mission(9, "IN_PROGRESS"), flight(9, "FLYING")]) == []
    assert list_outdated_after([mission(9, "ACTIVE", FARM), mission(9, "ENDED", ELSEWHERE)]) == []
    assert list_outdated_after([mission(9, "ACTIVE")]) == ["bunker_01_mis1"]
    assert list_outdated_after([tell(9, MissionRespawn(BUNKER, 221)), flight(9, "DEAD")]) == [
        *("airdrop", "bunker_01_mis1")
    ]
    assert list_outdated_after([mission(6 * 3_600, "READY", FARM)]) == ["airdrop", "bunker_01_mis1"]


def test_last_line_about_each_kind_is_known_also_of_the_run_before() -> None:
    """It tells that a kind was seen on this server."""
    tracker = WorldTracker(read([mission(0, "ODD"), flight(5, "FLYING"), flight(9, "DEAD")]))
    tracker.end_run()
    assert tracker.freeze().heard_at == {MISSION: at(0), AIRDROP: at(9)}
