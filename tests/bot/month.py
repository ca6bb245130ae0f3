"""A community over a month: the bot in the test's own process, whose days pass as fast as it reads them."""

import asyncio
import operator
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import discord
from pymongo.database import Database

from bot import EXTENSIONS
from simulation.counting import Tally, count_rows
from simulation.discord import Channel, Member, Permission, Role, SimulatedDiscord
from simulation.game_host.battle import Battle
from simulation.game_host.log_files import GameServerFiles
from simulation.town import Community
from tests.bot.process import until
from utils.backup.backups import BACKUP_TASK
from utils.clock import SystemClock
from utils.composition.application import Application
from utils.composition.build import build_application
from utils.composition.storage import build_leases
from utils.database.core.database import SafeDatabase
from utils.models.deaths import DeathRow
from utils.models.scope import PlayerId
from utils.secrets import SecretBox
from utils.settings import Settings
from utils.tasks import TaskManager

FIRST_DAY = datetime(2025, 6, 2, tzinfo=UTC)  # a Monday
DAY = timedelta(days=1)
HISTORY = -1  # the day before the bot came
EVENING_HOURS = 23.5
STEP = timedelta(seconds=181)  # longer than the pause of any timer of a community
STEP_SECONDS = 0.5  # the real time of the first step; the next ones get longer, for a slow machine
MOST_STEPS = 60
SERVERS = {"North": 7, "South": 8}

Days = tuple[int, int]
"""The first and the last of some days; the month begins with day 0."""


class Figures(NamedTuple):
    """Figures that days add up to."""

    kills: int = 0
    deaths: int = 0
    xp: int = 0

    def add(self, other: "Figures") -> "Figures":
        """Return the sums."""
        return Figures(*map(operator.add, self, other))

    def without(self, other: "Figures") -> "Figures":
        """Return the differences."""
        return Figures(*map(operator.sub, self, other))


