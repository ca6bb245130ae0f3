"""Counting: golden days, an independent recount, late rows, days, and every way to slice a history."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import astuple
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.game_host.battle import Battle
from tests.fakes.beside import SAMPLES
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
from utils.models.deaths import Death, DeathKind, DeathRow, LogFile
from utils.models.players import (
    MOST_NAMES,
    MOST_RECENT,
    MOST_WEAPONS,
    OTHER_WEAPONS,
    Counters,
    NameSeen,
    PlayerDay,
    PlayerRecord,
    ServerMonth,
    WeaponCount,
    add_recent,
    sum_months,
)
from utils.models.scope import PlayerId
from utils.models.xp import LastKill
from utils.services.ingestion.counting import (
    Counting,
    DayKey,
    KillFacts,
    count_one_player,
    list_player_ids,
    list_watched_killers,
)
from utils.services.ingestion.row_reader import RowReader

AFTERWARDS = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ("Ann", "Bob", "Cid", "Dan")


def count(deaths: Iterable[Death]) -> tuple[dict[PlayerId, PlayerRecord], dict[DayKey, PlayerDay]]:
    """Count deaths in one step."""
    counting = Counting()
    for death in deaths:
        counting.add(death)
    return freeze(counting)


def freeze(counting: Counting) -> tuple[dict[PlayerId, PlayerRecord], dict[DayKey, PlayerDay]]:
    """Return the counted figures, by key."""
    return (
        {record.player_id: record for record in counting.freeze_players()},
        {(day.player_id, day.day): day for day in counting.freeze_days()},
    )


def read_deaths(paths: Sequence[Path]) -> list[Death]:
    """Read whole files; the test fails on a rejected line."""
    reader = RowReader(SCOPE, UTC)
    deaths: list[Death] = []
    for path in paths:
        found, rejected = reader.read(LogFile("world_0", path.name), 0, path.read_bytes(), now=AFTERWARDS)
        assert rejected == []
        deaths += found
    return deaths


def summarize(deaths: Iterable[Death]) -> tuple[tuple[int, ...], tuple[str, Counters]]:
    """Return kills, deaths, suicides and metres of all, and the player with most kills."""
    players = count(deaths)[0].values()
    counters = [player.counters for player in players]
    top = max(players, key=lambda player: player.counters.kills)
    totals = tuple(
        sum(getattr(c, name) for c in counters) for name in ("kills", "deaths", "suicides", "metres")
    )
    return totals, (top.name, top.counters)


GOLDEN = {
    "2025.04.10": ((339, 340, 137, 10248), ("Pikelule", 23, 4, 2, 13, 199)),
    "2025.04.30": ((341, 343, 177, 10674), ("Hollow_Amtumn_", 57, 1, 1, 57, 6)),
    "2025.05.01": ((133, 134, 124, 3967), ("Mlsno", 40, 0, 0, 40, 79)),
    "2025": ((813, 817, 438, 24889), ("Mlsno", 63, 4, 0, 57, 98)),
}


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the real days are not part of this tree")
@pytest.mark.parametrize("days", GOLDEN)
def test_real_days_give_the_known_figures(days: str) -> None:
    """Real days have the hand-counted kills, deaths, suicides, metres and top killer."""
    paths = sorted(SAMPLES.glob(f"{days}*.csv"))
    totals, (name, top) = summarize(read_deaths(paths))
    assert (totals, (name, top.kills, top.deaths, top.suicides, top.best_streak, top.longest)) == GOLDEN[days]


def count_naively(lines: Iterable[str]) -> dict[str, tuple[int, int, int, int, int, int, int]]:
    """Count text by hand: first each player's story as letters, then its figures."""
    story: dict[str, str] = defaultdict(str)
    metres: dict[str, list[int]] = defaultdict(list)
    longest: dict[str, list[int]] = defaultdict(lambda: [0])
    for line in lines:
        _, _, killer, _, victim, weapon, distance, *_ = line.split(";")
        if killer == victim:
            story[victim] += "s"
            continue
        story[victim] += "d"
        if killer:
            story[killer] += "k"
            metres[killer].append(int(distance))
            if weapon not in {"boat", "land_vehicle"} and int(distance) <= 1000:
                longest[killer].append(int(distance))
    return {
        player: (
            life.count("k"),
            life.count("d"),
            life.count("s"),
            sum(metres[player]),
            max(longest[player]),
            max(map(len, life.replace("s", "d").split("d"))),
            len(life.replace("s", "d").rpartition("d")[2]),
        )
        for player, life in story.items()
    }


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_battle_gives_what_a_naive_count_of_its_text_gives(seed: int, tmp_path: Path) -> None:
    """Two different implementations of the rules agree on a generated month; ``test_xp.py`` does XP."""
    paths = Battle(seed, players=30).write_files(tmp_path, rows=3000, days=30)
    lines = [line for path in paths for line in path.read_text().splitlines()]
    players, _ = count(read_deaths(paths))
    assert {
        player_id: (*astuple(record.counters)[:-1], record.current_streak)
        for player_id, record in players.items()
    } == count_naively(lines)


