"""Deaths of a backup that the database lacks, found in the child process: each of them proves itself."""

from base64 import b64decode, b64encode
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from utils.backup.archive import read_archive
from utils.backup.checking import read_documents
from utils.backup.steps import Steps
from utils.clock import SystemClock
from utils.database.process.blocking_client import open_operations
from utils.database.verification.stored_whole import StoredWhole, read_raw_death, read_raw_key
from utils.models.backups import BackupProgress, BackupStep
from utils.models.scope import ERASED_PLAYER_ID, GuildId, ServerId, ServerScope
from utils.models.verification import ArchivedDeaths
from utils.services.ingestion.fingerprint import SERVER_ID_BYTES, build_scope_prefix
from utils.services.ingestion.generation import COUNTED_ROWS
from utils.services.verification.recount import denies_id

DEATHS_JOB = "deaths"
MOST_RESTORED = 1_000
"""The most deaths that are restored at once; more of them are a person's decision."""

PREFIX_BYTES = 8 + SERVER_ID_BYTES


def find_deaths_in_child(order: Mapping[str, Any]) -> Steps[Mapping[str, Any]]:
    """Do the job of ``FullCheck.find_deaths`` in its child process."""
    archive = read_archive(Path(order["archive"]))
    with open_operations(order["uri"], order["database"], clock=SystemClock()) as operations:
        stored = StoredWhole(operations)
        right = {build_scope_prefix(one): _list_right(stored, one) for one in load_scopes(order["scopes"])}
    progress = BackupProgress(BackupStep.VERIFYING, "kills")
    found: dict[bytes, list[bytes]] = {}
    facts = archive.manifest.collections.get("kills")
    for documents, _ in read_documents(archive, facts) if facts and right else ():
        for raw in documents:
            key = read_raw_key(raw)
            prefix = key[:PREFIX_BYTES]
            if prefix in right and key not in right[prefix] and _proves_itself(raw, prefix):
                found.setdefault(prefix, []).append(raw)
        yield progress
    return dump_deaths(found)


def _list_right(stored: StoredWhole, scope: ServerScope) -> frozenset[bytes]:
    """Return the ids of the stored deaths of a game server that can be read and do not deny their id."""
    prefix = build_scope_prefix(scope)
    return frozenset(
        death.id
        for piece in stored.iterate_deaths(scope, batch=COUNTED_ROWS)
        for death in piece.deaths
        if not denies_id(death, prefix)
    )


def _proves_itself(raw: bytes, prefix: bytes) -> bool:
    death = read_raw_death(raw)
    if death is None or ERASED_PLAYER_ID in (death.row.killer_id, death.row.victim_id):
        return False
    return not denies_id(death, prefix)


def dump_scopes(scopes: Collection[ServerScope]) -> list[tuple[int, str]]:
    """Return game servers as JSON."""
    return [(int(one.guild_id), str(one.server_id)) for one in scopes]


def load_scopes(dumped: Sequence[tuple[int, str]]) -> list[ServerScope]:
    """Return the game servers of ``dump_scopes``."""
    return [ServerScope(GuildId(guild), ServerId(server)) for guild, server in dumped]


def dump_deaths(found: Mapping[bytes, Sequence[bytes]]) -> dict[str, Any]:
    """Return the first deaths by the prefix of their server as JSON."""
    left, servers = MOST_RESTORED, []
    for prefix, documents in found.items():
        guild = int.from_bytes(prefix[:8], "big")
        server = prefix[8:].rstrip(b"\0").decode("ascii")
        servers.append((guild, server, [b64encode(raw).decode() for raw in documents[:left]]))
        left -= min(left, len(documents))
    return {"servers": servers, "is_cut": sum(map(len, found.values())) > MOST_RESTORED}


def load_deaths(dumped: Mapping[str, Any]) -> ArchivedDeaths:
    """Return the deaths of ``dump_deaths``."""
    documents = {
        ServerScope(GuildId(guild), ServerId(server)): [b64decode(one) for one in encoded]
        for guild, server, encoded in dumped["servers"]
    }
    return ArchivedDeaths(documents, dumped["is_cut"])
