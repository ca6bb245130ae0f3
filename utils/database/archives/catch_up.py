"""After the switch of a restore: every game server gets the job to catch up with its logs.

All of it may run again after a crash, because it reads the replaced collections (``replaced.…``), which stay
until the restore ends. It runs under the lease of restores, while no other process writes, and each of its
writes is behind the fence of that lease.

The feeds of a server go on with the higher number of both databases, because the outbox stays as it is and
holds entries of the replaced one. ``health`` says when the logs were read last, so it is taken over as well.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from utils.database.archives.switching import PIECE_DOCUMENTS, REPLACED
from utils.database.core.blocking import Replacement
from utils.database.core.database import Fence, SafeDatabase
from utils.database.core.keys import build_key_range, build_key_since
from utils.database.core.operations import Document, Operations
from utils.database.core.transaction import Transaction
from utils.database.documents.death_documents import read_cursor
from utils.database.documents.server_documents import build_import_document, read_import
from utils.database.units.count_lock import IMPORT_KEY, LEFT_OUT_KEY
from utils.database.units.server_numbers import NUMBERS_KEY
from utils.models.deaths import LogFile
from utils.models.reading import CatchUp, Cursor, ImportJob
from utils.models.restores import RestoreFacts, RestoreGap
from utils.models.scope import GuildId, ServerId, ServerScope

WALL_CLOCK_MARGIN = timedelta(days=2)
"""Rows have local times, so some that were read after a moment are dated before it."""

_KEPT: Document = {"is_removed": {"$ne": True}}


async def plan_catch_up(database: SafeDatabase, facts: RestoreFacts, fence: Fence) -> RestoreGap:
    """Give every restored game server its job; return the deaths that the backup does not have.

    Raises:
        LeaseLostError: another process took over.
    """
    operations, replaced = database.operations, f"{REPLACED}{facts.token}."
    await database.in_transaction(partial(_forget_outcomes, guild_id=facts.guild_id), fence=fence)
    missing, known = 0, set[ServerScope]()
    for server in await database.call(partial(_list_servers, operations, "", facts.guild_id)):
        scope = ServerScope(GuildId(server["guild_id"]), ServerId(server["server_id"]))
        planner = _Planner(operations, scope, facts, replaced)
        for rows in await database.call(planner.list_last_rows):
            await database.in_transaction(partial(_store_rows, scope=scope, rows=rows), fence=fence)
        plan = await database.call(partial(planner.plan, server))
        await database.in_transaction(partial(_store_plan, scope=scope, plan=plan), fence=fence)
        missing += plan.catch_up.missing
        known.add(scope)
    if not facts.is_readable:
        return RestoreGap()
    gone = await database.call(partial(_count_gone, operations, replaced, facts.guild_id, known))
    return RestoreGap(missing, *gone)


def keep_replaced_part(operations: Operations, guild_id: GuildId, *, since: datetime, into: str) -> None:
    """Copy what ``plan_catch_up`` needs of one guild, before its documents are deleted; may run again.

    Args:
        operations: of the database.
        guild_id: the guild.
        since: the moment of the backup.
        into: begins the names of the collections to copy into.
    """
    own: Document = {"guild_id": int(guild_id)}
    servers = list(_Reader(operations, "game_servers").find(own))
    _copy(operations, "game_servers", own, into)
    _copy(operations, "cursors", own, into)
    for server in servers:
        scope = ServerScope(guild_id, ServerId(server["server_id"]))
        _copy(operations, "kills", _build_recent(scope, since), into)


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


@dataclass(frozen=True, slots=True)
class _Plan:
    """The catch-up of one game server, as it is stored.

    Attributes:
        job: the document of the job.
        numbers: of the replaced database, if it has some.
        health: of the replaced database; None if it does not have the server.
    """

    catch_up: CatchUp
    job: Document
    numbers: Document | None
    health: Document | None


class _Planner:
    """Plans the catch-up of one game server from what both databases know of it.

    Args:
        replaced: begins the names of the replaced collections.
    """

    def __init__(
        self, operations: Operations, scope: ServerScope, facts: RestoreFacts, replaced: str
    ) -> None:
        self._operations = operations
        self._scope = scope
        self._facts = facts
        self._prefix = replaced
        self._own: Document = {"guild_id": int(scope.guild_id), "server_id": str(scope.server_id)}

    def list_last_rows(self) -> list[list[Document]]:
        """Return the deaths of last rows without a line feed, in pieces.

        They were posted, but the cursor stays in front of such a row until it is complete, so it will be
        read once more.
        """
        if self._find_replaced() is None:
            return []
        cursors = self._read_cursors(self._find_replaced_job()) or {}
        kills = _Reader(self._operations, f"{self._prefix}kills")
        recent = _build_recent(self._scope, self._facts.taken_at)
        places = kills.find(recent, {"world": 1, "file": 1, "offset": 1})
        behind = [one["_id"] for one in places if _is_behind(one, cursors)]
        pieces = [behind[first : first + PIECE_DOCUMENTS] for first in range(0, len(behind), PIECE_DOCUMENTS)]
        return [list(kills.find({"_id": {"$in": keys}})) for keys in pieces]

    def plan(self, server: Document) -> _Plan:
        """Return the catch-up; the last rows are stored by now."""
        replaced = self._find_replaced()
        job = None if replaced is None else self._find_replaced_job()
        read = None if replaced is None else self._read_cursors(job)
        first, last = build_key_range(self._scope)
        kills = _Reader(self._operations, "kills")
        catch_up = CatchUp(
            since=self._facts.taken_at,
            read=read,
            history={} if job is None or read is None else job.ends,
            stored=kills.count({"_id": {"$gte": first, "$lte": last}}),
            missing=0 if replaced is None else self._count_missing(kills),
        )
        planned = ImportJob(
            server["generation"], self._facts.began_at, {}, is_waiting=True, catch_up=catch_up
        )
        shown = self._find_stored_job("" if replaced is None else self._prefix)
        message = {name: (shown or {}).get(name) for name in ("channel_id", "message_id")}
        return _Plan(
            catch_up,
            {**build_import_document(planned), **message},
            None if replaced is None else self._find_numbers(),
            None if replaced is None else replaced.get("health", {}),
        )

    def _find_replaced(self) -> Document | None:
        """Return the server of the replaced database, if it can be read and has the server."""
        if not self._facts.is_readable:
            return None
        return _Reader(self._operations, f"{self._prefix}game_servers").find_one({**self._own, **_KEPT})

    def _find_replaced_job(self) -> ImportJob | None:
        found = self._find_stored_job(self._prefix)
        return None if found is None else read_import(found)

    def _find_stored_job(self, prefix: str) -> Document | None:
        found = _Reader(self._operations, f"{prefix}cursors").find_one({**self._own, **IMPORT_KEY})
        return None if found is None else dict(found["job"])

    def _read_cursors(self, job: ImportJob | None) -> Mapping[LogFile, Cursor] | None:
        """Return how far the replaced database had read, or was about to catch up itself.

        None: it had not read anything yet, or its own catch-up did not know.
        """
        if job is not None and job.is_waiting and not job.keeps_last_read:
            return None
        found = _Reader(self._operations, f"{self._prefix}cursors").find({**self._own, "kind": "file"})
        cursors = {cursor.file: cursor for cursor in map(read_cursor, found)}
        before = job.catch_up if job is not None and job.is_waiting else None
        left_out = _Reader(self._operations, f"{self._prefix}cursors").find_one({**self._own, **LEFT_OUT_KEY})
        if before is None and left_out is not None:
            rest = read_import(left_out["job"])
            read = {} if rest.catch_up is None else rest.catch_up.read or {}
            return cursors | {file: cursor for file, cursor in read.items() if file in rest.ends}
        return cursors if before is None else {**cursors, **(before.read or {})}

    def _count_missing(self, kills: _Reader) -> int:
        recent = _build_recent(self._scope, self._facts.taken_at)
        replaced = _Reader(self._operations, f"{self._prefix}kills")
        return max(0, replaced.count(recent) - kills.count(recent))

    def _find_numbers(self) -> Document | None:
        """Return the numbers of the replaced database: each feed goes on behind what the outbox holds."""
        key = {**self._own, **NUMBERS_KEY}
        replaced = _Reader(self._operations, f"{self._prefix}cursors").find_one(key)
        if replaced is None:
            return None
        highest: Document = {f"next.{kind}": number for kind, number in replaced.get("next", {}).items()}
        return {**highest, "batches": replaced.get("batches", 0)}


def _list_servers(operations: Operations, prefix: str, guild_id: GuildId | None) -> list[Document]:
    wanted = _KEPT if guild_id is None else {**_KEPT, "guild_id": int(guild_id)}
    return list(_Reader(operations, f"{prefix}game_servers").find(wanted))


def _count_gone(
    operations: Operations, prefix: str, guild_id: GuildId | None, known: Collection[ServerScope]
) -> tuple[int, int]:
    """Return the deaths of replaced game servers that the backup does not know, and the number of these."""
    deaths = servers = 0
    for server in _list_servers(operations, prefix, guild_id):
        scope = ServerScope(GuildId(server["guild_id"]), ServerId(server["server_id"]))
        if scope not in known:
            first, last = build_key_range(scope)
            deaths += _Reader(operations, f"{prefix}kills").count({"_id": {"$gte": first, "$lte": last}})
            servers += 1
    return deaths, servers


def _forget_outcomes(transaction: Transaction, *, guild_id: GuildId | None) -> None:
    """Forget what an earlier catch-up left to be told: it is old by now."""
    untold: Document = {"caught_up": {"$exists": True}}
    query = untold if guild_id is None else {**untold, "guild_id": int(guild_id)}
    forget: Document = {"$unset": {"caught_up": ""}}
    change, session = transaction.unscoped("guilds").update_many, transaction.session
    transaction.run("guilds.update_many", change, query, forget, session=session)


def _store_plan(transaction: Transaction, *, scope: ServerScope, plan: _Plan) -> None:
    """Store a job, and take over from the replaced database what belongs to reading."""
    cursors = transaction.of_server("cursors", scope)
    cursors.update_one(IMPORT_KEY, {"$set": {"job": plan.job}}, upsert=True)
    cursors.delete(LEFT_OUT_KEY)  # of a catch-up before the backup
    if plan.numbers is not None:
        # the room in the outbox is counted again
        cursors.update_one(NUMBERS_KEY, {"$max": plan.numbers, "$unset": {"capacity": ""}}, upsert=True)
    if plan.health is not None:
        transaction.of_server("game_servers", scope).update_one({}, {"$set": {"health": plan.health}})


def _store_rows(transaction: Transaction, *, scope: ServerScope, rows: Sequence[Document]) -> None:
    """Store deaths as history."""
    documents = [{name: value for name, value in row.items() if name != "read_at"} for row in rows]
    writes = [Replacement({"_id": one["_id"]}, one) for one in documents]
    transaction.of_server("kills", scope).bulk_write(writes)


def _build_recent(scope: ServerScope, since: datetime) -> Document:
    """Return the query for deaths that a database may have got after a moment."""
    _, last = build_key_range(scope)
    return {"_id": {"$gte": build_key_since(scope, (since - WALL_CLOCK_MARGIN).date()), "$lte": last}}


def _is_behind(place: Document, cursors: Mapping[LogFile, Cursor]) -> bool:
    cursor = cursors.get(LogFile(place["world"], place["file"]))
    return cursor is not None and bool(place["offset"] >= cursor.offset)


def _copy(operations: Operations, name: str, query: Document, into: str) -> None:
    """Copy documents into the replaced collection of that name, without decoding them."""
    source = operations.get_collection(name)
    merge = {"$merge": {"into": f"{into}{name}", "whenMatched": "replace"}}
    pipeline: list[Document] = [{"$match": query}, merge]
    operations.run(f"{name}.copy", source.aggregate, pipeline)