@pytest.mark.parametrize("seed", [1, 2])
def test_weapons_and_hours_are_what_a_naive_count_of_the_text_gives(seed: int, tmp_path: Path) -> None:
    """They agree on kills by weapon, by player, by month and by hour of the week."""
    paths = Battle(seed, players=30).write_files(tmp_path, rows=2000, days=45)
    kills: dict[tuple[str, str], list[int]] = defaultdict(list)
    weapons: dict[tuple[str, str], list[int]] = defaultdict(list)
    hours: dict[tuple[str, int, int], int] = defaultdict(int)
    for line in (line for path in paths for line in path.read_text().splitlines()):
        written, _, killer, _, victim, weapon, distance, *_ = line.split(";")
        if not killer or killer == victim:
            continue
        metres = 0 if weapon in {"boat", "land_vehicle"} else int(distance)
        moment = datetime.strptime(written, "%Y.%m.%d-%H.%M.%S").replace(tzinfo=UTC)
        kills[killer, weapon].append(metres)
        weapons[f"{moment:%Y-%m}", weapon].append(metres)
        hours[f"{moment:%Y-%m}", moment.weekday(), moment.hour] += 1
    counting = Counting()
    for death in read_deaths(paths):
        counting.add(death)
    months = list(counting.freeze_months())

    assert {
        (player.player_id, one.weapon): (one.kills, one.longest)
        for player in counting.freeze_players()
        for one in player.weapons
    } == {key: (len(metres), max(metres)) for key, metres in kills.items()}
    assert {
        (f"{month.month:%Y-%m}", one.weapon): (one.kills, one.longest)
        for month in months
        for one in month.weapons
    } == {key: (len(metres), max(metres)) for key, metres in weapons.items()}
    assert {
        (f"{month.month:%Y-%m}", *divmod(hour, 24)): kills
        for month in months
        for hour, kills in enumerate(month.hours)
        if kills
    } == hours


@pytest.mark.parametrize(
    ("row", "killer", "victim"),
    [
        (build_row("Ann", "Bob"), Counters(1, 0, 0, 120, 120, 1, 22), Counters(deaths=1)),
        (build_row("Ann", "Bob", kind=DeathKind.VEHICLE), Counters(1, 0, 0, 1, 0, 1, 10), Counters(deaths=1)),
        (build_row("Ann", "Bob", distance=1000), Counters(1, 0, 0, 1000, 1000, 1, 50), Counters(deaths=1)),
        (build_row("Ann", "Bob", distance=1001), Counters(1, 0, 0, 1001, 0, 1, 50), Counters(deaths=1)),
        (build_row("Bob", "Bob"), None, Counters(suicides=1)),
        (build_row("Bob", "Bob", kind=DeathKind.FALL), None, Counters(suicides=1)),
        (build_row("Bob", "Bob", kind=DeathKind.SELF), None, Counters(suicides=1)),
        (build_row("", "Bob"), None, Counters(deaths=1)),
    ],
)
def test_each_class_of_death_counts_as_the_rules_say(
    row: DeathRow, killer: Counters | None, victim: Counters
) -> None:
    """A kill counts for both players, a suicide as neither, a death without a killer only for the victim."""
    players, days = count([build_death(row)])
    expected = {build_player_id("Ann"): killer} if killer else {}
    expected[build_player_id("Bob")] = victim
    assert {key: record.counters for key, record in players.items()} == expected
    assert {key: day.counters for (key, _), day in days.items()} == expected


