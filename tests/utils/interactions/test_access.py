"""Access: permissions of commands, and the acknowledgement of every command."""

import asyncio
from pathlib import Path

import aiohttp
import pytest

from simulation.discord import CallbackKind, Channel, Guild, Interaction, Member, SimulatedDiscord
from simulation.discord.clients import running_bot
from tests.fakes.clock import FakeClock
from tests.fakes.errors import FakeErrorSink
from tests.fakes.own_bot import OwnBot
from tests.fakes.small_bot import FakeOwners, Shelf, SmallBot
from utils.errors import DeliveryDelayedError, StorageUnavailableError
from utils.interactions.declarations import PUBLIC, Access, find_option, get_access
from utils.interactions.operators import ASK_SECONDS, KEPT_SECONDS, RETRY_SECONDS, Operators
from utils.models.guilds import GuildSettings
from utils.models.premium import Feature
from utils.models.scope import GuildId

OWNERS_ALONE = "Only the bot's owners can use this command."
OFF = {"name": "ask", "value": False}
ADMINS_ALONE = "You need Manage Server or this Discord server's admin role for this command."


def show(reply: Interaction) -> tuple[str, bool]:
    """Return the text of an answer, and whether it is private."""
    return reply.content or str(reply.embed.get("description")), reply.is_ephemeral


def test_access_is_carried_by_the_command() -> None:
    """``get_access`` returns the mark of a command. Unmarked commands are public."""

    @Access(is_admin=True, feature=Feature.STATS)
    async def callback() -> None:
        """Do nothing."""

    class Marked:
        """A command with that function."""

        def __init__(self) -> None:
            self.callback = callback

    assert get_access(Marked()) == Access(is_admin=True, feature=Feature.STATS)
    assert get_access(None) == get_access(object()) == PUBLIC


@pytest.mark.usefixtures("bot")
async def test_commands_are_acknowledged_before_they_run(alice: Member, channel: Channel) -> None:
    """All members see the acknowledgement of a public command, only the caller that of a private one."""
    public = await alice.ask(channel, "/public")
    private = await alice.ask(channel, "/deep private")
    assert (public.callback_kind, show(public)) == (
        CallbackKind.DEFERRED_MESSAGE,
        (f"guild {channel.guild.id if channel.guild else 0}", False),
    )
    assert (private.callback_kind, show(private)) == (CallbackKind.DEFERRED_MESSAGE, ("for you", True))


@pytest.mark.usefixtures("bot")
async def test_admin_command_is_refused_to_members(alice: Member, channel: Channel) -> None:
    """A member without Manage Server and the role gets a private refusal that names both."""
    assert show(await alice.ask(channel, "/deep admin")) == (ADMINS_ALONE, True)


@pytest.mark.usefixtures("bot")
async def test_admin_command_is_open_to_managers_and_the_owner(
    world: SimulatedDiscord, guild: Guild, manager: Member, channel: Channel
) -> None:
    """Manage Server is enough, and the owner may use everything."""
    assert show(await manager.ask(channel, "/deep admin")) == ("for admins", True)
    assert show(await world.owner_of(guild).ask(channel, "/deep admin")) == ("for admins", True)


@pytest.mark.usefixtures("bot")
async def test_admin_command_is_open_to_the_admin_role(
    world: SimulatedDiscord, shelf: Shelf, guild: Guild, alice: Member, channel: Channel
) -> None:
    """Only the guild's admin role opens admin commands."""
    role, other = world.create_role(guild, "killfeed admins"), world.create_role(guild, "others")
    guild_id = GuildId(guild.id)
    shelf.guilds.settings[guild_id] = GuildSettings(guild_id, admin_role_id=role.id)
    world.set_roles(alice.membership, [other])
    assert show(await alice.ask(channel, "/deep admin")) == (ADMINS_ALONE, True)
    world.set_roles(alice.membership, [role])
    assert show(await alice.ask(channel, "/deep admin")) == ("for admins", True)


@pytest.mark.usefixtures("bot")
async def test_form_is_the_first_answer_and_refused_to_members(
    alice: Member, manager: Member, channel: Channel
) -> None:
    """A modal cannot follow an acknowledgement. A member without permission gets the error text instead."""
    opened = await manager.ask(channel, "/form")
    assert (opened.callback_kind, opened.modal and opened.modal.labels) == (CallbackKind.MODAL, ["Password"])
    assert show(await alice.ask(channel, "/form")) == (ADMINS_ALONE, True)


