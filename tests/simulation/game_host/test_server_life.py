"""A game server's life in ``Deadside.log``: what the bot's parser reads of it."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.game_host.battle import Battle, Fighter
from simulation.game_host.engine_lines import list_secrets
from simulation.game_host.log_files import GameServerFiles
from simulation.game_host.run_log import KEPT_BACKUPS, BattleLog, RunLog
from simulation.game_host.server_life import LogEntry, ServerLife, find_restart
from utils.models.deadside_log import (
    BeaconJoined,
    ConnectionClosed,
    JoinRequested,
    Kicked,
    LogLine,
    MaxPlayers,
    Registered,
    RunClosed,
    RunStarted,
    WorldReady,
)
from utils.parsers.deadside_log import parse_line

START = datetime(2025, 6, 1, 20, tzinfo=UTC)
FIGHTERS = Battle(1, players=40).fighters


@cache
def live_a_day() -> tuple[LogEntry, ...]:
    """Return the lines of a day, with a restart in it."""
    return tuple(ServerLife(1, fighters=FIGHTERS, start=START).live_until(START + timedelta(days=1)))


@cache
def read_a_day() -> tuple[LogLine, ...]:
    """Return what the parser makes of it."""
    return tuple(parse_line(entry.text.encode()) for entry in live_a_day())


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(1, 2_400), max_size=6))
def test_same_seed_makes_the_same_life_in_any_steps(seconds: list[int]) -> None:
    """The lines do not depend on how the time is cut."""
    end = START + timedelta(minutes=40)
    life, lines = ServerLife(3, fighters=FIGHTERS[:5], start=START), []
    for moment in sorted(START + timedelta(seconds=one) for one in seconds):
        lines += life.live_until(moment)
    lines += life.live_until(end)
    assert lines == ServerLife(3, fighters=FIGHTERS[:5], start=START).live_until(end)


def test_every_line_is_known_to_the_parser() -> None:
    """No line has a shape, all stamps are in order, and the volume is that of a real server."""
    lines = read_a_day()
    assert [line.shape for line in lines if line.shape is not None] == []
    stamps = [line.at for line in lines if line.at is not None]
    assert stamps == sorted(stamps)
    assert 15 < len(lines) / (24 * 60) < 25
    counts = Counter(line.rule for line in lines)
    assert 100 < counts["registered"] < 250
    assert 100 < counts["airdrop"] < 350
    assert {"beacon_gone", "kicked", "timed_out", "clean_up", "mission_respawn", "gameplay_event"} <= set(
        counts
    )


def test_restart_begins_a_file_of_its_own_without_a_leave() -> None:
    """The engine closes the file at 02:00; 90 s later one begins, with the slots and then the world."""
    entries, lines = live_a_day(), read_a_day()
    begins = [number for number, entry in enumerate(entries) if entry.begins_run]
    restart = find_restart(START)
    assert restart == datetime(2025, 6, 2, 2, tzinfo=UTC)
    assert [entries[number].at for number in begins] == [START, restart + timedelta(seconds=90)]
    assert (entries[begins[1] - 1].at, lines[begins[1] - 1].fact) == (restart, RunClosed())
    head = [type(line.fact) for line in lines[begins[1] :] if line.fact is not None][:4]
    assert head == [RunStarted, MaxPlayers, WorldReady, WorldReady]


def read_order(lines: Sequence[LogLine], fighter: Fighter) -> list[type[object]]:
    """Return the kinds of facts with a player's id, in their order."""
    facts = [line.fact for line in lines]
    return [type(fact) for fact in facts if getattr(fact, "player_id", None) == fighter.id]


def test_login_is_the_engines_sequence() -> None:
    """Check before the world, its close without a controller, request, registration."""
    life = ServerLife(2, fighters=FIGHTERS[1:], start=START)
    life.live_until(START + timedelta(hours=1))
    fighter = FIGHTERS[0]
    entries = life.live_until(START + timedelta(hours=1, minutes=2), present=[fighter])
    lines = [parse_line(entry.text.encode()) for entry in entries]
    found = [line for line in lines if getattr(line.fact, "player_id", None) == fighter.id]
    assert [line.rule for line in found] == [
        *("beacon_join", "close_conn", "close", "join_request", "on_login", "registered")
    ]
    closes = [line.fact for line in found if isinstance(line.fact, ConnectionClosed)]
    assert [close.is_departure for close in closes] == [False, False]
    request, registered = found[3], found[-1]
    assert request.fact == JoinRequested(fighter.id, fighter.name, fighter.platform, "1.3.2.24846c")
    assert registered.at is not None
    assert request.at is not None
    assert registered.at - request.at == timedelta(milliseconds=202)


