"""Channels, roles, members, forms and buttons of another guild have no effect here."""

from typing import Any

import discord
import pytest

from simulation.discord import Channel, Forged, Guild, Interaction, Member, SimulatedDiscord
from tests.fakes.own_bot import OwnBot, wait_until
from tests.fakes.small_bot import Shelf
from utils.interactions.command_set import list_commands
from utils.interactions.declarations import get_access
from utils.interactions.limits import COMMANDS_AT_ONCE, PRESS_COST, WORK_AT_ONCE
from utils.interactions.views import ELSEWHERE

Type = discord.SlashCommandOptionType
NAMES = {Type.channel: "channel", Type.role: "role", Type.user: "member", Type.mentionable: "anything"}
FORM = {"name": "North", "host": "192.0.2.10", "username": "renter"}


@pytest.fixture(name="other")
def _other(world: SimulatedDiscord, manager: Member) -> Guild:
    """A guild in which the manager of the first guild has all permissions too."""
    guild = world.create_guild("Other")
    world.add_member(guild, manager.user, roles=[world.create_role(guild, "all", permissions=8)])
    return guild


def choose_value(world: SimulatedDiscord, option: discord.Option, guild: Guild, channel: Channel) -> Any:
    """Return a value that Discord lets a person give to an option."""
    own = {
        Type.channel: channel,
        Type.role: world.create_role(guild, "own"),
        Type.user: guild.owner,
        Type.boolean: True,
        Type.integer: option.min_value or 1,
    }
    return option.choices[0].value if option.choices else own.get(option.input_type, "Mirny")


async def test_every_option_of_another_guild_is_refused(
    world: SimulatedDiscord, bot: OwnBot, shelf: Shelf, guild: Guild, other: Guild, channel: Channel
) -> None:
    """Every command refuses options of another guild and changes nothing.

    Members who left are excepted where noted.
    """
    foreign = {
        Type.channel: Forged(world.create_channel(other, "theirs")),
        Type.role: Forged(world.create_role(other, "theirs")),
        Type.user: other.owner.user,
    }
    before, expected, told = shelf.freeze(), {}, {}
    for command in list_commands(bot):
        for option in command.options:
            may_have_left = get_access(command).may_have_left and option.input_type is Type.user
            if option.input_type not in NAMES or may_have_left:
                continue
            options = {
                one.name: choose_value(world, one, guild, channel)
                for one in command.options
                if one.required and one is not option
            }
            options[option.name] = foreign[option.input_type]
            name = f"/{command.qualified_name} {option.name}"
            reply = await world.owner_of(guild).ask(channel, f"/{command.qualified_name}", **options)
            told[name] = (reply.embed["description"], reply.is_ephemeral)
            what = NAMES[option.input_type]
            expected[name] = (f"This Discord server has no such {what}. Pick one from the list.", True)
    assert told == expected
    assert {"/admin channel set channel", "/admin role role", "/admin wallet member"} <= told.keys()
    assert shelf.freeze() == before
    assert (shelf.reporter.reported, bot.unexpected.reported) == ([], [])


async def test_somebody_who_left_can_be_named_where_something_is_stored_of_them(
    world: SimulatedDiscord, shelf: Shelf, guild: Guild, channel: Channel, bot: OwnBot
) -> None:
    """A link stays when its member leaves, and an admin can end it."""
    gone = world.add_member(guild, "gone")
    asked = await world.owner_of(guild).ask(channel, "/admin link confirm", member=gone, player="Spiker")
    assert asked.embed["title"].endswith("Link confirmed")
    del guild.members[gone.id]
    ended = await world.owner_of(guild).ask(channel, "/admin link remove", member=gone.user, player="Spiker")
    assert ended.embed["title"].endswith("Unlinked")
    assert (dict(shelf.links.links), bot.unexpected.reported) == ({}, [])


async def test_form_acts_in_the_guild_it_was_opened_in_or_not_at_all(
    world: SimulatedDiscord, bot: OwnBot, shelf: Shelf, manager: Member, channel: Channel, other: Guild
) -> None:
    """The sender's permissions in another guild do not count."""
    before = shelf.freeze()
    opened = await (await manager.invoke(channel, "/admin server add", **FORM)).wait()
    opened.channel = world.create_channel(other, "office")
    answer = await (await opened.submit_modal({"Password": "x"})).wait()
    assert (answer.embed["description"], answer.is_ephemeral) == (str(ELSEWHERE), True)
    assert shelf.freeze() == before
    assert (shelf.reporter.reported, bot.unexpected.reported) == ([], [])