class TravelClock(SystemClock):
    """The real time, moved: a journey ends each wait, and takes no time itself."""

    def __init__(self, start: datetime) -> None:
        self._ahead = start - super().now()
        self._left = asyncio.Event()

    def now(self) -> datetime:
        """Return the wall-clock time of the journey."""
        return super().now() + self._ahead

    async def sleep(self, seconds: float) -> None:
        """Wait for that long, or until the next journey."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._left.wait()

    def travel(self, moment: datetime) -> None:
        """Go to a moment, and let all who wait look at the time."""
        self._ahead += moment - self.now()
        left, self._left = self._left, asyncio.Event()
        left.set()


class NoManager:
    """The service manager of a bot that no system started."""

    def note_connected(self) -> None:
        """Do nothing."""

    def note_lost(self) -> None:
        """Do nothing."""


@asynccontextmanager
async def run_application(
    folder: Path, world: SimulatedDiscord, database: SafeDatabase, clock: TravelClock
) -> AsyncIterator[Application]:
    """Run the whole bot until the end of the block, which begins when it is ready and has its commands."""
    folder.mkdir()  # noqa: ASYNC240 - before anything runs
    settings = Settings.model_validate(
        {
            "discord": {"token": world.token, "api_base_url": world.api_base_url},
            "polling": {"min_interval_seconds": 0.2},
            "data_dir": folder,
            "secret_key": "k" * 40,
        }
    )
    leases, box = build_leases(settings, database, "month", SystemClock()), SecretBox("a key for this month")
    await leases.wait_for_leases()
    before, stop = discord.http.Route.API_BASE_URL, asyncio.Event()
    discord.http.Route.API_BASE_URL = world.api_base_url
    tasks = TaskManager(clock)
    application = build_application(
        settings, database, leases, box, tasks, extensions=EXTENSIONS, clock=clock
    )
    life = asyncio.create_task(application.run(stop, NoManager()))
    try:
        await until(lambda: application.bot.is_ready() and bool(world.commands.list_commands(None)))
        await tasks.cancel(BACKUP_TASK)  # each day would have one, and its trial takes longer than the day
        yield application
    finally:
        stop.set()
        await life
        await leases.give_back()
        discord.http.Route.API_BASE_URL = before


@dataclass(eq=False, kw_only=True)
class Month(Community):
    """A community with two game servers; what happens there is counted by hand beside the bot.

    Attributes:
        stored: the bot's database, to see what it waits for.
        news: its news channel.
        rows: the deaths that were written, by the name of their game server.
        players: the linked members and the player of each.
    """

    clock: TravelClock
    stored: Database[dict[str, Any]]
    battle: Battle
    news: Channel
    rows: Mapping[str, list[DeathRow]] = field(default_factory=lambda: {name: [] for name in SERVERS})
    players: dict[Member, PlayerId] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._coming = self.battle.rows()
        self._next = next(self._coming)
        self._files: dict[str, GameServerFiles] = {
            name: self.host.open_files(number) for name, number in SERVERS.items()
        }
        self.names = {fighter.id: fighter.name for fighter in self.battle.fighters}

    async def settle_in(self) -> None:
        """Let the bot read the history of a day, and give it what it needs for roles and news."""
        [own] = self.guild.bot.roles
        self.world.move_role(own, 50)
        self.world.set_role_permissions(own, int(own.permissions | Permission.MANAGE_ROLES))
        self.fight(HISTORY)
        await self.set_channel("news", self.news)
        for name, number in SERVERS.items():
            await self.add_server(name, number=number)
        planned = {"recap.due_at": {"$exists": True}}
        guilds = self.stored["guilds"]
        await self.pass_until(lambda: bool(guilds.count_documents(planned)), "a plan of recaps")

    async def link(self, *places: int) -> list[Member]:
        """Add a member for each of these players, the most active ones first, and link them."""
        for place in places:
            member = self.world.add_member(self.guild, f"member_{place}")
            self.players[member] = self.battle.fighters[place].id
            await self.ask("/admin link confirm", member=member, player=self.players[member])
        await self.pass_until(
            lambda: self.stored["levels"].count_documents({}) == len(self.players), "a first look at levels"
        )
        return list(self.players)

    # time

    async def go_to(self, day: int, hours: float) -> None:
        """Let time pass until an hour of a day."""
        await self._travel(FIRST_DAY + day * DAY + timedelta(hours=hours))

    async def _travel(self, moment: datetime) -> None:
        """Let time pass when no post waits; one would be too old afterwards."""
        await until(lambda: not self.stored["outbox"].count_documents({}), what="the posts")
        self.clock.travel(moment)

    async def pass_until(self, is_so: Callable[[], bool], what: str) -> None:
        """Let time pass in steps until something has happened.

        Raises:
            TimeoutError: it has not happened in three hours of the journey.
        """
        for number in range(MOST_STEPS):
            with suppress(TimeoutError):
                return await until(is_so, within_seconds=STEP_SECONDS * (1 + number / 4))
            await self._travel(self.clock.now() + STEP)
        raise TimeoutError(f"waited in vain for {what}")

    async def live(self, day: int) -> None:
        """Let the battle of a day be fought, and read by the bot in the evening."""
        await self.go_to(day, EVENING_HOURS)
        self.fight(day)
        written, kills = sum(map(len, self.rows.values())), self.stored["kills"]
        await self.pass_until(lambda: kills.count_documents({}) >= written, f"the deaths of day {day}")
        assert kills.count_documents({}) == written

    def fight(self, day: int) -> None:
        """Write the deaths of a day, in turn on each game server."""
        midnight = (FIRST_DAY + (day + 1) * DAY).replace(tzinfo=None)
        while self._next.written_at < midnight:
            name = min(self.rows, key=lambda one: len(self.rows[one]))
            self.rows[name].append(self._next)
            self._files[name].append(self._next)
            self._next = next(self._coming)

    # counts by hand

    def count(self, days: Days) -> dict[PlayerId, Figures]:
        """Return the figures of every player on some days, over both game servers."""
        figures: dict[PlayerId, Figures] = {}
        for rows in self.rows.values():
            before = count_rows(row for row in rows if find_day(row) < days[0]).players
            until_end = count_rows(row for row in rows if find_day(row) <= days[1]).players
            for player_id, tally in until_end.items():
                gained = read_figures(tally).without(read_figures(before.get(player_id, Tally())))
                figures[PlayerId(player_id)] = figures.get(PlayerId(player_id), Figures()).add(gained)
        return figures

    def list_kills(self) -> list[DeathRow]:
        """Return every kill of one player by another."""
        rows = [row for rows in self.rows.values() for row in rows]
        return [row for row in rows if row.killer_id not in (None, row.victim_id)]

    def rank(self, counted: Mapping[PlayerId, Figures]) -> list[PlayerId]:
        """Return players with a kill: by kills, then by fewer deaths, then by name."""
        keys = {one: (-had.kills, had.deaths, self.names[one]) for one, had in counted.items() if had.kills}
        return sorted(keys, key=keys.__getitem__)

    def list_holders(self, role: Role) -> set[Member]:
        """Return the linked members who have a role in Discord."""
        return {member for member in self.players if role in member.membership.roles}


def read_figures(tally: Tally) -> Figures:
    """Return those figures of a count."""
    return Figures(tally.kills, tally.deaths, tally.xp)


def find_day(row: DeathRow) -> int:
    """Return the day of the month on which a row was written."""
    return (row.written_at.replace(tzinfo=UTC) - FIRST_DAY).days
