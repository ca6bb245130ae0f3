"""The manifest of a backup, format 1: what is in it, and the sums by which it is known again.

``docs/BACKUP.md`` documents the format. A manifest that was changed by hand does not fit ``SHA256SUMS`` any
more; one of another format is refused by name.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from utils.errors import ArchiveRefusedError
from utils.models.backups import BackupReason
from utils.models.scope import GuildId, ServerId, ServerScope
from utils.models.texts import Number, text
from utils.models.verification import DeathCounts, KeptCommunities

FORMAT = 1
PREFIX = "killfeed"
FILE_ENDING = ".bson.zst"

_TIME = "%Y%m%dT%H%M%SZ"
_REASONS = "|".join(reason.value for reason in BackupReason)
ID_PATTERN = re.compile(rf"{PREFIX}-\d{{8}}T\d{{6}}Z-(?:{_REASONS})-[0-9a-f]{{4}}")


@dataclass(frozen=True, slots=True)
class CollectionFacts:
    """The part of one collection in an archive.

    Attributes:
        file: the name of its file.
        documents: their number.
        raw_bytes: their size, not compressed.
        file_bytes: the size of the file.
        sha256: of the file.
        content_sha256: of the documents in the order of their ``_id``, as they are stored.
    """

    file: str
    documents: int
    raw_bytes: int
    file_bytes: int
    sha256: str
    content_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The content of a backup, and its moment.

    Attributes:
        database: the name of the database it was taken from.
        data_version: the version of the data.
        upgraded_from: the version before, if an upgrade had been cut off; else None.
        cluster_time: the moment of the data, as seconds and a number within the second.
        lease_tokens: the token of each lease, by the lease's id.
        key_check: 8 bytes as hex, by which the secret key of the logins is known; None without a key.
        guilds: the number of documents by guild and collection.
        servers: the number of deaths by guild and game server; empty in older backups.
    """

    id: str
    reason: BackupReason
    database: str
    data_version: int
    upgraded_from: int | None
    bot_version: str
    mongodb_version: str
    cluster_time: tuple[int, int]
    started_at: datetime
    finished_at: datetime
    lease_tokens: Mapping[str, int]
    key_check: str | None
    collections: Mapping[str, CollectionFacts]
    guilds: Mapping[str, Mapping[str, int]]
    servers: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def moment(self) -> datetime:
        """The moment of the data by MongoDB's clock, in whole seconds."""
        return datetime.fromtimestamp(self.cluster_time[0], UTC)

    @property
    def file_bytes(self) -> int:
        """The size of all files of collections."""
        return sum(facts.file_bytes for facts in self.collections.values())

    @property
    def documents(self) -> int:
        """The number of all documents."""
        return sum(facts.documents for facts in self.collections.values())

    @property
    def deaths(self) -> int:
        """The number of deaths."""
        return self.collections["kills"].documents if "kills" in self.collections else 0

    @property
    def deaths_by_server(self) -> DeathCounts:
        """The number of deaths of each game server."""
        return {
            ServerScope(GuildId(int(guild_id)), ServerId(server_id)): deaths
            for guild_id, servers in self.servers.items()
            for server_id, deaths in servers.items()
        }

    @property
    def communities(self) -> KeptCommunities:
        """The communities, with the number of their game servers."""
        servers = {GuildId(int(one)): counts.get("game_servers", 0) for one, counts in self.guilds.items()}
        settings = frozenset(GuildId(int(one)) for one, counts in self.guilds.items() if "guilds" in counts)
        return KeptCommunities(self.moment, settings, servers)

    def dump(self) -> bytes:
        """Return it as JSON."""
        fields = asdict(self)
        fields["started_at"] = write_time(self.started_at)
        fields["finished_at"] = write_time(self.finished_at)
        return dump_json(dict(sorted(fields.items())))


def dump_json(fields: Mapping[str, Any]) -> bytes:
    """Return fields as JSON for people and programs."""
    return json.dumps(fields, indent=1, ensure_ascii=False).encode() + b"\n"


def build_id(started_at: datetime, reason: BackupReason, drawn: str) -> str:
    """Return the id of a backup; ``drawn`` are 4 hex digits."""
    return f"{PREFIX}-{started_at.astimezone(UTC):{_TIME}}-{reason}-{drawn}"


def write_time(moment: datetime) -> str:
    """Return a moment as it stands in the files of a backup."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def parse_manifest(content: bytes, *, name: str) -> Manifest:
    """Read a manifest.

    Args:
        content: the file.
        name: the name of the backup's folder, which must be its id.

    Raises:
        ArchiveRefusedError: it is damaged, of another format, or of another backup.
    """
    try:
        fields = json.loads(content)
        version = fields["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise _refuse_manifest(name) from error
    if version != FORMAT:
        raise ArchiveRefusedError(
            text(
                "The backup {id} has format {format} and this bot knows format {known}. Update the bot.",
                id=name,
                format=str(version),
                known=Number(FORMAT),
            )
        )
    try:
        manifest = _read(fields)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _refuse_manifest(name) from error
    if manifest.id != name or not ID_PATTERN.fullmatch(name):
        raise ArchiveRefusedError(
            text("The folder {id} holds the backup {other}. Rename it.", id=name, other=manifest.id)
        )
    return manifest


def _refuse_manifest(name: str) -> ArchiveRefusedError:
    return ArchiveRefusedError(text("The manifest of the backup {id} is damaged.", id=name))


def _read(fields: dict[str, Any]) -> Manifest:
    collections = {name: CollectionFacts(**facts) for name, facts in fields["collections"].items()}
    for name, facts in collections.items():
        if facts.file != f"{name}{FILE_ENDING}" or not re.fullmatch(r"\w+", name):
            raise ValueError(name)  # a file is never looked for anywhere else
    seconds, increment = fields["cluster_time"]
    known = {
        **fields,
        "reason": BackupReason(fields["reason"]),
        "cluster_time": (int(seconds), int(increment)),
        "started_at": datetime.fromisoformat(fields["started_at"]),
        "finished_at": datetime.fromisoformat(fields["finished_at"]),
        "collections": collections,
    }
    return Manifest(**known)
