"""Version 2: menu respawns are not posted, unless an admin of the game server chose what is posted.

Before, everything was posted at first. A choice is visible: a class of death is switched off, or the audit
holds a change of them for a server of that name. Such a server keeps what it has.
"""

from utils.database.core.database import Fence, SafeDatabase
from utils.database.core.transaction import Transaction
from utils.database.migrations.each_guild import change_each_guild
from utils.models.audit import AuditAction
from utils.models.deaths import DeathKind
from utils.models.scope import GuildId


async def silence_respawns(database: SafeDatabase, fence: Fence) -> None:
    """Silence menu respawns of every game server that nobody chose anything for."""
    await change_each_guild(database, fence, _silence)


def _silence(transaction: Transaction, *, guild_id: GuildId) -> None:
    changes = transaction.of_guild("audit", guild_id).find(
        {"action": AuditAction.SERVER_ANNOUNCE.value}, projection={"facts.server_name": 1}, hint="action"
    )
    chosen = {change["facts"]["server_name"] for change in changes}
    servers = transaction.of_guild("game_servers", guild_id)
    for server in servers.find({"silenced": []}, hint="server"):
        if server["name"] not in chosen:
            silence = {"$addToSet": {"silenced": DeathKind.MENU.value}}
            servers.update_one({"server_id": server["server_id"]}, silence)
