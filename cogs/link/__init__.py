"""Who is who, and what is stored of whom: links of members and players, and the data of both."""

from cogs.link.cog import LinkCog

setup = LinkCog.setup
