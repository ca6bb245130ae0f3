"""The language of a guild: chosen, else Discord's, else English."""

import pytest
from discord.ext import commands

from simulation.discord import Guild, SimulatedDiscord
from simulation.discord.clients import running_bot
from tests.fakes.clock import FakeClock
from tests.fakes.pseudo_language import LANGUAGE, LANGUAGES
from tests.fakes.storage import FakeGuildStore, FakeServerStore, put_settings
from utils.delivery.languages import GuildLanguages
from utils.embeds.factory import EmbedFactory
from utils.models.scope import GuildId
from utils.services.guilds.guild_settings import SettingsService


@pytest.mark.parametrize(
    ("chosen", "in_discord", "expected"),
    [
        (None, "en-US", "en"),
        (None, "uk", "en"),
        (None, LANGUAGE, LANGUAGE),
        ("en", LANGUAGE, "en"),
        (LANGUAGE, "uk", LANGUAGE),
        ("xx", LANGUAGE, LANGUAGE),
    ],
)
async def test_language_of_a_guild(
    world: SimulatedDiscord,
    guild: Guild,
    bot: commands.Bot,
    clock: FakeClock,
    chosen: str | None,
    in_discord: str,
    expected: str,
) -> None:
    """A language that the bot has no more is like none."""
    guild.locale = in_discord
    guild_id, store = GuildId(guild.id), FakeGuildStore()
    await put_settings(store, guild_id, language=chosen)
    settings = SettingsService(store, FakeServerStore(), clock=clock)
    async with running_bot(bot, world):
        await bot.wait_until_ready()
        languages = GuildLanguages(bot, EmbedFactory(languages=LANGUAGES), settings)
        assert await languages.find_language(guild_id) == expected
        assert (await languages.speak(guild_id)).words.language == expected
