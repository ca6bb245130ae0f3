"""The commands of every module of this package, joined."""

from cogs.link.data import DATA, DataCommands
from cogs.link.links import LinkCommands
from utils.interactions.guild_cog import GuildCog


class LinkCog(LinkCommands, DataCommands, GuildCog):
    """Lets members say which players they are, and ask for what is stored of them."""

    data = DATA
