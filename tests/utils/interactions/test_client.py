"""The bot at Discord: one registration, its guilds, and unexpected errors."""

import asyncio
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from discord.ext import commands
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from simulation.discord import Channel, Fault, Guild, Member, Permission, SimulatedDiscord
from simulation.discord.clients import running_bot
from simulation.discord.sessions import INTENT_GUILDS
from tests.fakes.own_bot import OwnBot, OwnShardedBot, wait_until
from tests.fakes.small_bot import Shelf
from utils.error_sink import ErrorSource, Where
from utils.events import EventDispatcher, GuildLeft, RolesChanged
from utils.interactions.client import KillfeedBot, ShardedKillfeedBot, choose_bot
from utils.interactions.command_set import list_commands
from utils.localization.languages import Languages
from utils.models.scope import GuildId
from utils.models.sharding import Sharding

COMMANDS = "/applications/{application_id}/commands"


@asynccontextmanager
async def run(world: SimulatedDiscord, bot: OwnBot) -> AsyncIterator[OwnBot]:
    """Run the bot until the end of the block, which begins when it is ready."""
    async with running_bot(bot, world):
        await bot.wait_until_registered()
        await wait_until(lambda: bool(bot.follows.followed))
        yield bot


def count_registrations(world: SimulatedDiscord) -> int:
    """Return the number of registrations of the whole command set."""
    return sum(request.method == "PUT" and request.path.endswith("/commands") for request in world.requests)


@pytest.mark.usefixtures("guild")
async def test_commands_are_registered_once_for_the_same_set(
    world: SimulatedDiscord, shelf: Shelf, tmp_path: Path
) -> None:
    """A restart with the same commands registers none; after the digest was lost it registers them again."""
    for registrations in (1, 1):
        async with run(world, OwnBot(shelf, tmp_path)):
            assert count_registrations(world) == registrations
    (tmp_path / "commands.json").unlink()
    async with run(world, OwnBot(shelf, tmp_path)):
        assert count_registrations(world) == 2


@pytest.mark.usefixtures("guild")
@pytest.mark.parametrize("shard", [0, 1])
async def test_ids_of_commands_are_known_whether_they_were_registered_or_not(
    world: SimulatedDiscord, shelf: Shelf, tmp_path: Path, shard: int
) -> None:
    """The first start registers them, the second one does not, and another shard never does."""
    async with run(world, OwnBot(shelf, tmp_path)):
        pass
    shelf.languages = Languages()
    bot = OwnBot(shelf, tmp_path, sharding=Sharding(2, (shard,)))
    async with running_bot(bot, world):
        await wait_until(lambda: bool(shelf.languages.command_ids))
    registered = {str(each["name"]): int(each["id"]) for each in world.commands.list_commands(None)}
    known = shelf.languages.command_ids
    assert (known["stats"], known["admin server add"]) == (registered["stats"], registered["admin"])
    assert set(known) == {command.qualified_name for command in list_commands(bot)}
    assert count_registrations(world) == 1


@pytest.mark.usefixtures("guild")
async def test_changed_command_set_is_registered_anew(
    world: SimulatedDiscord, shelf: Shelf, tmp_path: Path
) -> None:
    """A missing command makes another set, which replaces the old one in one request."""
    async with run(world, OwnBot(shelf, tmp_path)):
        pass
    bot = OwnBot(shelf, tmp_path)
    bot.remove_cog("StatsCog")
    async with run(world, bot):
        await wait_until(lambda: count_registrations(world) == 2)
        assert all(request.body for request in world.requests if request.method == "PUT")


