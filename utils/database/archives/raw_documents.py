"""Raw documents: a stream of BSON, taken apart by the length that each document begins with."""

from collections.abc import Iterable
from struct import Struct

from bson.raw_bson import RawBSONDocument

from utils.errors import ArchiveRefusedError
from utils.models.scope import GuildId
from utils.models.texts import text

SMALLEST_BYTES = 5  # an empty document: its length and a zero
LARGEST_BYTES = 16 * 1024 * 1024 + 16 * 1024  # what mongod stores at most

_LENGTH = Struct("<i")


class DocumentSplitter:
    """Cuts a stream into its documents; a piece may end anywhere within one."""

    def __init__(self) -> None:
        self._rest = b""

    @property
    def is_empty(self) -> bool:
        """Tell whether the stream ended with a whole document."""
        return not self._rest

    def feed(self, piece: bytes) -> list[bytes]:
        """Return the documents that are whole by now.

        Raises:
            ArchiveRefusedError: it is no stream of documents.
        """
        stream = self._rest + piece if self._rest else piece
        found = []
        offset, end = 0, len(stream)
        while end - offset >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(stream, offset)
            if not SMALLEST_BYTES <= length <= LARGEST_BYTES:
                raise ArchiveRefusedError(text("The data isn't a list of stored documents."))
            if offset + length > end:
                break
            found.append(stream[offset : offset + length])
            offset += length
        self._rest = stream[offset:]
        return found


def choose_of_guild(documents: Iterable[bytes], guild_id: GuildId) -> list[bytes]:
    """Return the documents that belong to a guild."""
    return [one for one in documents if RawBSONDocument(one).get("guild_id") == guild_id]


def count_documents(piece: bytes) -> int:
    """Return the number of documents in a piece that holds whole ones, as MongoDB sends them."""
    offset = found = 0
    while offset < len(piece):
        offset += _LENGTH.unpack_from(piece, offset)[0]
        found += 1
    return found
