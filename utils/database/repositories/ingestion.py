"""Ingestion's storage: everything of one batch in one transaction, fenced by the shard's lease.

Batches of a guild's servers that come at the same moment share one. Two batches of history of one server may
be in flight on different files, so they share no document: lines are counted at the cursor of the file they
came from. Live batches count players and draw numbers, so they come one after another.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import TypeVar, cast

from utils.database.core.database import Document, Fence, SafeDatabase
from utils.database.core.gathered_writes import GatheredWrites
from utils.database.core.group_commit import GATHER_SECONDS, Gathering
from utils.database.core.keys import build_key_prefix
from utils.database.core.scoped import Change, Insertion, Replacement, ScopedCollection
from utils.database.core.sessions import Session
from utils.database.documents.death_documents import (
    build_cursor_fields,
    build_cursor_move,
    build_death_document,
    build_rejected_document,
    build_times_update,
    read_cursor,
    read_death,
    read_ordered_at,
)
from utils.database.documents.player_documents import (
    BucketKey,
    build_month_document,
    build_player_document,
    format_month,
    group_days,
    merge_days,
    read_days,
    read_month,
    read_player,
)
from utils.database.units.money_unit import MoneyTransaction
from utils.database.units.outbox_entries import draw_entries
from utils.database.units.removals import verify_kept
from utils.errors import CursorMovedError, ScopeViolationError
from utils.models.deaths import Death, LogFile
from utils.models.notices.notice import Notice
from utils.models.notices.outbox import Appended
from utils.models.players import PlayerDay, PlayerRecord, ServerMonth, sum_months
from utils.models.reading import Cursor, RejectedLine
from utils.models.scope import GuildId, PlayerId, ServerScope

T = TypeVar("T")

FORGOTTEN_AT_ONCE = 500

_COUNTS = ("lines_read", "lines_rejected")
_LINES = {"kind": "lines", "world": "", "name": ""}  # counted at no file's cursor

FenceSource = Callable[[GuildId], Fence | None]
"""Returns the lease a guild's transactions are checked against; None when the bot is stopped."""


def build_file_key(file: LogFile) -> Document:
    """Return the key of a file's cursor."""
    return {"kind": "file", "world": file.world, "name": file.name}


@dataclass(frozen=True, slots=True)
class _Work:
    """What one server has to store."""

    scope: ServerScope
    carry_out: Callable[["TransactionUnit"], Awaitable[object]]


class IngestionRepository:
    """Storage of game servers' data, one transaction at a time.

    Args:
        fences: the lease of each guild.
        gather_seconds: how long a shared transaction waits for other servers of the guild.
    """

    def __init__(
        self, database: SafeDatabase, *, fences: FenceSource, gather_seconds: float = GATHER_SECONDS
    ) -> None:
        self._database = database
        self._fences = fences
        self._gathering = Gathering(self._store, clock=database.clock, seconds=gather_seconds)

    async def in_transaction(
        self, scope: ServerScope, work: Callable[["TransactionUnit"], Awaitable[T]]
    ) -> T:
        """Run ``work`` in one transaction; it may run again after a transient error.

        Raises:
            CursorMovedError, StorageConflictError, LeaseLostError, DiskFullError, StorageUnavailableError
        """
        (result,) = await self._store(scope.guild_id, [_Work(scope, work)])
        return cast("T", result)

    async def in_shared_transaction(
        self, scope: ServerScope, work: Callable[["TransactionUnit"], Awaitable[T]]
    ) -> T:
        """Do as ``in_transaction``, together with other servers of the guild that come a moment later.

        It is for little work: all of it happens, or each of them is tried again by itself.
        """
        return cast("T", await self._gathering.join(scope.guild_id, _Work(scope, work)))

    async def _store(self, guild_id: GuildId, works: Sequence[_Work]) -> Sequence[object]:
        async def run(session: Session) -> Sequence[object]:
            writes = GatheredWrites(self._database, session)
            results: list[object] = []
            for work in works:
                unit = TransactionUnit(self._database, work.scope, session, writes)
                results.append(await work.carry_out(unit))
                await unit.finish()
            await writes.carry_out()
            return results

        return await self._database.in_transaction(run, fence=self._fences(guild_id))

    async def list_cursors(self, scope: ServerScope) -> Mapping[LogFile, Cursor]:
        """Return where reading stands, by file."""
        cursors = ScopedCollection.of_server(self._database, "cursors", scope)
        found = [read_cursor(document) for document in await cursors.find({"kind": "file"})]
        return {cursor.file: cursor for cursor in found}

    async def forget_cursors(self, scope: ServerScope, files: Sequence[LogFile]) -> None:
        """Delete the cursors of files that are gone, some hundred at a time; their lines stay counted."""
        for world, group in groupby(sorted(files), key=lambda file: file.world):
            names = [file.name for file in group]
            for start in range(0, len(names), FORGOTTEN_AT_ONCE):
                await self._forget(scope, world, names[start : start + FORGOTTEN_AT_ONCE])

    async def _forget(self, scope: ServerScope, world: str, names: Sequence[str]) -> None:
        cursors = ScopedCollection.of_server(self._database, "cursors", scope)
        chosen = {"kind": "file", "world": world, "name": {"$in": list(names)}}

        async def forget(session: Session) -> None:
            found = await cursors.find(chosen, hint="cursor", session=session)
            counted = {name: sum(one.get(name, 0) for one in found) for name in _COUNTS}
            await cursors.update_one(_LINES, {"$inc": counted}, upsert=True, session=session)
            await cursors.delete(chosen, session=session)

        await self._database.in_transaction(forget, fence=self._fences(scope.guild_id))


