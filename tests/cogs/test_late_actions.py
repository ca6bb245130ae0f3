"""Forms and questions that are answered late, when rights, servers or the bot itself may have changed."""

from pathlib import Path

import pytest

from simulation.discord import Channel, Guild, Interaction, Member, SimulatedDiscord
from simulation.discord.clients import running_bot
from tests.cogs.conftest import PIKE, SEEN, SPIKER
from tests.fakes.clock import START
from tests.fakes.own_bot import OwnBot
from tests.fakes.small_bot import Shelf
from utils.models.audit import AuditEntry, AuditFacts, FieldChange
from utils.models.links import Link
from utils.models.personal import Holdings
from utils.models.scope import GuildId, MemberId
from utils.models.servers import CheckStep, WayCheck, WayStep
from utils.models.texts import text
from utils.services.links.proof import PROOF_OBJECTION_TIME

ADMINS_ALONE = "You need Manage Server or this Discord server's admin role for this command."
CHANGED = "This data belongs to someone else now, so I erased nothing. Run the command again."
FORM = {"name": "North", "host": "192.0.2.10", "username": "renter"}


async def wait_for_refusal(reply: Interaction) -> tuple[str, bool]:
    """Return the sentence that follows a question, and whether it is private."""
    await reply.wait_until(lambda one: bool(one.followups))
    told = reply.followups[-1]
    return told.embed["description"], told.is_ephemeral


async def test_form_of_an_admin_who_is_none_any_more_is_refused(
    world: SimulatedDiscord, bot: OwnBot, shelf: Shelf, manager: Member, channel: Channel
) -> None:
    """The admin opened the form in time; the permission at its submission decides."""
    opened = await (await manager.invoke(channel, "/admin server add", **FORM)).wait()
    world.set_roles(manager.membership, [])
    answer = await (await opened.submit_modal({"Password": "x"})).wait()
    assert (answer.embed["description"], answer.is_ephemeral) == (ADMINS_ALONE, True)
    assert len(shelf.servers.servers) == 2
    assert bot.unexpected.reported == []


async def test_confirmation_of_an_admin_who_is_none_any_more_is_refused(
    world: SimulatedDiscord, bot: OwnBot, shelf: Shelf, manager: Member, channel: Channel
) -> None:
    """A question stays for three minutes; the permission at the press decides."""
    asked = await manager.ask(channel, "/admin server remove", server="Mirny")
    world.set_roles(manager.membership, [])
    await asked.click("Remove")
    assert await wait_for_refusal(asked) == (ADMINS_ALONE, True)
    assert len(shelf.servers.servers) == 2
    assert bot.unexpected.reported == []


async def test_erasure_by_an_admin_who_is_none_any_more_is_refused(
    world: SimulatedDiscord, bot: OwnBot, shelf: Shelf, manager: Member, channel: Channel
) -> None:
    """Only an admin may erase data of others, and the permission at the press decides."""
    asked = await manager.ask(channel, "/data erase", player="Spiker")
    world.set_roles(manager.membership, [])
    await asked.click("Erase")
    sentence, is_private = await wait_for_refusal(asked)
    assert ("isn't proven to be yours" in sentence, is_private) == (True, True)
    assert (shelf.erasures.done, bot.unexpected.reported) == ([], [])


@pytest.mark.parametrize(
    ("options", "holdings", "refusal"),
    [
        ({}, Holdings(balance=5), CHANGED),
        ({}, Holdings(), "Nothing to erase"),
        ({"player": "Pike_"}, Holdings(), "isn't proven to be yours"),
    ],
)
async def test_erasure_of_a_player_who_is_anothers_by_now_is_refused(
    world: SimulatedDiscord,
    bot: OwnBot,
    shelf: Shelf,
    guild: Guild,
    alice: Member,
    channel: Channel,
    options: dict[str, str],
    holdings: Holdings,
    refusal: str,
) -> None:
    """An admin linked the player to the real owner while the question was open.

    The player's deaths are not erased.
    """
    guild_id, owner = GuildId(guild.id), world.add_member(guild, "bob")
    own, theirs = [Link(guild_id, MemberId(one.id), PIKE, "Pike_", SEEN) for one in (alice, owner)]
    await shelf.links.put_proven(guild_id, own, at=SEEN - PROOF_OBJECTION_TIME)
    shelf.erasures.holdings = holdings
    asked = await alice.ask(channel, "/data erase", **options)
    await shelf.links.remove(guild_id, own.member_id, [PIKE], at=START)
    proven = await shelf.links.put_proven(guild_id, theirs, at=SEEN)
    await asked.click("Erase")
    sentence, is_private = await wait_for_refusal(asked)
    assert (refusal in sentence, is_private) == (True, True)
    assert (list(shelf.links.links.values()), shelf.erasures.done) == ([proven], [])
    assert (shelf.reporter.reported, bot.unexpected.reported) == ([], [])


