"""Columns of counters: their sums and ranks equal those of a simple loop over the rows."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import START
from utils.database.read_models.standings.columns import (
    SOURCES,
    NumberedTexts,
    Table,
    WeaponUse,
    build_row,
    build_table,
    find_newest_names,
    rank,
    replace_rows,
    sum_uses,
)
from utils.database.read_models.standings.parts import GuildStandings
from utils.database.read_models.standings.sections import PLAYERS as PLAYERS_SECTION
from utils.models.players import Counters

PLAYERS = 8
COUNTERS = st.builds(
    Counters,
    kills=st.integers(0, 12),
    deaths=st.integers(0, 3),
    suicides=st.integers(0, 2),
    longest=st.sampled_from([0, 57, 393]),
    best_streak=st.integers(0, 5),
)
SERVER = st.dictionaries(st.integers(0, PLAYERS - 1), COUNTERS)


def put_down(server: dict[int, Counters]) -> Table:
    """Return a server's counters as a table."""
    return build_table([build_row(player, counters) for player, counters in server.items()])


def count_by_hand(servers: list[dict[int, Counters]]) -> dict[int, Counters]:
    """Sum players over servers, with the best of any server."""
    summed: dict[int, Counters] = {}
    for server in servers:
        for player, one in server.items():
            before = summed.get(player, Counters())
            summed[player] = Counters(
                kills=before.kills + one.kills,
                deaths=before.deaths + one.deaths,
                suicides=before.suicides + one.suicides,
                longest=max(before.longest, one.longest),
                best_streak=max(before.best_streak, one.best_streak),
            )
    return summed


def get_value(board: str, counters: Counters) -> float:
    """Return the value of a board for a player."""
    if board == "kd":
        return round(counters.kills / max(counters.deaths, 1), 2)
    return float(getattr(counters, SOURCES[board]))


@given(
    servers=st.lists(SERVER, max_size=4),
    board=st.sampled_from(sorted(SOURCES)),
    minimum=st.integers(0, 3),
    limit=st.integers(1, 4),
    own=st.sets(st.integers(0, PLAYERS - 1), max_size=3),
)
def test_pages_ties_and_places_are_those_of_a_plain_sort(
    servers: list[dict[int, Counters]], board: str, minimum: int, limit: int, own: set[int]
) -> None:
    """All pages, ties and places of one or several players are right, for any servers."""
    ranking = rank(list(map(put_down, servers)), board, players=PLAYERS, minimum_kills=minimum)
    summed = count_by_hand(servers)
    keys = {
        player: (-get_value(board, counters), counters.deaths)
        for player, counters in summed.items()
        if get_value(board, counters) > 0 and counters.kills >= minimum
    }
    assert len(ranking) == len(keys)
    ordered = sorted(keys.values())
    for offset in range(len(keys) + 2):
        before, ties = ranking.cut(limit=limit, offset=offset)
        touched = list(dict.fromkeys(ordered[offset : offset + limit]))
        assert [(-tie.value, set(tie.players)) for tie in ties] == [
            (value, {player for player, key in keys.items() if key == (value, deaths)})
            for value, deaths in touched
        ]
        assert before == (ordered.index(touched[0]) if touched else min(offset, len(keys)))
    mine = min((keys[player] for player in own if player in keys), default=None)
    found = ranking.find_best(own)
    assert (found is None) == (mine is None)
    if found is not None and mine is not None:
        assert (found[0], -found[1].value) == (ordered.index(mine), mine[0])
    others = [key for player, key in keys.items() if player not in own]
    before, level = ranking.place(7.0, 1, without=own)
    assert before == sum(key < (-7.0, 1) for key in others)
    assert level.value == 7.0
    assert sorted(level.players) == sorted(
        player for player, key in keys.items() if player not in own and key == (-7.0, 1)
    )
    assert ranking.count(without=own) == len(others)


