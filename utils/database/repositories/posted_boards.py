"""Posted boards of guilds."""

from utils.database.core.blocking import Replacement
from utils.database.core.database import SafeDatabase
from utils.database.core.scoped import ScopedCollection
from utils.database.documents.board_documents import build_board_document, read_board
from utils.models.posted_boards import PostedBoard
from utils.models.scope import GuildId, ServerId


class PostedBoardRepository:
    """Which boards a guild has posted, and where."""

    def __init__(self, database: SafeDatabase) -> None:
        self._database = database

    async def list_boards(self, guild_id: GuildId) -> tuple[PostedBoard, ...]:
        """Return a guild's boards, by server and board."""
        found = await self._of(guild_id).find({}, sort=[("server_id", 1), ("board", 1)], hint="board")
        return tuple(read_board(guild_id, document) for document in found)

    async def find_board(self, guild_id: GuildId, server_id: ServerId, board: str) -> PostedBoard | None:
        """Return one board; None when it is not posted."""
        found = await self._of(guild_id).find_one({"server_id": server_id, "board": board})
        return None if found is None else read_board(guild_id, found)

    async def insert_board(self, guild_id: GuildId, board: PostedBoard) -> None:
        """Store a new board, or write one anew that is there."""
        key = {"server_id": board.server_id, "board": board.board}
        await self._of(guild_id).bulk_write([Replacement(key, build_board_document(board))])

    async def replace_board(self, guild_id: GuildId, board: PostedBoard) -> bool:
        """Write a changed board; tell whether it is still there. One that was removed stays removed."""
        key = {"server_id": board.server_id, "board": board.board}
        fields = build_board_document(board)
        update = {name: fields[name] for name in fields.keys() - key.keys()}
        return await self._of(guild_id).update_one(key, {"$set": update})

    async def delete_board(self, guild_id: GuildId, server_id: ServerId, board: str) -> None:
        """Forget a board."""
        await self._of(guild_id).delete({"server_id": server_id, "board": board})

    def _of(self, guild_id: GuildId) -> ScopedCollection:
        return ScopedCollection.of_guild(self._database, "boards", guild_id)
