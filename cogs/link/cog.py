"""Joins the commands of every module of this package."""

from cogs.link.data import DATA, DataCommands
from cogs.link.links import LinkCommands
from utils.interactions.guild_cog import GuildCog


class LinkCog(LinkCommands, DataCommands, GuildCog):
    """Lets members say which players they are, and ask for their stored data."""

    data = DATA
