"""Selects and steps below answers: other days, another board, and what another command would answer."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import discord
import pytest

from simulation.discord import Channel, Guild, Interaction, Member, SimulatedDiscord
from simulation.discord.clients import running_bot
from tests.cogs.conftest import PIKE, SEEN, SPIKER, end_views, use_tier
from tests.fakes.clock import START
from tests.fakes.own_bot import OwnBot
from tests.fakes.small_bot import Shelf
from utils.embeds.factory import EmbedFactory
from utils.embeds.notices.recaps import build_sample_recaps
from utils.embeds.players import list_board_buttons
from utils.interactions.views import ENDED, NOT_YOURS
from utils.models.links import Link
from utils.models.notifications import Notifications, Topic
from utils.models.players import BoardRow, Counters
from utils.models.posted_boards import BoardKey
from utils.models.scope import GuildId, MemberId, PlayerId, ServerId
from utils.models.statistics import Board, DayCount, Enemy, HourCount, Period, WeaponRow

DAYS, BOARDS = "Which days", "Which board"


@pytest.fixture(autouse=True)
def _figures(shelf: Shelf, bot: OwnBot) -> None:
    """Give both players figures, days and rivals."""
    assert bot.services
    statistics = shelf.statistics
    statistics.stats[SPIKER,] = replace(statistics.stats[PIKE,], player_id=SPIKER, name="Spiker")
    statistics.days = [DayCount(START.date(), Counters(kills=1))]
    statistics.hours = [HourCount(3, Counters(kills=1))]
    statistics.rows = [
        BoardRow(rank, PlayerId(f"p{rank}"), f"Player {rank}", 50 - rank, Counters()) for rank in range(1, 13)
    ]
    enemies = [Enemy(PlayerId(f"e{number}"), f"Enemy {number}", 20 - number) for number in range(8)]
    shelf.combat.killers[PIKE,] = shelf.combat.killers[SPIKER,] = enemies
    weapons = [WeaponRow(f"W{number}", 50 - number, 0) for number in range(12)]
    shelf.combat.weapons = {(): weapons, (PIKE,): weapons, (SPIKER,): weapons[:1]}


async def link(shelf: Shelf, guild: Guild, member: Member, player: PlayerId, name: str) -> None:
    """Link a member to a player."""
    one = Link(GuildId(guild.id), MemberId(member.id), player, name, SEEN)
    await shelf.links.put_proven(one.guild_id, one, at=SEEN)


def list_shown(reply: Interaction) -> list[str]:
    """Return the labels of buttons and the placeholders of selects."""
    parts = reply.answer.interactive_components
    return [part.get("label") or part["placeholder"] for part in parts]


def find_chosen(reply: Interaction, menu: str) -> list[str]:
    """Return the labels that a select shows as chosen."""
    [select] = [part for part in reply.answer.interactive_components if part.get("placeholder") == menu]
    return [option["label"] for option in select["options"] if option.get("default")]


async def choose(member: Member, reply: Interaction, menu: str, value: str) -> Interaction:
    """Choose in a select, and wait for the answer to be edited."""
    return await (await member.select(reply.answer, menu, value)).wait()


# /stats


async def test_period_of_stats_is_chosen_below_them(alice: Member, channel: Channel, shelf: Shelf) -> None:
    """The answer is built again for the chosen days, with the chart of those days, in the same message."""
    reply = await alice.ask(channel, "/stats", player="Pike_")
    assert find_chosen(reply, DAYS) == ["All time"]
    assert "days.png" in reply.embed["image"]["url"]
    pressed = await choose(alice, reply, DAYS, Period.TODAY.value)
    assert (pressed.embed["description"], find_chosen(pressed, DAYS)) == ("All servers · Today", ["Today"])
    assert "today.png" in pressed.embed["image"]["url"]
    assert len(pressed.answer.attachments) == 1
    assert pressed.answer is reply.answer
    assert shelf.statistics.asked_stats[-1][1] == START.date()


async def test_chart_goes_where_nothing_happened(alice: Member, channel: Channel, shelf: Shelf) -> None:
    """A period without a kill or a death has no picture, and the next one has its own again."""
    reply = await alice.ask(channel, "/stats", player="Pike_")
    shelf.statistics.hours = []
    empty = await choose(alice, reply, DAYS, "today")
    assert (empty.embed.get("image"), empty.answer.attachments) == (None, [])
    again = await choose(alice, reply, DAYS, "7d")
    assert "days.png" in again.embed["image"]["url"]


async def test_steps_of_stats_answer_as_their_commands(
    guild: Guild, alice: Member, channel: Channel, shelf: Shelf
) -> None:
    """Rivals, weapons and the comparison are public answers of their own; the figures stay."""
    await link(shelf, guild, alice, SPIKER, "Spiker")
    reply = await alice.ask(channel, "/stats", player="Pike_")
    assert list_shown(reply) == [DAYS, "Rivals", "Weapons", "Compare with me"]
    titles = {}
    for label in ("Rivals", "Weapons", "Compare with me"):
        pressed = await (await reply.click(label)).wait()
        titles[label] = (pressed.embed["title"], pressed.is_ephemeral)
    assert titles == {
        "Rivals": (r"🩸 Rivals of Pike\_", False),
        "Weapons": (r"🔫 Weapons of Pike\_", False),
        "Compare with me": (r"⚔️ Spiker vs Pike\_", False),
    }
    assert reply.embed["title"] == r"📊 Pike\_"


async def test_steps_of_a_private_answer_are_private(
    world: SimulatedDiscord, guild: Guild, alice: Member, channel: Channel, shelf: Shelf
) -> None:
    """The menu on a member shows nothing to others, and neither do its buttons."""
    bob = world.add_member(guild, "bob")
    await link(shelf, guild, bob, PIKE, "Pike_")
    reply = await alice.ask_on(channel, "Stats", bob)
    assert list_shown(reply) == [DAYS, "Rivals", "Weapons"]
    for label in ("Rivals", "Weapons"):
        assert (await (await reply.click(label)).wait()).is_ephemeral


async def test_own_stats_are_not_compared_with_oneself(
    guild: Guild, alice: Member, channel: Channel, shelf: Shelf
) -> None:
    """Own figures have no comparison, by name or by link, and a player without any has no steps."""
    await link(shelf, guild, alice, PIKE, "Pike_")
    for options in ({}, {"player": "Pike_"}):
        assert list_shown(await alice.ask(channel, "/stats", **options)) == [DAYS, "Rivals", "Weapons"]
    shelf.statistics.stats[SPIKER,] = replace(shelf.statistics.stats[SPIKER,], counters=Counters())
    assert list_shown(await alice.ask(channel, "/stats", player="Spiker")) == [DAYS, "Compare with me"]


async def test_step_of_a_closed_tier_is_refused_like_its_command(
    bot: OwnBot, shelf: Shelf, alice: Member, channel: Channel
) -> None:
    """The tier of the other command decides; the refusal is private, and the figures stay."""
    use_tier(bot, shelf, 0)
    reply = await alice.ask(channel, "/stats", player="Pike_")
    pressed = await reply.click("Rivals")
    await pressed.wait_until(lambda one: bool(one.followups))
    assert (pressed.embed["title"], pressed.is_ephemeral) == ("⭐ Needs tier 2", True)
    assert (reply.embed["title"], bot.unexpected.reported) == (r"📊 Pike\_", [])


async def test_step_to_a_player_who_was_erased_in_between_is_refused(
    bot: OwnBot, guild: Guild, alice: Member, channel: Channel, shelf: Shelf
) -> None:
    """Their data was erased while the buttons worked: every press is refused privately."""
    await link(shelf, guild, alice, SPIKER, "Spiker")
    reply = await alice.ask(channel, "/stats", player=PIKE)
    shelf.statistics.players = [one for one in shelf.statistics.players if one.player_id != PIKE]
    del shelf.statistics.stats[PIKE,]
    bot.services.names.forget_guild(GuildId(guild.id))
    for label in ("Rivals", "Weapons", "Compare with me"):
        pressed = await reply.click(label)
        await pressed.wait_until(lambda one: bool(one.followups))
        assert (pressed.embed["title"], pressed.is_ephemeral) == ("🔎 Not found", True)
    pressed = await alice.select(reply.answer, DAYS, "7d")
    await pressed.wait_until(lambda one: bool(one.followups))
    assert (pressed.followups[0].embed["title"], reply.embed["title"]) == ("🔎 Not found", r"📊 Pike\_")
    assert (shelf.reporter.reported, bot.unexpected.reported) == ([], [])


async def test_controls_belong_to_who_asked(
    world: SimulatedDiscord, guild: Guild, alice: Member, channel: Channel
) -> None:
    """Other members get a private refusal at the select and at the steps."""
    reply = await alice.ask(channel, "/stats", player="Pike_")
    bob = world.add_member(guild, "bob")
    for pressed in (
        await bob.press(reply.answer, "Rivals"),
        await bob.select(reply.answer, DAYS, "7d"),
    ):
        await pressed.wait()
        assert (pressed.content, pressed.is_ephemeral) == (str(NOT_YOURS), True)
    assert reply.embed["description"] == "All servers · All time"


async def test_choice_that_its_time_overtakes_shows_no_live_controls(
    bot: OwnBot, alice: Member, channel: Channel
) -> None:
    """The press came in time and is shown; the controls below it have ended."""
    reply = await alice.ask(channel, "/leaderboard")
    await alice.select(reply.answer, DAYS, "7d")
    await end_views(bot)
    await reply.wait_until(lambda one: "Last 7 days" in one.embed["description"])
    await reply.wait_until(
        lambda one: all(part.get("disabled") for part in one.answer.interactive_components)
    )


async def test_controls_of_before_a_restart_say_so(
    world: SimulatedDiscord, bot: OwnBot, shelf: Shelf, alice: Member, channel: Channel, tmp_path: Path
) -> None:
    """The select of another process is answered privately, and the figures stay."""
    reply = await alice.ask(channel, "/stats", player="Pike_")
    await bot.close()
    async with running_bot(OwnBot(shelf, tmp_path / "next"), world) as successor:
        await successor.wait_until_ready()
        pressed = await (await alice.select(reply.answer, DAYS, "7d")).wait()
    [said] = [text for kind, text in ENDED.items() if kind.name == "component"]
    assert (pressed.content, pressed.is_ephemeral) == (str(said), True)


async def test_chosen_player_is_shown_with_chart_and_controls(
    bot: OwnBot, alice: Member, channel: Channel
) -> None:
    """The answer that replaces a question has its picture, and its own controls work."""
    asked = await alice.ask(channel, "/stats", player="ike")
    await asked.click("Pike_")
    await asked.wait_until(lambda one: one.embed["title"] == r"📊 Pike\_")
    assert "days.png" in asked.embed["image"]["url"]
    later = await choose(alice, asked, DAYS, "today")
    assert (later.answer, len(later.answer.attachments)) == (asked.answer, 1)
    assert "today.png" in later.embed["image"]["url"]
    assert bot.unexpected.reported == []


# /rivals and /weapons


async def test_more_rivals_are_shown_on_demand(bot: OwnBot, alice: Member, channel: Channel) -> None:
    """Five of each stand there at first, and the button goes with its press."""
    reply = await alice.ask(channel, "/rivals", player="Pike_")
    assert (list_shown(reply), reply.embed["fields"][0]["value"].count("\n")) == (["More"], 4)
    await reply.click("More")
    await reply.wait_until(lambda one: one.embed["fields"][0]["value"].count("\n") == 7)
    assert list_shown(reply) == []
    assert [view for view, _ in bot._connection._view_store._views.values() if not view.is_finished()] == []


async def test_each_page_of_weapons_has_its_own_picture(alice: Member, channel: Channel) -> None:
    """The second page draws the second ten, and nothing is listed twice."""
    reply = await alice.ask(channel, "/weapons")
    [first] = reply.answer.attachments
    pressed = await (await reply.click("Next")).wait()
    [second] = pressed.answer.attachments
    assert "W0 50" in str(first.description)
    assert "W10 40" in str(second.description)
    assert "W0 50" not in str(second.description)
    assert pressed.embed["description"].startswith("All servers · All time")


async def test_empty_community_has_no_picture(alice: Member, channel: Channel, shelf: Shelf) -> None:
    """Without a kill there is a sentence, and nothing to press that shows nothing."""
    shelf.combat.weapons.clear()
    shelf.combat.killers.clear()
    shelf.statistics.rows = []
    weapons = await alice.ask(channel, "/weapons")
    assert weapons.embed["description"] == "All servers · All time · no kills yet"
    assert (weapons.answer.attachments, weapons.components) == ([], [])
    rivals = await alice.ask(channel, "/rivals", player="Pike_")
    assert "No one has killed them three times yet." in str(rivals.embed["fields"])
    board = await alice.ask(channel, "/leaderboard")
    assert "This board is still empty." in board.embed["description"]


# /leaderboard


async def test_board_and_period_are_chosen_below_the_board(
    alice: Member, channel: Channel, shelf: Shelf
) -> None:
    """Both choices hold together, and a new choice begins at the first page."""
    reply = await alice.ask(channel, "/leaderboard")
    assert list_shown(reply) == [BOARDS, DAYS, "Previous", "Next"]
    await (await reply.click("Next")).wait()
    chosen = await choose(alice, reply, BOARDS, "kd")
    assert chosen.embed["title"] == "🏆 Best K/D ratio"
    assert chosen.embed["footer"]["text"] == "Page 1 of 2"
    later = await choose(alice, reply, DAYS, "30d")
    assert (find_chosen(later, BOARDS), find_chosen(later, DAYS)) == (["K/D ratio"], ["Last 30 days"])
    assert shelf.statistics.asked[-1][0] == "kd"
    assert shelf.statistics.asked[-1][4] == START.date() - timedelta(days=29)


@pytest.mark.parametrize("board", list(Board))
async def test_every_board_can_be_chosen(alice: Member, channel: Channel, board: Board) -> None:
    """Each board is one of the choices, with a title of its own."""
    reply = await alice.ask(channel, "/leaderboard", board="deaths" if board is Board.KILLS else "kills")
    before = reply.embed["title"]
    chosen = await choose(alice, reply, BOARDS, board.value)
    assert chosen.embed["title"].startswith("🏆 ")
    assert chosen.embed["title"] != before


async def test_board_of_a_closed_tier_is_refused_and_the_shown_one_stays(
    bot: OwnBot, shelf: Shelf, alice: Member, channel: Channel
) -> None:
    """The refusal is private; the next choice still begins from what is shown."""
    use_tier(bot, shelf, 1)
    reply = await alice.ask(channel, "/leaderboard")
    pressed = await alice.select(reply.answer, BOARDS, "bounties")
    await pressed.wait_until(lambda one: bool(one.followups))
    refused = pressed.followups[0]
    assert (refused.embed["title"], refused.is_ephemeral) == ("⭐ Needs tier 2", True)
    assert reply.embed["title"] == "🏆 Most kills"
    later = await choose(alice, reply, DAYS, "7d")
    assert (later.embed["title"], find_chosen(later, BOARDS)) == ("🏆 Most kills", ["Kills"])


# posted boards


async def press_board(
    bot: OwnBot, channel: Channel, member: Member, key: BoardKey, label: str
) -> Interaction:
    """Press a button of a board that an earlier process posted."""
    view = EmbedFactory().build_buttons(list_board_buttons(key))
    embed = discord.Embed(title="A board")
    await bot.get_partial_messageable(channel.id).send(embed=embed, view=view)
    return await (await member.press(channel.messages[-1], label)).wait()


async def test_own_place_is_shown_to_who_pressed(
    bot: OwnBot, guild: Guild, alice: Member, channel: Channel, shelf: Shelf
) -> None:
    """Without a link the answer says how to get one; with one it is the own row."""
    key = BoardKey(GuildId(guild.id), ServerId(""), "kills")
    unlinked = await press_board(bot, channel, alice, key, "My place")
    assert ("haven't linked a player yet" in unlinked.embed["description"], unlinked.is_ephemeral) == (
        True,
        True,
    )
    await link(shelf, guild, alice, PlayerId("p4"), "Player 4")
    await link(shelf, guild, alice, SPIKER, "Spiker")
    shown = await press_board(bot, channel, alice, key, "My place")
    assert shown.is_ephemeral
    assert shown.embed["title"] == "📍 Your place · Kills"
    assert shown.embed["description"].split("\n")[2:] == [
        "`#4` **Player 4** — 46 kills",
        "Not on this board yet: Spiker.",
    ]


async def test_own_place_of_a_recap_is_that_of_its_days(
    bot: OwnBot, guild: Guild, alice: Member, channel: Channel, shelf: Shelf
) -> None:
    """The button below a recap names its days; one that is too old is refused."""
    await link(shelf, guild, alice, PlayerId("p4"), "Player 4")
    answers = []
    for at in (START, START - timedelta(days=90)):
        week = build_sample_recaps(EmbedFactory().style, event_id=b"", server_name="", at=at)
        post = EmbedFactory().build_feed(week)
        await bot.get_partial_messageable(channel.id).send(embeds=list(post.embeds), view=post.buttons)
        answers.append(await (await alice.press(channel.messages[-1], "My place that week")).wait())
    shown, refused = answers
    assert (shown.is_ephemeral, shown.embed["title"]) == (True, "📍 Your place · Kills")
    assert "21 Apr 2025 to 27 Apr 2025" in shown.embed["description"]
    assert "This recap is too old" in refused.embed["description"]


async def test_recap_offers_to_tell_a_member_more(
    bot: OwnBot, guild: Guild, alice: Member, channel: Channel, shelf: Shelf
) -> None:
    """The button shows what ``/notify`` shows, to the member alone, and changes nothing."""
    key = GuildId(guild.id), MemberId(alice.id)
    chosen = shelf.notifications.chosen[key] = Notifications(key[1], frozenset({Topic.LEVEL}), "de")
    week = build_sample_recaps(EmbedFactory().style, event_id=b"", server_name="", at=START)
    post = EmbedFactory().build_feed(week * 2)
    await bot.get_partial_messageable(channel.id).send(embeds=list(post.embeds), view=post.buttons)
    answer = await (await alice.press(channel.messages[-1], "Tell me …")).wait()
    assert (answer.is_ephemeral, answer.embed["title"]) == (True, "📨 Direct messages")
    assert "A new level: **on**\nA role that a rule gives or takes: **off**" in answer.embed["description"]
    assert shelf.notifications.chosen[key] == chosen


async def test_board_is_refreshed_by_a_press(
    bot: OwnBot, guild: Guild, alice: Member, channel: Channel, shelf: Shelf
) -> None:
    """The press reaches the board of its guild, and says when the next one may follow."""
    key = BoardKey(GuildId(guild.id), ServerId("aaaaaaaa"), "weapons")
    answer = await press_board(bot, channel, alice, key, "Refresh")
    assert shelf.boards.refreshed == [key]
    assert (answer.embed["title"], answer.is_ephemeral) == ("✅ Board refreshed", True)
    assert "<t:" in answer.embed["description"]


async def test_place_on_the_board_of_bounties_needs_its_tier(
    bot: OwnBot, guild: Guild, alice: Member, channel: Channel, shelf: Shelf
) -> None:
    """The board stays where it was posted after the tier ended; its button is refused."""
    use_tier(bot, shelf, 1)
    key = BoardKey(GuildId(guild.id), ServerId(""), "bounties")
    answer = await press_board(bot, channel, alice, key, "My place")
    assert answer.embed["title"] == "⭐ Needs tier 2"
