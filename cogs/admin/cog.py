"""``/admin``: joins the commands of every module of this package."""

from cogs.admin.backups import BackupCommands
from cogs.admin.boards import BoardCommands
from cogs.admin.bounties import MoneyCommands
from cogs.admin.channels import ChannelCommands
from cogs.admin.counters import CounterCommands
from cogs.admin.errors import ErrorCommands
from cogs.admin.factions import FactionCommands
from cogs.admin.groups import ADMIN
from cogs.admin.health import HealthCommands
from cogs.admin.links import LinkCommands
from cogs.admin.recaps import RecapCommands
from cogs.admin.restoring import RestoreCommands
from cogs.admin.server_alerts import AlertButtons
from cogs.admin.server_changes import ServerChangeCommands
from cogs.admin.server_logs import ServerLogCommands
from cogs.admin.servers import ServerCommands
from cogs.admin.settings import SettingsCommands
from cogs.admin.xp import XpCommands
from utils.interactions.guild_cog import GuildCog


class AdminCog(
    ServerCommands,
    ServerChangeCommands,
    ServerLogCommands,
    AlertButtons,
    ChannelCommands,
    CounterCommands,
    SettingsCommands,
    BoardCommands,
    RecapCommands,
    LinkCommands,
    FactionCommands,
    ErrorCommands,
    MoneyCommands,
    BackupCommands,
    RestoreCommands,
    HealthCommands,
    XpCommands,
    GuildCog,
):
    """Settings of a guild; for members with Manage Server or the admin role."""

    admin = ADMIN