class TransactionUnit:
    """One open transaction over one server's data.

    Args:
        writes: where its writes wait; its maker carries them out, after ``finish``.
    """

    def __init__(
        self, database: SafeDatabase, scope: ServerScope, session: Session, writes: GatheredWrites
    ) -> None:
        self._database = database
        self._scope = scope
        self._session = session
        self._writes = writes
        self._buckets: dict[tuple[int, BucketKey], list[Document]] = {}
        self._moves: dict[LogFile, tuple[Cursor | None, Cursor]] = {}
        self._lines = (0, 0)

    @property
    def money(self) -> MoneyTransaction:
        """Wallets and bounties within this very transaction."""
        return MoneyTransaction(self._database, self._scope, self._session, writes=self._writes)

    async def find_known_ids(self, ids: Sequence[bytes]) -> frozenset[bytes]:
        """Return which of these deaths are stored already."""
        if not ids:
            return frozenset()
        prefix = build_key_prefix(self._scope)
        found = await self._collection("kills").find_keys(
            min(ids), max(ids), prefix=prefix, session=self._session
        )
        return frozenset(ids).intersection(found)

    async def find_times(self, ids: Sequence[bytes]) -> Mapping[bytes, tuple[datetime, datetime | None]]:
        """Return ``at`` and ``ordered_at`` of those of these deaths that are stored already."""
        known = await self.find_known_ids(ids)
        if not known:
            return {}
        fields = {"at": 1, "ordered_at": 1}
        found = await self._collection("kills").find(
            {"_id": {"$in": sorted(known)}}, projection=fields, hint="_id_", session=self._session
        )
        return {document["_id"]: (document["at"], read_ordered_at(document)) for document in found}

    async def correct_times(self, deaths: Iterable[Death]) -> None:
        """Give stored deaths the ``at`` and ``ordered_at`` that they have here."""
        self._writes.add(
            self._collection("kills"), (Change({"_id": one.id}, build_times_update(one)) for one in deaths)
        )

    async def insert_deaths(self, deaths: Sequence[Death], *, read_at: datetime | None = None) -> None:
        """Store deaths that are not there yet; ``read_at`` is when they were read live.

        Raises:
            ScopeViolationError: an id was made for another server.
        """
        prefix = build_key_prefix(self._scope)
        if not all(death.id.startswith(prefix) for death in deaths):
            raise ScopeViolationError("A death's id must begin with its guild and server.")
        new = (Insertion(build_death_document(death, read_at=read_at)) for death in deaths)
        self._writes.add(self._collection("kills"), new)

    async def list_deaths_of(self, player_id: PlayerId) -> Sequence[Death]:
        """Return every stored death row a player takes part in, in order."""
        kills = self._collection("kills")
        killed = await kills.find({"killer_id": player_id}, hint="killer", session=self._session)
        died = await kills.find({"victim_id": player_id}, hint="victim", session=self._session)
        deaths = {document["_id"]: read_death(document) for document in (*killed, *died)}
        return sorted(deaths.values(), key=lambda death: death.order)

    async def find_players(
        self, player_ids: Iterable[PlayerId], *, generation: int
    ) -> Mapping[PlayerId, PlayerRecord]:
        """Return the counters of those players that have any."""
        wanted = {"generation": generation, "player_id": {"$in": list(player_ids)}}
        found = await self._collection("players").find(wanted, hint="player", session=self._session)
        return {player.player_id: player for player in map(read_player, found)}

    async def replace_players(self, players: Iterable[PlayerRecord], *, generation: int) -> None:
        """Write players' counters, new or changed."""
        documents = [build_player_document(player, generation=generation) for player in players]
        writes = [
            Replacement({"generation": generation, "player_id": document["player_id"]}, document)
            for document in documents
        ]
        self._writes.add(self._collection("players"), writes)

    async def find_days(
        self, keys: Iterable[tuple[PlayerId, date]], *, generation: int
    ) -> Mapping[tuple[PlayerId, date], PlayerDay]:
        """Return the day counters that exist, by player and day of the server."""
        wanted = frozenset(keys)
        buckets = {(player_id, format_month(day)) for player_id, day in wanted}
        await self._load_buckets(buckets, generation)
        found: dict[tuple[PlayerId, date], PlayerDay] = {}
        for player_id, month in buckets:
            entries = self._buckets[generation, (player_id, month)]
            days = read_days({"player_id": player_id, "month": month, "days": entries})
            found.update({(player_id, day.day): day for day in days if (player_id, day.day) in wanted})
        return found

    async def replace_days(self, days: Iterable[PlayerDay], *, generation: int) -> None:
        """Write day counters, new or changed."""
        changed = group_days(days)
        await self._load_buckets(set(changed), generation)
        writes: list[Replacement] = []
        for key, group in changed.items():
            entries = merge_days(self._buckets[generation, key], group)
            self._buckets[generation, key] = entries
            fields = {"generation": generation, "month": key[1], "player_id": key[0]}
            writes.append(Replacement(fields, {**fields, "days": entries}))
        self._writes.add(self._collection("player_days"), writes)

    async def add_months(self, months: Iterable[ServerMonth], *, generation: int) -> None:
        """Add what new deaths came to onto the stored counts of their months."""
        new = {month.month: month for month in months}
        collection = self._collection("server_months")
        wanted = {"generation": generation, "month": {"$in": [format_month(day) for day in new]}}
        found = await collection.find(wanted, hint="month", session=self._session) if new else []
        stored = {month.month: month for month in map(read_month, found)}
        totals = [sum_months(stored[day], month) if day in stored else month for day, month in new.items()]
        documents = [build_month_document(month, generation=generation) for month in totals]
        writes = [
            Replacement({"generation": generation, "month": document["month"]}, document)
            for document in documents
        ]
        self._writes.add(self._collection("server_months"), writes)

    async def append_notices(
        self, notices: Sequence[Notice], *, created_at: datetime, changes_counters: bool = False
    ) -> Appended:
        """Put notices behind the outbox entries of this server, each kind of channel by itself."""
        entries, appended = await draw_entries(
            self._database,
            self._scope,
            notices,
            created_at=created_at,
            changes_counters=changes_counters,
            session=self._session,
        )
        self._writes.add(self._collection("outbox"), map(Insertion, entries))
        return appended

    async def insert_rejected(self, lines: Sequence[RejectedLine]) -> None:
        """Keep lines that could not be read; one that was kept before is written again."""
        documents = [build_rejected_document(line) for line in lines]
        writes = [
            Replacement({key: document[key] for key in ("world", "name", "offset")}, document)
            for document in documents
        ]
        self._writes.add(self._collection("rejected_lines"), writes)

    async def move_cursor(self, before: Cursor | None, after: Cursor) -> None:
        """Move a file's cursor from the value that was read.

        Raises:
            CursorMovedError: it was moved elsewhere before, within this transaction or (when all is written)
                by another one.
        """
        first = before
        if after.file in self._moves:
            first, last = self._moves[after.file]
            if last != before:
                raise CursorMovedError(f"The cursor of {after.file.name} was moved elsewhere just now.")
        self._moves[after.file] = first, after

    async def add_lines_read(self, read: int, rejected: int) -> None:
        """Count lines for ``/killfeed status``."""
        self._lines = (self._lines[0] + read, self._lines[1] + rejected)

    async def finish(self) -> None:
        """Write down how cursors move; lines are counted at one of them.

        Raises:
            CursorMovedError: a file without a cursor has one.
        """
        read, rejected = self._lines
        counted: Document = {"lines_read": read, "lines_rejected": rejected} if read or rejected else {}
        for before, after in self._moves.values():
            await self._write_move(before, after, counted)
            counted = {}
        if counted:
            update = {"$inc": counted}
            await self._collection("cursors").update_one(_LINES, update, upsert=True, session=self._session)

    async def _write_move(self, before: Cursor | None, after: Cursor, counted: Mapping[str, int]) -> None:
        cursors = self._collection("cursors")
        key, fields = build_file_key(after.file), build_cursor_move(after)
        if before is not None:
            update: Document = {"$set": fields} | ({"$inc": dict(counted)} if counted else {})
            move = Change({**key, **build_cursor_fields(before)}, update)
            self._writes.move(cursors, after.file.name, move)
            return
        # Looked up first: a duplicate key would only say so after ending the transaction.
        if await cursors.find_one(key, session=self._session) is not None:
            raise CursorMovedError(f"{after.file.name} has a cursor already.")
        # the removal of a server takes its cursors away, which tells of it for all other files
        await verify_kept(self._database, self._scope, session=self._session)
        await cursors.insert_one({**key, **fields, **counted}, session=self._session)

    async def _load_buckets(self, keys: set[BucketKey], generation: int) -> None:
        missing = [key for key in keys if (generation, key) not in self._buckets]
        by_month: dict[str, list[PlayerId]] = {}
        for player_id, month in missing:
            by_month.setdefault(month, []).append(player_id)
            self._buckets[generation, (player_id, month)] = []
        for month, player_ids in by_month.items():
            wanted = {"generation": generation, "month": month, "player_id": {"$in": player_ids}}
            found = await self._collection("player_days").find(wanted, hint="month", session=self._session)
            for bucket in found:
                self._buckets[generation, (bucket["player_id"], month)] = bucket["days"]

    def _collection(self, name: str) -> ScopedCollection:
        return ScopedCollection.of_server(self._database, name, self._scope)
