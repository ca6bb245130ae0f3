"""Limits for members: the length of every text, and the number of running commands."""

import asyncio

import discord

from simulation.discord import Channel, Member
from tests.cogs.conftest import PIKE
from tests.fakes.own_bot import OwnBot
from tests.fakes.small_bot import Shelf
from tests.fakes.storage import Gate
from utils.interactions.command_set import list_commands
from utils.interactions.declarations import get_access
from utils.interactions.limits import COMMANDS_AT_ONCE, PAGE_COST
from utils.interactions.member_menus import list_member_menus
from utils.models.typed_text import TYPED_CHARACTERS

LONGER = {"host": 253, "base_path": 200, "reason": 200}  # names of hosts, folders and sentences
EXPENSIVE = {
    "stats": 1,
    "Stats": 1,
    "weapons": 1,
    "activity": 1,
    "server population": 1,
    "compare": PAGE_COST,
    "rank": 1,
    "leaderboard": PAGE_COST,
    "servers": PAGE_COST,
    "season results": PAGE_COST,
    "faction info": PAGE_COST,
    "faction list": PAGE_COST,
    "admin channel test": 1,
    "data export": 3,
    "data erase": 3,
}


async def test_every_free_text_has_a_length(bot: OwnBot) -> None:
    """Every free text has a maximum length, which Discord enforces; a new option cannot omit it."""
    texts = [
        (command.qualified_name, option)
        for command in list_commands(bot)
        for option in command.options
        if option.input_type is discord.SlashCommandOptionType.string and not option.choices
    ]
    unbounded = [
        f"{name} {option.name}"
        for name, option in texts
        if not option.max_length or option.max_length > LONGER.get(str(option.name), TYPED_CHARACTERS)
    ]
    assert len(texts) > 40
    assert unbounded == []


async def test_expensive_commands_are_these(bot: OwnBot) -> None:
    """Charts, files and pages of figures are expensive; users are informed of a change of this table."""
    every = (*list_commands(bot), *list_member_menus(bot))
    costs = {command.qualified_name: get_access(command).cost for command in every}
    assert {name: cost for name, cost in costs.items() if cost} == EXPENSIVE


async def test_fourth_command_at_once_is_refused_privately_and_others_are_served(
    bot: OwnBot, shelf: Shelf, alice: Member, manager: Member, channel: Channel
) -> None:
    """Three commands of a member wait for the database.

    A fourth one is refused, and other members are answered.
    """
    assert bot.services
    shelf.statistics.gate = Gate()
    hanging = [await alice.invoke(channel, "/killfeed recent", player=PIKE) for _ in range(COMMANDS_AT_ONCE)]
    await shelf.statistics.gate.has_read.wait()
    refused = await alice.ask(channel, "/premium tiers")
    assert refused.embed["description"] == (
        "3 of your commands are still running. Wait for their answers, then ask again."
    )
    assert refused.is_ephemeral
    assert (await manager.ask(channel, "/premium tiers")).embed["title"] == "⭐ Tiers"
    shelf.statistics.gate.may_answer.set()
    await asyncio.gather(*(each.wait() for each in hanging))
    assert (await alice.ask(channel, "/premium tiers")).embed["title"] == "⭐ Tiers"