def test_streak_ends_with_any_own_death_and_the_best_one_stays() -> None:
    """Every own death ends the streak: by a player, without a killer, or by the player's own hand."""
    counting = Counting()
    streaks: list[int] = []
    for second, (killer, victim) in enumerate(
        [("Ann", "Bob")] * 3 + [("Ann", "Ann")] + [("Ann", "Bob")] * 2 + [("", "Ann")] + [("Ann", "Bob")]
    ):
        facts = counting.add(build_death(build_row(killer, victim, second=second)))
        if facts:
            streaks.append(facts.streak)
    assert streaks == [1, 2, 3, 1, 2, 1]
    ann = freeze(counting)[0][build_player_id("Ann")]
    assert (ann.counters.best_streak, ann.current_streak) == (3, 1)


def test_kill_tells_the_killers_standing_right_after_it() -> None:
    """K/D and streak in the killfeed include this kill."""
    counting = Counting()
    rows = [
        build_row("", "Ann"),
        build_row("Ann", "Bob", second=1),
        build_row("Ann", "Bob", second=61, distance=90),
        build_row("Ann", "Bob", second=62, distance=900, kind=DeathKind.VEHICLE),
        build_row("Bob", "Ann", second=63),
        build_row("Ann", "Cid", second=86_400),
    ]
    assert [counting.add(death) for death in build_deaths(rows)] == [
        None,
        KillFacts(kills=1, deaths=1, streak=1),
        KillFacts(kills=2, deaths=1, streak=2, kills_today=2, kills_at_once=2, longest=120),
        KillFacts(kills=3, deaths=1, streak=3, kills_today=3, kills_at_once=2, longest=120),
        KillFacts(kills=1, deaths=3, streak=1, ended_streak=3),
        KillFacts(kills=4, deaths=2, streak=1, longest=120),
    ]


def test_times_of_the_last_kills_are_kept() -> None:
    """The last three stay however old they are, more only within a minute, and never more than a bound."""
    at = NOON.replace(tzinfo=UTC)

    def add(*seconds: int) -> list[int]:
        recent: tuple[datetime, ...] = ()
        for second in seconds:
            recent = add_recent(recent, at + timedelta(seconds=second))
        return [round((one - at).total_seconds()) for one in recent]

    assert add(0, 5_000, 90_000) == [0, 5_000, 90_000]
    assert add(0, 5_000, 90_000, 90_001) == [5_000, 90_000, 90_001]
    assert add(0, 1, 2, 60) == [0, 1, 2, 60]
    assert add(0, 1, 2, 61) == [1, 2, 61]
    assert add(0, 1, 2, 3, 61, 200) == [3, 61, 200]
    assert add(0, -300, 1) == [0, -300, 1]
    assert add(*range(50)) == list(range(50 - MOST_RECENT, 50))


def test_names_keep_when_they_were_first_and_last_seen() -> None:
    """A player is the id: all names stay, and the latest is shown."""

    def called(name: str, hour: int) -> DeathRow:
        return build_row("", "Ann", second=hour * 3600)._replace(victim_name=name)

    players, _ = count(
        build_deaths([called("Ann", 0), called("Anna", 1), called("Ann", 2), called("Any", 3)])
    )
    noon = NOON.replace(tzinfo=UTC)
    hours = [noon + timedelta(hours=hour) for hour in range(4)]
    ann = players[build_player_id("Ann")]
    assert (ann.name, ann.names, ann.last_seen_at) == (
        "Any",
        (
            NameSeen("Ann", hours[0], hours[2]),
            NameSeen("Anna", hours[1], hours[1]),
            NameSeen("Any", hours[3], hours[3]),
        ),
        hours[3],
    )


def test_midnight_divides_the_days_and_not_the_streak() -> None:
    """A day's best streak is the highest one that a kill of that day reached."""
    rows = [build_row("Ann", "Bob", second=second) for second in (0, 1, 12 * 3600, 12 * 3600 + 1)]
    days = count(build_deaths(rows))[1]
    ann = build_player_id("Ann")
    assert {day.day: day.counters for day in days.values() if day.player_id == ann} == {
        date(2025, 5, 1): Counters(2, 0, 0, 240, 120, 2, 44),
        date(2025, 5, 2): Counters(2, 0, 0, 240, 120, 4, 44),
    }


