"""Removals: what is written for a game server must not come after it was removed."""

from utils.database.core.database import SafeDatabase
from utils.database.core.scoped import ScopedCollection
from utils.database.core.sessions import Session
from utils.errors import CursorMovedError
from utils.models.scope import ServerScope


async def verify_kept(database: SafeDatabase, scope: ServerScope, *, session: Session) -> None:
    """Refuse to make a cursor of a removed server: a removal takes all of them away.

    Raises:
        CursorMovedError: the server was removed.
    """
    servers = ScopedCollection.of_server(database, "game_servers", scope)
    if await servers.find_one({"is_removed": True}, session=session) is not None:
        raise CursorMovedError("The game server was removed.")