def test_login_that_is_given_up_never_enters() -> None:
    """Some reach the check before the world and go away again."""
    lines = read_a_day()
    begun = Counter(line.fact.player_id for line in lines if isinstance(line.fact, BeaconJoined))
    entered = Counter(line.fact.player_id for line in lines if isinstance(line.fact, JoinRequested))
    assert begun.total() > entered.total()


def test_kick_and_time_out_have_their_lines() -> None:
    """A kick writes one close, a time-out says so."""
    rules = [line.rule for line in read_a_day()]
    kick = next(number for number, line in enumerate(read_a_day()) if isinstance(line.fact, Kicked))
    assert rules[kick : kick + 3] == ["kicked", "close", "unregistered"]
    time_out = rules.index("timed_out")
    assert rules[time_out : time_out + 5] == [
        "timed_out",
        "close_conn",
        "close",
        "unregistered",
        "logged_out",
    ]


def test_killers_of_a_battle_are_online_when_they_kill() -> None:
    """Fighters have entered before they fight, even if deaths follow each other within seconds."""
    battle = Battle(5, players=60, start=START.replace(tzinfo=None), deaths_per_day=40_000)
    by_id = {one.id: one for one in battle.fighters}
    life = ServerLife(5, fighters=battle.fighters, start=START)
    online: set[str] = set()
    for row in islice(battle.rows(), 400):
        fighters = [by_id[one] for one in (row.killer_id, row.victim_id) if one is not None]
        for entry in life.live_until(row.written_at.replace(tzinfo=UTC), present=fighters):
            fact = parse_line(entry.text.encode()).fact
            if isinstance(fact, Registered):
                online.add(fact.player_id)
            elif isinstance(fact, ConnectionClosed) and fact.is_departure:
                online.discard(fact.player_id)
        assert {one.id for one in fighters} <= online


def test_lines_have_secrets_that_the_parser_keeps_inside() -> None:
    """Address, platform id, password and texts of kicks are in the log, and in no value."""
    written = "\n".join(entry.text for entry in live_a_day())
    read = repr([(line.rule, line.fact, line.shape) for line in read_a_day()])
    secrets = {secret for fighter in FIGHTERS[:10] for secret in list_secrets(fighter)}
    assert [secret for secret in secrets if secret not in written] == []
    assert [secret for secret in secrets if secret in read] == []


def test_file_is_renamed_at_each_start(tmp_path: Path) -> None:
    """The log is beside ``actual1``; old ones keep the time of the start that ended them."""
    files = GameServerFiles(tmp_path, host="host", number=7)
    log = RunLog(files.logs)
    starts = [datetime(2025, 6, day, 2, 1, 30, tzinfo=UTC) for day in range(1, KEPT_BACKUPS + 4)]
    for at in starts:
        log.write([LogEntry(at, f"run {at.day}", begins_run=True), LogEntry(at, "line")])
    assert log.path == tmp_path / "host_7" / "Logs" / "Deadside.log"
    assert log.path.parent.parent == files.deathlogs.parent.parent
    names = [path.name for path in log.list_backups()]
    assert names == [f"Deadside-backup-2025.06.{day:02}-02.01.30.log" for day in range(4, 10)]
    assert [path.read_bytes() for path in (log.list_backups()[-1], log.path)] == [
        b"run 8\nline\n",
        b"run 9\nline\n",
    ]


def test_log_of_a_battle_shows_its_fighters_before_they_fight(tmp_path: Path) -> None:
    """A row of the death log has both of its players in ``Deadside.log``."""
    battle = Battle(6, players=20, start=START.replace(tzinfo=None))
    log = BattleLog(tmp_path, battle, seed=6, start=START)
    row = next(row for row in battle.rows() if row.kind.is_kill)
    log.write_until(START + timedelta(hours=1), [row])
    facts = [parse_line(line).fact for line in (tmp_path / "Deadside.log").read_bytes().splitlines()]
    assert {fact.player_id for fact in facts if isinstance(fact, Registered)} >= {
        row.killer_id,
        row.victim_id,
    }


def test_windows_host_writes_a_mark_and_carriage_returns(tmp_path: Path) -> None:
    """Both are read alike."""
    life = ServerLife(1, fighters=FIGHTERS[:3], start=START)
    entries = life.live_until(START + timedelta(hours=1))
    log = RunLog(tmp_path, is_windows=True)
    log.write(entries)
    data = log.path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbfLog file open")
    lines = [parse_line(line) for line in data.removesuffix(b"\r\n").split(b"\n")]
    assert lines == [parse_line(entry.text.encode()) for entry in entries]
