"""``lines``: the CPU that reading ``Deadside.log`` costs; a start reads a whole file of tens of thousands."""

import time
from datetime import UTC, datetime, timedelta

from benchmarks.figures import Figure, compute_median
from simulation.game_host.battle import Battle
from simulation.game_host.server_life import ServerLife
from utils.parsers.deadside_log import parse_line

LINES = 1_000_000
SAMPLE = 50_000  # read several times
TRIALS = 3
START = datetime(2025, 6, 1, tzinfo=UTC)
PLAYERS = 300


def write_sample() -> list[bytes]:
    """Return lines in the proportions of a real day."""
    life, moment, lines = ServerLife(1, fighters=Battle(1, players=PLAYERS).fighters, start=START), START, []
    while len(lines) < SAMPLE:
        moment += timedelta(hours=6)
        lines += [entry.text.encode() for entry in life.live_until(moment)]
    return lines[:SAMPLE]


async def measure(rows: int) -> list[Figure]:
    """Measure a million lines, and splitting the same bytes into lines, which any reader has to do."""
    del rows
    lines = write_sample()
    data = b"\n".join(lines)
    seconds, splitting = [], []
    for _ in range(TRIALS):
        began = time.process_time()
        for _ in range(LINES // SAMPLE):
            for line in lines:
                parse_line(line)
        seconds.append(time.process_time() - began)
        began = time.process_time()
        for _ in range(LINES // SAMPLE):
            data.split(b"\n")
        splitting.append(time.process_time() - began)
    read = [parse_line(line) for line in lines]
    known = sum(line.rule is not None for line in read)
    facts = sum(line.fact is not None for line in read)
    days = timedelta(days=LINES / (18 * 60 * 24)) / timedelta(days=1)
    return [
        Figure(
            f"{LINES:,} lines ({days:.0f} days of a server)", compute_median(seconds), "s", aim=5, digits=2
        ),
        Figure("  in times of splitting them", compute_median(seconds) / compute_median(splitting), ""),
        Figure("bytes a line", len(data) / len(lines), ""),
        Figure("lines of a rule or noise", 100 * known / len(lines), "%", digits=1),
        Figure("lines with a fact", 100 * facts / len(lines), "%", digits=1),
    ]
