"""The town of the benchmarks: one community with a channel, and the running bot."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from simulation.game_host.battle import Battle
from simulation.game_host.log_files import WORLD
from simulation.town import Community, Town, open_town

IMPORT_SECONDS = 900.0  # enough for the longest history


@dataclass(eq=False, kw_only=True)
class MeasuredTown(Town):
    """A town with one community and numbered servers."""

    community: Community

    def write_history(self, number: int, *, rows: int, days: int) -> None:
        """Write the logs of the game server of a number."""
        Battle(number).write_files(self.host.open_files(number).deathlogs / WORLD, rows=rows, days=days)

    async def add_server(self, number: int) -> None:
        """Add a game server; returns when its import runs."""
        await self.community.fill_in_server(f"Server {number}", number=number)

    def is_imported(self, number: int) -> bool:
        """Tell whether the bot has read and counted the history of a server."""
        return bool(self.community.find_imports(f"Server {number}"))

    async def wait_for_import(self, number: int) -> None:
        """Wait until the history of a server is read and counted."""
        await self.community.wait_for_import(f"Server {number}", IMPORT_SECONDS)


@asynccontextmanager
async def running_town(*, poll_seconds: float = 5.0) -> AsyncIterator[MeasuredTown]:
    """Run a town until the end of the block."""
    with TemporaryDirectory(prefix="benchmark-") as name:
        settings = {"polling": {"min_interval_seconds": poll_seconds}}
        async with open_town(Path(name), settings=settings) as town:
            measured = MeasuredTown(**vars(town), community=town.found("Benchmark"))
            async with town.bot.running():
                await measured.community.set_channel()
                yield measured


def now() -> float:
    """Return seconds for differences."""
    return time.perf_counter()
