"""Posted boards of guilds."""

from dataclasses import asdict
from typing import Any

from utils.database.core.blocking import Replacement
from utils.database.core.scoped import ScopedCollection
from utils.database.core.transaction import Transaction
from utils.database.documents.board_documents import build_board_document, read_board
from utils.database.repositories.repository import Repository
from utils.database.units.audit_unit import insert_entry
from utils.models.audit import AuditEntry
from utils.models.message_places import MessagePlace
from utils.models.posted_boards import BoardKey, PostedBoard
from utils.models.scope import GuildId


class PostedBoardRepository(Repository):
    """The posted boards of guilds, and their places."""

    async def list_boards(self, guild_id: GuildId) -> tuple[PostedBoard, ...]:
        """Return a guild's boards, by server and board."""
        found = await self._of(guild_id).find({}, sort=[("server_id", 1), ("board", 1)], hint="board")
        return tuple(read_board(guild_id, document) for document in found)

    async def find_board(self, key: BoardKey) -> PostedBoard | None:
        """Return one board; None if it is not posted."""
        found = await self._of(key.guild_id).find_one(_select(key))
        return None if found is None else read_board(key.guild_id, found)

    async def insert_board(self, key: BoardKey, *, entry: AuditEntry | None = None) -> None:
        """Store a new board that is not posted yet, and the entry of the audit, all or nothing."""
        document = build_board_document(PostedBoard(key))

        def insert(transaction: Transaction) -> None:
            boards = transaction.of_guild("boards", key.guild_id)
            boards.bulk_write([Replacement(_select(key), document)])
            insert_entry(transaction, key.guild_id, entry)

        await self._database.in_transaction(insert)

    async def save_place(self, key: BoardKey, place: MessagePlace) -> bool:
        """Write the place of a board; tell whether the board still exists. A removed board stays removed."""
        return await self._of(key.guild_id).update_one(_select(key), {"$set": asdict(place)})

    async def set_paused(self, key: BoardKey, *, is_paused: bool) -> None:
        """Note that a board is paused, or goes on."""
        await self._of(key.guild_id).update_one(_select(key), {"$set": {"is_paused": is_paused}})

    async def delete_board(self, key: BoardKey, *, entry: AuditEntry | None = None) -> None:
        """Delete a board, and store the entry of the audit, all or nothing."""

        def delete(transaction: Transaction) -> None:
            transaction.of_guild("boards", key.guild_id).delete(_select(key))
            insert_entry(transaction, key.guild_id, entry)

        await self._database.in_transaction(delete)

    def _of(self, guild_id: GuildId) -> ScopedCollection:
        return self._of_guild("boards", guild_id)


def _select(key: BoardKey) -> dict[str, Any]:
    return {"server_id": key.server_id, "board": key.board}