async def test_links_are_ended_only_when_all_of_them_were_asked_about(
    bot: OwnBot, shelf: Shelf, guild: Guild, alice: Member, channel: Channel
) -> None:
    """An admin linked another player while the question was open. The new question names all links."""
    guild_id, member_id = GuildId(guild.id), MemberId(alice.id)
    own = [
        Link(guild_id, member_id, player, name, SEEN)
        for player, name in ((PIKE, "Pike_"), (SPIKER, "Spiker"))
    ]
    first = await shelf.links.put_proven(guild_id, own[0], at=SEEN)
    asked = await alice.ask(channel, "/unlink")
    second = await shelf.links.put_proven(guild_id, own[1], at=SEEN)
    await asked.click("Unlink")
    assert await wait_for_refusal(asked) == (
        "Your links have changed, so none was ended. Run the command again.",
        True,
    )
    assert list(shelf.links.links.values()) == [first, second]
    assert (shelf.reporter.reported, bot.unexpected.reported) == ([], [])


async def test_pages_of_an_admin_who_is_none_any_more_are_turned_no_further(
    world: SimulatedDiscord, bot: OwnBot, shelf: Shelf, guild: Guild, manager: Member, channel: Channel
) -> None:
    """Buttons work for minutes after each press; each press checks the permission."""
    for number in range(12):
        entry = AuditEntry(
            SEEN,
            MemberId(manager.id),
            "role",
            AuditFacts(changes=(FieldChange("admin_role_id", None, number),)),
        )
        await shelf.audit.insert_entry(GuildId(guild.id), entry)
    shown = await manager.ask(channel, "/admin audit")
    await (await shown.click("Next")).wait_for_acknowledgement()
    await shown.wait_until(lambda one: one.embed["footer"]["text"].startswith("Page 2"))
    world.set_roles(manager.membership, [])
    pressed = await shown.click("Previous")
    assert await wait_for_refusal(pressed) == (ADMINS_ALONE, True)
    assert shown.embed["footer"]["text"].startswith("Page 2")
    assert (shelf.reporter.reported, bot.unexpected.reported) == ([], [])


async def test_two_admins_who_confirm_one_removal_remove_once(
    world: SimulatedDiscord, bot: OwnBot, shelf: Shelf, guild: Guild, manager: Member, channel: Channel
) -> None:
    """The second admin learns that another one was faster."""
    questions = [
        await member.ask(channel, "/admin server remove", server="Mirny")
        for member in (manager, world.owner_of(guild))
    ]
    await questions[0].click("Remove")
    await questions[0].wait_until(lambda one: "removed" in one.embed["title"])
    await questions[1].click("Remove")
    sentence, is_private = await wait_for_refusal(questions[1])
    assert ("Another admin removed it." in sentence, is_private) == (True, True)
    assert [server.name for server in shelf.servers.servers.values()] == ["Kamensk_*"]
    assert (shelf.reporter.reported, bot.unexpected.reported) == ([], [])


async def test_confirmation_pressed_twice_quickly_counts_once(
    bot: OwnBot, shelf: Shelf, manager: Member, channel: Channel
) -> None:
    """The second press is acknowledged without effect, and no failure is reported."""
    asked = await manager.ask(channel, "/admin server remove", server="Mirny")
    presses = [await asked.click("Remove") for _ in range(2)]
    await asked.wait_until(lambda one: "removed" in one.embed["title"])
    for press in presses:
        await press.wait_for_acknowledgement()
    assert [server.name for server in shelf.servers.servers.values()] == ["Kamensk_*"]
    assert (shelf.reporter.reported, bot.unexpected.reported) == ([], [])


async def test_form_from_before_a_restart_says_so(
    world: SimulatedDiscord,
    shelf: Shelf,
    guild: Guild,
    manager: Member,
    channel: Channel,
    tmp_path: Path,
) -> None:
    """The input of the form is lost, and its sender learns that."""
    assert guild.members

    async with running_bot(OwnBot(shelf, tmp_path), world) as first:
        assert isinstance(first, OwnBot)
        await first.wait_until_registered()
        opened = await (await manager.invoke(channel, "/admin server add", **FORM)).wait()
    async with running_bot(OwnBot(shelf, tmp_path), world):
        answer = await (await opened.submit_modal({"Password": "x"})).wait()
    assert (answer.content, answer.is_ephemeral) == (
        "This form has expired, and nothing was saved. Run the command again.",
        True,
    )
    assert len(shelf.servers.servers) == 2


async def test_buttons_from_before_a_restart_are_answered(
    world: SimulatedDiscord, shelf: Shelf, manager: Member, channel: Channel, tmp_path: Path
) -> None:
    """A failed test of a login has buttons, which end with the process; nothing is stored."""
    connected = CheckStep(WayStep.LOGIN, ok=True, detail=text("Connected"))
    failed = CheckStep(WayStep.FIND_LOGS, ok=False, detail=text("No logs."))
    shelf.secrets.checks = [WayCheck((connected, failed), "ssh-ed25519 AAAA")]
    async with running_bot(OwnBot(shelf, tmp_path), world) as first:
        assert isinstance(first, OwnBot)
        await first.wait_until_registered()
        opened = await (await manager.invoke(channel, "/admin server add", **FORM)).wait()
        shown = await (await opened.submit_modal({"Password": "x"})).wait()
    async with running_bot(OwnBot(shelf, tmp_path), world):
        for button in ("Try again", "Save anyway"):
            pressed = await (await shown.click(button)).wait()
            assert (pressed.answer.content, pressed.is_ephemeral) == (
                "These buttons have expired. Run the command again.",
                True,
            )
    assert len(shelf.servers.servers) == 2