@pytest.mark.usefixtures("guild")
async def test_bot_works_though_its_commands_could_not_be_registered(
    world: SimulatedDiscord, shelf: Shelf, tmp_path: Path
) -> None:
    """The log has the refusal, guilds are followed, and the next start tries again."""
    fault = world.faults.add(Fault(status=403, method="PUT", route=COMMANDS))
    bot = OwnBot(shelf, tmp_path)
    with capture_logs() as logs:
        async with running_bot(bot, world):
            await wait_until(lambda: bool(bot.follows.followed) and fault.is_spent)
            await wait_until(lambda: any("not registered" in entry["event"] for entry in logs))
    assert fault.is_spent
    told = [entry["event"] for entry in logs if entry["log_level"] == "warning"]
    assert "commands are not registered, the next connect tries again" in told
    assert not (tmp_path / "commands.json").exists()
    async with run(world, OwnBot(shelf, tmp_path)):
        assert count_registrations(world) == 2


@pytest.mark.usefixtures("guild")
async def test_host_is_told_once_a_start_who_is_online_and_how_to_invite_it(
    world: SimulatedDiscord, shelf: Shelf, tmp_path: Path
) -> None:
    """One sentence has the bot's name, its communities and the link; a new session does not repeat it."""
    bot = OwnBot(shelf, tmp_path)
    bot.follows.asked = [GuildId(1)]
    with capture_logs() as logs:
        async with run(world, bot):
            bot.dispatch("ready")  # as after a session that could not be resumed
            await wait_until(lambda: len(bot.follows.followed) == 2)
    told = [entry["event"] for entry in logs if entry["event"].startswith("Online")]
    [sentence] = told
    assert sentence == (
        f"Online as {bot.user} in 1 Discord server. This link adds the bot to another one: "
        f"https://discord.com/oauth2/authorize?client_id={bot.application_id}"
        "&scope=bot+applications.commands&permissions=117760"
    )


async def test_guilds_are_followed_when_ready_and_when_one_joins(
    world: SimulatedDiscord, guild: Guild, shelf: Shelf, tmp_path: Path
) -> None:
    """The bot checks its membership of a guild only when it knows it."""
    other = world.create_guild("Elsewhere", with_bot=False)
    bot = OwnBot(shelf, tmp_path)
    bot.follows.asked = [GuildId(guild.id), GuildId(other.id)]
    async with run(world, bot):
        assert bot.follows.followed == [[guild.id]]
        world.add_bot(other)
        await wait_until(lambda: len(bot.follows.followed) == 2)
        assert bot.follows.followed[1] == [guild.id, other.id]


async def test_one_of_several_shards_registers_nothing_unless_it_is_the_first(
    world: SimulatedDiscord, shelf: Shelf, tmp_path: Path
) -> None:
    """The commands belong to the whole bot; each process knows only the guilds of its own shard."""
    guilds = [GuildId(world.create_guild(str(shard), shard=(shard, 2)).id) for shard in (0, 1)]
    for shard in (1, 0):
        bot = OwnBot(shelf, tmp_path, sharding=Sharding(2, (shard,)))
        bot.follows.asked = guilds
        async with running_bot(bot, world):
            await wait_until(lambda bot=bot: bool(bot.follows.followed))
            if shard == 0:
                await bot.wait_until_registered()
            assert bot.follows.followed == [[guilds[shard]]]
            assert count_registrations(world) == (shard == 0)
    sessions = world.gateway.sessions.values()
    assert {session.shard for session in sessions} <= {(0, 2), (1, 2)}
    assert {session.intents for session in sessions} == {INTENT_GUILDS}


