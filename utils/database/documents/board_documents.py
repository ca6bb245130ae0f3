"""How posted boards are stored."""

from utils.database.documents.codec import Codec, Document
from utils.models.message_places import MessagePlace
from utils.models.posted_boards import BoardKey, PostedBoard
from utils.models.scope import GuildId, ServerId

PLACES = Codec(MessagePlace)


def build_board_document(posted: PostedBoard) -> Document:
    """Return the document of a posted board; an empty server id means all servers."""
    key = {"server_id": posted.key.server_id, "board": posted.key.board}
    return {**key, **PLACES.build(posted.place), "is_paused": posted.is_paused}


def read_board(guild_id: GuildId, document: Document) -> PostedBoard:
    """Return the board of a stored document."""
    key = BoardKey(guild_id, ServerId(document["server_id"]), document["board"])
    return PostedBoard(key, PLACES.read(document), is_paused=document["is_paused"])