async def test_feature_is_refused_when_the_tier_is_too_low(
    world: SimulatedDiscord, shelf: Shelf, alice: Member, channel: Channel
) -> None:
    """A refused public command leaves nothing public."""
    async with running_bot(SmallBot(shelf.build_services(tier=0)), world):
        refused = await alice.ask(channel, "/premium")
    assert refused.is_ephemeral
    assert "needs tier 1 (Survivor)" in refused.embed["description"]
    assert (refused.original_was_deleted, channel.messages) == (True, [])


@pytest.mark.usefixtures("bot")
async def test_feature_is_open_when_the_tier_is_there(alice: Member, channel: Channel) -> None:
    """The default tier of a self-hosted bot opens everything."""
    assert show(await alice.ask(channel, "/premium")) == ("open", False)


@pytest.mark.usefixtures("bot")
async def test_owner_command_is_open_to_owners_alone(
    world: SimulatedDiscord, shelf: Shelf, guild: Guild, manager: Member, alice: Member, channel: Channel
) -> None:
    """Neither Manage Server nor owning the guild makes a member an owner of the bot."""
    shelf.owners.owner_ids = (alice.id,)
    assert show(await alice.ask(channel, "/deep owner")) == ("for owners", True)
    for member in (manager, world.owner_of(guild)):
        assert show(await member.ask(channel, "/deep owner")) == (OWNERS_ALONE, True)


async def test_home_command_is_open_to_admins_at_home_and_owners_anywhere(
    world: SimulatedDiscord, shelf: Shelf, guild: Guild, manager: Member, alice: Member, channel: Channel
) -> None:
    """Admins of another community are refused, and so are members of the home guild."""
    away = world.create_guild("Elsewhere")
    room = world.create_channel(away, "room")
    shelf.home_guild_id, shelf.owner_ids = guild.id, (away.owner.id,)
    async with running_bot(SmallBot(shelf.build_services()), world):
        assert show(await manager.ask(channel, "/deep home")) == ("for the home guild", True)
        assert show(await world.owner_of(away).ask(room, "/deep home")) == ("for the home guild", True)
        refused = await alice.ask(channel, "/deep home")
        elsewhere = world.add_member(
            away, "manager of another", roles=[world.create_role(away, "m", permissions=1 << 5)]
        )
        foreign = await elsewhere.ask(room, "/deep home")
    for reply in (refused, foreign):
        assert reply.is_ephemeral
        assert "Only the bot's owners can use this command. `/premium status`" in reply.embed["description"]


@pytest.mark.usefixtures("bot")
async def test_option_decides_whether_the_first_answer_is_a_form(manager: Member, channel: Channel) -> None:
    """Without the option the command is acknowledged like any other."""
    opened = await manager.ask(channel, "/deep change", ask=True)
    assert (opened.callback_kind, opened.modal and opened.modal.labels) == (CallbackKind.MODAL, ["Password"])
    for options in ({}, {"ask": False}):
        plain = await manager.ask(channel, "/deep change", **options)
        assert (plain.callback_kind, show(plain)) == (CallbackKind.DEFERRED_MESSAGE, ("changed", True))


def build_operators(source: FakeOwners, clock: FakeClock, errors: FakeErrorSink) -> Operators:
    """Return operators with a home guild and a configured owner."""
    return Operators(source.find, home_guild_id=9, owner_ids=(7,), clock=clock, errors=errors)


async def test_application_owners_are_asked_for_again_every_hour() -> None:
    """Owners come from Discord and the configuration. A person who left the team is not an owner."""
    source, clock, errors = FakeOwners(5), FakeClock(), FakeErrorSink()
    operators = build_operators(source, clock, errors)
    assert [await operators.is_owner(user_id) for user_id in (7, 5, 5, 6)] == [True, True, True, False]
    source.owner_ids = (6,)
    clock.move(ASK_SECONDS - 1)
    assert (await operators.is_owner(5), source.asked) == (True, 1)
    clock.move(1)
    assert ([await operators.is_owner(one) for one in (5, 6, 7)], source.asked) == ([False, True, True], 2)
    assert [operators.is_home(GuildId(guild_id)) for guild_id in (9, 8)] == [True, False]
    nowhere = Operators(source.find, home_guild_id=None, owner_ids=(), clock=clock, errors=errors)
    assert not nowhere.is_home(GuildId(0))


