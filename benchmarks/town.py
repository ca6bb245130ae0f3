"""A town: a simulated Discord, a game host and the whole bot between them, as its own process."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.host import PASSWORD, USERNAME
from simulation.bot_process import BotProcess, run_bot
from simulation.discord import Channel, Guild, Member, SimulatedDiscord
from simulation.game_host.battle import Battle
from simulation.game_host.host import GameHost
from simulation.game_host.log_files import WORLD, GameServerFiles

IMPORT_SECONDS = 900.0


@dataclass(slots=True)
class Town:
    """One community with one host, its bot running and its killfeed channel chosen."""

    world: SimulatedDiscord
    host: GameHost
    bot: BotProcess
    guild: Guild
    feed: Channel
    office: Channel
    admin: Member

    def write_history(self, number: int, *, rows: int, days: int) -> None:
        """Write the logs of the game server of a number."""
        files = self.open_files(number)
        Battle(number).write_files(files.deathlogs / WORLD, rows=rows, days=days)

    def open_files(self, number: int) -> GameServerFiles:
        """Return the files of the game server of a number."""
        return GameServerFiles(self.host.root_folder, host=self.host.address, number=number)

    async def add_server(self, number: int) -> None:
        """Add a game server, as an admin does; returns when its import runs."""
        asked = await self.admin.invoke(
            self.office,
            "/admin server add",
            name=f"Server {number}",
            host=self.host.address,
            port=self.host.port,
            username=USERNAME,
            number=number,
        )
        await asked.wait()
        answer = await (await asked.submit_modal({"Password": PASSWORD})).wait(within_seconds=30)
        if "Everything works" not in answer.embed["title"]:
            raise RuntimeError(f"Server {number} was not added: {answer.embed}")

    def is_imported(self, number: int) -> bool:
        """Tell whether the office was told that the history of a server is read."""
        title = f"The history of Server {number} is read"
        embeds = (embed for message in self.office.messages for embed in message.embeds)
        return any(title in embed.get("title", "") for embed in embeds)

    async def wait_for_import(self, number: int) -> None:
        """Wait until the history of a server is read and counted."""
        await self.world.until(lambda: self.is_imported(number), IMPORT_SECONDS, f"the import of {number}")


@asynccontextmanager
async def running_town(*, poll_seconds: float = 5.0) -> AsyncIterator[Town]:
    """Run a town until the end of the block."""
    with TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        async with (
            SimulatedDiscord() as world,
            GameHost(folder / "host", {USERNAME: PASSWORD}) as host,
        ):
            (folder / "host").mkdir()
            guild = world.create_guild("Benchmark")
            feed, office = world.create_channel(guild, "killfeed"), world.create_channel(guild, "office")
            settings = {"polling": {"min_interval_seconds": poll_seconds}}
            async with run_bot(world, folder / "data", settings) as bot:
                town = Town(world, host, bot, guild, feed, office, world.owner_of(guild))
                await town.admin.ask(office, "/admin channel set", kind="killfeed", channel=feed)
                yield town


def now() -> float:
    """Return seconds for differences."""
    return time.perf_counter()
