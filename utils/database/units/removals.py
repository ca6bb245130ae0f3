"""Removals: nothing may be written for a game server after it was removed."""

from utils.database.core.transaction import Transaction
from utils.errors import CursorMovedError
from utils.models.scope import ServerScope


def verify_kept(transaction: Transaction, scope: ServerScope) -> None:
    """Refuse to make a cursor of a removed server: a removal deletes all of them.

    Raises:
        CursorMovedError: the server was removed.
    """
    if transaction.of_server("game_servers", scope).find_one({"is_removed": True}) is not None:
        raise CursorMovedError("The game server was removed.")
