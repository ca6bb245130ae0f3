"""From bytes to deaths: offsets, times in UTC, and unreadable lines."""

import asyncio
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.fakes.clock import START
from tests.fakes.deaths import FILE, SCOPE, build_deaths, build_row, render
from utils.models.deaths import Death, LogFile
from utils.models.reading import Chunk, Cursor, RejectedLine
from utils.models.rejections import RejectionReason
from utils.services.ingestion.row_reader import KEPT_REJECTED, SLICE_LINES, RowReader

BERLIN = ZoneInfo("Europe/Berlin")
NEXT_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def read_at(written: str, zone: tzinfo, *, now: datetime = NEXT_YEAR) -> datetime:
    """Return the moment of a row with this time."""
    line = render(build_row("Ann", "Bob")).replace(b"2025.05.01-12.00.00", written.encode())
    (death,), rejected = RowReader(SCOPE, zone).read(FILE, 0, line, now=now)
    assert rejected == []
    return death.at


@pytest.mark.parametrize(
    ("written", "zone", "expected"),
    [
        ("2025.05.01-12.00.00", UTC, datetime(2025, 5, 1, 12, tzinfo=UTC)),
        ("2025.05.01-12.00.00", BERLIN, datetime(2025, 5, 1, 10, tzinfo=UTC)),
        ("2025.12.01-12.00.00", BERLIN, datetime(2025, 12, 1, 11, tzinfo=UTC)),
        ("2025.10.26-02.30.00", BERLIN, datetime(2025, 10, 26, 0, 30, tzinfo=UTC)),
        ("2015.01.01-00.00.00", BERLIN, datetime(2014, 12, 31, 23, tzinfo=UTC)),
    ],
)
def test_time_is_read_in_the_zone_of_the_server(written: str, zone: tzinfo, expected: datetime) -> None:
    """If an hour exists twice, the first one is taken."""
    assert read_at(written, zone) == expected


@pytest.mark.parametrize(
    ("written", "zone", "reason"),
    [
        ("2025.05.08-12.00.00", UTC, None),
        ("2025.05.08-12.00.01", UTC, "dated too far in the future"),
        ("2025.05.08-14.00.00", BERLIN, None),
        ("2025.05.08-14.00.01", BERLIN, "dated too far in the future"),
        ("2025.05.08-08.00.00", ZoneInfo("America/New_York"), None),
        ("2025.05.08-08.00.01", ZoneInfo("America/New_York"), "dated too far in the future"),
        ("2015.01.01-00.00.00", BERLIN, None),
        ("2014.12.31-23.59.59", BERLIN, "dated before 2015"),
    ],
)
def test_row_a_week_ahead_of_the_servers_own_clock_is_the_last_that_is_believed(
    written: str, zone: tzinfo, reason: str | None
) -> None:
    """The future begins after the wall clock of the server's zone."""
    line = render(build_row("Ann", "Bob")).replace(b"2025.05.01-12.00.00", written.encode())
    deaths, rejected = RowReader(SCOPE, zone).read(FILE, 0, line, now=START)
    assert (len(deaths), [str(one.reason) for one in rejected]) == (
        (1, []) if reason is None else (0, [reason])
    )


def test_another_zone_changes_the_moment_and_not_the_id() -> None:
    """A corrected time zone changes no id."""
    data = render(build_row("Ann", "Bob"))
    first, second = (RowReader(SCOPE, zone).read(FILE, 0, data, now=START)[0][0] for zone in (UTC, BERLIN))
    assert (first.id, first.row) == (second.id, second.row)
    assert first.at != second.at


def test_deaths_and_rejected_lines_know_their_offsets() -> None:
    """Offsets count from the beginning of the file, not of the piece."""
    rows = [build_row("Ann", "Bob", second=second) for second in range(2)]
    data = render(rows[0]) + b"rubbish\n" + render(rows[1])
    deaths, rejected = RowReader(SCOPE, UTC).read(FILE, 1000, data, now=START)
    first, second = build_deaths(rows)
    width = len(render(rows[0]))
    assert [(death.id, death.offset) for death in deaths] == [(first.id, 1000), (second.id, 1008 + width)]
    assert rejected == [
        RejectedLine(FILE, 1000 + width, "rubbish", RejectionReason.NO_SEMICOLON.say(), START)
    ]


@pytest.mark.parametrize("line", [b"\n", render(build_row("Ann", "Bob")), b"x" * 3_000 + b"\n"])
async def test_chunk_is_read_in_slices_that_give_others_their_turn(line: bytes) -> None:
    """No slice has more lines than the event loop can bear, even if the lines are short."""
    slices: list[int] = []
    turns: list[int] = []

    class Counted(RowReader):
        """Records each slice."""

        def read(
            self, file: LogFile, start: int, data: bytes, **times: Any
        ) -> tuple[list[Death], list[RejectedLine]]:
            """Read it."""
            slices.append(data.count(b"\n"))
            return super().read(file, start, data, **times)

    async def take_turns() -> None:
        while True:
            turns.append(len(slices))
            await asyncio.sleep(0)

    others = asyncio.create_task(take_turns())
    lines = 4 * SLICE_LINES + 20
    data = line * lines
    chunk = Chunk(None, Cursor(FILE, len(data)), 0, data, is_growth=True)
    read = await Counted(SCOPE, UTC).read_chunk(chunk, now=START)
    others.cancel()
    assert slices == [SLICE_LINES] * 4 + [20]
    assert set(turns) >= {1, 2, 3, 4}
    is_row = b";" in line
    assert (read.lines, read.lines_rejected, len(read.rejected)) == (
        (lines, 0, 0) if is_row else (lines, lines, KEPT_REJECTED)
    )
    assert len(read.deaths) == (lines if is_row else 0)
