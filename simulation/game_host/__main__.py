"""``python -m simulation.game_host``: a game host as its own process, with a battle that goes on."""

import argparse
import asyncio
import secrets
import signal
import tempfile
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from simulation.game_host.battle import Battle
from simulation.game_host.host import GameHost
from simulation.game_host.log_files import GameServerFiles
from utils.clock import Clock, SystemClock
from utils.models.deaths import DeathRow

USERNAME = "renter"
NUMBER = 1


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m simulation.game_host", description=__doc__)
    parser.add_argument("--folder", type=Path, help="where the logs go (a temporary folder when left out)")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--speed", type=float, default=60, help="minutes of battle in a minute")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same battle")
    parser.add_argument("--password", default=None, help="made up when left out")
    return parser.parse_args()


async def write_battle(
    files: GameServerFiles, battle: Battle, *, speed: float, clock: Clock, show: bool = False
) -> None:
    """Write deaths as they come, ``speed`` times as fast as on a real server, until cancelled."""
    previous: DeathRow | None = None
    for row in battle.rows():
        gap = row.written_at - previous.written_at if previous else timedelta()
        await clock.sleep(gap.total_seconds() / speed)
        files.append(row)
        if show:
            print(f"{row.killer_name or '-'} -> {row.victim_name} [{row.weapon or '-'}] {row.distance} m")  # noqa: T201 - what it is for
        previous = row


async def run(arguments: argparse.Namespace, folder: Path) -> None:
    """Serve and write until SIGINT or SIGTERM."""
    clock = SystemClock()
    password = arguments.password or secrets.token_urlsafe(9)
    battle = Battle(arguments.seed, start=clock.now().replace(tzinfo=None, microsecond=0))
    async with GameHost(folder, {USERNAME: password}, port=arguments.port) as host:
        files = GameServerFiles(folder, host=host.address, number=NUMBER)
        print(f"host {host.address}  port {host.port}  user {USERNAME}  password {password}  number {NUMBER}")  # noqa: T201
        print(f"logs in {files.deathlogs}; Ctrl-C ends it", flush=True)  # noqa: T201
        writing = asyncio.create_task(
            write_battle(files, battle, speed=arguments.speed, clock=clock, show=True)
        )
        for name in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(name, writing.cancel)
        with suppress(asyncio.CancelledError):
            await writing


def main() -> None:
    """Run with the given folder, or with a temporary one."""
    arguments = parse_arguments()
    if arguments.folder is not None:
        arguments.folder.mkdir(parents=True, exist_ok=True)
        asyncio.run(run(arguments, arguments.folder))
        return
    with tempfile.TemporaryDirectory(prefix="game-host-") as folder:
        asyncio.run(run(arguments, Path(folder)))


if __name__ == "__main__":
    main()
