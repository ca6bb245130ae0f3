"""``/admin backup``: the answer shows the progress of a backup, and only owners get one."""

import asyncio

import pytest

from simulation.discord import Channel, Guild, Member, SimulatedDiscord
from tests.bot.process import until
from tests.fakes.own_bot import OwnBot
from tests.fakes.small_bot import Shelf
from utils.models.backups import BackupProgress, BackupStep
from utils.models.scope import GuildId
from utils.models.texts import text

NEWEST = "killfeed-20250501T040000Z-daily-3f9c"


@pytest.fixture(name="owner")
def _owner(world: SimulatedDiscord, guild: Guild, shelf: Shelf, manager: Member) -> Member:
    """Return the owner of the bot, who sees admin commands in the community."""
    shelf.owners.owner_ids = (world.owner.id,)
    return world.add_member(guild, world.owner, roles=manager.membership.roles)


async def test_answer_shows_the_progress_every_few_seconds_then_the_outcome(
    bot: OwnBot, shelf: Shelf, channel: Channel, owner: Member
) -> None:
    """One message is edited; at the end it says whether the backup is proven, and what went wrong besides."""
    del bot
    shelf.backups.progress = [BackupProgress(BackupStep.COMPARING, "kills", 2, 16, 1_234_567, 97_400_000)]
    shelf.backups.unproven = text("Not enough memory.")
    shelf.backups.problems = (text("The other place is away."),)
    shelf.backups.going_on.clear()
    asking = asyncio.create_task(owner.ask(channel, "/admin backup now"))
    await until(lambda: 3.0 in shelf.clock.slept, what="the answer does not wait for a progress")
    shelf.clock.move(3)
    reply = await asking
    assert reply.embed["description"] == "Comparing every document"
    assert [field["value"] for field in reply.embed["fields"]] == ["2 of 16", "1,234,567", "97.4 MB"]
    shelf.backups.going_on.set()
    await until(lambda: NEWEST in str(reply.embed), what="the outcome is not shown")
    assert reply.embed["title"].endswith("Backup made")
    told = {field["name"]: field["value"] for field in reply.embed["fields"]}
    assert (told["Trial"], told["Problem"]) == ("Not enough memory.", "The other place is away.")
    assert reply.is_ephemeral


async def test_only_owners_are_offered_backups(
    bot: OwnBot, channel: Channel, owner: Member, manager: Member
) -> None:
    """The ids of backups are for the owners of the bot, even while a member types."""
    del bot
    offered = await owner.autocomplete(channel, "/admin backup verify", "backup", "daily")
    assert [choice["value"] for choice in offered] == [NEWEST]
    assert await manager.autocomplete(channel, "/admin backup verify", "backup", "") == []


async def test_restore_begins_when_the_id_is_typed(
    bot: OwnBot, shelf: Shelf, channel: Channel, owner: Member
) -> None:
    """The plan has a button that opens a form; another text than the id restores nothing."""
    del bot
    plan = await owner.ask(channel, "/admin backup restore", backup=NEWEST, guild_id="77")
    form = await (await plan.click("Restore")).wait()
    refused = await (await form.submit_modal({"The id of the backup": "killfeed"})).wait()
    assert refused.embed["description"] == "That isn't the id of the backup, so nothing was restored."
    assert shelf.restores.asked == []
    form = await (await plan.click("Restore")).wait()
    begun = await (await form.submit_modal({"The id of the backup": NEWEST})).wait()
    assert begun.embed["title"] == "💾 Restoring"
    assert begun.is_ephemeral
    await until(lambda: bool(shelf.restores.asked))
    assert shelf.restores.asked == [(NEWEST, GuildId(77))]
