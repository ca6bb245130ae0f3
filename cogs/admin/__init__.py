"""Administration of a guild: its game servers and channels."""

import discord

from cogs.admin.cog import AdminCog
from utils.interactions.services import Services


def setup(bot: discord.Bot) -> None:
    """Add the cog."""
    services: Services = bot.services  # type: ignore[attr-defined]
    bot.add_cog(AdminCog(services))
