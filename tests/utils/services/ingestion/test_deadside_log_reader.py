"""Deadside.log's reader: what it reads, stores and posts, however the file changes and the bot dies."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.fakes.clock import START
from tests.fakes.deaths import SCOPE, build_player_id
from tests.fakes.game_log import (
    RUN_START,
    GameLogWorld,
    stamp,
    write_join,
    write_leave,
    write_noise,
    write_start,
)
from tests.fakes.ingestion import PowerCut
from utils.errors import ConnectionLostError
from utils.events import NoticesQueued
from utils.models.game_log import LineCount, LineTally, LiveKill, LogGap, SelfCheck
from utils.models.guilds import ChannelKind
from utils.models.notices.visits import VisitNotice
from utils.models.presence import LeaveReason
from utils.models.scope import GuildId, PlayerId
from utils.models.servers import ServerHealth
from utils.models.texts import text
from utils.services.ingestion.deadside_log_reader import COLD_STARTS
from utils.services.ingestion.deadside_reading import SLICE_BYTES
from utils.turns import FairTurns

MINUTE = timedelta(minutes=1)


@pytest.fixture(name="world")
def _world() -> GameLogWorld:
    return GameLogWorld()


def list_sessions(world: GameLogWorld) -> list[tuple[str, int, LeaveReason]]:
    """Return the stored sessions in their order."""
    records = sorted(world.store.data.sessions.values(), key=lambda one: one.session.started_at)
    return [(one.session.name, one.session.seconds, one.session.reason) for one in records]


async def test_first_read_is_silent_and_the_rest_is_posted(world: GameLogWorld) -> None:
    """A cold start knows who is online, with real times; from then on joins and leaves are posted."""
    world.log.append(write_start(RUN_START) + write_join(RUN_START + MINUTE, "Ghost"))
    world.log.append(
        write_join(RUN_START + 2 * MINUTE, "Otter") + write_leave(RUN_START + 3 * MINUTE, "Otter")
    )
    world.log.append(write_noise(START))
    queued: list[NoticesQueued] = []
    world.events.register(NoticesQueued, queued.append)
    await world.poll()
    assert (world.online, world.posted, queued) == (["Ghost"], [], [])
    assert list_sessions(world) == [("Otter", 60, LeaveReason.QUIT)]
    world.log.append(write_join(world.now, "Fox"))
    await world.poll()
    world.log.append(write_leave(world.now, "Ghost"))
    await world.poll()
    assert (world.posted, world.online) == (["joined Fox"], ["Fox"])
    await world.poll(35)
    assert world.posted == ["joined Fox", "left Ghost"]
    left = world.store.data.notices[-1]
    assert isinstance(left, VisitNotice)
    assert [one.seconds for one in left.players] == [3550]
    assert [one.kinds for one in queued] == [frozenset({ChannelKind.CONNECTIONS})] * 2
    world.log.append(write_noise(world.now))
    await world.poll()
    read_live = {one.session.name: one.read_at for one in world.store.data.sessions.values()}
    assert (read_live.pop("Otter"), [name for name, at in read_live.items() if at]) == (None, ["Ghost"])


async def test_quiet_poll_asks_for_the_size_alone_and_stores_nothing(world: GameLogWorld) -> None:
    """A poll that finds nothing new costs one request, and lines that change nothing cost no transaction."""
    world.log.append(write_start(RUN_START) + write_join(RUN_START, "Ghost"))
    await world.poll()
    stored, reads = world.store.transactions, len(world.log.reads)
    for _ in range(5):
        await world.poll()
    assert (world.log.looks, len(world.log.reads), world.store.transactions) == (6, reads, stored)
    world.log.append(write_noise(world.now))
    await world.poll()
    assert (len(world.log.reads), world.store.transactions) == (reads + 1, stored)
    assert world.log.reads[-1][0] == len(world.log.data or b"") - len(write_noise(world.now)) - 1
    await world.poll(121)
    assert world.store.transactions == stored + 1


async def test_file_is_looked_for_at_a_slower_pace_while_it_is_missing(world: GameLogWorld) -> None:
    """A stopped server is not a problem of the host. The reader notes it once."""
    await world.poll()
    assert (world.log.looks, world.store.transactions) == (1, 0)
    await world.poll(29)
    assert world.log.looks == 1
    world.log.append(write_start(RUN_START) + write_join(RUN_START, "Ghost"))
    await world.poll(1)
    assert world.online == ["Ghost"]
    world.log.data = None
    await world.poll()
    since = world.store.data.state.missing_since
    assert since == world.now
    await world.poll(40)
    assert (world.store.data.state.missing_since, world.online) == (since, ["Ghost"])
    assert world.reader.state.status.problem is None


async def test_unknown_place_is_waited_for(world: GameLogWorld) -> None:
    """Before the death logs were found nothing is read."""
    world.is_found = False
    world.log.append(write_start(RUN_START))
    await world.poll()
    assert (world.log.looks, world.store.transactions) == (0, 0)


async def test_restart_ends_sessions_silently_and_welcomes_back_in_one_line(world: GameLogWorld) -> None:
    """The new file may be shorter; any number of players cost two posts."""
    names = [f"Player{number:02}" for number in range(20)]
    world.log.append(write_start(RUN_START) + "".join(write_join(RUN_START, name) for name in names))
    await world.poll()
    world.log.append(write_noise(world.now))
    await world.poll()
    ended = world.now
    world.log.replace(write_start(world.now))
    await world.poll()
    assert (world.online, world.posted) == ([], [])
    assert {reason for _, _, reason in list_sessions(world)} == {LeaveReason.RESTART}
    assert {one.session.ended_at for one in world.store.data.sessions.values()} == {
        ended - timedelta(seconds=5)
    }
    for name in names[:18]:
        world.log.append(write_join(world.now, name))
        await world.poll(1)
    world.log.append(write_join(world.now, "Fox"))
    await world.poll()
    assert (len(world.online), world.posted) == (19, ["joined Fox"])
    await world.poll(300)
    assert world.posted == ["joined Fox", "returned 18"]
    assert len(world.store.data.state.run_starts) == 2


@pytest.mark.parametrize("is_longer", [False, True])
@pytest.mark.parametrize("has_line_end", [False, True])
async def test_exchanged_file_is_noticed(*, world: GameLogWorld, is_longer: bool, has_line_end: bool) -> None:
    """A longer file is noticed at once, and one with a line end at the cursor within a minute."""
    world.log.append(write_start(RUN_START) + write_join(RUN_START, "Ghost"))
    await world.poll()
    size = len(world.log.data or b"")
    begun = write_start(world.now)
    filling = write_noise(world.now)
    length = size - len(begun) if is_longer else 0
    lines = filling * (length // len(filling))
    rest = length - len(lines)
    text_before = begun + lines + "x" * max(0, rest - 1) + ("\n" if has_line_end else "x")
    world.log.replace(text_before + "\n" + write_join(world.now, "Otter"))
    await world.poll(61)
    assert world.online == ["Otter"]
    assert list_sessions(world) == [("Ghost", 0, LeaveReason.RESTART)]


async def test_file_that_is_written_again_changes_nothing(world: GameLogWorld) -> None:
    """The same run from its beginning gives the same sessions under the same ids; what it lost is news."""
    content = (
        write_start(RUN_START) + write_join(RUN_START, "Ghost") + write_leave(RUN_START + MINUTE, "Ghost")
    )
    world.log.append(content + write_join(RUN_START + 2 * MINUTE, "Otter"))
    await world.poll()
    sessions = world.store.data.sessions
    whole = (world.log.data or b"").decode()
    world.log.replace(whole[: len(content)])
    await world.poll()
    world.log.replace(whole)
    await world.poll()
    assert (world.store.data.sessions, world.online, world.posted) == (
        sessions,
        ["Otter"],
        ["joined Otter"],
    )
    counts = {one.name: one.count for one in count(world)[0].rules}
    assert (counts["join_request"], counts["close"]) == (2, 1)


async def test_gap_beyond_the_age_of_news_is_read_in_silence(world: GameLogWorld) -> None:
    """After more than ten minutes the joins of the gap are known, and not posted."""
    world.log.append(write_start(RUN_START))
    await world.poll()
    world.log.append(write_join(world.now, "Ghost"))
    world.reader = world.build_reader()
    await world.poll(590)
    assert world.posted == ["joined Ghost"]
    world.log.append(write_join(world.now, "Otter"))
    world.reader = world.build_reader()
    await world.poll(605)
    world.log.append(write_join(world.now, "Fox"))
    await world.poll()
    assert (world.posted, world.online) == (["joined Ghost", "joined Fox"], ["Fox", "Ghost", "Otter"])


async def test_first_reads_of_many_servers_wait_for_each_other(world: GameLogWorld) -> None:
    """Four long logs are read at once; a server whose log is known waits for none of them."""
    turns = FairTurns(COLD_STARTS)
    for number in range(COLD_STARTS):
        await turns.take(GuildId(number))
    world.reader = world.build_reader(turns)
    world.log.append(write_start(RUN_START) + write_join(RUN_START, "Ghost") + write_noise(START))
    first = asyncio.ensure_future(world.poll())
    for _ in range(5):
        await asyncio.sleep(0)
    assert (first.done(), world.log.reads) == (False, [])
    turns.give_back(GuildId(0))
    await first
    assert world.online == ["Ghost"]
    await turns.take(GuildId(0))
    world.log.append(write_join(world.now, "Fox"))
    await world.poll()
    assert world.online == ["Fox", "Ghost"]


async def test_nothing_is_posted_without_a_channel_or_its_tier(world: GameLogWorld) -> None:
    """The state is the same; a channel that is set later gets later joins alone."""
    world.log.append(write_start(RUN_START))
    await world.poll()
    channel, world.settings.channel_id = world.settings.channel_id, None
    world.log.append(write_join(world.now, "Ghost"))
    await world.poll()
    world.settings.channel_id = channel
    world.log.append(write_join(world.now, "Otter"))
    await world.poll()
    assert (world.posted, world.online) == (["joined Otter"], ["Ghost", "Otter"])


async def test_erased_player_is_forgotten_by_the_reader(world: GameLogWorld) -> None:
    """An erasure ends the open session: nothing of it is stored when the player leaves."""
    world.log.append(write_start(RUN_START) + write_join(RUN_START, "Ghost") + write_join(RUN_START, "Otter"))
    await world.poll()
    data = world.store.data
    state, ghost = (
        data.state,
        next(one for one in data.state.presence.players.values() if one.name == "Ghost"),
    )
    assert state.cursor is not None
    erase(world, ghost.key)
    world.log.append(write_leave(world.now, "Ghost") + write_join(world.now, "Fox"))
    await world.poll()
    await world.poll(60)
    assert (world.online, world.posted, list_sessions(world)) == (["Fox", "Otter"], ["joined Fox"], [])


async def test_session_before_an_erasure_does_not_come_back_from_a_log_that_is_read_again(
    world: GameLogWorld,
) -> None:
    """A restore lets the bot read an older part of the log; what was played since the erasure stays."""
    world.log.append(write_start(RUN_START))
    await world.poll()
    erased_at, ghost = world.now + MINUTE, build_player_id("Ghost")
    for minutes in (0, 2):
        world.log.append(write_join(world.now + minutes * MINUTE, "Ghost"))
        world.log.append(write_leave(world.now + (minutes + 1) * MINUTE, "Ghost"))
    world.log.append(write_noise(world.now + 5 * MINUTE))
    world.erased = {PlayerId(ghost): erased_at}
    await world.poll(600)
    assert list_sessions(world) == [("Ghost", 60, LeaveReason.QUIT)]


def erase(world: GameLogWorld, key: str) -> None:
    """Erase a player as ``ErasureRepository.delete_sessions`` does."""
    data = world.store.data
    assert data.state.cursor is not None
    presence = data.state.presence
    players = {one: kept for one, kept in presence.players.items() if one != key}
    cursor = replace(data.state.cursor, edits=data.state.cursor.edits + 1)
    data.state = replace(data.state, cursor=cursor, presence=replace(presence, players=players))


async def test_lines_that_cannot_be_stored_hold_up_no_others(world: GameLogWorld) -> None:
    """After some equal failures such lines are passed over; the others are taken in their order."""
    world.log.append(write_start(RUN_START) + write_join(RUN_START, "Ghost"))
    await world.poll()
    world.store.data.poison = "Wolf"
    joins = [write_join(world.now, name) for name in ("Otter", "Wolf", "Fox")]
    world.log.append("".join(joins) + write_leave(world.now, "Ghost"))
    with pytest.raises(ValueError, match="Wolf"):
        await world.poll()
    with capture_logs() as logs:
        await world.poll(passes_over=True)
    passed = [entry["place"] for entry in logs if entry["event"] == "line is passed over"]
    first = len(world.log.data or b"") - len(joins[1] + joins[2] + write_leave(world.now, "Ghost"))
    request = joins[1].splitlines(keepends=True)[0]
    assert passed == [f"Deadside.log:{first}", f"Deadside.log:{first + len(request)}"]
    assert world.online == ["", "Fox", "Otter"]
    assert [str(one) for one in world.errors.reported] == ["Wolf"] * 2
    await world.poll(60)
    assert world.posted == ["joined Fox, Otter", "left Ghost"]


async def test_lost_connection_costs_nothing(world: GameLogWorld) -> None:
    """After a failure everything is loaded again, and the head is compared."""
    world.log.append(write_start(RUN_START) + write_join(RUN_START, "Ghost"))
    await world.poll()
    world.log.failures.append(ConnectionLostError(text("The host hung up.")))
    with pytest.raises(ConnectionLostError):
        await world.poll()
    world.log.append(write_leave(world.now, "Ghost"))
    await world.poll()
    await world.poll(31)
    assert world.posted == ["left Ghost"]


async def test_name_without_an_id_is_looked_up_among_the_stored_players(world: GameLogWorld) -> None:
    """A join that tells the name alone belongs to the one player whom the server knows by it."""
    player_id = build_player_id("Ghost")
    world.store.data.names[player_id] = "Ghost"
    world.log.append(write_start(RUN_START) + stamp(RUN_START, "LogNet: Join succeeded: Ghost"))
    await world.poll()
    assert list(world.store.data.state.presence.players) == [player_id]


async def test_samples_are_taken_of_whole_five_minutes(world: GameLogWorld) -> None:
    """Each holds who is online at its end and the most at once; a gap stays one."""
    world.log.append(write_start(RUN_START, places=1) + write_join(RUN_START, "Ghost"))
    world.log.append(write_noise(START))
    for _ in range(3):
        await world.poll(100)
    world.log.append(write_join(world.now, "Otter") + write_leave(world.now + MINUTE, "Otter"))
    for _ in range(3):
        await world.poll(100)
    world.log.data = None
    await world.poll(100)
    found = [
        (one.at - START, one.online, one.max_players, one.peak) for one in world.store.data.samples.values()
    ]
    assert found == [(0 * MINUTE, 1, 1, 1), (5 * MINUTE, 1, 1, 2)]


@pytest.mark.parametrize(("last_line", "counted"), [("Log file closed, 05/17/25 02:00:00", 1), ("", 3)])
async def test_log_that_does_not_tell_who_is_online_is_not_counted(
    *, world: GameLogWorld, last_line: str, counted: int
) -> None:
    """Those who were online at the end of a run, or of a log that stands still, are not counted for ever."""
    world.log.append(write_start(START) + write_join(START, "Ghost"))
    for _ in range(4):
        await world.poll(100)
    world.log.append(stamp(world.now, last_line) if last_line else "")
    for _ in range(20):
        await world.poll(100)
    assert (world.online, len(world.store.data.samples)) == (["Ghost"], counted)
    world.log.replace(write_start(world.now) + write_join(world.now, "Fox"))
    for _ in range(6):
        await world.poll(100)
    peaks = [one.peak for one in world.store.data.samples.values()]
    assert peaks == [1] * (counted + 2)


async def test_lines_of_any_length_are_read_in_slices(world: GameLogWorld) -> None:
    """A line that is longer than a slice is passed over, once it has an end; a host may answer with less."""
    world.log.append(write_start(RUN_START) + write_join(RUN_START, "Ghost"))
    world.log.append("x" * (2 * SLICE_BYTES + 7))
    await world.poll()
    assert world.online == ["Ghost"]
    world.log.append("\n" + write_join(START, "Otter") + "unfinished")
    await world.poll()
    assert world.online == ["Ghost", "Otter"]
    world.log.append(write_noise(START)[4:] + write_join(START, "Fox"))
    world.log.longest_answer = 700
    for _ in range(4):
        await world.poll()
    assert world.online == ["Fox", "Ghost", "Otter"]


CONTENT: tuple[Callable[[timedelta], str], ...] = (
    lambda at: write_join(START + at, "Ghost"),
    lambda at: write_noise(START + at),
    lambda at: write_join(START + at, "Otter"),
    lambda at: write_leave(START + at, "Ghost"),
    lambda at: write_join(START + at, "Ghost"),
    lambda at: write_leave(START + at, "Otter"),
    lambda at: write_noise(START + at),
)


async def play(cut_at: int | None, sizes: list[int]) -> GameLogWorld:
    """Let a run be written and read in pieces; the process may die once, and begins again."""
    world = GameLogWorld()
    world.log.append(write_start(START))
    await world.poll(1)
    world.store.power.points, world.store.power.cut_at = 0, cut_at
    content = "".join(
        write(40 * number * timedelta(seconds=1)) for number, write in enumerate(CONTENT, start=1)
    )
    start = 0
    for size in [*sizes, len(content)]:
        world.log.append(content[start : start + size])
        start += size
        await visit(world, 20)
    for _ in range(3):
        await visit(world, 40)
    return world


async def visit(world: GameLogWorld, seconds: float) -> None:
    """Poll; if the process dies, the next one goes on."""
    try:
        await world.poll(seconds)
    except PowerCut:
        world.reader = world.build_reader()
        await world.poll(1)


@pytest.mark.parametrize("sizes", [[], [300, 500, 900, 100], [150] * 12])
async def test_process_that_dies_anywhere_posts_nothing_twice_and_loses_no_session(sizes: list[int]) -> None:
    """A kill at every point of every transaction gives the same sessions, players and posts."""
    whole = await play(None, sizes)
    expected = (whole.store.data.sessions, whole.online, whole.posted, count(whole))
    assert [name for name, _, _ in list_sessions(whole)] == ["Ghost", "Otter"]
    for cut_at in range(1, whole.store.power.points + 1):
        world = await play(cut_at, sizes)
        found = (world.store.data.sessions, world.online, world.posted, count(world))
        assert found == expected, cut_at


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(1, 900), max_size=12))
async def test_any_reads_give_the_same_sessions(sizes: list[int]) -> None:
    """The reads may end anywhere, even within a line."""
    whole, world = await play(None, []), await play(None, sizes)
    assert world.store.data.sessions == whole.store.data.sessions
    assert world.online == whole.online
    assert count(world) == count(whole)


def count(world: GameLogWorld) -> tuple[LineTally, tuple[LogGap, ...]]:
    """Return the counted lines and the pauses, as health knows them."""
    known = world.reader.add_health(ServerHealth(SCOPE)).game_log
    assert known is not None
    return known.tally, known.gaps


async def test_counts_begin_again_with_a_run_and_survive_a_restart_of_the_bot(world: GameLogWorld) -> None:
    """They are stored with the cursor, after two minutes at the latest, and of one run."""
    shape = "LogSFPS: airdrop is · at #"
    strange = stamp(START, "LogSFPS: AirDrop is hunter2hunter2 at 203.0.113.44")
    world.log.append(write_start(RUN_START) + strange + write_noise(START) + strange)
    await world.poll()
    counted = LineTally(
        rules=(LineCount("run_started", 1), LineCount("max_players", 1), LineCount("constructibles", 1)),
        unmatched=2,
        shapes=(LineCount(shape, 2),),
    )
    assert world.store.data.state.tally == counted
    world.log.append(write_noise(START + 20 * MINUTE))
    await world.poll()
    assert world.store.data.state.tally == counted
    world.reader = world.build_reader()
    await world.poll(121)
    noises = LineCount("constructibles", 2)
    assert world.store.data.state.tally == replace(counted, rules=(*counted.rules[:2], noises))
    assert world.store.data.state.gaps == (LogGap(f"{START:%Y-%m-%d}", 3600.0 - 0.0),)
    world.log.append(stamp(START, "x")[:-2] + "Log file closed, 06/04/25 04:00:11\n")
    await world.poll()
    assert (world.store.data.state.is_closed, world.store.data.state.grown_at) == (True, world.now)
    world.log.replace(write_start(world.now))
    await world.poll()
    state = world.store.data.state
    assert (state.is_closed, state.tally) == (False, replace(LineTally(), rules=(*counted.rules[:2],)))


async def test_rules_that_have_aged_are_found_by_the_death_log(world: GameLogWorld) -> None:
    """Once an hour the killers are looked for; few kills change nothing, and a good check ends the doubt."""
    world.log.append(write_start(RUN_START) + write_join(RUN_START, "Ghost") + write_noise(START))
    await world.poll()
    await world.poll()
    assert (world.store.checks, world.store.data.state.check) == (1, None)
    world.store.data.kills = [build_kill(name, START) for name in ["Ghost", *map(str, range(19))]]
    await pass_an_hour(world)
    checked = SelfCheck(world.now, 20, 1)
    assert (world.store.checks, world.store.data.state.check, checked.is_aged) == (2, checked, True)
    world.store.data.kills = world.store.data.kills[:5]
    world.reader = world.build_reader()
    await pass_an_hour(world)
    assert (world.store.checks, world.store.data.state.check) == (3, checked)
    world.log.append(write_noise(world.now))
    world.store.data.kills = [build_kill("Ghost", world.now - number * MINUTE) for number in range(20)]
    await pass_an_hour(world)
    assert world.store.data.state.check == SelfCheck(world.now, 20, 20)


async def pass_an_hour(world: GameLogWorld) -> None:
    """Poll until the log is checked again; a longer pause would be a gap that is read in silence."""
    for _ in range(8):
        await world.poll(500)


def build_kill(name: str, at: datetime) -> LiveKill:
    """Return a kill by a player that was read at once."""
    return LiveKill(build_player_id(name), name, at, at)
