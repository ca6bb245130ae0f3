"""The reported progress of an import adds up to the work."""

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import FakeClock
from utils.models.deaths import LogFile
from utils.models.reading import Cursor, ImportProgress
from utils.services.ingestion.generation import CountedDeaths
from utils.services.ingestion.progress import ProgressMeter

FILES = tuple(LogFile("world_0", f"2025.05.0{day}-00.00.00.csv") for day in (1, 2, 3))


def build_meter(
    clock: FakeClock, ends: dict[LogFile, int], cursors: dict[LogFile, Cursor]
) -> tuple[ProgressMeter, list[ImportProgress]]:
    """Return a meter and the list of its reports."""
    told: list[ImportProgress] = []

    async def take(progress: ImportProgress) -> None:
        told.append(progress)

    return ProgressMeter(clock, ends, cursors, take), told


async def test_all_that_is_done_is_added_up_and_told_at_every_step() -> None:
    """The report has the files, bytes and rows so far, the time since the start, the counting and the end."""
    clock = FakeClock()
    meter, told = build_meter(clock, dict(zip(FILES, (100, 200, 300), strict=True)), {})
    clock.move(2)
    await meter.add(rows=4, read_bytes=100, files=1)
    clock.move(3)
    await meter.add(rows=6, read_bytes=200, files=1)
    await meter.begin_counting()
    done = await meter.finish(CountedDeaths(9, 2))
    first = ImportProgress(1, 3, 100, 600, 4, 2.0)
    second = ImportProgress(2, 3, 300, 600, 10, 5.0)
    counting = ImportProgress(2, 3, 300, 600, 10, 5.0, is_counting=True)
    assert told == [first, second, counting, done]
    assert done == ImportProgress(2, 3, 300, 600, 10, 5.0, is_done=True, deaths=9, days=2)


async def test_what_an_earlier_try_has_read_is_not_waited_for_again() -> None:
    """Only remaining bytes count; a file that is shorter than its cursor has none."""
    cursors = {FILES[0]: Cursor(FILES[0], 40), FILES[1]: Cursor(FILES[1], 500)}
    meter, told = build_meter(FakeClock(), dict(zip(FILES, (100, 200, 300), strict=True)), cursors)
    await meter.begin_counting()
    assert told == [ImportProgress(0, 3, 0, 60 + 0 + 300, 0, 0.0, is_counting=True)]


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 10_000), st.integers(0, 60)), max_size=20))
async def test_rate_and_time_left_are_never_absurd(steps: list[tuple[int, int, int]]) -> None:
    """For all steps, times are not negative, and the end shows nothing left."""
    clock, total = FakeClock(), sum(read for _, read, _ in steps)
    meter, told = build_meter(clock, {FILES[0]: total}, {})
    for rows, read_bytes, seconds in steps:
        clock.move(seconds)
        await meter.add(rows=rows, read_bytes=read_bytes)
    done = await meter.finish(CountedDeaths(1, 1))
    for progress in told:
        assert progress.rows_per_second >= 0
        assert progress.seconds_left is None or progress.seconds_left >= 0
    assert done.rows == sum(rows for rows, _, _ in steps)
    assert done.seconds_left == (None if not total else 0)
