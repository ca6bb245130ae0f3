"""How posted boards are stored."""

from dataclasses import asdict, fields
from typing import Any

from utils.models.message_places import MessagePlace
from utils.models.posted_boards import BoardKey, PostedBoard
from utils.models.scope import GuildId, ServerId

Document = dict[str, Any]

_PLACE_FIELDS = tuple(field.name for field in fields(MessagePlace))


def build_board_document(posted: PostedBoard) -> Document:
    """Return the document of a posted board; an empty server id means all servers."""
    key = {"server_id": posted.key.server_id, "board": posted.key.board}
    return {**key, **asdict(posted.place), "is_paused": posted.is_paused}


def read_board(guild_id: GuildId, document: Document) -> PostedBoard:
    """Return the board of a stored document."""
    key = BoardKey(guild_id, ServerId(document["server_id"]), document["board"])
    place = MessagePlace(**{name: document[name] for name in _PLACE_FIELDS})
    return PostedBoard(key, place, is_paused=document["is_paused"])