@pytest.mark.parametrize(
    "failure",
    [OSError("away"), TimeoutError(), aiohttp.ClientError("away")],
    ids=lambda one: type(one).__name__,
)
async def test_last_word_of_discord_counts_for_hours_while_it_is_silent(failure: Exception) -> None:
    """A failure allows no new owner, is not repeated at every command, and does not remove owners at once."""
    source, clock, errors = FakeOwners(5), FakeClock(), FakeErrorSink()
    operators = build_operators(source, clock, errors)
    source.failures = [failure]
    assert [await operators.is_owner(user_id) for user_id in (5, 7, 5)] == [False, True, False]
    assert (source.asked, [*errors.reported, *errors.troubles]) == (1, [failure])
    clock.move(RETRY_SECONDS)
    assert (await operators.is_owner(5), source.asked) == (True, 2)
    source.failures = [failure] * 1000
    clock.move(KEPT_SECONDS - 1)
    assert (await operators.is_owner(5), source.asked) == (True, 3)
    clock.move(1)
    assert (await operators.is_owner(5), await operators.is_owner(7)) == (False, True)
    source.failures = []
    clock.move(RETRY_SECONDS)
    assert await operators.is_owner(5)


async def test_what_owners_are_told_waits_until_discord_has_told_who_they_are() -> None:
    """An empty answer would lose an alert, because every application has an owner."""
    source, clock, errors = FakeOwners(5), FakeClock(), FakeErrorSink()
    operators = Operators(source.find, home_guild_id=None, owner_ids=(), clock=clock, errors=errors)
    source.failures = [ConnectionError("away")]
    with pytest.raises(DeliveryDelayedError, match="not known yet"):
        await operators.list_owner_ids()
    clock.move(RETRY_SECONDS)
    assert await operators.list_owner_ids() == {5}


async def test_owners_are_known_as_soon_as_the_bot_is_logged_in() -> None:
    """An alert of the first seconds asks too early. The next one asks again, and no error is reported."""
    source, clock, errors = FakeOwners(5), FakeClock(), FakeErrorSink()
    operators = Operators(source.find, home_guild_id=None, owner_ids=(), clock=clock, errors=errors)
    source.is_logged_in = False
    with pytest.raises(DeliveryDelayedError):
        await operators.list_owner_ids()
    source.is_logged_in = True
    assert await operators.list_owner_ids() == {5}
    assert (errors.reported, errors.troubles) == ([], [])


async def test_two_who_ask_for_the_owners_at_once_get_the_same_answer() -> None:
    """Two kinds of alerts ask when Discord is reached. One question serves both."""
    source, clock, errors = FakeOwners(5), FakeClock(), FakeErrorSink()
    operators = Operators(source.find, home_guild_id=None, owner_ids=(), clock=clock, errors=errors)
    assert await asyncio.gather(operators.list_owner_ids(), operators.list_owner_ids()) == [{5}, {5}]
    assert source.asked == 1


async def test_nothing_tells_the_owners_before_the_login(shelf: Shelf, tmp_path: Path) -> None:
    """The library would fail in its own code."""
    bot = OwnBot(shelf, tmp_path)
    assert await bot.find_owner_ids() is None
    await bot.close()


async def test_those_of_a_team_own_the_bot_who_accepted_and_may_change_it(
    world: SimulatedDiscord, shelf: Shelf, guild: Guild, tmp_path: Path
) -> None:
    """Without a team it is the application's owner."""
    assert guild.members
    bot = OwnBot(shelf, tmp_path)
    async with running_bot(bot, world):
        assert await bot.find_owner_ids() == {world.owner.id}
        roles = ("owner", "admin", "developer", "read_only", "something new")
        team = {
            (role, has_accepted): world.create_user(f"{role}_{has_accepted}")
            for role in roles
            for has_accepted in (True, False)
        }
        world.team = [(user, *standing) for standing, user in team.items()]
        owning = {team[role, True].id for role in ("owner", "admin", "developer")}
        assert await bot.find_owner_ids() == owning
        world.team = []


def test_options_are_found_at_any_depth() -> None:
    """Discord nests the options of a subcommand; an option with the value False is found too."""
    data = {"options": [{"name": "edit", "options": [{"name": "server", "value": "x"}, OFF]}]}
    found = [find_option(data, name) for name in ("server", "ask", "edit", "other")]
    assert found == ["x", False, None, None]


@pytest.mark.usefixtures("bot")
async def test_database_outage_is_told_when_the_role_cannot_be_checked(
    shelf: Shelf, alice: Member, channel: Channel
) -> None:
    """If the database is away, the check fails with an error and decides nothing."""
    shelf.guilds.failures.append(StorageUnavailableError("mongodb://secret away"))
    reply = await alice.ask(channel, "/deep admin")
    assert (reply.is_ephemeral, reply.embed["title"]) == (True, "❌ The database isn't answering")
    assert "secret" not in str(reply.embed)
