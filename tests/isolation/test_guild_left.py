"""After the bot leaves a guild, its memory has nothing of the guild: all caches are filled, then searched."""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import Any, TypeVar

from simulation.game_host.battle import Battle
from simulation.game_host.host import GameHost
from simulation.game_host.log_files import GameServerFiles
from tests.fakes.own_bot import wait_until
from utils.clock import SystemClock
from utils.composition.application import Application
from utils.composition.build import build_application
from utils.composition.storage import build_leases
from utils.database.core.database import SafeDatabase
from utils.delivery.alerts import AdminAlerts
from utils.events import GuildLeft
from utils.models.guilds import ChannelKind
from utils.models.incident_kinds import IncidentKind
from utils.models.incidents import CheckState, Incident, IncidentKey
from utils.models.players import KnownPlayer
from utils.models.scope import ChannelId, GuildId, MemberId, ServerId, ServerScope
from utils.models.servers import Credentials
from utils.models.statistics import Board
from utils.models.texts import text
from utils.secrets import SecretBox
from utils.services.servers.typed_servers import ServerForm
from utils.settings import Settings
from utils.sftp.access import DeathLogAccess
from utils.tasks import TaskManager

GUILD = GuildId(770_000_000_000_000_077)
ADMIN = MemberId(5)
P = TypeVar("P")
KEPT = {
    "_hand_tries": "who leaves and comes back may not try logins anew; it ends within ten minutes",
    "_allowances": "nor use the loop's time anew; it ends when another guild uses some",
    "_asked": "members may not ask for all players anew; it ends within a day",
    "_claims": "the admins would be told of the same claims again; it ends within a day",
}
"""Values that outlive a guild on purpose, by the name of their attribute."""

FILLED = {
    *("_settings._kept", "_channels._kept", "_records._kept", "_standings._guilds", "_told", "_failing"),
    *("_slots", "_served_at", "_of_guilds", "_stored", "_offsets", "_open", "_stirred", "_messages"),
    *("_signals", "_schedulers", "_remembered", "breakers._tries", "_tasks", "_seen._kept"),
}
"""Attributes that have something of the guild before the bot leaves."""

OWN = ("utils.", "collections", "functools", "builtins")


def find_in_memory(root: object, guild_id: GuildId) -> set[str]:
    """Return the paths in memory that lead to a guild: its id, a scope with it, or its id in a text."""
    found: set[str] = set()
    seen: set[int] = set()
    waiting: list[tuple[str, object]] = [("", root)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, int | str | ServerScope):
            found |= {place} if str(guild_id) in str(value) else set()
        elif id(value) not in seen and type(value).__module__.startswith(OWN):
            seen.add(id(value))
            waiting += [(f"{place}.{name}", part) for name, part in list_parts(value)]
    return found


def list_parts(value: Any) -> Iterator[tuple[str, object]]:
    """Yield the values inside a value, with their names."""
    if isinstance(value, Mapping):
        yield from (("key", key) for key in list(value))
        yield from (("value", one) for one in list(value.values()))
    elif isinstance(value, list | tuple | set | frozenset | deque):
        yield from (("item", one) for one in list(value))
    elif isinstance(value, MethodType):
        yield "self", value.__self__
    elif isinstance(value, FunctionType):
        yield from (("closure", cell.cell_contents) for cell in value.__closure__ or ())
    elif isinstance(value, partial):
        yield from (("argument", one) for one in (value.func, *value.args, *value.keywords.values()))
    elif not isinstance(value, type | ModuleType):
        yield from list(getattr(value, "__dict__", {}).items())
        slots = (name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ()))
        yield from ((name, getattr(value, name)) for name in slots if hasattr(value, name))


async def build_bot(folder: Path, database: SafeDatabase) -> Application:
    """Return the whole bot, not logged in to Discord."""
    settings = Settings.model_validate({"data_dir": folder, "secret_key": "k" * 40})
    clock, box = SystemClock(), SecretBox("a key for these tests alone")
    leases = build_leases(settings, database, "bot", clock)
    await leases.wait_for_leases()
    return build_application(settings, database, leases, box, TaskManager(clock), extensions=(), clock=clock)