async def test_form_is_a_command_under_way_and_has_a_rate(
    bot: OwnBot, shelf: Shelf, manager: Member, channel: Channel
) -> None:
    """A form above the limit of running commands is refused privately and changes nothing; so is a button."""
    before = shelf.freeze()
    limits = bot.services.limits
    asked = await manager.ask(channel, "/admin server remove", server="Mirny")
    opened = [await (await manager.invoke(channel, "/admin server add", **FORM)).wait() for _ in range(2)]
    limits.count(manager.id, COMMANDS_AT_ONCE)
    answer = await (await opened[0].submit_modal({"Password": "x"})).wait()
    assert (answer.embed["description"][:29], answer.is_ephemeral) == ("3 of your commands are still ", True)
    limits.count(manager.id, -COMMANDS_AT_ONCE)
    limits.spend(manager.id, WORK_AT_ONCE - PRESS_COST)
    for late in (await opened[1].submit_modal({"Password": "x"}), await asked.click("Remove")):
        answer = await late.wait()
        assert (answer.embed["description"][:24], answer.is_ephemeral) == ("That was a lot at once. ", True)
    assert shelf.freeze() == before
    assert (shelf.reporter.reported, bot.unexpected.reported) == ([], [])


@pytest.mark.parametrize("button", ["Remove", "Cancel"])
async def test_question_is_answered_in_the_guild_it_was_asked_in_or_not_at_all(
    world: SimulatedDiscord,
    bot: OwnBot,
    shelf: Shelf,
    manager: Member,
    channel: Channel,
    other: Guild,
    button: str,
) -> None:
    """A press from another guild decides nothing; the question stays."""
    before = shelf.freeze()
    asked = await manager.ask(channel, "/admin server remove", server="Mirny")
    assert read_elsewhere(await press_elsewhere(world, asked, other, button)) == (str(ELSEWHERE), True)
    assert shelf.freeze() == before
    await asked.click("Remove")
    await asked.wait_until(lambda one: "removed" in one.embed["title"])
    assert (shelf.reporter.reported, bot.unexpected.reported) == ([], [])


async def press_elsewhere(
    world: SimulatedDiscord, reply: Interaction, guild: Guild, button: str
) -> Interaction:
    """Press a button of an answer as if its message were in another guild."""
    assert reply.message is not None
    own = reply.message.channel
    reply.message.channel = world.create_channel(guild, "office")
    try:
        return await (await reply.click(button)).wait()
    finally:
        reply.message.channel = own


def read_elsewhere(pressed: Interaction) -> tuple[str, bool]:
    """Return the text of the answer to a press, and whether it is private."""
    return pressed.content, pressed.is_ephemeral


async def test_form_that_is_not_sent_is_forgotten_after_its_time(
    bot: OwnBot, manager: Member, channel: Channel
) -> None:
    """Neither the bot nor the library keeps the form. A late sender learns that."""
    views, forms = bot.services.views, bot._connection._modal_store._modals
    opened = await (await manager.invoke(channel, "/admin server add", **FORM)).wait()
    await wait_until(lambda: bool(forms))  # Discord shows the form before the library has its answer
    [form] = forms.values()
    assert form.timeout == 15 * 60
    assert not views.is_ended(form.custom_id)
    form._dispatch_timeout()
    answer = await (await opened.submit_modal({"Password": "x"})).wait()
    assert (answer.content, answer.is_ephemeral) == (
        "This form has expired, and nothing was saved. Run the command again.",
        True,
    )
    assert (dict(forms), views.is_ended(form.custom_id)) == ({}, True)


@pytest.mark.parametrize("password", ["", "x"])
async def test_form_that_was_sent_is_forgotten_however_it_ends(
    bot: OwnBot, shelf: Shelf, manager: Member, channel: Channel, password: str
) -> None:
    """Discord closes a form when it is sent, even if the bot refuses it."""
    forms = bot._connection._modal_store._modals
    opened = await (await manager.invoke(channel, "/admin server add", **FORM)).wait()
    await (await opened.submit_modal({"Password": password} if password else {})).wait()
    await wait_until(lambda: not forms)
    assert bot.services.views.is_ended(opened.modal.custom_id if opened.modal else "")
    assert (shelf.reporter.reported, bot.unexpected.reported) == ([], [])