async def test_several_shards_of_a_process_are_one_bot(
    world: SimulatedDiscord, shelf: Shelf, tmp_path: Path
) -> None:
    """The bot follows the guilds of all its shards, registers once, and answers in each guild."""
    guilds = [world.create_guild(str(shard), shard=(shard, 3)) for shard in range(3)]
    bot = OwnShardedBot(shelf, tmp_path, sharding=Sharding(3, (0, 2)))
    bot.follows.asked = [GuildId(guild.id) for guild in guilds]
    fault = world.faults.add(Fault(status=404, method="GET", route="/gateway"))
    async with run(world, bot):
        assert isinstance(bot, commands.Bot)
        assert (bot.follows.followed, count_registrations(world)) == ([[guilds[0].id, guilds[2].id]], 1)
        await world.gateway.drop(4000)
        sessions = world.gateway.sessions.values()
        await world.until(lambda: [session.resumes for session in sessions] == [1, 1])
        for guild in (guilds[0], guilds[2]):
            reply = await world.owner_of(guild).ask(world.create_channel(guild, "office"), "/premium tiers")
            assert reply.embed["title"]
        shards = sorted(session.shard for session in sessions)
        assert (shards, fault.is_spent) == ([(0, 3), (2, 3)], True)
    assert world.violations == []


@pytest.mark.parametrize(
    ("sharding", "kind"),
    [
        (Sharding(), KillfeedBot),
        (Sharding(2, (1,)), KillfeedBot),
        (Sharding(2, (0, 1)), ShardedKillfeedBot),
    ],
)
def test_bot_is_the_plain_one_as_long_as_it_has_one_shard(
    sharding: Sharding, kind: type[KillfeedBot]
) -> None:
    """The library's class for several connections is used only for several shards."""
    assert choose_bot(sharding) is kind


async def test_changes_that_may_let_the_bot_give_a_role_are_told(
    world: SimulatedDiscord, guild: Guild, shelf: Shelf, tmp_path: Path
) -> None:
    """Permissions, place and end of a role, and the roles of the bot; any other change says nothing."""
    told, events = list[RolesChanged](), EventDispatcher()
    events.register(RolesChanged, told.append)
    role, other = world.create_role(guild, "hunters"), world.create_role(guild, "snipers")
    async with run(world, OwnBot(shelf, tmp_path, events=events)):
        world.set_role_permissions(other, 0)  # as before
        for number, change in enumerate(
            (
                lambda: world.set_role_permissions(role, int(Permission.CONNECT)),
                lambda: world.move_role(role, 5),
                lambda: world.set_roles(guild.bot, [*guild.bot.roles, role]),
                lambda: world.delete_role(role),
            ),
            start=1,
        ):
            change()
            await wait_until(lambda number=number: len(told) >= number)
    assert told == [RolesChanged(guild_id=GuildId(guild.id))] * 4


async def test_guild_that_was_left_is_told_and_an_outage_of_it_is_not(
    world: SimulatedDiscord, guild: Guild, shelf: Shelf, tmp_path: Path
) -> None:
    """Discord may remove a guild for a while; only leaving it ends its data."""
    left: list[GuildLeft] = []
    events = EventDispatcher()

    events.register(GuildLeft, left.append)
    async with run(world, OwnBot(shelf, tmp_path, events=events)) as bot:
        world.set_guild_available(guild, is_available=False)
        await world.settle()
        assert (left, bot.is_member_of(GuildId(guild.id))) == ([], True)
        world.set_guild_available(guild, is_available=True)
        world.remove_bot(guild)
        await wait_until(lambda: bool(left))
        assert (left, bot.is_member_of(GuildId(guild.id))) == ([GuildLeft(guild_id=GuildId(guild.id))], False)


async def test_every_command_has_one_line_that_names_no_value(
    world: SimulatedDiscord, guild: Guild, channel: Channel, alice: Member, shelf: Shelf, tmp_path: Path
) -> None:
    """The line names guild, member, command, options and outcome, for answers and for refusals."""
    owner = world.owner_of(guild)
    async with run(world, OwnBot(shelf, tmp_path)) as bot:
        with capture_logs(processors=[merge_contextvars]) as logs:
            await alice.ask(channel, "/help")
            await alice.ask(channel, "/stats", player="Somebody Secret")
            await owner.ask(channel, "/admin server list")
            await wait_until(lambda: len(list_lines(logs)) == 3)
        assert not bot.unexpected.reported
    lines = list_lines(logs)
    assert [line.pop("id")[:2] for line in lines] == ["c-"] * 3
    for line in lines:
        assert 0 <= line.pop("acknowledged_ms") <= (line.pop("answered_ms") or math.inf)
    common = {"event": "command used", "log_level": "info", "guild": guild.id, "options": []}
    own, theirs = common | {"member": alice.user.id}, common | {"member": owner.user.id}
    assert lines == [
        own | {"command": "help", "outcome": "answered"},
        own | {"command": "stats", "options": ["player"], "outcome": "refused", "error": "NotFoundError"},
        theirs | {"command": "admin server list", "outcome": "answered"},
    ]
    assert "Somebody Secret" not in str(lines)


