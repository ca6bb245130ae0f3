"""Languages at the same moment: each answer is in the language of who reads it, and in no other."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from simulation.discord import Channel, Guild, Member, SimulatedDiscord
from tests.cogs.cases import NEW_SERVER
from tests.fakes.clock import START
from tests.fakes.full_shelf import fill
from tests.fakes.own_bot import OwnBot
from tests.fakes.small_bot import Shelf
from tests.fakes.storage import put_settings
from utils.embeds.factory import EmbedFactory
from utils.localization.catalogue import ENGLISH_CATALOGUE, Catalogue
from utils.localization.languages import Languages
from utils.localization.localizer import Localizer, MarkdownWriter, PlainWriter
from utils.models.locale_uses import name_month
from utils.models.scope import ChannelId, GuildId, MemberId, PlayerId
from utils.models.setup import SET_UP_BUTTON
from utils.models.texts import Text

MARKS = {"de": "①", "es-ES": "②", "fr": "③", "ru": "④"}
ROUNDS = 4


class _Marked(PlainWriter):
    """English in which each sentence begins with the mark of a language."""

    def __init__(self, catalogue: Catalogue, mark: str) -> None:
        super().__init__(catalogue)
        self._mark = mark

    def find_form(self, each: Text) -> str:
        return f"{self._mark}{super().find_form(each)}"


class _MarkedMarkdown(_Marked, MarkdownWriter):
    pass


def build_marked(language: str, mark: str) -> Localizer:
    """Return a language whose sentences are known by their mark."""
    plain, markdown = (kind(ENGLISH_CATALOGUE, mark) for kind in (_Marked, _MarkedMarkdown))
    return Localizer(language, plain=plain, markdown=markdown)


LANGUAGES = Languages(
    Path("nowhere"), {language: build_marked(language, mark) for language, mark in MARKS.items()}
)


def find_marks(payload: object) -> set[str]:
    """Return the marks of all languages in a payload."""
    return set(MARKS.values()) & set(json.dumps(payload, ensure_ascii=False))


@pytest.fixture(name="other")
def _other(world: SimulatedDiscord) -> Guild:
    """A second community, in French."""
    guild = world.create_guild("Communauté")
    guild.locale = "fr"
    return guild


@pytest.fixture(name="shelf")
async def _shelf(guild: Guild, other: Guild, alice: Member, channel: Channel) -> Shelf:
    """The first community has chosen German; Discord's settings say Russian."""
    shelf = Shelf(languages=LANGUAGES)
    for one in (guild, other):
        fill(shelf, GuildId(one.id), MemberId(alice.id), MemberId(1), ChannelId(channel.id))
    await put_settings(shelf.guilds, GuildId(guild.id), language="de")
    guild.locale = "ru"
    return shelf


async def test_two_communities_and_two_members_in_four_languages_at_once(
    bot: OwnBot, world: SimulatedDiscord, guild: Guild, other: Guild, channel: Channel, shelf: Shelf
) -> None:
    """Public answers are in the community's language, private ones in the member's, also at one moment.

    The audit and the logs stay in English.
    """
    assert bot.user
    places = {"de": channel, "fr": world.create_channel(other, "général")}
    members = {
        (place, locale): world.add_member(one.guild or guild, f"{place}{locale[:2]}")
        for place, one in places.items()
        for locale in ("es-ES", "ru")
    }
    for (_, locale), member in members.items():
        member.user.locale = locale
    for _ in range(ROUNDS):
        asked = [
            (place if command == "/season list" else locale, member.ask(places[place], command))
            for (place, locale), member in members.items()
            for command in ("/season list", "/notify")
        ]
        replies = await asyncio.gather(*(reply for _, reply in asked))
        found = [find_marks(reply.answer.embeds) for reply in replies]
        assert found == [{MARKS[language]} for language, _ in asked]
    assert find_marks([str(entry) for entry in shelf.audit.entries]) == set()


async def test_choices_and_forms_are_in_the_language_of_who_types(
    bot: OwnBot, shelf: Shelf, manager: Member, channel: Channel
) -> None:
    """The community's language is another one."""
    assert bot.user
    manager.user.locale = "fr"
    twin = shelf.statistics.players[0]
    shelf.statistics.players = [twin, replace(twin, player_id=PlayerId("f" * 32))]
    offered = await manager.autocomplete(channel, "/stats", "player", twin.name)
    form = (await manager.ask(channel, "/admin server add", **NEW_SERVER)).require_modal()
    shown = [form.title, *form.labels, *(str(choice["name"]) for choice in offered)]
    assert (len(offered), {mark for one in shown for mark in find_marks(one) or "0"}) == (2, {MARKS["fr"]})


async def test_member_without_a_language_of_the_bot_is_answered_in_that_of_the_community(
    bot: OwnBot, alice: Member, channel: Channel, caplog: pytest.LogCaptureFixture
) -> None:
    """That is the one that an admin chose: Discord's own setting is another one here."""
    assert bot.user
    alice.user.locale = "uk"
    for command in ("/notify", "/season list", "/wallet"):
        assert find_marks((await alice.ask(channel, command)).answer.embeds) == {MARKS["de"]}
    refused = await alice.ask(channel, "/stats", player="nobody at all")
    assert find_marks(refused.answer.embeds) == {MARKS["de"]}
    assert find_marks(caplog.messages) == set()


async def test_each_command_and_lasting_press_counts_once_in_the_language_of_its_member(
    bot: OwnBot, world: SimulatedDiscord, shelf: Shelf, guild: Guild, alice: Member, channel: Channel
) -> None:
    """A refused command counts, and so does a language that the bot does not have."""
    alice.user.locale = "uk"
    reply = await alice.ask(channel, "/notify")
    world.events.dispatch("INTERACTION_CREATE", reply.payload, guild=guild)
    await world.settle()
    alice.user.locale = "es-419"
    await alice.ask(channel, "/stats", player="nobody at all")
    buttons = EmbedFactory().build_buttons([SET_UP_BUTTON])
    await bot.get_partial_messageable(channel.id).send("Hello", view=buttons)
    await (await alice.press(channel.messages[-1], "Set up")).wait()
    await bot.services.locale_uses.store_all()
    month = name_month(START)
    assert shelf.guilds.locales == {guild.id: {(month, "uk"): 1, (month, "es-419"): 2}}
