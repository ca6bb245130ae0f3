"""History imports: the job that survives a crash, all deaths for a recount, and generations of counters."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import islice
from typing import Any, TypeVar

from utils.database.core.blocking import BlockingCollection, Update
from utils.database.core.keys import build_key_range, build_key_since
from utils.database.core.transaction import Transaction
from utils.database.documents.death_documents import build_cursor_move, build_file_key, decode_deaths
from utils.database.documents.player_documents import (
    build_month_document,
    build_player_document,
    group_days,
    merge_days,
)
from utils.database.documents.server_documents import CAUGHT_UP, build_import_document, read_import
from utils.database.documents.xp_documents import XP_EVENTS_FIELD, read_xp_events
from utils.database.repositories.repository import FencedRepository
from utils.database.units.audit_unit import insert_entry
from utils.database.units.count_lock import IMPORT_KEY, LEFT_OUT_KEY, hold_counts, void_import
from utils.database.units.removals import verify_kept
from utils.errors import StorageConflictError
from utils.models.audit import AuditEntry
from utils.models.deaths import Death, LogFile
from utils.models.players import PlayerDay, PlayerRecord, ServerMonth
from utils.models.reading import CaughtUp, Cursor, ImportJob
from utils.models.scope import GuildId, ServerId, ServerScope
from utils.models.xp import XpEvents

T = TypeVar("T")

_COUNTED = ("players", "player_days", "server_months")
INSERT_BATCH = 2_000
CURSORS_BATCH = 500  # documents per request; an import writes all in one transaction


class ImportRepository(FencedRepository):
    """The storage of imports of history, besides their batches of deaths."""

    async def find_import(self, scope: ServerScope) -> ImportJob | None:
        """Return the running import, or None."""
        found = await self._of_server("cursors", scope).find_one(IMPORT_KEY)
        return None if found is None else read_import(found["job"])

    async def find_left_out(self, scope: ServerScope) -> ImportJob | None:
        """Return what of a catch-up waits for files that could not be read, or None."""
        found = await self._of_server("cursors", scope).find_one(LEFT_OUT_KEY)
        return None if found is None else read_import(found["job"])

    async def count_deaths(self, scope: ServerScope) -> int:
        """Return the number of stored deaths of a server."""
        first, last = build_key_range(scope)
        return await self._of_server("kills", scope).count({"_id": {"$gte": first, "$lte": last}})

    async def begin_import(
        self,
        scope: ServerScope,
        job: ImportJob,
        *,
        starts: Collection[LogFile] | None = None,
        entry: AuditEntry | None = None,
        left_out: ImportJob | None = None,
    ) -> None:
        """Store a job and its entry of the audit, and put the cursors of some files to 0, all or nothing.

        These files are ``starts``, else all files of the job. A running job is replaced. If the job is a
        catch-up, ``left_out`` takes the place of what an earlier one has left.

        Raises:
            CursorMovedError: the server was removed.
        """

        def begin(transaction: Transaction) -> None:
            stored, begun = _build_beginning(job, starts)
            cursors = transaction.of_server("cursors", scope)
            verify_kept(transaction, scope)
            hold_counts(cursors)
            cursors.update_one(IMPORT_KEY, stored, upsert=True)
            if job.is_catch_up:
                _put_left_out(cursors, left_out)
            for first in range(0, len(begun), CURSORS_BATCH):
                cursors.bulk_write(begun[first : first + CURSORS_BATCH])
            insert_entry(transaction, scope.guild_id, entry)

        await self._in_transaction(scope.guild_id, begin)

    async def take_up_import(self, scope: ServerScope) -> int:
        """Give the running job a new, empty generation and return its number.

        An earlier process may still run, but it writes to the old generation, which is never shown.

        Raises:
            StorageConflictError: no job is running any more.
        """

        def take_up(transaction: Transaction) -> int:
            cursors = transaction.of_server("cursors", scope)
            void_import(cursors)
            found = cursors.find_one(IMPORT_KEY)
            if found is None:
                raise StorageConflictError("This import is not under way any more.")
            return read_import(found["job"]).generation

        return await self._in_transaction(scope.guild_id, take_up)

    async def finish_import(
        self,
        scope: ServerScope,
        job: ImportJob,
        *,
        caught_up: CaughtUp | None = None,
        left_out: ImportJob | None = None,
    ) -> None:
        """End a job, show its generation of counters, and keep what is to be told; all or nothing.

        ``left_out`` is added to what is left of a catch-up.

        Raises:
            StorageConflictError: the job was replaced or has ended, or the server was removed.
        """

        def finish(transaction: Transaction) -> None:
            under_way = {**IMPORT_KEY, "job.generation": job.generation}
            cursors = transaction.of_server("cursors", scope)
            ended = cursors.delete(under_way)
            show = {"$set": {"generation": job.generation}}
            if not ended or not transaction.of_server("game_servers", scope).update_one({}, show):
                raise StorageConflictError("This import is not under way any more.")
            if left_out is not None:
                found = cursors.find_one(LEFT_OUT_KEY)
                before = {} if found is None else read_import(found["job"]).ends
                _put_left_out(cursors, left_out.leave_out({*before, *left_out.ends}))
            if caught_up is not None:
                outcome = {"$push": {"caught_up": CAUGHT_UP.build(caught_up)}}
                transaction.of_guild("guilds", scope.guild_id).update_one({}, outcome, upsert=True)

        await self._in_transaction(scope.guild_id, finish)

    async def list_catching_up(self, guild_id: GuildId) -> frozenset[ServerId]:
        """Return the game servers of a guild that have not caught up with their logs since a restore."""
        under_way = {"kind": IMPORT_KEY["kind"], "job.catch_up": {"$type": "object"}}
        found = await self._of_guild("cursors", guild_id).find(under_way, projection={"server_id": 1})
        return frozenset(ServerId(one["server_id"]) for one in found)

    async def list_caught_up(self, guild_id: GuildId) -> tuple[CaughtUp, ...]:
        """Return the outcomes of catch-ups that the admins are not told of yet, oldest first."""
        found = await self._of_guild("guilds", guild_id).find_one({}, projection={"caught_up": 1})
        return tuple(map(CAUGHT_UP.read, (found or {}).get("caught_up", ())))

    async def forget_caught_up(self, guild_id: GuildId, told: Sequence[CaughtUp]) -> None:
        """Forget the outcomes that the admins are told of."""
        documents = list(map(CAUGHT_UP.build, told))
        guilds = self._of_guild("guilds", guild_id)
        await guilds.update_one({}, {"$pull": {"caught_up": {"$in": documents}}})
        await guilds.update_one({"caught_up": []}, {"$unset": {"caught_up": ""}})

    async def drop_deaths_outside(self, scope: ServerScope, first: date, last: date) -> None:
        """Delete deaths that were written before or after these days."""
        lowest, highest = build_key_range(scope)
        kills = self._of_server("kills", scope)
        await kills.delete({"_id": {"$gte": lowest, "$lt": build_key_since(scope, first)}})
        after = build_key_since(scope, last + timedelta(days=1))
        await kills.delete({"_id": {"$gte": after, "$lte": highest}})

    async def iterate_deaths(
        self, scope: ServerScope, *, batch: int = 5_000
    ) -> AsyncIterator[tuple[Death, ...]]:
        """Yield all stored deaths of a server, many at a time, in order of ``written_at``.

        Within one second the ids decide; ``Death.order`` is the order of the log.
        """
        first, last = build_key_range(scope)
        encoded_batches = self._of_server("kills", scope).iterate_raw(
            {"_id": {"$gte": first, "$lte": last}}, sort=[("_id", 1)], hint="_id_", batch=batch
        )
        async for encoded in encoded_batches:
            yield await asyncio.to_thread(decode_deaths, encoded)

    async def list_xp_events(self, guild_id: GuildId) -> XpEvents:
        """Return the times in which kills of a guild give more XP."""
        fields = {XP_EVENTS_FIELD: 1}
        return read_xp_events(await self._of_guild("guilds", guild_id).find_one({}, projection=fields))

    async def write_generation(
        self,
        scope: ServerScope,
        generation: int,
        *,
        players: Sequence[PlayerRecord] = (),
        days: Sequence[PlayerDay] = (),
        months: Sequence[ServerMonth] = (),
    ) -> None:
        """Add counters to a generation that is not shown yet: each player, player's month and month once."""
        records = (build_player_document(player, generation=generation) for player in players)
        for documents in _batches(records):
            await self._of_server("players", scope).insert_many(documents)
        buckets = (
            {"generation": generation, "month": month, "player_id": player_id, "days": merge_days((), group)}
            for (player_id, month), group in group_days(days).items()
        )
        for documents in _batches(buckets):
            await self._of_server("player_days", scope).insert_many(documents)
        whole = [build_month_document(month, generation=generation) for month in months]
        await self._of_server("server_months", scope).insert_many(whole)

    async def drop_generation(self, scope: ServerScope, generation: int) -> None:
        """Delete a generation's counters."""
        for name in _COUNTED:
            await self._of_server(name, scope).delete({"generation": generation})

    async def drop_unshown_generations(self, scope: ServerScope) -> None:
        """Delete all counters except those that are shown or that an import is writing."""
        # reads the job first: if an import ends in between, its generation is kept
        job = await self.find_import(scope)
        server = await self._of_server("game_servers", scope).find_one({}, projection={"generation": 1})
        kept = [server["generation"]] if server else []
        kept += [job.generation] if job else []
        # an import that begins now uses a higher generation, so it is not deleted
        unshown = {"$nin": kept, **({"$lt": max(kept)} if kept else {})}
        for name in _COUNTED:
            await self._of_server(name, scope).delete({"generation": unshown})


def _put_left_out(cursors: BlockingCollection, left_out: ImportJob | None) -> None:
    """Store what is left of a catch-up."""
    if left_out is None:
        cursors.delete(LEFT_OUT_KEY)
    else:
        job = build_import_document(left_out)
        cursors.update_one(LEFT_OUT_KEY, {"$set": {"job": job}}, upsert=True)


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, INSERT_BATCH)):
        yield batch


def _build_beginning(
    job: ImportJob, starts: Collection[LogFile] | None
) -> tuple[dict[str, Any], list[Update]]:
    """Return the document of a job, and the cursors of files at their beginning: up to 20,000."""
    begun = [
        Update(build_file_key(file), {"$set": build_cursor_move(Cursor(file))}, upsert=True)
        for file in (job.ends if starts is None else starts)
    ]
    return {"$set": {"job": build_import_document(job)}}, begun
