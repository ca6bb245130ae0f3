"""``/admin``: the commands of every module of this package, joined."""

from cogs.admin.channels import ChannelCommands
from cogs.admin.groups import ADMIN
from cogs.admin.servers import ServerCommands
from utils.interactions.access import GuildCog


class AdminCog(
    ServerCommands,
    ChannelCommands,
    GuildCog,
):
    """Settings of a guild; for members with Manage Server or the admin role."""

    admin = ADMIN
