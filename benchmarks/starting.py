"""``start``: from the start of the process to a bot that is connected and answers."""

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, compute_median
from benchmarks.town import now
from simulation.bot_process import run_bot
from simulation.discord import SimulatedDiscord

TRIALS = 5


async def measure(_: int) -> list[Figure]:
    """Time first starts, which create the database, and later ones, which find it."""
    trials = [await time_two_starts() for _ in range(TRIALS)]
    return [
        Figure("first start to ready", compute_median(first for first, _ in trials), "s", aim=5, digits=2),
        Figure("later start to ready", compute_median(later for _, later in trials), "s", aim=5, digits=2),
    ]


async def time_two_starts() -> tuple[float, float]:
    """Return the seconds of a first and of a second start in the same folder."""
    with TemporaryDirectory(prefix="benchmark-") as name:
        return await _time_start(Path(name)), await _time_start(Path(name))


async def _time_start(folder: Path) -> float:
    async with SimulatedDiscord() as world:
        began = now()
        async with run_bot(folder, world):
            return now() - began
