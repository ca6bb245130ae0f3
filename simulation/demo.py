"""``python -m simulation.demo``: the whole bot in a simulated world, without a token.

A Discord, a game host and MongoDB run on this machine; ``bot.py`` is the real one, as its own process. An
admin adds two game servers. The bot imports their history, and the battle that goes on there fills the
killfeed, while members ask for figures. The demo prints each message as it appears. Players and deaths are
generated. It ends by itself or on Ctrl-C, and leaves nothing behind.
"""

import argparse
import asyncio
import logging
import os
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import structlog

from simulation.bot_process import BotFailedError
from simulation.discord import Channel, Guild, Member, Message, SimulatedDiscord, UnansweredError
from simulation.game_host.battle import Battle
from simulation.game_host.host import GameHost
from simulation.game_host.log_files import GameServerFiles
from simulation.game_host.run_log import BattleLog
from simulation.markdown import Reader
from simulation.posts import expect_posts, is_posted, read_posts
from simulation.terminal import Terminal
from simulation.town import Community, open_town
from utils.clock import Clock, SystemClock
from utils.models.deaths import DeathRow

LENGTH_SECONDS = 45.0
POLL_SECONDS = 1.0
DELIVERY_SECONDS = 60.0
MEAN_GAP_SECONDS = 2.2  # mean gap between two deaths of one server; a real server has far fewer
# per second of the demo: long enough for a progress bar, short enough to wait for
HISTORY_ROWS_PER_SECOND = 800
PLAYERS = 60
NARROWEST, WIDEST = 60, 100  # characters

Write = Callable[[str], None]


class Screen:
    """Prints the messages of the channels in the order in which they appear."""

    def __init__(self, terminal: Terminal, guild: Guild, *, clock: Clock, write: Write) -> None:
        self._terminal = terminal
        self._guild = guild
        self._clock = clock
        self._write = write
        self._channel: Channel | None = None

    def on_message(self, event: str, message: Message) -> None:
        """Print a message that appeared, was finished or was edited."""
        if event == "MESSAGE_DELETE" or message.is_loading:
            return
        names = {channel.id: channel.name for channel in self._guild.channels.values()}
        members = {member.id: member.user.username for member in self._guild.members.values()}
        reader = Reader(self._clock.now(), names, members)
        self._print(message.channel, self._terminal.render_message(message, reader))

    def show_command(self, member: Member, channel: Channel, command: str, options: dict[str, str]) -> None:
        """Print a command as it is typed."""
        self._print(channel, self._terminal.render_command(member.user.username, command, options))

    def narrate(self, text: str) -> None:
        """Print a remark of the narrator."""
        self._channel = None
        self._write("\n" + "\n".join(self._terminal.render_note(text)) + "\n")

    def _print(self, channel: Channel, lines: list[str]) -> None:
        if channel is not self._channel:
            self._channel = channel
            lines = ["", self._terminal.render_headline(f"#{channel.name}"), *lines]
        self._write("\n".join(lines) + "\n")


@dataclass(slots=True)
class Server:
    """One game server of the demo: its battle, its files, and the rows written since its import.

    Attributes:
        second_log: its ``Deadside.log``; None: there is none.
    """

    name: str
    number: int
    files: GameServerFiles
    battle: Battle
    today: datetime
    second_log: BattleLog | None = None
    written: list[DeathRow] = field(default_factory=list)

    def write_history(self, *, rows: int, days: int) -> None:
        """Write the files of the days before today, and begin today's."""
        self.battle.write_files(
            self.files.deathlogs / "world_0",
            rows=rows,
            days=days,
            with_platforms=self.files.with_platforms,
        )
        self.files.start_file(self.today)

    async def fight(self, rows: Iterator[DeathRow], *, clock: Clock, chance: random.Random) -> None:
        """Write a death every now and then, until cancelled."""
        for row in rows:
            await clock.sleep(chance.expovariate(1 / MEAN_GAP_SECONDS))
            now = clock.now().replace(tzinfo=None, microsecond=0)
            fresh = row._replace(written_at=now)
            if self.second_log is not None:
                self.second_log.write_until(clock.now(), [fresh])
            self.files.append(fresh)
            self.written.append(fresh)


