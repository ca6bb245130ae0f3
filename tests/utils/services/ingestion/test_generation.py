"""Generations: counted in pieces or again, the figures are the same, or are reported as out of order."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.deaths import FILE, NOON, SCOPE, build_death, build_deaths, build_row
from tests.fakes.ingestion import FakeIngestionStore
from utils.models.deaths import Death, LogFile
from utils.models.players import PlayerDay, PlayerRecord, ServerMonth
from utils.models.scope import ServerScope
from utils.services.ingestion.counting import Counting
from utils.services.ingestion.generation import GenerationCount, count_anew, has_deaths, in_order

DAY = 86_400
NEXT_MONTH = 31 * DAY
NAMES = st.sampled_from(["Ann", "Bob", "Cid", "Dan"])
DEATHS = st.lists(
    st.builds(
        lambda killer, victim, second, day: build_row(killer, victim, second=day * DAY + second),
        st.one_of(st.just(""), NAMES),
        NAMES,
        st.integers(0, 5),
        st.sampled_from([0, 1, 31, 61]),
    ),
    max_size=30,
).map(build_deaths)


class OrderedStore(FakeIngestionStore):
    """Storage that records the days in the order of writing."""

    def __init__(self, deaths: Sequence[Death] = ()) -> None:
        super().__init__()
        self.data.deaths = {death.id: death for death in deaths}
        self.written: list[list[PlayerDay]] = []

    async def write_generation(
        self,
        scope: ServerScope,
        generation: int,
        *,
        players: Sequence[PlayerRecord] = (),
        days: Sequence[PlayerDay] = (),
        months: Sequence[ServerMonth] = (),
    ) -> None:
        """Add counters."""
        self.written.append(list(days))
        await super().write_generation(scope, generation, players=players, days=days, months=months)


def assert_counted(store: FakeIngestionStore, deaths: Sequence[Death]) -> None:
    """Check that the generation equals one count of all deaths."""
    counting = Counting()
    for death in sorted(deaths, key=lambda death: death.order):
        counting.add(death)
    assert store.data.players.get(1, {}) == {one.player_id: one for one in counting.freeze_players()}
    assert store.data.days.get(1, {}) == {(day.player_id, day.day): day for day in counting.freeze_days()}
    assert store.data.months.get(1, {}) == {month.month: month for month in counting.freeze_months()}


def cut(deaths: Sequence[Death], borders: Sequence[int]) -> list[Sequence[Death]]:
    """Return deaths in batches that end at the borders; some may be empty."""
    ends = [0, *sorted(border % (len(deaths) + 1) for border in borders), len(deaths)]
    return [deaths[start:end] for start, end in pairwise(ends)]


@given(DEATHS, st.lists(st.integers(0, 30), max_size=5))
async def test_any_batches_give_what_one_fold_gives_when_deaths_come_in_order(
    deaths: list[Death], borders: list[int]
) -> None:
    """The borders of batches do not matter, and days of past months are written once."""
    deaths.sort(key=lambda death: death.order)
    store = OrderedStore()
    count = GenerationCount(store, SCOPE, 1)
    await count.begin()
    for batch in cut(deaths, borders):
        await count.add(batch)
    assert count.is_in_order
    await count.finish()
    assert_counted(store, deaths)


@given(DEATHS, st.lists(st.integers(0, 30), max_size=5))
async def test_counting_that_is_void_says_so(deaths: list[Death], borders: list[int]) -> None:
    """For any order of deaths the figures are right, or ``is_in_order`` is False."""
    store = OrderedStore()
    count = GenerationCount(store, SCOPE, 1)
    await count.begin()
    for batch in cut(deaths, borders):
        await count.add(batch)
    if count.is_in_order:
        await count.finish()
        assert_counted(store, deaths)
    else:
        assert deaths != sorted(deaths, key=lambda death: death.order)


async def test_month_that_comes_back_makes_the_count_void() -> None:
    """Days of a past month are written and dropped, so a late death of that month cannot be counted."""
    store = OrderedStore()
    count = GenerationCount(store, SCOPE, 1)
    await count.add([build_death(build_row("Ann", "Bob"), offset=1)])
    await count.add([build_death(build_row("Ann", "Bob", second=NEXT_MONTH), offset=2)])
    assert ([len(days) for days in store.written], count.is_in_order) == ([2], True)
    await count.add([build_death(build_row("Cid", "Dan", second=DAY), offset=3)])
    await count.add([build_death(build_row("Cid", "Dan", second=NEXT_MONTH + 1), offset=4)])
    assert ([len(days) for days in store.written], count.is_in_order) == ([2], False)


async def test_what_an_earlier_try_left_is_cleared_away() -> None:
    """A count starts from zero, so that a crash does not double the figures."""
    store = OrderedStore()
    deaths = build_deaths([build_row("Ann", "Bob"), build_row("Ann", "Bob", second=1)])
    for _ in range(2):
        count = GenerationCount(store, SCOPE, 1)
        await count.begin()
        await count.add(deaths)
        await count.finish()
    assert_counted(store, deaths)


@settings(max_examples=50)
@given(DEATHS)
async def test_counting_anew_needs_no_order_of_the_storage_within_a_second(deaths: list[Death]) -> None:
    """Stored deaths come by second; those of one second are sorted by the order of the log."""
    store = OrderedStore(deaths)
    await count_anew(store, SCOPE, 1, store.iterate_deaths(SCOPE, batch=4))
    assert_counted(store, list(store.data.deaths.values()))
    assert await has_deaths(store, SCOPE) is bool(deaths)


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 99)), max_size=25, unique=True), st.integers(1, 6)
)
async def test_deaths_of_one_second_are_whole_and_in_order_however_batches_cut_it(
    places: list[tuple[int, int]], size: int
) -> None:
    """No death is lost or doubled, or passed on before its second is complete."""
    base = build_row("Ann", "Bob")
    deaths = [
        build_death(base._replace(written_at=NOON + timedelta(seconds=second)), offset=offset)
        for second, offset in sorted(places, key=lambda place: place[0])
    ]

    async def iterate() -> AsyncIterator[Sequence[Death]]:
        for start in range(0, len(deaths), size):
            yield deaths[start : start + size]

    batches = [batch async for batch in in_order(iterate())]
    found = [death for batch in batches for death in batch]
    assert found == sorted(deaths, key=lambda death: death.order)
    seconds = [{death.row.written_at for death in batch} for batch in batches]
    assert all(not one & other for one, other in pairwise(seconds))


async def test_worlds_at_once_are_void_and_right_when_counted_anew() -> None:
    """Two worlds are read one after the other, so the second world begins before the end of the first."""
    other = LogFile("world_1", FILE.name)
    first = build_deaths([build_row("Ann", "Bob", second=second) for second in (1, 5, 9)])
    second = build_deaths([build_row("Bob", "Ann", second=second) for second in (2, 6)], file=other)
    store = OrderedStore([*first, *second])
    count = GenerationCount(store, SCOPE, 1)
    await count.add(first)
    await count.add(second)
    assert not count.is_in_order
    await count_anew(store, SCOPE, 1, store.iterate_deaths(SCOPE, batch=4))
    assert_counted(store, [*first, *second])
    streaks = {record.name: record.counters.best_streak for record in store.data.players[1].values()}
    assert streaks == {"Ann": 1, "Bob": 1}