def get_part(bot: Application, kind: type[P]) -> P:
    """Return the part of the bot of a type, among those that forget guilds."""
    return next(part for part in bot.memories if isinstance(part, kind))


async def fill(bot: Application, guild_id: GuildId, form: ServerForm) -> None:
    """Let a guild use every part of the bot that keeps something in memory."""
    services, password = bot.bot.services, Credentials("password")
    servers = bot.features.servers
    trial = await servers.try_server(guild_id, form, credentials=password, actor_id=ADMIN)
    added = await servers.add_server(trial, channel_id=None, actor_id=ADMIN)
    scope = ServerScope(guild_id, ServerId("broken11"))
    secret = SecretBox("a key for these tests alone").encrypt(scope, password)
    broken = replace(added, scope=scope, name="Broken", port=1, secret=secret)
    await bot.repositories.servers.insert_server(broken.scope, broken)
    bot.loops.start(broken.scope)
    kind, channel = ChannelKind.KILLFEED, ChannelId(1)
    await services.guild_changes.set_channel(guild_id, kind, channel, server=None, actor_id=ADMIN)
    await services.settings.find_channel(added.scope, kind)
    await get_part(bot, AdminAlerts).notify(guild_id, text("Something is wrong."), "key")
    incident = Incident(
        IncidentKey(guild_id, IncidentKind.SERVER_UNREAD), CheckState.WARN, bot.base.clock.now()
    )
    bot.base.incidents.put(incident)
    await bot.base.incidents.write()
    await wait_until(lambda: get_part(bot, DeathLogAccess).find_obstacle(broken.scope) is not None)
    [player, *_] = await wait_for_players(bot, guild_id)
    await services.seen.search(guild_id, "", limit=1_000)
    await services.links.ask(guild_id, ADMIN, player.player_id)
    await services.statistics.get_board(await services.coverage.choose(guild_id, None), Board.KILLS, page=0)
    bot.proofs.stir(guild_id)

    async def fail(_: GuildId) -> None:
        raise ValueError("a turn that fails")

    await bot.tasks.for_each("turns", [guild_id], fail)


async def wait_for_players(bot: Application, guild_id: GuildId) -> Sequence[KnownPlayer]:
    """Return the players of a guild once their history is read."""
    while not (players := await bot.guild.names.search(guild_id, "")):
        bot.guild.names.forget_guild(guild_id)
        await asyncio.sleep(0.05)
    return players


async def wait_for_nothing() -> None:
    """Do nothing."""


def list_left(bot: Application) -> set[str]:
    """Return the paths in memory that still lead to the guild and should not."""
    return {place for place in find_in_memory(bot, GUILD) if not KEPT.keys() & set(place.split("."))}


async def test_nothing_of_a_guild_stays_in_memory_when_the_bot_has_left_it(
    tmp_path: Path, database: SafeDatabase
) -> None:
    """Caches, locks, alerts, failures, logins, connections and tasks: every part forgets the guild."""
    async with GameHost(tmp_path, {"renter": "password"}) as host:
        files = GameServerFiles(tmp_path, host=host.address, number=1)
        files.append(*islice(Battle(seed=1).rows(), 20))
        bot = await build_bot(tmp_path, database)
        try:
            await fill(bot, GUILD, ServerForm("Mirny", host.address, host.port, "renter", number=1))
            held = find_in_memory(bot, GUILD)
            assert [part for part in FILLED if not any(f".{part}." in place for place in held)] == []
            bot.events.dispatch(GuildLeft(guild_id=GUILD))
            await wait_until(lambda: not bot.tasks.is_running(f"guild:leave:{GUILD}"))
            bot.tasks.start("another", wait_for_nothing)  # an ended task is listed until another one begins
            assert list_left(bot) == set()
            assert await bot.repositories.incidents.list_open(GUILD) == ()
        finally:
            await bot.tasks.stop()
            await bot.pool.aclose()