@dataclass(slots=True)
class Demo:
    """The story of the demo: its people, servers and steps."""

    world: SimulatedDiscord
    community: Community
    general: Channel
    servers: tuple[Server, Server]
    screen: Screen
    clock: Clock
    ends_at: float
    pace: float
    fights: list["asyncio.Task[None]"] = field(default_factory=list)

    async def play(self) -> None:
        """Run the story, then let the battle go on until the time is up."""
        bo = self.world.add_member(self.community.guild, "bo")
        await self._choose_channel()
        for server in self.servers:
            await self._add_server(server)
        self.fights += [asyncio.create_task(self._start_fight(server)) for server in self.servers]
        self.screen.narrate("From here on, every line that the game writes becomes a message, once.")
        await self._pause(6)
        await self._ask(bo, "/leaderboard", board="kills")
        await self._pause(4)
        await self._ask_for_stats(bo)
        await self._pause(4)
        await self._ask(bo, "/stats", player="Nobody at all")
        await self._pause(3)
        self._show("/killfeed status", {})
        await self.community.ask("/killfeed status")
        await self._pause(3)
        await self._ask(bo, "/help")
        await self.clock.sleep(max(0.0, self.ends_at - self.clock.monotonic()))
        await self._conclude()

    def _show(self, command: str, options: dict[str, str]) -> None:
        """Print a command that the admin types in the office channel."""
        self.screen.show_command(self.community.admin, self.community.office, command, options)

    async def _choose_channel(self) -> None:
        self.screen.narrate("ada owns this Discord server. She chooses where kills are posted.")
        self._show("/admin channel set", {"kind": "killfeed", "channel": "#killfeed"})
        await self.community.set_channel()
        await self._pause(1)

    async def _add_server(self, server: Server) -> None:
        """Add a server and wait until its history is read."""
        self.screen.narrate(f"She adds the game server {server.name}. Its password is asked for in a form.")
        typed = self.community.describe_server(server.name, number=server.number)
        self._show("/admin server add", {name: str(value) for name, value in typed.items()})
        self._show("(form)", {"Password": "•" * 12})
        await self.community.add_server(server.name, number=server.number)

    async def _start_fight(self, server: Server) -> None:
        chance = random.Random(server.number)
        await server.fight(server.battle.rows(), clock=self.clock, chance=chance)

    async def _ask(self, member: Member, command: str, **options: str) -> None:
        self.screen.show_command(member, self.general, command, options)
        await member.ask(self.general, command, **options)

    async def _ask_for_stats(self, bo: Member) -> None:
        """Type the beginning of a name, and take the first player that is offered."""
        typed = self.servers[0].battle.fighters[0].name[:4]
        offered = await bo.autocomplete(self.general, "/stats", "player", typed)
        names = ", ".join(choice["name"] for choice in offered[:3])
        shown = {"player": f"{typed}▏   (offered: {names})"}
        self.screen.show_command(bo, self.general, "/stats", shown)
        await bo.ask(self.general, "/stats", player=offered[0]["value"])

    async def _pause(self, seconds: float) -> None:
        await self.clock.sleep(seconds * self.pace)

    async def _conclude(self) -> None:
        """End the battle, wait for the last message, and compare the written rows with the posts.

        Raises:
            BotFailedError: they differ.
        """
        for fight in self.fights:
            fight.cancel()
        written = [row for server in self.servers for row in server.written]
        due = sum(map(is_posted, written))
        await self.world.until(
            lambda: len(self.community.posts) >= due,
            within_seconds=DELIVERY_SECONDS,
            what=f"{due} deaths in #killfeed",
        )
        posted = len(self.community.posts)
        for server in self.servers:
            shown = [post.names for post in read_posts(self.community.list_posts_of(server.name))]
            if shown != [post.names for post in expect_posts(server.written)]:
                raise BotFailedError(f"What #killfeed shows of {server.name} is not what the game wrote.")
        self.screen.narrate(
            f"Written by the two games: {len(written)} deaths, {len(written) - due} of them respawns, which "
            f"are not posted at first. Posted: {posted}, each once, in order. "
            "That was the demo; the bot stops now. How to run it for real: README.md"
        )


