"""One batch of a game server: the reads and writes of ingestion within a transaction.

Writes wait for the end of the transaction (``PendingWrites``). Reads and number draws happen at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import product

from utils.database.core.blocking import BlockingCollection, Lookup, Replacement, Update
from utils.database.core.keys import build_key_prefix
from utils.database.core.operations import Document
from utils.database.core.pending_writes import PendingWrites
from utils.database.core.scope_rules import scope_of_guild, scope_of_server
from utils.database.core.transaction import Transaction
from utils.database.documents.death_documents import (
    PLACE_FIELDS,
    build_cursor_fields,
    build_cursor_move,
    build_death_document,
    build_file_key,
    build_killings_query,
    build_rejected_document,
    build_times_update,
    read_death,
    read_killing,
    read_place,
    read_wall_time,
)
from utils.database.documents.link_documents import build_proven_query, read_marks, read_proven
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
from utils.database.documents.xp_documents import XP_EVENTS_FIELD, read_xp_events
from utils.database.units.money_unit import MoneyTransaction
from utils.database.units.outbox_entries import draw_entries
from utils.database.units.removals import verify_kept
from utils.database.units.server_numbers import NUMBERS_KEY, Draw, ServerNumbers, draw_numbers
from utils.errors import CursorMovedError, ScopeViolationError
from utils.models.deaths import Death, DeathPlace, Killing, LogFile
from utils.models.factions import FactionMark
from utils.models.notices.notice import Notice
from utils.models.notices.outbox import NO_DELAYS, AppendedNotices, Delays
from utils.models.players import PlayerDay, PlayerRecord, ServerMonth
from utils.models.reading import CountingNeeds, Cursor, RejectedLine
from utils.models.scope import MemberId, PlayerId, ServerScope
from utils.models.xp import LastKill, XpEvents

LINES_KEY = {"kind": "lines", "world": "", "name": ""}
"""Key of the document that holds line counts of deleted cursors."""


class IngestionTransaction:
    """One open transaction over one server's data.

    Args:
        writes: collects the writes; ``GuildTransaction`` sends them after ``finish``.
    """

    def __init__(self, transaction: Transaction, scope: ServerScope, writes: PendingWrites) -> None:
        self._transaction = transaction
        self._scope = scope
        self._writes = writes
        self._buckets: dict[tuple[int, BucketKey], list[Document]] = {}
        self._players: dict[tuple[int, PlayerId], Document | None] = {}
        self._months: dict[tuple[int, str], Document | None] = {}
        self._killings: dict[PlayerId, list[Document]] = {}
        self._new_kills: dict[PlayerId, list[LastKill]] = {}
        self._xp_events: XpEvents | None = None
        self._moves: dict[LogFile, tuple[Cursor | None, Cursor]] = {}
        self._members: dict[PlayerId, MemberId | None] = {}
        self._marks: dict[PlayerId, FactionMark] = {}
        self._numbers: Document | None = None
        self._lines = (0, 0)

    @property
    def money(self) -> MoneyTransaction:
        """Wallets and bounties within this transaction."""
        return MoneyTransaction(
            self._transaction,
            self._scope,
            writes=self._writes,
            members=self._members,
            marks=self._marks,
        )

    def find_known_ids(self, ids: Sequence[bytes]) -> frozenset[bytes]:
        """Return which of these deaths are stored already."""
        if not ids:
            return frozenset()
        prefix = build_key_prefix(self._scope)
        found = self._collection("kills").find_keys(min(ids), max(ids), prefix=prefix)
        return frozenset(ids).intersection(found)

    def find_places(self, ids: Sequence[bytes]) -> Mapping[bytes, DeathPlace]:
        """Return the places of these deaths, if they are stored already."""
        known = self.find_known_ids(ids)
        if not known:
            return {}
        found = self._collection("kills").find(
            {"_id": {"$in": sorted(known)}}, projection=PLACE_FIELDS, hint="_id_"
        )
        return {document["_id"]: read_place(document) for document in found}

    def correct_times(self, deaths: Iterable[Death]) -> None:
        """Write ``at`` and ``ordered_at`` of stored deaths."""
        self._writes.add(
            self._collection("kills"), (Update({"_id": one.id}, build_times_update(one)) for one in deaths)
        )

    def insert_deaths(self, deaths: Sequence[Death], *, read_at: datetime | None = None) -> None:
        """Store new deaths; ``read_at`` is when they were read live.

        Raises:
            ScopeViolationError: an id was made for another server.
        """
        prefix = build_key_prefix(self._scope)
        if not all(death.id.startswith(prefix) for death in deaths):
            raise ScopeViolationError("A death's id must begin with its guild and server.")
        for row in (death.row for death in deaths if death.row.kind.is_kill):
            if row.killer_id is not None:
                self._new_kills.setdefault(row.killer_id, []).append(LastKill(row.written_at, row.victim_id))
        new = (build_death_document(death, read_at=read_at) for death in deaths)
        self._writes.insert(self._collection("kills"), new)

    def list_deaths_of(self, player_id: PlayerId) -> Sequence[Death]:
        """Return every stored death row a player takes part in, in order."""
        kills = self._collection("kills")
        killed = kills.find({"killer_id": player_id}, hint="killer")
        died = kills.find({"victim_id": player_id}, hint="victim")
        deaths = {document["_id"]: read_death(document) for document in (*killed, *died)}
        return sorted(deaths.values(), key=lambda death: death.order)

    def list_lookups(self, needs: CountingNeeds) -> list[Lookup]:
        """Return the reads that counting and judging need; ``take_in`` gets their results."""
        own, of_guild = scope_of_server(self._scope), scope_of_guild(self._scope.guild_id)
        players = needs.players
        of_players = {"generation": needs.generation, "player_id": {"$in": players}}
        of_months = {"generation": needs.generation, "month": {"$in": _list_months(needs)}}
        lookups = [
            Lookup("players", own, of_players),
            Lookup("player_days", own, of_months | of_players),
            Lookup("server_months", own, of_months),
            Lookup("cursors", own, NUMBERS_KEY),
            Lookup("guilds", of_guild, {}, fields=(XP_EVENTS_FIELD,)),
        ]
        if needs.killed_since is not None:
            lookups.append(Lookup("kills", own, build_killings_query(needs.killed, needs.killed_since)))
        if needs.finds_members:
            lookups.append(Lookup("links", of_guild, build_proven_query(players)))
        return lookups

    def take_in(self, needs: CountingNeeds, found: Sequence[Sequence[Document]]) -> None:
        """Keep the results of the lookups for later reads; earlier results stay."""
        generation, players, months = needs.generation, needs.players, _list_months(needs)
        of_players, of_days, of_months, numbers, guilds, *others = found
        stored = {one["player_id"]: one for one in of_players}
        counted = {one["month"]: one for one in of_months}
        days = {(one["player_id"], one["month"]): one["days"] for one in of_days}
        for player_id in players:
            self._players.setdefault((generation, player_id), stored.get(player_id))
        for month in months:
            self._months.setdefault((generation, month), counted.get(month))
        for bucket in product(players, months):
            self._buckets.setdefault((generation, bucket), days.get(bucket, []))
        if self._numbers is None:
            self._numbers = next(iter(numbers), {})
        if self._xp_events is None:
            self._xp_events = read_xp_events(next(iter(guilds), None))
        if needs.killed_since is not None:
            self._take_in_killings(needs.killed, others.pop(0))
        for proven in others:
            self._members |= dict.fromkeys(players) | read_proven(proven)
            self._marks |= read_marks(proven)

    def list_xp_events(self) -> XpEvents:
        """Return the times in which kills of the guild give more XP."""
        if self._xp_events is None:
            guilds = self._transaction.of_guild("guilds", self._scope.guild_id)
            self._xp_events = read_xp_events(guilds.find_one({}, projection={XP_EVENTS_FIELD: 1}))
        return self._xp_events

    def find_last_kills(
        self, killer_ids: Iterable[PlayerId], *, since: datetime
    ) -> Mapping[PlayerId, Sequence[LastKill]]:
        """Return the kills of these players after a wall-clock time, in order; only an index is read."""
        killers = sorted(killer_ids)
        wanted: Document = {"killer_id": {"$in": killers}, "written_at": {"$gt": since}}
        fields = {"_id": 0, "killer_id": 1, "victim_id": 1, "written_at": 1}
        kills: dict[PlayerId, list[LastKill]] = {}
        for one in self._collection("kills").find(wanted, projection=fields, hint="killer"):
            killer_id, victim_id = PlayerId(one["killer_id"]), PlayerId(one["victim_id"])
            if victim_id != killer_id:  # a suicide is no kill
                kills.setdefault(killer_id, []).append(LastKill(read_wall_time(one["written_at"]), victim_id))
        for killer_id in killers:
            new = self._new_kills.get(killer_id, ())  # of this transaction, not written yet
            kills.setdefault(killer_id, []).extend(one for one in new if one.written_at > since)
        return {killer_id: sorted(of_killer) for killer_id, of_killer in kills.items()}

    def find_players(
        self, player_ids: Iterable[PlayerId], *, generation: int
    ) -> Mapping[PlayerId, PlayerRecord]:
        """Return the counters of these players, if they have any."""
        wanted = list(player_ids)
        missing = [player_id for player_id in wanted if (generation, player_id) not in self._players]
        if missing:
            query = {"generation": generation, "player_id": {"$in": missing}}
            found = self._collection("players").find(query, hint="player")
            self._players.update({(generation, player_id): None for player_id in missing})
            self._players.update({(generation, one["player_id"]): one for one in found})
        stored = (self._players[generation, player_id] for player_id in wanted)
        return {one["player_id"]: read_player(one) for one in stored if one is not None}

    def replace_players(self, players: Iterable[PlayerRecord], *, generation: int) -> None:
        """Write players' counters, new or changed."""
        documents = [build_player_document(player, generation=generation) for player in players]
        writes = [
            Replacement({"generation": generation, "player_id": document["player_id"]}, document)
            for document in documents
        ]
        self._writes.add(self._collection("players"), writes)

    def find_days(
        self, keys: Iterable[tuple[PlayerId, date]], *, generation: int
    ) -> Mapping[tuple[PlayerId, date], PlayerDay]:
        """Return the day counters that exist, by player and day of the server."""
        wanted = frozenset(keys)
        buckets = {(player_id, format_month(day)) for player_id, day in wanted}
        self._load_buckets(buckets, generation)
        found: dict[tuple[PlayerId, date], PlayerDay] = {}
        for player_id, month in buckets:
            entries = self._buckets[generation, (player_id, month)]
            days = read_days({"player_id": player_id, "month": month, "days": entries})
            found.update({(player_id, day.day): day for day in days if (player_id, day.day) in wanted})
        return found

    def replace_days(self, days: Iterable[PlayerDay], *, generation: int) -> None:
        """Write day counters, new or changed."""
        changed = group_days(days)
        self._load_buckets(set(changed), generation)
        writes: list[Replacement] = []
        for key, group in changed.items():
            entries = merge_days(self._buckets[generation, key], group)
            self._buckets[generation, key] = entries
            fields = {"generation": generation, "month": key[1], "player_id": key[0]}
            writes.append(Replacement(fields, {**fields, "days": entries}))
        self._writes.add(self._collection("player_days"), writes)

    def find_months(self, months: Iterable[date], *, generation: int) -> Mapping[date, ServerMonth]:
        """Return the server's months that exist, by their first day."""
        wanted = list(map(format_month, months))
        missing = [month for month in wanted if (generation, month) not in self._months]
        if missing:
            query = {"generation": generation, "month": {"$in": missing}}
            found = self._collection("server_months").find(query, hint="month")
            self._months.update({(generation, month): None for month in missing})
            self._months.update({(generation, one["month"]): one for one in found})
        stored = (self._months[generation, month] for month in wanted)
        return {month.month: month for month in (read_month(one) for one in stored if one is not None)}

    def list_months(self, *, generation: int) -> Sequence[ServerMonth]:
        """Return all stored months of the server."""
        query = {"generation": generation}
        return list(map(read_month, self._collection("server_months").find(query, hint="month")))

    def replace_months(self, months: Iterable[ServerMonth], *, generation: int) -> None:
        """Write the server's months, new or changed."""
        documents = [build_month_document(month, generation=generation) for month in months]
        writes = [
            Replacement({"generation": generation, "month": document["month"]}, document)
            for document in documents
        ]
        self._writes.add(self._collection("server_months"), writes)

    def find_killings(self, victim_ids: Iterable[PlayerId], *, since: datetime) -> Sequence[Killing]:
        """Return the stored kills of these victims; ``since`` is the earliest wall-clock time."""
        wanted = frozenset(victim_ids)
        missing = wanted - self._killings.keys()
        if missing:
            query = build_killings_query(missing, since)
            self._take_in_killings(missing, self._collection("kills").find(query, hint="victim"))
        return [read_killing(one) for victim_id in wanted for one in self._killings[victim_id]]

    def append_notices(
        self,
        notices: Sequence[Notice],
        *,
        created_at: datetime,
        delays: Delays = NO_DELAYS,
        changes_counters: bool = False,
    ) -> AppendedNotices:
        """Append notices to the outbox of this server, numbered for each kind of channel.

        They are due when they were made, or so much later as ``delays`` says for their kind of channel.
        """
        entries, appended = draw_entries(
            self._transaction,
            self._scope,
            notices,
            self._draw,
            created_at=created_at,
            delays=delays,
            changes_counters=changes_counters,
        )
        self._writes.insert(self._collection("outbox"), entries)
        return appended

    def insert_rejected(self, lines: Sequence[RejectedLine]) -> None:
        """Keep rejected lines; a line that was kept before is written again."""
        documents = [build_rejected_document(line) for line in lines]
        writes = [
            Replacement({key: document[key] for key in ("world", "name", "offset")}, document)
            for document in documents
        ]
        self._writes.add(self._collection("rejected_lines"), writes)

    def move_cursor(self, before: Cursor | None, after: Cursor) -> None:
        """Move a file's cursor from the value that was read.

        Raises:
            CursorMovedError: the cursor was already moved, in this transaction or by another one.
        """
        first = before
        if after.file in self._moves:
            first, last = self._moves[after.file]
            if last != before:
                raise CursorMovedError(f"The cursor of {after.file.name} was moved elsewhere just now.")
        self._moves[after.file] = first, after

    def add_lines_read(self, read: int, rejected: int) -> None:
        """Count lines for ``/killfeed status``."""
        self._lines = (self._lines[0] + read, self._lines[1] + rejected)

    def finish(self) -> None:
        """Queue the cursor updates. The first also adds the line counts.

        Raises:
            CursorMovedError: the file already has a cursor, though none was read.
        """
        read, rejected = self._lines
        counted: Document = {"lines_read": read, "lines_rejected": rejected} if read or rejected else {}
        for before, after in self._moves.values():
            self._write_move(before, after, counted)
            counted = {}
        if counted:
            update = {"$inc": counted}
            self._collection("cursors").update_one(LINES_KEY, update, upsert=True)

    def _draw(self, draw: Draw) -> ServerNumbers:
        """Draw from the prefetched numbers. A concurrent draw causes a write conflict."""
        if self._numbers is None:
            return draw_numbers(self._transaction, self._scope, draw)
        self._numbers = draw.apply(self._numbers)
        change = Update(NUMBERS_KEY, draw.build_update(), upsert=True)
        self._writes.add(self._collection("cursors"), [change])
        return draw.read(self._numbers)

    def _write_move(self, before: Cursor | None, after: Cursor, counted: Mapping[str, int]) -> None:
        cursors = self._collection("cursors")
        key, fields = build_file_key(after.file), build_cursor_move(after)
        if before is not None:
            update: Document = {"$set": fields} | ({"$inc": dict(counted)} if counted else {})
            move = Update({**key, **build_cursor_fields(before)}, update)
            self._writes.move(cursors, after.file.name, move)
            return
        # Check first, because a duplicate-key error would abort the transaction.
        if cursors.find_one(key) is not None:
            raise CursorMovedError(f"{after.file.name} has a cursor already.")
        # for files with a cursor, the deleted cursor shows that the server was removed; here we must check
        verify_kept(self._transaction, self._scope)
        cursors.insert_one({**key, **fields, **counted})

    def _take_in_killings(self, victim_ids: Iterable[PlayerId], found: Iterable[Document]) -> None:
        self._killings.update({victim_id: [] for victim_id in victim_ids})
        for one in found:
            self._killings[PlayerId(one["victim_id"])].append(one)

    def _load_buckets(self, keys: set[BucketKey], generation: int) -> None:
        missing = [key for key in keys if (generation, key) not in self._buckets]
        by_month: dict[str, list[PlayerId]] = {}
        for player_id, month in missing:
            by_month.setdefault(month, []).append(player_id)
            self._buckets[generation, (player_id, month)] = []
        for month, player_ids in by_month.items():
            wanted = {"generation": generation, "month": month, "player_id": {"$in": player_ids}}
            found = self._collection("player_days").find(wanted, hint="month")
            for bucket in found:
                self._buckets[generation, (bucket["player_id"], month)] = bucket["days"]

    def _collection(self, name: str) -> BlockingCollection:
        return self._transaction.of_server(name, self._scope)


def _list_months(needs: CountingNeeds) -> list[str]:
    return sorted({format_month(day) for _, day in needs.days})
