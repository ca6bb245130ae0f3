"""Ids of deaths and of sessions: what the same lines of the same server tell always has the same id."""

from datetime import datetime
from hashlib import blake2b

from utils.models.deaths import DeathRow
from utils.models.scope import ServerScope

SERVER_ID_BYTES = 8
TIME_BYTES = 6
DIGEST_BYTES = 10
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - times as written carry no zone


def build_scope_prefix(scope: ServerScope) -> bytes:
    """Return the 16 bytes with which every death id of a server begins."""
    return scope.guild_id.to_bytes(8, "big") + scope.server_id.encode("ascii").ljust(SERVER_ID_BYTES, b"\0")


def compute_death_id(prefix: bytes, row: DeathRow) -> bytes:
    """Return the 32-byte id of a death: scope, time as written, digest of the row's text.

    The time comes before the digest, so the deaths of a day are together in the index of ``_id``. Names and
    platforms are left out, because they do not tell deaths apart.
    """
    since = row.written_at - _EPOCH
    seconds = since.days * 86_400 + since.seconds
    text = f"{seconds};{row.killer_id or ''};{row.victim_id};{row.weapon};{row.distance}"
    return build_id(prefix, seconds, text)


def build_id(prefix: bytes, seconds: int, text: str) -> bytes:
    """Return 32 bytes: a scope, seconds since 1970 (0 before it), and the digest of a text in that scope."""
    digest = blake2b(prefix + text.encode(), digest_size=DIGEST_BYTES).digest()
    return prefix + max(seconds, 0).to_bytes(TIME_BYTES, "big") + digest
