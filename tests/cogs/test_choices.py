"""Names that fit several players or servers: a press instead of typing again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from simulation.discord import Channel, Guild, Member, SimulatedDiscord
from simulation.markdown import Reader
from tests.cogs.conftest import PIKE, SPIKER, end_views, use_tier
from tests.fakes.clock import START
from tests.fakes.deaths import build_player_id
from tests.fakes.own_bot import OwnBot
from tests.fakes.small_bot import Shelf
from tests.fakes.storage import build_server
from utils.interactions.choosing import MOST_BUTTONS, MOST_CHOICES
from utils.interactions.views import NOT_YOURS
from utils.models.scope import GuildId

pytestmark = pytest.mark.usefixtures("bot")


async def test_player_is_chosen_instead_of_typed_again(bot: OwnBot, alice: Member, channel: Channel) -> None:
    """A name that fits several players becomes a question, and the answer takes its place."""
    asked = await alice.ask(channel, "/stats", player="ike")
    assert (asked.embed["title"], asked.embed["description"]) == (
        "🔎 Which one?",
        "“ike” fits several players.",
    )
    assert [button["label"] for button in asked.answer.interactive_components] == ["Pike_", "Spiker"]
    await asked.click("Pike_")
    await asked.wait_until(lambda reply: reply.embed["title"] == r"📊 Pike\_")
    assert asked.message is not None
    assert (asked.followups, bot.unexpected.reported) == ([], [])


async def test_both_players_are_chosen_one_after_the_other(
    shelf: Shelf, alice: Member, channel: Channel
) -> None:
    """Each option that fits several is asked about, and the choice goes into that option."""
    shelf.statistics.stats[SPIKER,] = replace(shelf.statistics.stats[PIKE,], player_id=SPIKER, name="Spiker")
    asked = await alice.ask(channel, "/compare", first="ike", second="IKE")
    await asked.click("Spiker")
    await asked.wait_until(lambda reply: "IKE" in str(reply.embeds))
    await asked.click("Pike_")
    await asked.wait_until(lambda reply: reply.embed["title"].startswith("⚔️"))
    assert asked.embed["title"] == r"⚔️ Spiker vs Pike\_"


async def test_choice_of_a_player_who_was_erased_in_between_is_refused(
    bot: OwnBot, shelf: Shelf, alice: Member, channel: Channel
) -> None:
    """A player erased their data while the question was open: it goes, and the refusal is private."""
    asked = await alice.ask(channel, "/stats", player="ike")
    shelf.statistics.stats.clear()
    await asked.click("Pike_")
    await asked.wait_until(lambda reply: bool(reply.followups))
    assert (asked.original_was_deleted, asked.is_ephemeral) == (True, True)
    assert "Pike" in asked.embed["description"]
    assert (shelf.reporter.reported, bot.unexpected.reported) == ([], [])


async def test_choice_after_the_tier_ended_is_refused(
    bot: OwnBot, alice: Member, guild: Guild, shelf: Shelf, channel: Channel
) -> None:
    """A question is open for three minutes, and the tier at the press decides."""
    use_tier(bot, shelf, 0)
    shelf.premium.give(GuildId(guild.id), 4, START + timedelta(minutes=5))
    asked = await alice.ask(channel, "/rivals", player="ike")
    shelf.clock.move(301)
    await asked.click("Pike_")
    await asked.wait_until(lambda reply: bool(reply.followups))
    assert "needs tier 2" in asked.embed["description"]
    assert (asked.is_ephemeral, bot.unexpected.reported) == (True, [])


@pytest.mark.parametrize(("count", "parts"), [(2, 2), (5, 5), (6, 1), (25, 1), (40, 1)])
async def test_choices_fit_a_message_whatever_their_number(
    shelf: Shelf, alice: Member, channel: Channel, count: int, parts: int
) -> None:
    """Up to five are buttons, more are a select of at most 25; long names are cut."""
    first = shelf.statistics.players[0]
    names = [f"Many {number} {'W' * 90}" for number in range(count)]
    shelf.statistics.players = [
        replace(first, player_id=build_player_id(name), name=name, names=(name,)) for name in names
    ]
    shelf.statistics.stats[build_player_id(names[1]),] = replace(shelf.statistics.stats[PIKE,], name="Second")
    asked = await alice.ask(channel, "/stats", player="Many")
    shown = asked.answer.interactive_components
    assert len(shown) == parts
    if count <= MOST_BUTTONS:
        await asked.click(shown[1]["custom_id"])
    else:
        assert len(shown[0]["options"]) == min(count, MOST_CHOICES)
        await alice.select(asked.answer, "Choose one", shown[0]["options"][1]["value"])
    await asked.wait_until(lambda reply: reply.embed["title"] == "📊 Second")


async def test_question_ends_visibly_and_counts_no_longer(
    bot: OwnBot, alice: Member, channel: Channel
) -> None:
    """A question without an answer in time disables its buttons and shows nothing."""
    asked = await alice.ask(channel, "/stats", player="ike")
    await end_views(bot)
    await asked.wait_until(
        lambda reply: all(button["disabled"] for button in reply.answer.interactive_components)
    )
    assert asked.embed["title"] == "🔎 Which one?"


async def test_only_the_asker_chooses(
    world: SimulatedDiscord, guild: Guild, alice: Member, channel: Channel
) -> None:
    """Other members get a private refusal, and the question stays."""
    asked = await alice.ask(channel, "/stats", player="ike")
    pressed = await (await world.add_member(guild, "bob").press(asked.answer, "Pike_")).wait()
    assert (pressed.content, pressed.is_ephemeral) == (str(NOT_YOURS), True)
    assert asked.embed["title"] == "🔎 Which one?"


async def test_choice_of_a_server_goes_into_its_option(
    shelf: Shelf, alice: Member, channel: Channel, guild: Guild
) -> None:
    """A server is chosen like a player."""
    guild_id = GuildId(guild.id)
    twins = [build_server("Mirny", key * 8, guild_id=guild_id) for key in "cd"]
    shelf.servers.servers |= {server.scope: server for server in twins}
    asked = await alice.ask(channel, "/stats", player="Pike_", server="Mirny")
    assert "several game servers" in asked.embed["description"]
    first, *_ = asked.answer.interactive_components
    await asked.click(first["custom_id"])
    await asked.wait_until(lambda reply: reply.embed["title"] == r"📊 Pike\_")


async def test_close_names_are_private_buttons_with_a_public_answer(
    shelf: Shelf, alice: Member, channel: Channel
) -> None:
    """A typing error costs one press, in the option with the error, and only the member sees the question."""
    shelf.statistics.stats[SPIKER,] = replace(shelf.statistics.stats[PIKE,], player_id=SPIKER, name="Spiker")
    asked = await alice.ask(channel, "/compare", first="Spikr", second="Pike_")
    assert (asked.embed["title"], asked.is_ephemeral) == ("🔎 Not found", True)
    assert asked.original_was_deleted
    assert Reader(START).read_plain(asked.embed["description"]) == (
        "No player called “Spikr” yet. Did you mean Spiker, Pike_?"
    )
    pressed = await (await alice.press(asked.answer, "Spiker")).wait()
    assert (pressed.embed["title"], pressed.is_ephemeral) == (r"⚔️ Spiker vs Pike\_", False)
    assert asked.answer.is_deleted


async def test_two_close_names_are_asked_about_one_after_the_other(
    shelf: Shelf, alice: Member, channel: Channel
) -> None:
    """A typing error in each option costs a press each; the second question is private as well."""
    shelf.statistics.stats[SPIKER,] = replace(shelf.statistics.stats[PIKE,], player_id=SPIKER, name="Spiker")
    asked = await alice.ask(channel, "/compare", first="Spikr", second="Pikk_")
    again = await (await alice.press(asked.answer, "Spiker")).wait()
    assert (again.embed["title"], again.is_ephemeral) == ("🔎 Not found", True)
    assert again.original_was_deleted
    answered = await (await alice.press(again.answer, "Pike_")).wait()
    assert (answered.embed["title"], answered.is_ephemeral) == (r"⚔️ Spiker vs Pike\_", False)


async def test_two_presses_on_close_names_at_once_give_one_answer(
    shelf: Shelf, alice: Member, channel: Channel
) -> None:
    """The second press leaves no sign that another answer follows; a later one is told that they ended."""
    asked = await alice.ask(channel, "/stats", player="Spikr")
    first, second = [await alice.press(asked.answer, name) for name in ("Pike_", "Pike_")]
    answered = await first.wait()
    await second.wait_for_acknowledgement()
    await second.wait_until(lambda reply: reply.original_was_deleted or reply.is_ephemeral)
    assert answered.embed["title"] == r"📊 Pike\_"
    assert len(channel.messages) == 1
    assert shelf.reporter.reported == []


async def test_refusal_after_a_close_name_leaves_nothing_public(
    bot: OwnBot, shelf: Shelf, alice: Member, channel: Channel
) -> None:
    """The close player was erased in between: the refusal is private, and no public answer is awaited."""
    asked = await alice.ask(channel, "/stats", player="Spikr")
    shelf.statistics.stats.clear()
    pressed = await alice.press(asked.answer, "Pike_")
    await asked.wait_until(lambda reply: len(reply.followups) == 2)
    await pressed.wait_until(lambda reply: reply.original_was_deleted)
    assert asked.is_ephemeral
    assert channel.messages == []
    assert (shelf.reporter.reported, bot.unexpected.reported) == ([], [])


async def test_close_names_end_like_every_button(bot: OwnBot, alice: Member, channel: Channel) -> None:
    """Without a press in time the buttons are shown as ended."""
    asked = await alice.ask(channel, "/stats", player="Spikr")
    await end_views(bot)
    await asked.wait_until(
        lambda reply: all(button["disabled"] for button in reply.answer.interactive_components)
    )


async def test_name_without_a_close_one_is_refused_in_private(alice: Member, channel: Channel) -> None:
    """Nothing is offered where nothing is close."""
    refused = await alice.ask(channel, "/stats", player="zzz")
    assert (refused.is_ephemeral, refused.answer.interactive_components) == (True, [])
