"""Keys: the common prefix of the ``_id``s of one server's deaths.

A death's ``_id`` is guild (8 bytes, big-endian), server (8 ASCII bytes, a shorter id padded with zeros),
seconds of the time as written (6 bytes, big-endian) and a digest (10 bytes), so that they sort by guild,
server and time.
"""

from datetime import date

from utils.errors import ScopeViolationError
from utils.models.scope import ServerScope

KEY_BYTES = 32
SERVER_ID_BYTES = 8
TIME_BYTES = 6
SECONDS_OF_A_DAY = 86_400
_EPOCH = date(1970, 1, 1)


def build_key_prefix(scope: ServerScope) -> bytes:
    """Return the 16 bytes that every ``_id`` of the server's deaths begins with.

    Raises:
        ScopeViolationError: the server's id does not fit.
    """
    if not scope.server_id.isascii() or len(scope.server_id) > SERVER_ID_BYTES:
        raise ScopeViolationError(f"A server's id has at most 8 ASCII characters, not “{scope.server_id}”.")
    server = scope.server_id.encode("ascii").ljust(SERVER_ID_BYTES, b"\x00")
    return int(scope.guild_id).to_bytes(8, "big") + server


def build_key_range(scope: ServerScope) -> tuple[bytes, bytes]:
    """Return the lowest and the highest ``_id`` that a death of the server can have."""
    prefix = build_key_prefix(scope)
    return prefix.ljust(KEY_BYTES, b"\x00"), prefix.ljust(KEY_BYTES, b"\xff")


def build_key_since(scope: ServerScope, day: date) -> bytes:
    """Return the lowest ``_id`` that a death of the server written on a day can have."""
    seconds = max((day - _EPOCH).days * SECONDS_OF_A_DAY, 0)
    return (build_key_prefix(scope) + seconds.to_bytes(TIME_BYTES, "big")).ljust(KEY_BYTES, b"\x00")
