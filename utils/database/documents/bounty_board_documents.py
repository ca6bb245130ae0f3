"""How the places of the boards of open bounties are stored: one document a guild."""

from utils.database.documents.codec import Codec
from utils.models.message_places import MessagePlace

BOUNTY_BOARDS = Codec(MessagePlace)
