"""The restarts of game servers that were announced."""

from utils.database.core.transaction import Transaction
from utils.database.repositories.repository import FencedRepository
from utils.database.units.outbox_entries import append_entries
from utils.models.notices.restarts import RestartNotice
from utils.models.scope import ServerScope


class RestartWarningRepository(FencedRepository):
    """Notes of each server which restart was announced last, with the notice about it."""

    async def announce(self, scope: ServerScope, notice: RestartNotice) -> bool:
        """Store a notice in the outbox, unless its restart was announced before; tell whether it is new."""
        unknown = {"is_removed": {"$ne": True}, "warned_restart": {"$ne": notice.restart_at}}

        def store(transaction: Transaction) -> bool:
            servers = transaction.of_server("game_servers", scope)
            if not servers.update_one(unknown, {"$set": {"warned_restart": notice.restart_at}}):
                return False
            append_entries(transaction, scope, [notice], created_at=notice.at)
            return True

        return await self._in_transaction(scope.guild_id, store)
