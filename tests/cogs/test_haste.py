"""Members who type or turn pages as fast as a machine do not slow others down."""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta

from simulation.discord import Channel, Guild, Interaction, Member, SimulatedDiscord
from tests.cogs.conftest import PIKE
from tests.cogs.test_answers import build_rows
from tests.fakes.own_bot import OwnBot
from tests.fakes.small_bot import Shelf
from tests.fakes.storage import Gate
from tests.utils.services.factions.test_factions import build
from utils.interactions.autocomplete import MAX_CHOICES
from utils.interactions.limits import (
    COMMANDS_AT_ONCE,
    LETTERS_AT_ONCE,
    PRESS_COST,
    SECONDS_A_LETTER,
    SECONDS_A_UNIT,
    WORK_AT_ONCE,
)
from utils.models.factions import FactionInvitation
from utils.models.scope import GuildId, MemberId

MOST_SECONDS_TO_OFFER = 0.3
HASTY = "That was a lot at once. Try again in 1 second."


async def press(reply: Interaction, label: str) -> str:
    """Press a button that is refused, and return the sentence of the refusal."""
    pressed = await reply.click(label)
    await pressed.wait_until(lambda one: bool(one.followups))
    assert pressed.followups[0].is_ephemeral
    return str(pressed.followups[0].embed["description"])


async def test_look_up_of_one_member_is_not_ended_by_another(
    bot: OwnBot, world: SimulatedDiscord, shelf: Shelf, alice: Member, channel: Channel
) -> None:
    """Two members type into one command in two communities, and the first of them has to wait."""
    there = world.create_guild("Elsewhere")
    bob, room = world.add_member(there, "bob"), world.create_channel(there, "room")
    gate = shelf.statistics.gate = Gate()
    typing = asyncio.create_task(alice.autocomplete(channel, "/stats", "player", "pi"))
    await gate.has_read.wait()
    for _ in range(2):
        assert await bob.autocomplete(room, "/stats", "server", "") == []
    gate.may_answer.set()
    assert [choice["value"] for choice in await typing][:1] == [PIKE]
    assert (shelf.reporter.reported, bot.unexpected.reported) == ([], [])


async def test_letters_beyond_what_anybody_types_are_not_looked_up(
    bot: OwnBot, world: SimulatedDiscord, shelf: Shelf, alice: Member, guild: Guild, channel: Channel
) -> None:
    """Choices for such letters cost nothing.

    Other members, and the same member a moment later, get choices.
    """
    assert await alice.autocomplete(channel, "/stats", "player", "pi")
    while bot.services.limits.may_type(alice.id):
        pass
    hasty = asyncio.create_task(alice.autocomplete(channel, "/stats", "server", ""))
    shelf.servers.calls.clear()
    await world.settle()
    assert (shelf.servers.calls, hasty.done()) == ([], False)
    hasty.cancel()
    assert await world.add_member(guild, "bob").autocomplete(channel, "/stats", "server", "")
    shelf.clock.move(SECONDS_A_LETTER)
    assert await alice.autocomplete(channel, "/stats", "server", "")


def test_letters_are_looked_up_as_fast_as_people_type(shelf: Shelf, alice: Member) -> None:
    """A long name may be typed at once, and four letters a second at any time."""
    limits = shelf.build_services().limits
    assert all(limits.may_type(alice.id) for _ in range(LETTERS_AT_ONCE))
    for _ in range(10 * LETTERS_AT_ONCE):
        assert not limits.may_type(alice.id)
        shelf.clock.move(SECONDS_A_LETTER)
        assert limits.may_type(alice.id)


async def test_fifty_factions_are_offered_before_anybody_notices(
    bot: OwnBot, shelf: Shelf, alice: Member, guild: Guild, channel: Channel
) -> None:
    """Invitations come first. Only the time of this process counts, so a busy machine changes nothing."""
    assert bot.user
    guild_id, member_id = GuildId(guild.id), MemberId(alice.id)
    every = [build(number, f"Pack of wolves {number}", f"P{number}", is_open=True) for number in range(50)]
    shelf.factions.factions = {one.faction_id: replace(one, guild_id=guild_id) for one in every}
    for key in ("f49", "f7"):
        ends_at = shelf.clock.now() + timedelta(hours=1)
        shelf.factions.invitations[key, member_id] = FactionInvitation(key, member_id, ends_at)
    began = time.process_time()
    offered = await alice.autocomplete(channel, "/faction join", "faction", "")
    assert time.process_time() - began < MOST_SECONDS_TO_OFFER
    assert [choice["value"] for choice in offered[:3]] == ["f7", "f49", "f0"]
    assert len(offered) == MAX_CHOICES


async def test_pages_are_commands_under_way_and_have_a_rate(
    bot: OwnBot, shelf: Shelf, alice: Member, channel: Channel
) -> None:
    """A page counts as a running command and has a rate. Both refusals are private, and the list stays."""
    shelf.statistics.rows = build_rows(30)
    reply = await alice.ask(channel, "/leaderboard")
    limits = bot.services.limits
    limits.count(alice.id, COMMANDS_AT_ONCE)
    assert "of your commands are still running" in await press(reply, "Next")
    limits.count(alice.id, -COMMANDS_AT_ONCE)
    limits.spend(alice.id, WORK_AT_ONCE - 2 * PRESS_COST)  # one for the command, one for the press
    pressed = await (await reply.click("Next")).wait()
    assert (pressed.embed["description"], pressed.is_ephemeral) == (HASTY, True)
    assert reply.embed["footer"]["text"] == "Page 1 of 3"
    shelf.clock.move(SECONDS_A_UNIT * PRESS_COST)
    await reply.click("Next")
    await reply.wait_until(lambda one: one.embed["footer"]["text"] == "Page 2 of 3")
    assert (shelf.reporter.reported, bot.unexpected.reported) == ([], [])


async def test_presses_have_a_rate_of_each_member_whose_buttons_they_are_or_not(
    world: SimulatedDiscord, bot: OwnBot, shelf: Shelf, alice: Member, guild: Guild, channel: Channel
) -> None:
    """A member who presses buttons of others uses up only their own rate."""
    shelf.statistics.rows = build_rows(30)
    bob = world.add_member(guild, "bob")
    reply = await alice.ask(channel, "/leaderboard")
    assert reply.message is not None
    bot.services.limits.spend(bob.id, WORK_AT_ONCE)
    hasty = await (await bob.press(reply.message, "Next")).wait()
    assert (hasty.embed["description"], hasty.is_ephemeral) == (HASTY, True)
    await reply.click("Next")
    await reply.wait_until(lambda one: one.embed["footer"]["text"] == "Page 2 of 3")
    shelf.clock.move(SECONDS_A_UNIT * PRESS_COST)
    told = await (await bob.press(reply.message, "Next")).wait()
    assert told.content.startswith("Someone else ran this command.")
    assert (shelf.reporter.reported, bot.unexpected.reported) == ([], [])
