"""Who is who, and what is stored of whom: links of members and players, and the data of both."""

import discord

from cogs.link.cog import LinkCog
from utils.interactions.services import Services


def setup(bot: discord.Bot) -> None:
    """Add the cog."""
    services: Services = bot.services  # type: ignore[attr-defined]
    bot.add_cog(LinkCog(services))
