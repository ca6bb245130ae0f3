"""The project's own bot with all its features, over storages in memory, so that tests are quick."""

import asyncio
import importlib
import json
from collections.abc import Callable
from pathlib import Path

from bot import EXTENSIONS
from tests.fakes.errors import FakeErrorSink
from tests.fakes.small_bot import Shelf
from utils.clock import SystemClock
from utils.delivery.members import DiscordRoles
from utils.delivery.sender import DiscordSender
from utils.events import EventDispatcher
from utils.interactions.client import KillfeedBot, ShardedKillfeedBot
from utils.models.scope import GuildId
from utils.models.sharding import Sharding
from utils.services.ingestion.import_throttle import ImportThrottle
from utils.tallies import CommandTally

WHOLE = Sharding()


class FakeFollower:
    """Records calls, and the guilds of each call.

    Attributes:
        asked: the guilds whose membership it checks.
        followed: the guilds with the bot, for each call.
    """

    def __init__(self) -> None:
        self.asked: list[GuildId] = []
        self.followed: list[list[GuildId]] = []

    async def follow_guilds(self, is_member: Callable[[GuildId], bool]) -> None:
        """Record the guilds with the bot."""
        self.followed.append([guild_id for guild_id in self.asked if is_member(guild_id)])


class OwnBot(KillfeedBot):
    """The composed bot, with other storages.

    Attributes:
        follows: the follower of its guilds.
        unexpected: records unexpected errors.
        tally: counts commands.
    """

    def __init__(
        self,
        shelf: Shelf,
        folder: Path,
        *,
        tier: int = 4,
        events: EventDispatcher | None = None,
        sharding: Sharding = WHOLE,
    ) -> None:
        self.unexpected = FakeErrorSink()
        self.tally = CommandTally()
        super().__init__(
            events or EventDispatcher(),
            sharding=sharding,
            errors=self.unexpected,
            throttle=ImportThrottle(SystemClock()),
            commands_file=folder / "commands.json",
            tally=self.tally,
        )
        self._connection.guild_ready_timeout = 0.1  # the library waits two seconds for more guilds
        self._commands_file = folder / "commands.json"
        self.follows = self.follower = FakeFollower()
        shelf.guild_roles.source = DiscordRoles(
            self, DiscordSender(self, clock=SystemClock()), clock=SystemClock()
        )
        self.services = shelf.build_services(tier=tier)
        for extension in EXTENSIONS:
            importlib.import_module(extension).setup(self)  # the library would load the module again

    async def wait_until_registered(self) -> None:
        """Return once Discord has the commands, those of the home guild included."""
        sets = 1 if self.services.operators.home_guild_id is None else 2
        file = self._commands_file
        await wait_until(lambda: file.exists() and len(json.loads(file.read_text("ascii"))) == sets)


class OwnShardedBot(OwnBot, ShardedKillfeedBot):
    """The same bot with several shards."""

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Do not wait; the library waits five seconds between two shards."""


async def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until a condition inside a bot is true, which fires no event."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.005)