def test_both_players_are_late_when_a_row_comes_behind_what_they_did_later() -> None:
    """Players of a late row must be counted again; all others are right already."""
    counting = Counting()
    for second, killer, victim in ((5, "Ann", "Bob"), (9, "Cid", "Dan"), (7, "Cid", "Ann")):
        counting.add(build_death(build_row(killer, victim, second=second)))
    assert counting.late_players == {build_player_id("Cid")}
    counting.add(build_death(build_row("Bob", "Ann", second=6)))
    assert counting.late_players == {build_player_id("Ann"), build_player_id("Cid")}


def test_kill_without_a_killer_is_refused() -> None:
    """The parser never makes such a row. A mistake of the bot raises an error and is not counted."""
    row = build_row("", "Bob", kind=DeathKind.KILL)
    with pytest.raises(ValueError, match="a kill has a killer"):
        Counting().add(build_death(row))


def test_everyone_whose_counters_change_is_listed() -> None:
    """A kill changes killer and victim, a death without a killer only the victim."""
    deaths = build_deaths([build_row("Ann", "Bob"), build_row("", "Cid"), build_row("Dan", "Dan")])
    assert list_player_ids(deaths) == {build_player_id(name) for name in NAMES}


def test_past_days_are_taken_once() -> None:
    """Days before a month are removed from the count, and the rest stays."""
    rows = [build_row("", "Ann"), build_row("", "Ann", second=31 * 86_400)]
    counting = Counting()
    for death in build_deaths(rows):
        counting.add(death)
    taken = counting.take_days_before(date(2025, 6, 1))
    assert [day.day for day in taken] == [date(2025, 5, 1)]
    assert counting.take_days_before(date(2025, 6, 1)) == []
    assert [day.day for day in counting.freeze_days()] == [date(2025, 6, 1)]


@st.composite
def _histories(draw: st.DrawFn) -> list[Death]:
    """Deaths of four players over some days, in order, with shared seconds."""
    steps = draw(
        st.lists(
            st.tuples(st.sampled_from(("", *NAMES)), st.sampled_from(NAMES), st.sampled_from((0, 1, 40_000))),
            max_size=40,
        )
    )
    moment = 0
    rows: list[DeathRow] = []
    for killer, victim, gap in steps:
        moment += gap
        rows.append(build_row(killer, victim, second=moment, distance=len(rows)))
    return build_deaths(rows)


@given(_histories(), st.randoms(use_true_random=False))
def test_any_split_into_batches_gives_what_one_fold_gives(deaths: list[Death], random: Random) -> None:
    """Counting on from stored counters gives the same figures as one count."""
    players: dict[PlayerId, PlayerRecord] = {}
    days: dict[DayKey, PlayerDay] = {}
    kills: dict[PlayerId, list[LastKill]] = defaultdict(list)
    rest = iter(deaths)
    while batch := list(islice(rest, random.randint(1, 10))):
        ids = list_player_ids(batch)
        counting = Counting(
            {key: record for key, record in players.items() if key in ids},
            {key: day for key, day in days.items() if key[0] in ids},
            last_kills={key: kills[key] for key in list_watched_killers(batch, players, days)},
        )
        for death in batch:
            counting.add(death)
            if death.row.kind.is_kill and death.row.killer_id:
                kills[death.row.killer_id].append(LastKill(death.row.written_at, death.row.victim_id))
        assert counting.late_players == set()
        new_players, new_days = freeze(counting)
        players |= new_players
        days |= new_days
    assert (players, days) == count(deaths)


@given(_histories())
def test_days_add_up_to_the_totals(deaths: list[Death]) -> None:
    """Sums of days are the totals, and their best values the best of all."""
    players, days = count(deaths)
    for player_id, record in players.items():
        own = [day.counters for day in days.values() if day.player_id == player_id]
        assert record.counters == Counters(
            *(sum(getattr(day, name) for day in own) for name in ("kills", "deaths", "suicides", "metres")),
            longest=max(day.longest for day in own),
            best_streak=max(day.best_streak for day in own),
            xp=sum(day.xp for day in own),
        )


