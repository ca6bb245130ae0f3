"""How posted boards are stored."""

from typing import Any

from utils.models.posted_boards import PostedBoard
from utils.models.scope import ChannelId, GuildId, ServerId

Document = dict[str, Any]


def build_board_document(board: PostedBoard) -> Document:
    """Return a posted board as it is stored; an empty server id stands for all servers."""
    return {
        "server_id": board.server_id,
        "board": board.board,
        "channel_id": board.channel_id,
        "message_id": board.message_id,
        "nonce": board.nonce,
        "first_tried_at": board.first_tried_at,
        "digest": board.digest,
        "is_paused": board.is_paused,
    }


def read_board(guild_id: GuildId, document: Document) -> PostedBoard:
    """Return the board of a stored document."""
    channel_id = document["channel_id"]
    return PostedBoard(
        guild_id=guild_id,
        server_id=ServerId(document["server_id"]),
        board=document["board"],
        channel_id=None if channel_id is None else ChannelId(channel_id),
        message_id=document["message_id"],
        nonce=document["nonce"],
        first_tried_at=document["first_tried_at"],
        digest=document["digest"],
        is_paused=document["is_paused"],
    )
