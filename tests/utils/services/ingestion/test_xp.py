"""XP of kills, the rule against farming, and factors; every way of counting agrees."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.game_host.battle import Battle
from tests.fakes.beside import SAMPLES
from tests.fakes.clock import START, FakeClock
from tests.fakes.deaths import (
    FILE,
    NOON,
    SCOPE,
    build_death,
    build_deaths,
    build_player_id,
    build_row,
    render,
)
from tests.fakes.ingestion import FakeDeathLogs, FakeIngestionStore, Posted
from tests.utils.services.ingestion.test_counting import read_deaths
from utils.events import EventDispatcher
from utils.models.deaths import Death, DeathRow, LogFile
from utils.models.money import PAID_KILLS_OF_A_VICTIM
from utils.models.players import LEAST_RECENT
from utils.models.scope import ERASED_NAME, ERASED_PLAYER_ID, PlayerId
from utils.models.servers import EncryptedSecret, GameServer, PostedDeaths
from utils.models.xp import XpEvent, XpEvents, find_factor
from utils.services.ingestion.counting import Counting, count_one_player
from utils.services.ingestion.generation import count_anew
from utils.services.ingestion.live import LiveIngestion

ANN, BOB = build_player_id("Ann"), build_player_id("Bob")
NOON_UTC = NOON.replace(tzinfo=UTC)
OTHER_WORLD = LogFile("world_1", FILE.name)
SERVER = GameServer(SCOPE, "Mirny", "127.0.0.1", 22, "renter", EncryptedSecret(b""))
HOUR = 3600


def count_xp(deaths: Iterable[Death], xp_events: XpEvents = ()) -> dict[PlayerId, int]:
    """Return the XP of each player, counted in one step."""
    counting = Counting(xp_events=xp_events)
    for death in sorted(deaths, key=lambda death: death.order):
        counting.add(death)
    return {one.player_id: one.counters.xp for one in counting.freeze_players()}


def kill(*seconds: float, victim: str = "Bob", distance: int = 0) -> list[DeathRow]:
    """Return kills of Ann at these seconds after noon."""
    return [build_row("Ann", victim, second=second, distance=distance) for second in seconds]


def count_naively(lines: Iterable[str]) -> dict[str, int]:
    """Count the XP of a day by hand, from its text."""
    xp, before = Counter[str](), defaultdict[tuple[str, str], list[datetime]](list)
    for line in lines:
        written, _, killer, _, victim, _, distance, *_ = line.split(";")
        if not killer or killer == victim:
            continue
        at = datetime.strptime(written, "%Y.%m.%d-%H.%M.%S")  # noqa: DTZ007 - logs carry no zone
        own = before[killer, victim]
        is_paid = sum(at - timedelta(hours=1) < one <= at for one in own) < PAID_KILLS_OF_A_VICTIM
        own.append(at)
        xp[killer] += min(10 + int(distance) // 10, 50) if is_paid else 0
    return xp


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the real days are not part of this tree")
def test_real_days_give_the_known_xp() -> None:
    """All kills of three real days, and the best of each; one player killed two victims 57 times."""
    found = {}
    for path in sorted(SAMPLES.glob("2025*.csv")):
        xp = count_xp(read_deaths([path]))
        assert {one: number for one, number in xp.items() if number} == count_naively(
            path.read_text("utf-8").splitlines()
        )
        found[path.name[:10]] = (sum(xp.values()), max(xp.values()))
    assert found == {"2025.04.10": (4198, 271), "2025.04.30": (3660, 292), "2025.05.01": (1524, 350)}


def test_generated_month_gives_what_a_naive_count_of_its_text_gives(tmp_path: Path) -> None:
    """Two different implementations of the rules agree."""
    paths = Battle(1, players=12).write_files(tmp_path, rows=2_000, days=10)
    lines = [line for path in paths for line in path.read_text("utf-8").splitlines()]
    xp = count_xp(read_deaths(paths))
    assert {one: number for one, number in xp.items() if number} == count_naively(lines)


def test_kill_gives_more_from_far_away_and_deaths_take_nothing() -> None:
    """A vehicle kill counts like any other; a suicide and a death give nothing."""
    rows = [
        *kill(1, distance=0),
        *kill(2, victim="Cid", distance=129),
        *kill(3, victim="Dan", distance=5_000),
        build_row("Bob", "Ann", second=4, distance=10),
        build_row("Bob", "Bob", second=5),
        build_row("", "Bob", second=6),
    ]
    assert count_xp(build_deaths(rows)) == {
        ANN: 10 + 22 + 50,
        BOB: 11,
        build_player_id("Cid"): 0,
        build_player_id("Dan"): 0,
    }


def test_farming_gives_at_most_three_kills_a_victim_and_hour() -> None:
    """Three kills of each victim are paid when two victims die 57 times within an hour."""
    rows = [build_row("Ann", ("Bob", "Cid")[place % 2], second=60 * place, distance=0) for place in range(57)]
    assert count_xp(build_deaths(rows))[ANN] == 2 * 3 * 10


@pytest.mark.parametrize(("second", "paid"), [(HOUR - 1, 3), (HOUR, 4), (HOUR + 1, 4), (HOUR + 2, 5)])
def test_hour_of_farming_ends_to_the_second(second: int, paid: int) -> None:
    """All kills of the hour count, paid or not; a kill exactly an hour earlier does not."""
    rows = kill(0, 1, 2, second, second + 0.5) if second == HOUR + 2 else kill(0, 1, 2, second)
    assert count_xp(build_deaths(rows))[ANN] == paid * 10


def test_kills_of_erased_players_are_each_anothers() -> None:
    """They may have been one person or several, so each of their kills and deaths gives XP."""
    rows = [row._replace(victim_id=ERASED_PLAYER_ID, victim_name=ERASED_NAME) for row in kill(*range(5))]
    own = [row._replace(killer_id=ERASED_PLAYER_ID, killer_name=ERASED_NAME) for row in kill(*range(9, 14))]
    xp = count_xp([build_death(row, offset=place) for place, row in enumerate([*rows, *own])])
    assert (xp[ANN], xp[ERASED_PLAYER_ID]) == (50, 50)


def test_factor_counts_from_its_start_to_before_its_end() -> None:
    """The moment of the kill decides, and the larger of two factors counts."""
    double = XpEvent(NOON_UTC, NOON_UTC + timedelta(hours=2), 2)
    triple = XpEvent(NOON_UTC + timedelta(hours=1), NOON_UTC + timedelta(hours=1, seconds=2), 3)
    at = {second: find_factor([double, triple], NOON_UTC + timedelta(seconds=second)) for second in (
        -1, 0, HOUR - 1, HOUR, HOUR + 1, HOUR + 2, 2 * HOUR - 1, 2 * HOUR,
    )}  # fmt: skip
    assert list(at.values()) == [1, 2, 2, 3, 3, 2, 2, 1]
    assert count_xp(build_deaths(kill(-1, HOUR)), [double, triple])[ANN] == 10 + 30


def test_counters_keep_enough_to_tell_who_farms() -> None:
    """The stored last kills of a player are enough to see when a kill gives nothing."""
    assert LEAST_RECENT >= PAID_KILLS_OF_A_VICTIM


async def test_calm_batches_read_no_kill() -> None:
    """Kills are read only for a killer with three kills and a victim with three deaths of late."""
    store, logs = FakeIngestionStore(), FakeDeathLogs(lines_per_chunk=1)
    live = LiveIngestion(
        store, EventDispatcher(), clock=FakeClock(), group_seconds=0, max_announce_age=timedelta(hours=1)
    )
    for victim, asked in (("Bob", 0), ("Cid", 0), ("Bob", 0), ("Dan", 0), ("Bob", 0), ("Cid", 0), ("Bob", 1)):
        second = 60 * len(store.data.deaths)
        logs.append(FILE, render(build_row("Ann", victim, second=second, distance=0)))
        await live.poll(SERVER, logs, last_read_at=START, find_posted=Posted(PostedDeaths()))
        assert store.data.asked_kills == asked
    assert store.data.players[0][ANN].counters.xp == 60  # the fourth kill of Bob gave nothing


NAMES = ("Ann", "Bob", "Cid")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.sampled_from(NAMES),
        st.sampled_from((0, 1, 400, 1_900, HOUR - 1, HOUR)),
        st.booleans(),
    ),
    max_size=25,
)
EVENTS = st.lists(
    st.tuples(st.integers(0, 20_000), st.integers(1, 9_000), st.sampled_from((2, 3))), max_size=3
)


@given(STEPS, EVENTS, st.lists(st.integers(1, 9), max_size=9))
@settings(max_examples=40, deadline=None)
async def test_live_in_any_batches_with_late_rows_gives_what_an_import_gives(
    steps: list[tuple[str, str, int, bool]], events: list[tuple[int, int, int]], sizes: list[int]
) -> None:
    """Two worlds are read in turns, so rows come late; factors hold at the moments of the kills."""
    rows: list[tuple[DeathRow, LogFile]] = []
    second = 0
    for killer, victim, gap, is_other in steps:
        second += gap
        row = build_row(killer, victim, second=second, distance=len(rows))
        rows.append((row, OTHER_WORLD if is_other else FILE))
    store, logs = FakeIngestionStore(), FakeDeathLogs(lines_per_chunk=4)
    store.data.xp_events = tuple(
        XpEvent(NOON_UTC + timedelta(seconds=one), NOON_UTC + timedelta(seconds=one + length), factor)
        for one, length, factor in events
    )
    live = LiveIngestion(
        store, EventDispatcher(), clock=FakeClock(), group_seconds=0, max_announce_age=timedelta(hours=1)
    )
    for size in [*sizes, len(rows)]:
        batch, rows = rows[:size], rows[size:]
        for row, file in batch:
            logs.append(file, render(row))
        await live.poll(SERVER, logs, last_read_at=START, find_posted=Posted(PostedDeaths()))
    deaths = list(store.data.deaths.values())
    lived = {key: one.counters.xp for key, one in store.data.players.get(0, {}).items()}
    await count_anew(store, SCOPE, 1, store.iterate_deaths(SCOPE, batch=4))
    assert store.data.players.get(0, {}) == store.data.players.get(1, {})
    assert store.data.days.get(0, {}) == store.data.days.get(1, {})
    assert lived == count_xp(deaths, store.data.xp_events)
    assert lived == {one: _recount(one, deaths, store.data.xp_events) for one in lived}


def _recount(player_id: PlayerId, deaths: Sequence[Death], xp_events: XpEvents) -> int:
    own = [death for death in deaths if player_id in (death.row.killer_id, death.row.victim_id)]
    rows = sorted(own, key=lambda death: death.order)
    return count_one_player(player_id, rows, xp_events=xp_events).record.counters.xp