@given(before=SERVER, changed=SERVER)
def test_replaced_rows_are_as_if_written_at_first(
    before: dict[int, Counters], changed: dict[int, Counters]
) -> None:
    """Known players are replaced, new ones are added, and the old table does not change."""
    table = put_down(before)
    copy = table.copy()
    replaced = replace_rows(table, put_down(changed))
    expected = put_down(before | changed)
    assert sorted(replaced.T.tolist()) == sorted(expected.T.tolist())
    assert np.array_equal(table, copy)


@given(
    servers=st.lists(
        st.lists(st.tuples(st.integers(0, PLAYERS - 1), st.integers(0, 2), st.integers(0, 400)), min_size=1),
        max_size=3,
    )
)
def test_weapons_are_summed_with_their_best_users(servers: list[list[tuple[int, int, int]]]) -> None:
    """The table has the kills, the longest of them, and all players with the most kills."""
    kills = [kill for server in servers for kill in server]
    expected = []
    for weapon in sorted({weapon for _, weapon, _ in kills}):
        users = Counter(player for player, other, _ in kills if other == weapon)
        best = max(users.values())
        expected.append(
            WeaponUse(
                weapon,
                users.total(),
                max(metres for _, other, metres in kills if other == weapon),
                best,
                tuple(sorted(player for player, count in users.items() if count == best)),
            )
        )
    assert sum_uses(list(map(build_table, servers)), players=PLAYERS, weapons=3) == expected


def test_newest_name_of_any_server_counts() -> None:
    """If two names are equally new, the later one in the alphabet counts, so every read finds the same."""
    names = NumberedTexts()
    old, new, last = (names.number(text) for text in ("Old", "New", "Zed"))
    one = build_table(
        [build_row(0, Counters(), name=old, seen=5), build_row(1, Counters(), name=old, seen=9)]
    )
    other = build_table(
        [build_row(0, Counters(), name=new, seen=6), build_row(1, Counters(), name=last, seen=9)]
    )
    assert find_newest_names([one, other], [0, 1, 2], names) == {0: "New", 1: "Zed"}


def test_each_text_has_one_number_from_any_thread() -> None:
    """Threads that add the same texts at once get the same numbers."""
    numbers = NumberedTexts()
    texts = [f"player {number}" for number in range(2_000)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: [numbers.number(text) for text in texts], range(4)))
    assert found == [list(range(2_000))] * 4
    assert [numbers[number] for number in range(len(numbers))] == texts
    assert numbers.find(["player 7", "nobody"]) == [7]


NUMBERS = st.integers(-(2**63), 2**63 - 1)


@given(
    seen=st.datetimes(timezones=st.just(UTC)),
    numbers=st.tuples(*[NUMBERS] * 6),
)
def test_row_of_any_stored_time_and_count_becomes_the_nearest_that_fits(
    seen: datetime, numbers: tuple[int, ...]
) -> None:
    """Stored values of any size do not overflow, and other players' figures do not change."""
    kills, deaths, suicides, longest, streak, xp = numbers
    stored = {
        "player_id": "a",
        "name": "Ann",
        "last_seen_at": seen,
        "counters": {
            "kills": kills,
            "deaths": deaths,
            "suicides": suicides,
            "metres": 0,
            "longest": longest,
            "best_streak": streak,
            "xp": xp,
        },
    }
    guild = GuildStandings()
    bob = {**stored, "player_id": "b", "name": "Bob", "last_seen_at": START}
    bob["counters"] = {**stored["counters"], "kills": 7, "deaths": 1}  # type: ignore[dict-item]
    rows = [row for document in (stored, bob) for _, row in PLAYERS_SECTION.read(guild, document)]
    table = build_table(rows)
    expected = [min(max(number, 0), 2**32 - 1) for number in (int(seen.timestamp()), *numbers)]
    assert table[2:, 0].tolist() == expected
    assert table[:5, 1].tolist() == [1, 1, int(START.timestamp()), 7, 1]
    assert find_newest_names([table], [0, 1], guild.names) == {0: "Ann", 1: "Bob"}
