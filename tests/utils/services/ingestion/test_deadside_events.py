"""Events of the world, from Deadside.log to the outbox: each is posted once, however the bot dies."""

from datetime import timedelta

import pytest

from tests.fakes.clock import START
from tests.fakes.deaths import SCOPE
from tests.fakes.game_log import (
    BUNKER,
    RUN_START,
    GameLogWorld,
    stamp,
    write_airdrop,
    write_mission,
    write_noise,
    write_start,
)
from tests.fakes.ingestion import PowerCut
from utils.events import NoticesQueued, PostedEventsChanged
from utils.models.event_settings import EventSettings, KindSettings, PostedKind
from utils.models.guilds import ChannelKind
from utils.models.missions import MISSIONS
from utils.models.notices.world import WorldEventNotice
from utils.models.premium import TIERS
from utils.models.world_events import EventEnd, WorldEventKind

FARM, SWAMP = "GA_Farm_01_SFPSACMission", "GA_Swamp_02_Mis_1"


@pytest.fixture(name="world")
def _world() -> GameLogWorld:
    return GameLogWorld()


def list_posted(world: GameLogWorld) -> list[str]:
    """Return the posts about events, in short."""
    notices = [one for one in world.store.data.notices if isinstance(one, WorldEventNotice)]
    return [f"{one.name or one.kind} {one.state}" for one in notices]


def list_open(world: GameLogWorld) -> list[str]:
    """Return the stored events that are open, in short."""
    return [
        f"{one.key.event_id or one.kind} {one.state}"
        for one in world.store.data.events.values()
        if not one.end
    ]


async def begin(world: GameLogWorld) -> None:
    """Let the bot read the log of a run for the first time."""
    world.log.append(write_start(RUN_START) + write_mission(RUN_START, "READY", FARM) + write_noise(START))
    await world.poll()


async def test_first_read_is_silent_and_starts_after_it_are_posted(world: GameLogWorld) -> None:
    """Open events are known, and those that start later have a post; delivery is woken for it."""
    queued: list[NoticesQueued] = []
    world.events.register(NoticesQueued, queued.append)
    world.log.append(write_start(RUN_START) + write_mission(RUN_START, "READY") + write_noise(START))
    await world.poll()
    assert (list_open(world), list_posted(world), queued) == (["bunker_01_mis1 READY"], [], [])
    world.log.append(write_airdrop(world.now, "Flying") + write_mission(world.now, "ACTIVE"))
    await world.poll()
    assert list_posted(world) == ["airdrop FLYING"]
    assert list_open(world) == ["bunker_01_mis1 ACTIVE", "airdrop FLYING"]
    assert [one.kinds for one in queued] == [frozenset({ChannelKind.EVENTS})]


async def test_events_of_one_read_are_posted_in_the_order_of_the_log(world: GameLogWorld) -> None:
    """They become one message, because their notices are stored together."""
    await begin(world)
    lines = [
        write_mission(world.now + timedelta(seconds=one), "READY", f"GA_Military_0{one}_Mis1")
        for one in (2, 4)
    ]
    world.log.append(write_airdrop(world.now, "Flying") + "".join(lines))
    await world.poll()
    assert list_posted(world) == ["airdrop FLYING", "Military Base #2 READY", "Military Base #4 READY"]


async def test_log_that_is_read_later_than_ten_minutes_posts_no_events(world: GameLogWorld) -> None:
    """Such posts spoil, so the limit is shorter than that of kills."""
    await begin(world)
    world.log.append(write_mission(world.now, "READY"))
    await world.poll(11 * 60)
    assert list_posted(world) == []
    world.log.append(write_airdrop(world.now, "Flying"))
    await world.poll(9 * 60)
    assert list_posted(world) == ["airdrop FLYING"]


@pytest.mark.parametrize("has_tier", [True, False])
async def test_event_without_a_channel_is_decided_once(*, world: GameLogWorld, has_tier: bool) -> None:
    """No channel, or no tier for it: no post, also not when there is one later."""
    await begin(world)
    if has_tier:
        world.settings.kinds = frozenset({ChannelKind.CONNECTIONS})
    else:
        world.settings.missing = TIERS[1]
    world.log.append(write_mission(world.now, "READY"))
    await world.poll()
    world.settings.kinds, world.settings.missing = frozenset({ChannelKind.EVENTS}), None
    world.log.append(write_mission(world.now, "ACTIVE"))
    await world.poll()
    assert (list_posted(world), list_open(world)) == (
        [],
        ["farm_01_sfpsacmission READY", "bunker_01_mis1 ACTIVE"],
    )


async def test_restart_is_posted_once_and_ends_all_events(world: GameLogWorld) -> None:
    """Open events are over in silence; the restart tells how long the server was down."""
    await begin(world)
    world.log.append(write_mission(world.now, "READY"))
    await world.poll()
    ended = world.now
    world.log.replace(write_start(world.now + timedelta(seconds=85)))
    await world.poll(90)
    world.log.append(stamp(world.now, "LogLoad: Took 12.4 seconds to LoadMap(/Game/Maps/world_0/World_0)"))
    await world.poll()
    assert list_posted(world) == ["Underground Bunker READY", "restart RESTARTING"]
    assert (list_open(world), list_outdated(world)) == ([], ["bunker_01_mis1", "restart"])
    restart = list(world.store.data.events.values())[-1]
    assert (restart.kind, restart.end, restart.down_since) == (
        *(WorldEventKind.RESTART, EventEnd.OVER),
        ended - timedelta(seconds=5),
    )


