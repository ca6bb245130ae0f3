"""Administration of a guild: its game servers and channels."""

from cogs.admin.cog import AdminCog

setup = AdminCog.setup
