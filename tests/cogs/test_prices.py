"""Prices from a button and from the menu on a member: the form, and what it leads to."""

import pytest

from simulation.discord import Channel, Guild, Interaction, Member, SimulatedDiscord
from tests.cogs.conftest import PIKE, SPIKER
from tests.fakes.own_bot import OwnBot
from tests.fakes.small_bot import Shelf
from utils.embeds.buttons import build_lasting_view
from utils.localization.localizer import ENGLISH_LOCALIZER
from utils.models.lasting_buttons import LastingButton
from utils.models.money import PUT_PRICE
from utils.models.scope import MemberId
from utils.models.texts import text


@pytest.fixture(name="placer")
def _placer(alice: Member, shelf: Shelf) -> Member:
    """A member with a proven player and 5,000 emeralds."""
    shelf.money.data.members[PIKE] = MemberId(alice.id)
    shelf.money.data.balances[MemberId(alice.id)] = 5_000
    return alice


async def open_form(bot: OwnBot, channel: Channel, member: Member) -> Interaction:
    """Press the button of a message that an earlier process posted."""
    view = build_lasting_view([LastingButton(PUT_PRICE, text("Place a bounty"))], ENGLISH_LOCALIZER)
    await bot.get_partial_messageable(channel.id).send("the board", view=view)
    return await (await member.press(channel.messages[-1], "Place a bounty")).wait()


def list_amounts(shelf: Shelf) -> list[int]:
    """Return the amounts of the open bounties."""
    return [bounty.amount for bounty in shelf.money.data.bounties.values()]


@pytest.mark.parametrize(("typed", "amount"), [("1,500", 1500), (" 1 500 💎", 1500), ("100", 100)])
async def test_button_asks_on_whom_and_how_much(
    bot: OwnBot, shelf: Shelf, channel: Channel, placer: Member, typed: str, amount: int
) -> None:
    """The answer is private, because the bounties channel shows it too; thousands may be grouped."""
    form = await open_form(bot, channel, placer)
    sent = await (await form.submit_modal({"Player": "spiker", "Amount in 💎": typed})).wait()
    assert sent.is_ephemeral
    assert f"{amount:,} 💎 on Spiker's head" in sent.embed["description"]
    assert list_amounts(shelf) == [amount]
    assert shelf.money.data.balances[MemberId(placer.id)] == 5_000 - amount


@pytest.mark.parametrize(
    ("player", "amount", "title"),
    [
        ("nobody at all", "500", "🔎 Not found"),
        ("Spiker", "5001", "💎 Not enough emeralds"),
        ("Spiker", "many", "✋ Check that again"),
        ("Spiker", "5", "✋ Check that again"),
    ],
)
async def test_form_is_checked_like_the_command(
    bot: OwnBot, shelf: Shelf, channel: Channel, placer: Member, player: str, amount: str, title: str
) -> None:
    """A refusal is private and takes no money."""
    form = await open_form(bot, channel, placer)
    sent = await (await form.submit_modal({"Player": player, "Amount in 💎": amount})).wait()
    assert (sent.is_ephemeral, sent.embed["title"]) == (True, title)
    assert (list_amounts(shelf), shelf.money.data.balances[MemberId(placer.id)]) == ([], 5_000)


async def test_server_is_chosen_after_the_form_on_a_member(
    world: SimulatedDiscord, bot: OwnBot, shelf: Shelf, guild: Guild, channel: Channel, alice: Member
) -> None:
    """The member's player is on two servers; the answer takes the place of the question."""
    bob = world.add_member(guild, "bob")
    shelf.money.data.members = {SPIKER: MemberId(alice.id), PIKE: MemberId(bob.id)}
    shelf.money.data.balances[MemberId(alice.id)] = 1_000
    form = await alice.ask_on(channel, "Put a price on", bob)
    sent = await (await form.submit_modal({"Amount in 💎": "700"})).wait()
    await sent.click("Mirny")
    await sent.wait_until(lambda one: "Bounty placed" in one.embed["title"])
    assert (list_amounts(shelf), shelf.money.data.balances[MemberId(alice.id)]) == ([700], 300)
    assert (shelf.reporter.reported, bot.unexpected.reported) == ([], [])


async def test_bot_has_no_price(
    bot: OwnBot, shelf: Shelf, guild: Guild, channel: Channel, placer: Member
) -> None:
    """The menu on a bot answers with a sentence and opens no form."""
    answer = await placer.ask_on(channel, "Put a price on", guild.bot.user)
    assert (answer.is_ephemeral, answer.modal) == (True, None)
    assert (shelf.reporter.reported, bot.unexpected.reported) == ([], [])
