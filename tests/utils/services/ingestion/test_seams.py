"""The ends of files: a last row without a line feed, and NULs before a row."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.fakes.clock import FakeClock
from tests.fakes.deaths import build_deaths, build_row, render
from tests.fakes.host_files import FakeSession
from tests.fakes.ingestion import FakeIngestionStore, PowerCut
from tests.utils.services.ingestion.test_whole_way import Process
from utils.models.deaths import DeathRow
from utils.parsers.deathlog import parse_death_line

DAY_1, DAY_2 = (f"world_0/2025.05.0{day}-00.00.00.csv" for day in (1, 2))
FIRST, LAST, NEXT = (build_row("Ann", "Bob", second=second) for second in (1, 2, 86_401))
WIDTH = len(render(LAST))
AFTER_DISTANCE = render(LAST).index(b";PS5;") + 1  # a row of the older generation would end here


class World:
    """A host and a bot that reads it."""

    def __init__(self) -> None:
        self.store, self.session, self.clock = FakeIngestionStore(), FakeSession(), FakeClock()
        self.process = Process(self.store, self.session, self.clock)

    async def visit(self, times: int = 1) -> None:
        """Poll; a bot that died starts again."""
        for _ in range(times):
            self.clock.move(3600)
            try:
                await self.process.visit()
            except PowerCut:
                self.process = Process(self.store, self.session, self.clock)

    @property
    def stored(self) -> list[DeathRow]:
        """The stored rows, by time."""
        deaths = sorted(self.store.data.deaths.values(), key=lambda death: death.order)
        return [death.row._replace(killer_platform="PS5", victim_platform="XSX") for death in deaths]

    @property
    def announced(self) -> list[bytes]:
        """The ids of the posted deaths."""
        return [notice.event_id for notice in self.store.data.notices]


def list_ids(*rows: DeathRow) -> list[bytes]:
    """Return the ids of rows."""
    return [death.id for death in build_deaths(rows)]


@settings(max_examples=60, deadline=None)
@given(
    cut=st.integers(1, WIDTH - 1),
    is_alone=st.booleans(),
    grows=st.booleans(),
    dies_at=st.integers(1, 60),
)
@example(cut=WIDTH - 1, is_alone=False, grows=False, dies_at=60)
@example(cut=WIDTH - 1, is_alone=True, grows=True, dies_at=60)
@example(cut=AFTER_DISTANCE, is_alone=False, grows=True, dies_at=60)
async def test_last_row_counts_once_whether_or_not_its_line_is_ever_finished(
    cut: int, *, is_alone: bool, grows: bool, dies_at: int
) -> None:
    """A complete row counts once the next file has begun; the rest of its line doubles nothing."""
    world = World()
    first = () if is_alone else (FIRST,)
    world.session.append(DAY_1, render(*first) + render(LAST)[:cut])
    await world.visit()
    assert world.stored == list(first)  # the game may still be writing it
    world.store.power.cut_at = world.store.power.points + dies_at
    world.session.append(DAY_2, render(NEXT))
    await world.visit(2)
    world.store.power.cut_at = None
    await world.visit(2)
    row = parse_death_line(render(LAST)[:cut], latest=NEXT.written_at)
    is_whole = isinstance(row, DeathRow)
    assert is_whole is (cut in (AFTER_DISTANCE, WIDTH - 1))
    assert world.stored == [*first, *([LAST] if is_whole else []), NEXT]
    if grows:
        world.session.append(DAY_1, render(LAST)[cut:])
        await world.visit(2)
    assert world.stored == [*first, *([LAST] if is_whole or grows else []), NEXT]
    assert world.store.data.rejected == []
    assert len(set(world.announced)) == len(world.announced)
    read = len(first) + 1 + grows
    assert (world.store.data.lines_read, world.store.data.lines_rejected) == (read, 0)


async def test_last_row_of_history_is_silent_and_stays_so_when_its_line_is_finished() -> None:
    """An import takes the row with the rest; its line feed and later rows are read live."""
    world = World()
    world.session.append(DAY_1, render(FIRST, LAST)[:-1])
    await world.process.add_server()
    await world.visit()
    assert (world.stored, world.announced) == ([FIRST, LAST], [])
    late = build_row("Bob", "Ann", second=9)
    world.session.append(DAY_1, b"\n" + render(late))
    await world.visit(2)
    assert (world.stored, world.announced) == ([FIRST, LAST, late], list_ids(late))
    assert world.store.data.rejected == []


async def test_row_that_is_being_written_while_an_import_begins_is_read_live() -> None:
    """An import ends at a byte, and a row that continues after it is not part of the history."""
    world = World()
    world.session.append(DAY_1, render(FIRST) + render(LAST)[:AFTER_DISTANCE])
    await world.process.add_server()
    world.session.append(DAY_1, render(LAST)[AFTER_DISTANCE:])
    await world.visit(2)
    assert (world.stored, world.announced) == ([FIRST, LAST], list_ids(LAST))
    assert {death.row for death in world.store.data.deaths.values()} == {FIRST, LAST}


@pytest.mark.parametrize("hole", [1, 300, 9000])
async def test_log_that_was_emptied_under_the_game_is_read_behind_its_hole(hole: int) -> None:
    """The game goes on at its old position, so the file begins with NULs; its rows count and are news."""
    world = World()
    world.session.append(DAY_1, render(*(build_row("Ann", "Bob", second=second) for second in range(20))))
    await world.visit()
    world.session.write(DAY_1, b"\0" * hole + render(LAST, build_row("Bob", "Ann", second=99)))
    await world.visit(2)
    assert len(world.stored) == 21
    assert world.store.data.rejected == []


async def test_row_of_a_file_that_was_replaced_meanwhile_is_not_read_from_the_middle() -> None:
    """Bytes after an old cursor in another file are not its rows."""
    world = World()
    world.session.append(DAY_1, render(FIRST) + render(LAST)[:-1])
    await world.visit()
    name = "N" * WIDTH
    other = LAST._replace(victim_name=name, killer_name="x;" + render(NEXT).decode().strip())
    world.session.write(DAY_1, render(other)[:-1])
    world.session.append(DAY_2, render(NEXT))
    await world.visit(2)
    assert world.stored == [FIRST, NEXT]