@given(_histories())
@settings(max_examples=50)
def test_one_player_counted_alone_is_as_in_the_fold_of_all(deaths: list[Death]) -> None:
    """A player's own rows are enough for all their figures."""
    players, days = count(deaths)
    whole = Counting()
    facts = {death.id: whole.add(death) for death in deaths}
    for player_id, record in players.items():
        own = [death for death in deaths if player_id in (death.row.killer_id, death.row.victim_id)]
        recount = count_one_player(player_id, own, xp_events=())
        assert recount.record == record
        assert {day.day: day for day in recount.days} == {
            day.day: day for day in days.values() if day.player_id == player_id
        }
        kills = [death.id for death in own if death.row.kind.is_kill and death.row.killer_id == player_id]
        assert recount.standings == {
            death_id: fact._replace(ended_streak=0)
            for death_id, fact in facts.items()
            if fact is not None and death_id in kills
        }


def test_rows_keep_their_place_when_they_are_read() -> None:
    """Every death has its file and the offset of its line."""
    rows = [build_row("Ann", "Bob", second=second) for second in range(3)]
    found, rejected = RowReader(SCOPE, UTC).read(FILE, 0, render(*rows), now=NOON.replace(tzinfo=UTC))
    assert (found, rejected) == (build_deaths(rows), [])


BORDERS = st.lists(st.integers(0, 260), max_size=3)


@settings(max_examples=10, deadline=None)
@given(borders=BORDERS, order=st.randoms(use_true_random=False))
def test_figures_of_a_player_have_a_bound_whatever_he_is_called(borders: list[int], order: Random) -> None:
    """The newest 50 names and the first 200 weapons are stored; all kills count, in any number of batches."""
    numbers = list(range(260))
    order.shuffle(numbers)
    rows = [
        build_row("Ann", "Bob", second=second)._replace(killer_name="N" * 60 + f"{n:04}", weapon=f"W{n:03}")
        for second, n in enumerate(numbers)
    ]
    deaths = build_deaths(rows)
    pieces: dict[PlayerId, PlayerRecord] = {}
    months: dict[date, ServerMonth] = {}
    for start, end in pairwise([0, *sorted(borders), len(deaths)]):
        kills = [LastKill(death.row.written_at, death.row.victim_id) for death in deaths[:start]]
        counting = Counting(pieces, last_kills={build_player_id("Ann"): kills})
        for death in deaths[start:end]:
            counting.add(death)
        pieces = {one.player_id: one for one in counting.freeze_players()}
        for month in counting.freeze_months():
            months[month.month] = sum_months(months[month.month], month) if months else month
    whole = Counting()
    for death in deaths:
        whole.add(death)
    assert pieces == {one.player_id: one for one in whole.freeze_players()}
    ann = pieces[build_player_id("Ann")]
    assert [seen.name for seen in ann.names] == [row.killer_name for row in rows[-MOST_NAMES:]]
    expected = {row.weapon: 1 for row in rows[:MOST_WEAPONS]} | {OTHER_WEAPONS: 60}
    assert {one.weapon: one.kills for one in ann.weapons} == expected
    (month,) = months.values()
    assert (len(month.weapons), sum(one.kills for one in month.weapons)) == (MOST_WEAPONS + 1, 260)
    (month,) = whole.freeze_months()
    assert {one.weapon: one.kills for one in month.weapons} == expected


def test_player_of_an_older_version_comes_down_to_the_bound() -> None:
    """Too many names are dropped at the next death; the counters stay."""
    moment = NOON.replace(tzinfo=UTC) - timedelta(days=1)
    names = tuple(NameSeen(f"N{number}", moment, moment + timedelta(seconds=number)) for number in range(70))
    weapons = tuple(WeaponCount(f"W{number:03}", 1, 0) for number in range(300))
    (death,) = build_deaths([build_row("Ann", "Bob")])
    order = (NOON - timedelta(days=1), "", "", 0)
    ann = PlayerRecord(build_player_id("Ann"), "N69", names, Counters(kills=300), 0, order, moment, weapons)
    counting = Counting({ann.player_id: ann})
    counting.add(death)
    found = {one.player_id: one for one in counting.freeze_players()}[ann.player_id]
    assert [seen.name for seen in found.names] == [*(f"N{number}" for number in range(21, 70)), "Ann"]
    assert found.weapons == tuple(sorted([*weapons, WeaponCount(OTHER_WEAPONS, 1, 120)]))
