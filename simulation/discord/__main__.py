"""Runs the simulated Discord as its own process: `python -m simulation.discord --port 8080`."""

import argparse
import asyncio
import contextlib
import signal
import sys

from simulation.discord.server import SimulatedDiscord


async def _run(port: int, token: str | None) -> None:
    async with SimulatedDiscord(port=port, token=token) as discord:
        guild = discord.create_guild("Deadside Community")
        for name in ("general", "killfeed"):
            discord.create_channel(guild, name)
        sys.stdout.write(f"api_base_url: {discord.api_base_url}\ntoken: {discord.token}\n")
        sys.stdout.write(f"guild: {guild.id} {guild.name}\n")
        for channel in guild.channels.values():
            sys.stdout.write(f"channel: {channel.id} #{channel.name}\n")
        sys.stdout.flush()
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):  # Windows has no signal handlers in the loop
                loop.add_signal_handler(number, stopped.set)
        await stopped.wait()


def main() -> None:
    """Parse the command line and run until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m simulation.discord", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 takes a free one")
    parser.add_argument("--token", help="the bot's token; made at random when left out")
    arguments = parser.parse_args()
    asyncio.run(_run(arguments.port, arguments.token))


if __name__ == "__main__":
    main()
