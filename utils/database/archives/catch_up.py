"""After the switch of a restore: every game server gets the job to catch up with its logs.

All of it may run again after a crash, because it reads the replaced collections (``replaced.…``), which stay
until the restore ends. It runs under the lease of restores, while no other process writes.

The feeds of a server go on with the higher number of both databases, because the outbox stays as it is and
holds entries of the replaced one. ``health`` says when the logs were read last, so it is taken over as well.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from utils.database.archives.switching import REPLACED
from utils.database.core.keys import build_key_range, build_key_since
from utils.database.core.operations import Document, Operations
from utils.database.documents.death_documents import read_cursor
from utils.database.documents.server_documents import build_import_document, read_import
from utils.database.units.count_lock import IMPORT_KEY
from utils.database.units.server_numbers import NUMBERS_KEY
from utils.models.deaths import LogFile
from utils.models.reading import CatchUp, Cursor, ImportJob
from utils.models.scope import GuildId, ServerId, ServerScope

WALL_CLOCK_MARGIN = timedelta(days=2)
"""Rows have local times, so some that were read after a moment are dated before it."""

_KEPT: Document = {"is_removed": {"$ne": True}}


def plan_catch_up(
    operations: Operations,
    *,
    since: datetime,
    now: datetime,
    is_readable: bool,
    guild_id: GuildId | None = None,
) -> int:
    """Give every restored game server its job; return the number of servers.

    Args:
        operations: of the restored database.
        since: the moment of the backup.
        now: the moment of the restore.
        is_readable: the replaced collections are there.
        guild_id: only this guild was restored.
    """
    wanted = _KEPT if guild_id is None else {**_KEPT, "guild_id": int(guild_id)}
    servers = list(_Reader(operations, "game_servers").find(wanted))
    _forget_outcomes(operations, guild_id)
    for server in servers:
        scope = ServerScope(GuildId(server["guild_id"]), ServerId(server["server_id"]))
        _Server(operations, scope, since).plan(server, now=now, is_readable=is_readable)
    return len(servers)


def keep_replaced_part(operations: Operations, guild_id: GuildId, *, since: datetime) -> None:
    """Copy what ``plan_catch_up`` needs of one guild, before its documents are deleted; may run again."""
    own: Document = {"guild_id": int(guild_id)}
    servers = list(_Reader(operations, "game_servers").find(own))
    _copy(operations, "game_servers", own)
    _copy(operations, "cursors", own)
    for server in servers:
        scope = ServerScope(guild_id, ServerId(server["server_id"]))
        _copy(operations, "kills", _build_recent(scope, since))


class _Reader:
    """Reads one collection in this thread."""

    def __init__(self, operations: Operations, name: str) -> None:
        self._operations = operations
        self._name = name

    def find(self, query: Document, projection: Document | None = None) -> Iterator[Document]:
        """Yield the documents that fit."""
        cursor = self._operations.get_collection(self._name).find(query, projection)
        with cursor:
            while (found := self._operations.run(f"{self._name}.find", next, cursor, None)) is not None:
                yield found

    def find_one(self, query: Document) -> Document | None:
        """Return the document that fits, if there is one."""
        return next(iter(self.find(query)), None)

    def count(self, query: Document) -> int:
        """Return how many documents fit."""
        collection = self._operations.get_collection(self._name)
        return self._operations.run(f"{self._name}.count", collection.count_documents, query)


class _Server:
    """Plans the catch-up of one game server."""

    def __init__(self, operations: Operations, scope: ServerScope, since: datetime) -> None:
        self._operations = operations
        self._scope = scope
        self._since = since
        self._own: Document = {"guild_id": int(scope.guild_id), "server_id": str(scope.server_id)}

    def plan(self, server: Document, *, now: datetime, is_readable: bool) -> None:
        """Store the job, and take over from the replaced database what belongs to reading."""
        replaced = self._find_replaced() if is_readable else None
        shown = self._find_stored_job("" if replaced is None else REPLACED)
        job = None if replaced is None or shown is None else read_import(shown)
        catch_up = self._build(replaced, job)
        planned = ImportJob(server["generation"], now, {}, is_waiting=True, catch_up=catch_up)
        message = {name: (shown or {}).get(name) for name in ("channel_id", "message_id")}
        document = {**build_import_document(planned), **message}
        self._update_cursor(IMPORT_KEY, {"$set": {"job": document}})
        if replaced is not None:
            self._raise_numbers()
            self._update("game_servers", {}, {"$set": {"health": replaced.get("health", {})}})

    def _find_replaced(self) -> Document | None:
        """Return the server of the replaced database, unless it was removed or never set up there."""
        return _Reader(self._operations, f"{REPLACED}game_servers").find_one({**self._own, **_KEPT})

    def _find_stored_job(self, prefix: str) -> Document | None:
        found = _Reader(self._operations, f"{prefix}cursors").find_one({**self._own, **IMPORT_KEY})
        return None if found is None else dict(found["job"])

    def _build(self, replaced: Document | None, job: ImportJob | None) -> CatchUp:
        """Return what the import must know, and store the deaths that no cursor covers."""
        is_lost = replaced is None or (job is not None and job.is_waiting and not job.keeps_last_read)
        read = None if is_lost else self._read_cursors(job)
        if replaced is not None:
            self._copy_last_rows(read or {})
        first, last = build_key_range(self._scope)
        kills = _Reader(self._operations, "kills")
        return CatchUp(
            since=self._since,
            read=read,
            history={} if job is None or is_lost else job.ends,
            stored=kills.count({"_id": {"$gte": first, "$lte": last}}),
            missing=0 if replaced is None else self._count_missing(kills),
        )

    def _read_cursors(self, job: ImportJob | None) -> Mapping[LogFile, Cursor]:
        """Return how far the replaced database had read, or was about to catch up itself."""
        found = _Reader(self._operations, f"{REPLACED}cursors").find({**self._own, "kind": "file"})
        cursors = {cursor.file: cursor for cursor in map(read_cursor, found)}
        before = job.catch_up if job is not None and job.is_waiting else None
        return cursors if before is None else {**cursors, **(before.read or {})}

    def _copy_last_rows(self, cursors: Mapping[LogFile, Cursor]) -> None:
        """Store the deaths of last rows without a line feed.

        They were posted, but the cursor stays in front of such a row until it is complete, so it will be
        read once more.
        """
        kills = _Reader(self._operations, f"{REPLACED}kills")
        recent = _build_recent(self._scope, self._since)
        places = kills.find(recent, {"world": 1, "file": 1, "offset": 1})
        behind = [one["_id"] for one in places if _is_behind(one, cursors)]
        if behind:
            source = self._operations.get_collection(f"{REPLACED}kills")
            as_history: list[Document] = [
                {"$match": {"_id": {"$in": behind}}},
                {"$unset": "read_at"},
                _build_merge("kills"),
            ]
            self._operations.run("kills.copy", source.aggregate, as_history)

    def _count_missing(self, kills: _Reader) -> int:
        recent = _build_recent(self._scope, self._since)
        return max(0, _Reader(self._operations, f"{REPLACED}kills").count(recent) - kills.count(recent))

    def _raise_numbers(self) -> None:
        """Let each feed go on behind the entries that the outbox holds."""
        key = {**self._own, **NUMBERS_KEY}
        replaced = _Reader(self._operations, f"{REPLACED}cursors").find_one(key)
        if replaced is None:
            return
        highest: Document = {f"next.{kind}": number for kind, number in replaced.get("next", {}).items()}
        highest["batches"] = replaced.get("batches", 0)
        # the room in the outbox is counted again
        self._update_cursor(NUMBERS_KEY, {"$max": highest, "$unset": {"capacity": ""}})

    def _update_cursor(self, key: Document, update: Document) -> None:
        self._update("cursors", key, update, upsert=True)

    def _update(self, name: str, key: Document, update: Document, *, upsert: bool = False) -> None:
        collection = self._operations.get_collection(name)
        query = {**self._own, **key}
        self._operations.run(f"{name}.update_one", collection.update_one, query, update, upsert=upsert)


def _forget_outcomes(operations: Operations, guild_id: GuildId | None) -> None:
    """Forget what an earlier catch-up left to be told: it is old by now."""
    untold: Document = {"caught_up": {"$exists": True}}
    query = untold if guild_id is None else {**untold, "guild_id": int(guild_id)}
    forget: Document = {"$unset": {"caught_up": ""}}
    operations.run("guilds.update_many", operations.get_collection("guilds").update_many, query, forget)


def _build_recent(scope: ServerScope, since: datetime) -> Document:
    """Return the query for deaths that a database may have got after a moment."""
    _, last = build_key_range(scope)
    return {"_id": {"$gte": build_key_since(scope, (since - WALL_CLOCK_MARGIN).date()), "$lte": last}}


def _is_behind(place: Document, cursors: Mapping[LogFile, Cursor]) -> bool:
    cursor = cursors.get(LogFile(place["world"], place["file"]))
    return cursor is not None and bool(place["offset"] >= cursor.offset)


def _copy(operations: Operations, name: str, query: Document) -> None:
    """Copy documents into the replaced collection of that name, without decoding them."""
    source = operations.get_collection(name)
    pipeline: list[Document] = [{"$match": query}, _build_merge(REPLACED + name)]
    operations.run(f"{name}.copy", source.aggregate, pipeline)


def _build_merge(name: str) -> Document:
    return {"$merge": {"into": name, "whenMatched": "replace"}}
