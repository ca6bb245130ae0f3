"""Links of members and players, and the personal data of both."""

from cogs.link.cog import LinkCog

setup = LinkCog.setup