def make_server(
    host: GameHost, name: str, number: int, *, history_rows: int, clock: Clock, has_second_log: bool
) -> Server:
    """Return a game server with a month of history behind it; the first writes the newer kind of log."""
    days = 30
    midnight = clock.now().replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    files = host.open_files(number, with_platforms=number == 1)
    battle = Battle(number, players=PLAYERS, start=midnight - timedelta(days=days))
    server = Server(name, number, files, battle, midnight)
    if has_second_log:
        server.second_log = BattleLog(files.logs, battle, seed=number, start=clock.now())
    server.write_history(rows=history_rows, days=days)
    return server


@asynccontextmanager
async def open_demo(
    terminal: Terminal, *, seconds: float, clock: Clock, write: Write, has_second_log: bool = False
) -> AsyncIterator[Demo]:
    """Start the world and the bot in it; stop both and delete their files at the end.

    Raises:
        BotFailedError: the bot does not start, or does not end cleanly.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="killfeed-demo-")))
        opened = open_town(folder, settings={"polling": {"min_interval_seconds": POLL_SECONDS}})
        town = await stack.enter_async_context(opened)
        rows = int(seconds * HISTORY_ROWS_PER_SECOND)
        make = partial(make_server, town.host, clock=clock, has_second_log=has_second_log)
        servers = (
            make("Northwatch", 1, history_rows=rows),
            make("Red Harbour", 2, history_rows=rows // 10),
        )
        ada = town.world.create_user("ada")
        community = town.found("Northern Lights", owner=ada, office="admin")
        general = town.world.create_channel(community.guild, "general")
        screen = Screen(terminal, community.guild, clock=clock, write=write)
        town.world.watch_messages(screen.on_message)
        screen.narrate("Starting a Discord, a game host with two game servers, MongoDB and the bot ...")
        ends_at = clock.monotonic() + seconds
        await stack.enter_async_context(town.bot.running())
        pace = seconds / LENGTH_SECONDS
        demo = Demo(town.world, community, general, servers, screen, clock, ends_at, pace)
        stack.callback(lambda: [fight.cancel() for fight in demo.fights])
        yield demo


async def perform(
    terminal: Terminal, *, seconds: float, clock: Clock, write: Write, has_second_log: bool = False
) -> None:
    """Run the demo from its first line to its last.

    Raises:
        BotFailedError, TimeoutError, UnansweredError: the bot failed or did not answer in time.
    """
    async with open_demo(
        terminal, seconds=seconds, clock=clock, write=write, has_second_log=has_second_log
    ) as demo:
        await demo.play()


async def run(seconds: float, *, has_second_log: bool) -> int:
    """Run the demo until its end or a signal; return the exit code."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    show = asyncio.create_task(
        perform(
            choose_terminal(),
            seconds=seconds,
            clock=SystemClock(),
            write=print_now,
            has_second_log=has_second_log,
        )
    )
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({show, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not show.done():
        print_now("\nStopping ...\n")
        show.cancel()  # once, because its clean-up must not be interrupted
    stopping.cancel()
    await asyncio.wait({show})
    failure = None if show.cancelled() else show.exception()
    if isinstance(failure, (BotFailedError, TimeoutError, UnansweredError)):
        print_now(f"\nThe demo failed: {failure}\n")
        return 1
    if failure is not None:
        raise failure
    return 0


def choose_terminal() -> Terminal:
    """Return the width of standard output, with colours only on a terminal."""
    width = shutil.get_terminal_size().columns - 1
    has_colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return Terminal(width=min(max(width, NARROWEST), WIDEST), has_colours=has_colours)


def print_now(text: str) -> None:
    """Write a text to standard output at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def main() -> int:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m simulation.demo", description=__doc__)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    parser.add_argument("--seconds", type=float, default=LENGTH_SECONDS, help="how long it lasts, about")
    parser.add_argument("--deadside-log", action="store_true", help="the games write Deadside.log as well")
    arguments = parser.parse_args()
    return asyncio.run(run(arguments.seconds, has_second_log=arguments.deadside_log))


if __name__ == "__main__":
    sys.exit(main())
