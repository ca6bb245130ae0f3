"""The answer of ``/admin language``."""

import discord

from utils.embeds.replies import build_success_embed
from utils.embeds.style import Style
from utils.models.languages import LanguageOverview
from utils.models.texts import text


def build_language_embed(style: Style, overview: LanguageOverview, *, is_saved: bool) -> discord.Embed:
    """Return language and time zone; ``is_saved``: after a change, not only asked for."""
    saved = text("Language and time zone saved")
    embed = build_success_embed(style, saved) if is_saved else style.build(text("Language"), mark="🌐")
    style.add_field(embed, text("Language"), overview.describe())
    return style.add_field(embed, text("Time zone"), overview.timezone)
