"""A community with a game server and players, and the bot with all its features."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from simulation.discord import Guild, SimulatedDiscord
from simulation.discord.clients import running_bot
from tests.fakes.own_bot import OwnBot, wait_until
from tests.fakes.small_bot import Shelf
from tests.fakes.storage import build_server
from utils.interactions.command_set import EVERYWHERE, CommandRegister
from utils.localization.languages import Languages
from utils.models.players import Counters, KnownPlayer, NamedCount, PlayerStats
from utils.models.scope import GuildId, PlayerId, ServerId

SEEN = datetime(2025, 4, 30, 18, 5, tzinfo=UTC)
PIKE = PlayerId("0002" + "a" * 28)
SPIKER = PlayerId("0002" + "b" * 28)


@pytest.fixture(name="is_recording")
def _is_recording(request: pytest.FixtureRequest) -> bool:
    """Tell whether snapshots are written instead of compared."""
    return bool(request.config.getoption("--record"))


@pytest.fixture(name="world")
async def _world() -> AsyncIterator[SimulatedDiscord]:
    async with SimulatedDiscord(enforce_rate_limits=False) as world:
        yield world
        assert world.violations == []


@pytest.fixture(name="shelf")
def _shelf(guild: Guild) -> Shelf:
    """Two servers and two players of the community."""
    shelf = Shelf()
    guild_id = GuildId(guild.id)
    servers = [
        build_server("Mirny", "aaaaaaaa", guild_id=guild_id),
        build_server("Kamensk_*", "bbbbbbbb", guild_id=guild_id),
    ]
    shelf.servers.servers = {server.scope: server for server in servers}
    ids = tuple(server.scope.server_id for server in servers)
    shelf.statistics.players = [
        KnownPlayer(PIKE, "Pike_", ("Pike_", "Old Pike"), 9, SEEN, ids),
        KnownPlayer(SPIKER, "Spiker", ("Spiker",), 4, SEEN, (ServerId("aaaaaaaa"),)),
    ]
    shelf.statistics.stats[PIKE,] = PlayerStats(
        player_id=PIKE,
        name="Pike_",
        counters=Counters(1234, 10, 2, 4567, 393, 12),
        current_streak=3,
        top_weapon=NamedCount("Mosin", 7),
        nemesis=NamedCount("Spiker", 2),
        prey=None,
        rank=1,
        ranked=2,
        last_seen_at=SEEN,
        servers=ids,
    )
    return shelf


class KnownCommands(CommandRegister):
    """Finds all commands registered, like a bot that is started again; ``tests/bot`` registers them.

    Discord checks each field of the commands, which takes as long as all else of a start.
    """

    def __init__(self, bot: OwnBot, file: Path, world: SimulatedDiscord) -> None:
        super().__init__(bot, file)
        self._registry = world.commands

    async def _update(self, languages: Languages) -> None:
        """Let Discord have the commands."""
        del languages
        sets = self._sort_commands()
        for where, commands in sets.items():
            scope = None if where == EVERYWHERE else int(where)
            known = [self._registry._build(scope, command.to_dict(), None) for command in commands]
            self._registry._scopes[scope] = {command["id"]: command for command in known}
        self._file.write_text(json.dumps(dict.fromkeys(sets, "")), "ascii")


@pytest.fixture(name="bot")
async def _bot(world: SimulatedDiscord, shelf: Shelf, tmp_path: Path) -> AsyncIterator[OwnBot]:
    bot = OwnBot(shelf, tmp_path)
    bot._register = KnownCommands(bot, tmp_path / "commands.json", world)
    async with running_bot(bot, world):
        await bot.wait_until_registered()
        await wait_until(lambda: bool(bot.services.languages._embeds.languages.command_ids))  # for mentions
        yield bot


def use_tier(bot: OwnBot, shelf: Shelf, tier: int) -> None:
    """Serve everything at another default tier."""
    bot.services = shelf.build_services(tier=tier)
    for cog in bot.cogs.values():
        cog.services = bot.services  # type: ignore[attr-defined]


async def end_views(bot: OwnBot) -> None:
    """End the time of all buttons, like the library, which keeps them once their message is answered."""
    kept = bot._connection._view_store._views
    await wait_until(lambda: bool(kept))
    for view in {view for view, _ in kept.values()}:
        view._dispatch_timeout()