async def play(cut_at: int | None) -> GameLogWorld:
    """Live through some events; the process dies at the given point of all transactions."""
    world = GameLogWorld()
    await begin(world)
    world.store.power.points = 0
    world.store.power.cut_at = cut_at
    moment = world.now
    for text in (
        write_mission(moment, "READY") + write_airdrop(moment, "Flying"),
        write_mission(moment + timedelta(seconds=9), "ACTIVE") + write_mission(moment, "READY"),
        stamp(moment + timedelta(seconds=20), f"LogSFPS: Mission {BUNKER} will respawn in 221"),
        write_airdrop(moment + timedelta(seconds=30), "Dead"),
    ):
        world.log.append(text)
        try:
            await world.poll()
        except PowerCut:
            world.reader = world.build_reader()
            await world.poll(1)
    return world


async def test_process_that_dies_anywhere_posts_each_event_once() -> None:
    """A kill at every point of every transaction gives the same events and posts."""
    whole = await play(None)
    assert list_posted(whole) == ["Underground Bunker READY", "airdrop FLYING"]
    for cut_at in range(1, whole.store.power.points + 1):
        world = await play(cut_at)
        assert (list_posted(world), world.store.data.events) == (list_posted(whole), whole.store.data.events)
        assert world.store.data.outdated == whole.store.data.outdated != set()


def list_outdated(world: GameLogWorld) -> list[str]:
    """Return the events whose posts were marked as outdated since the last look."""
    marked = sorted(key.event_id or key.kind for key in world.store.data.outdated)
    world.store.data.outdated.clear()
    return marked


async def test_change_of_a_posted_event_is_stored_with_its_outdated_post(world: GameLogWorld) -> None:
    """Delivery hears of it; an event without a post, and a line that tells nothing new, outdate none."""
    told: list[PostedEventsChanged] = []
    world.events.register(PostedEventsChanged, told.append)
    await begin(world)
    world.log.append(write_mission(world.now, "READY"))
    await world.poll()
    assert (list_outdated(world), told) == ([], [])
    world.log.append(write_mission(world.now, "READY") + write_mission(world.now, "ACTIVE", FARM))
    await world.poll()
    assert (list_outdated(world), told) == ([], [])
    world.log.append(write_mission(world.now, "ACTIVE"))
    await world.poll()
    assert (list_outdated(world), told) == (["bunker_01_mis1"], [PostedEventsChanged(scope=SCOPE)])


async def test_start_of_a_reader_lets_delivery_look_for_edits_that_were_cut_off(world: GameLogWorld) -> None:
    """A process before it may have been killed between a change and its edit."""
    told: list[PostedEventsChanged] = []
    world.events.register(PostedEventsChanged, told.append)
    await world.reader.recall()
    assert told == [PostedEventsChanged(scope=SCOPE)]


async def test_settings_of_a_community_hold_from_the_next_read_on(world: GameLogWorld) -> None:
    """A kind that is off, a muted mission and a level are read for each batch."""
    await begin(world)
    world.settings.events = EventSettings(
        {
            PostedKind.AIRDROP: KindSettings(is_on=False),
            PostedKind.MISSION: KindSettings(min_level=1, role_id=7),
        },
        frozenset({"bunker_01_mis1"}),
    )
    hard = "GA_Military_02_Mis1"
    lines = write_mission(world.now, "READY") + write_airdrop(world.now, "Flying")
    world.log.append(
        lines + write_mission(world.now, "READY", hard) + write_mission(world.now, "READY", SWAMP)
    )
    await world.poll()
    assert list_posted(world) == ["Military Base #2 READY", "Swamp #2 READY"]
    notices = [one for one in world.store.data.notices if isinstance(one, WorldEventNotice)]
    assert [one.role_id for one in notices] == [7, None]


async def test_cooldown_of_a_mention_outlasts_a_restart_of_the_bot(world: GameLogWorld) -> None:
    """When a role was mentioned last is stored with the event."""
    await begin(world)
    world.settings.events = EventSettings({PostedKind.AIRDROP: KindSettings(role_id=7, cooldown_minutes=5)})
    for minutes in (0, 4, 2):
        world.reader = world.build_reader()
        world.log.append(write_airdrop(world.now + timedelta(minutes=minutes), "Flying"))
        await world.poll(60 * minutes + 1)
    notices = [one for one in world.store.data.notices if isinstance(one, WorldEventNotice)]
    assert [one.role_id for one in notices] == [7, None, 7]


async def test_convoys_are_posted_once_the_log_of_the_server_has_told_of_one(world: GameLogWorld) -> None:
    """Their line is the weakest of all, so the first one is only noted."""
    await begin(world)
    for number in range(3):
        world.log.append(
            stamp(world.now, f"LogSFPS: GameplayEvent X_{number}_ConvoyEvent_1 switched to READY")
        )
        await world.poll()
    assert list_posted(world) == ["convoy READY"] * 2


async def test_more_than_five_events_of_one_read_are_one_message(world: GameLogWorld) -> None:
    """Their notices are stored together, and delivery puts ten of them into a message."""
    await begin(world)
    hard = [f"GA_{one.ids[0]}" for one in MISSIONS if (one.level or 0) >= 3][:8]
    world.log.append("".join(write_mission(world.now, "READY", one) for one in hard))
    transactions = world.store.transactions
    await world.poll()
    assert (len(list_posted(world)), world.store.transactions - transactions) == (8, 1)