def list_lines(logs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the lines of commands."""
    return [dict(entry) for entry in logs if entry["event"] == "command used"]


@pytest.mark.usefixtures("guild")
async def test_error_nobody_caught_is_written_down_under_a_code(
    world: SimulatedDiscord, shelf: Shelf, tmp_path: Path
) -> None:
    """The error of a failing listener has a reference, and the bot goes on."""

    async def on_surprise() -> None:
        raise LookupError("nobody saw this coming")

    async with run(world, OwnBot(shelf, tmp_path)) as bot:
        bot.add_listener(on_surprise, "on_surprise")
        bot.dispatch("surprise")
        await wait_until(lambda: bool(bot.unexpected.reported))
        assert [str(error) for error in bot.unexpected.reported] == ["nobody saw this coming"]
        assert bot.unexpected.places == [Where(source=ErrorSource.GATEWAY, name="on_surprise")]
        assert not bot.is_closed()


@pytest.mark.usefixtures("guild")
async def test_event_that_the_stop_cuts_short_is_no_error(
    world: SimulatedDiscord, shelf: Shelf, tmp_path: Path
) -> None:
    """The library's session is closed when the bot stops; an event that still uses it is nothing to mend."""
    cut = asyncio.Event()

    async def on_late() -> None:
        cut.set()
        raise RuntimeError("Session is closed")

    async with run(world, OwnBot(shelf, tmp_path)) as bot:
        bot.add_listener(on_late, "on_late")
        await bot.close()
        bot.dispatch("late")
        await cut.wait()
        await world.settle()
        assert bot.unexpected.reported == []


async def test_lost_connection_is_taken_up_again(
    world: SimulatedDiscord, guild: Guild, channel: Channel, alice: Member, shelf: Shelf, tmp_path: Path
) -> None:
    """A dropped connection is resumed without a new registration, and commands are answered."""
    async with run(world, OwnBot(shelf, tmp_path)):
        gone = set(world.gateway.connections)
        await world.gateway.drop()
        await wait_until(lambda: world.gateway.is_connected and not world.gateway.connections & gone)
        assert (await alice.ask(channel, "/help")).embed["title"]
        assert count_registrations(world) == 1
    assert guild.has_bot


async def test_guild_that_comes_back_as_available_is_followed_like_one_that_joins(
    world: SimulatedDiscord, guild: Guild, shelf: Shelf, tmp_path: Path
) -> None:
    """The guild may have been left meanwhile; after a new connection all guilds are followed once."""
    other = world.create_guild("Elsewhere")
    bot = OwnBot(shelf, tmp_path)
    bot.follows.asked = [GuildId(guild.id), GuildId(other.id)]
    async with run(world, bot):
        assert bot.follows.followed == [[guild.id, other.id]]
        world.set_guild_available(other, is_available=False)
        await world.settle()
        assert len(bot.follows.followed) == 1
        world.set_guild_available(other, is_available=True)
        await wait_until(lambda: len(bot.follows.followed) == 2)
        await world.gateway.invalidate_sessions()
        await wait_until(lambda: len(bot.follows.followed) == 3)
        await world.settle()
        assert bot.follows.followed == [[guild.id, other.id]] * 3
