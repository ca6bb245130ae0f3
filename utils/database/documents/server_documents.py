"""Documents of game servers: few, and edited by people, so pydantic checks them when they are read."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from utils.database.documents.text_documents import StoredText, build_text, read_text
from utils.models.deaths import LogFile
from utils.models.guilds import ChannelKind
from utils.models.reading import ImportJob
from utils.models.scope import ChannelId, GuildId, ServerId, ServerScope
from utils.models.servers import ConnectionState, EncryptedSecret, GameServer, ServerHealth

Channels = dict[ChannelKind, ChannelId]


class StoredDocument(BaseModel):
    """The base of all documents here: frozen; it ignores fields of other features in the same document."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    def to_document(self) -> dict[str, Any]:
        """Return the document for MongoDB, with enums as their values."""
        return {name: plain(value) for name, value in self.model_dump().items()}


def plain(value: object) -> object:
    """Return a value as MongoDB stores it: enums as their values, sets as lists."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, str) else value


class GameServerDocument(StoredDocument):
    """A game server; its secret is ciphertext."""

    guild_id: int
    server_id: str
    name: str
    host: str
    port: int
    username: str
    secret: bytes = Field(repr=False)
    number: int | None = None
    base_path: str | None = None
    timezone: str = "UTC"
    legacy: bool = False
    host_key: str | None = None
    log_folder: str | None = None
    silenced: tuple[str, ...] = ()
    generation: int = 0
    is_paused: bool = False
    added_at: datetime | None = None
    channels: Channels = Field(default_factory=dict)

    @classmethod
    def from_value(cls, server: GameServer) -> Self:
        """Return the document of a server."""
        fields = {name: getattr(server, name) for name in cls.model_fields if hasattr(server, name)}
        return cls(
            **{
                **fields,
                "guild_id": server.scope.guild_id,
                "server_id": server.scope.server_id,
                "secret": server.secret.ciphertext,
                "silenced": tuple(sorted(server.silenced)),
                "channels": dict(server.channels),
            }
        )

    def to_value(self) -> GameServer:
        """Return the server."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        scope = ServerScope(GuildId(fields.pop("guild_id")), ServerId(fields.pop("server_id")))
        changed = {"secret": EncryptedSecret(self.secret), "silenced": frozenset(self.silenced)}
        return GameServer(scope=scope, **{**fields, **changed})


class HealthDocument(StoredDocument):
    """The health of reading a server; counted lines are stored with the cursors and added on reading."""

    state: ConnectionState = ConnectionState.UNKNOWN
    problem: StoredText | None = None
    last_read_at: datetime | None = None
    last_kill_at: datetime | None = None
    lag_seconds: float | None = None

    @classmethod
    def from_value(cls, health: ServerHealth) -> Self:
        """Return the document of a server's health."""
        fields = {name: getattr(health, name) for name in cls.model_fields}
        problem = None if health.problem is None else build_text(health.problem)
        return cls(**{**fields, "problem": problem})

    def to_value(self, scope: ServerScope, *, lines_read: int, lines_rejected: int) -> ServerHealth:
        """Return the health with its counted lines."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        problem = None if self.problem is None else read_text(self.problem)
        counts = {"lines_read": lines_read, "lines_rejected": lines_rejected}
        return ServerHealth(scope=scope, **{**fields, **counts, "problem": problem})


class FileEnd(BaseModel):
    """A file's size when its import began."""

    world: str
    name: str
    size: int


class ImportDocument(StoredDocument):
    """A running import of history."""

    generation: int
    started_at: datetime
    ends: tuple[FileEnd, ...]
    channel_id: int | None = None
    message_id: int | None = None

    @classmethod
    def from_value(cls, job: ImportJob) -> Self:
        """Return the document of a job."""
        fields = {name: getattr(job, name) for name in cls.model_fields}
        ends = [FileEnd(world=file.world, name=file.name, size=size) for file, size in job.ends.items()]
        return cls(**{**fields, "ends": tuple(ends)})

    def to_value(self) -> ImportJob:
        """Return the job."""
        return ImportJob(
            generation=self.generation,
            started_at=self.started_at,
            ends={LogFile(end.world, end.name): end.size for end in self.ends},
            channel_id=None if self.channel_id is None else ChannelId(self.channel_id),
            message_id=self.message_id,
        )
