"""What ``/stats`` and ``/leaderboard`` ask: players over one or several servers of a guild.

Every answer reads first which generation of counters each server shows: an import switches it with one write
and deletes the one before, so a remembered one would find nothing.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from utils.database.boards import (
    build_count_before,
    build_day_totals,
    build_page,
    build_places,
    build_player_totals,
)
from utils.database.database import Document, SafeDatabase
from utils.database.death_documents import decode_documents
from utils.database.player_documents import (
    add_known,
    format_month,
    read_counters,
    read_days,
    read_player,
    sort_known,
)
from utils.database.scoped import ScopedCollection
from utils.models.deaths import DeathKind
from utils.models.players import BoardRow, Counters, KnownPlayer, PlayerRecord, PlayerStats, Tallied
from utils.models.scope import GuildId, PlayerId, ServerId

_KILLS = {"$in": [kind.value for kind in DeathKind if kind.is_kill]}
_KNOWN_FIELDS = {
    "server_id": 1,
    "player_id": 1,
    "name": 1,
    "names": 1,
    "counters.kills": 1,
    "last_seen_at": 1,
}
_KNOWN_BATCH = 2_000


def add_counters(several: Sequence[Counters]) -> Counters:
    """Return the sum over servers or days: streak and longest kill are the best of any."""
    return Counters(
        kills=sum(one.kills for one in several),
        deaths=sum(one.deaths for one in several),
        suicides=sum(one.suicides for one in several),
        metres=sum(one.metres for one in several),
        longest=max((one.longest for one in several), default=0),
        best_streak=max((one.best_streak for one in several), default=0),
    )


@dataclass(frozen=True, slots=True)
class _BoardQuery:
    guild_id: GuildId
    shown: Sequence[Document]
    board: str
    minimum_kills: int
    since: date | None


class StatisticsRepository:
    """Counters, tallies, boards and names of players.

    ``since`` is the first day that counts, of the servers' own calendars; None counts everything.
    """

    def __init__(self, database: SafeDatabase) -> None:
        self._database = database

    async def find_stats(
        self,
        guild_id: GuildId,
        server_ids: Sequence[ServerId],
        player_id: PlayerId,
        *,
        since: date | None = None,
    ) -> PlayerStats | None:
        """Return a player's figures summed over servers; None when never seen there."""
        shown = await self._list_shown(guild_id, server_ids)
        records = await self._find_records(guild_id, shown, player_id)
        if not records:
            return None
        place, ranked = await self.find_place(guild_id, server_ids, player_id, board="kills", since=since)
        newest = max((record for _, record in records), key=lambda record: record.last_seen_at)
        counters = [record.counters for _, record in records]
        if since is not None:
            counters = await self._list_days(guild_id, shown, player_id, since)
        weapons, nemeses, prey = await asyncio.gather(
            self.list_weapons(guild_id, server_ids, player_id, since=since, limit=1),
            self.list_nemeses(guild_id, server_ids, player_id, since=since, limit=1),
            self.list_prey(guild_id, server_ids, player_id, since=since, limit=1),
        )
        return PlayerStats(
            player_id=player_id,
            name=newest.name,
            counters=add_counters(counters),
            current_streak=newest.current_streak,
            top_weapon=next(iter(weapons), None),
            nemesis=next(iter(nemeses), None),
            prey=next(iter(prey), None),
            rank=None if place is None else place.rank,
            ranked=ranked,
            last_seen_at=newest.last_seen_at,
            servers=tuple(server_id for server_id, _ in records),
        )

    async def list_board(
        self,
        guild_id: GuildId,
        server_ids: Sequence[ServerId],
        *,
        board: str,
        minimum_kills: int,
        limit: int,
        offset: int,
        since: date | None = None,
    ) -> tuple[tuple[BoardRow, ...], int]:
        """Return rows of a board summed over servers, and how many there are in all."""
        query = _BoardQuery(
            guild_id, await self._list_shown(guild_id, server_ids), board, minimum_kills, since
        )
        if not query.shown:
            return (), 0
        [found] = await self._read_board(query, {}, build_page(limit=limit, offset=offset))
        names = await self._find_names(query, found["rows"])
        rows = (_read_row(row, offset + place, names) for place, row in enumerate(found["rows"], start=1))
        return tuple(rows), _read_count(found["total"])

    async def find_place(
        self,
        guild_id: GuildId,
        server_ids: Sequence[ServerId],
        player_id: PlayerId,
        *,
        board: str,
        minimum_kills: int = 0,
        since: date | None = None,
    ) -> tuple[BoardRow | None, int]:
        """Return a player's own row of a board, None without a place, and how many rows there are in all."""
        query = _BoardQuery(
            guild_id, await self._list_shown(guild_id, server_ids), board, minimum_kills, since
        )
        if not query.shown:
            return None, 0
        own = await self._read_board(query, {"player_id": player_id}, [])
        if not own:
            [found] = await self._read_board(query, {}, build_page(limit=1, offset=0))
            return None, _read_count(found["total"])
        [found] = await self._read_board(query, {}, build_count_before(own[0]))
        names = await self._find_names(query, own)
        return _read_row(own[0], _read_count(found["before"]) + 1, names), _read_count(found["total"])

    async def list_weapons(
        self,
        guild_id: GuildId,
        server_ids: Sequence[ServerId],
        player_id: PlayerId,
        *,
        limit: int,
        since: date | None = None,
    ) -> tuple[Tallied, ...]:
        """Return the weapons a player killed with, most kills first."""
        match = {"killer_id": player_id, **_since(since)}
        return await self._tally(guild_id, server_ids, match, key="weapon", name="weapon", limit=limit)

    async def list_nemeses(
        self,
        guild_id: GuildId,
        server_ids: Sequence[ServerId],
        player_id: PlayerId,
        *,
        limit: int,
        since: date | None = None,
    ) -> tuple[Tallied, ...]:
        """Return who killed a player most, each under the newest name."""
        match = {"victim_id": player_id, **_since(since)}
        return await self._tally(
            guild_id, server_ids, match, key="killer_id", name="killer_name", limit=limit
        )

    async def list_prey(
        self,
        guild_id: GuildId,
        server_ids: Sequence[ServerId],
        player_id: PlayerId,
        *,
        limit: int,
        since: date | None = None,
    ) -> tuple[Tallied, ...]:
        """Return whom a player killed most, each under the newest name."""
        match = {"killer_id": player_id, **_since(since)}
        return await self._tally(
            guild_id, server_ids, match, key="victim_id", name="victim_name", limit=limit
        )

    async def list_known_players(self, guild_id: GuildId) -> tuple[KnownPlayer, ...]:
        """Return every player of the guild's servers, most kills first, streamed."""
        known: dict[PlayerId, KnownPlayer] = {}
        players = self._of("players", guild_id)
        for one in await self._list_shown(guild_id, None):
            batches = players.iterate_raw(
                one, sort=[("player_id", 1)], hint="player", batch=_KNOWN_BATCH, projection=_KNOWN_FIELDS
            )
            async for encoded in batches:
                await asyncio.to_thread(_learn, known, encoded)
        return await asyncio.to_thread(sort_known, known.values())

    async def search_players(
        self, guild_id: GuildId, server_ids: Sequence[ServerId], text: str, *, limit: int
    ) -> tuple[KnownPlayer, ...]:
        """Return players one of whose names holds the text, whatever its case, most kills first."""
        shown = await self._list_shown(guild_id, server_ids)
        if not shown:
            return ()
        part = {"search": {"$regex": re.escape(text.casefold())}}
        query = {"$or": [{**one, **part} for one in shown]}
        known: dict[PlayerId, KnownPlayer] = {}
        for document in await self._of("players", guild_id).find(query, projection=_KNOWN_FIELDS):
            add_known(known, document)
        return sort_known(known.values())[:limit]

    async def _list_shown(self, guild_id: GuildId, server_ids: Sequence[ServerId] | None) -> list[Document]:
        """Return server and shown generation of the named servers, or of all."""
        query: Document = {"is_removed": {"$ne": True}}
        if server_ids is not None:
            query["server_id"] = {"$in": list(server_ids)}
        projection = {"_id": 0, "server_id": 1, "generation": 1}
        return await self._of("game_servers", guild_id).find(query, projection=projection)

    async def _find_records(
        self, guild_id: GuildId, shown: Sequence[Document], player_id: PlayerId
    ) -> list[tuple[ServerId, PlayerRecord]]:
        if not shown:
            return []
        query = {"$or": [{**one, "player_id": player_id} for one in shown]}
        found = await self._of("players", guild_id).find(query)
        return sorted((ServerId(one["server_id"]), read_player(one)) for one in found)

    async def _list_days(
        self, guild_id: GuildId, shown: Sequence[Document], player_id: PlayerId, since: date
    ) -> list[Counters]:
        wanted = {"month": {"$gte": format_month(since)}, "player_id": player_id}
        query = {"$or": [{**one, **wanted} for one in shown]}
        buckets = await self._of("player_days", guild_id).find(query)
        return [day.counters for bucket in buckets for day in read_days(bucket) if day.day >= since]

    async def _read_board(
        self, query: "_BoardQuery", players: Document, ending: list[Document]
    ) -> list[Document]:
        places = build_places(query.board, minimum_kills=query.minimum_kills)
        if query.since is None:
            totals = build_player_totals(query.shown, players)
            return await self._of("players", query.guild_id).aggregate([*totals, *places, *ending])
        totals = build_day_totals(query.shown, players, query.since)
        return await self._of("player_days", query.guild_id).aggregate([*totals, *places, *ending])

    async def _find_names(self, query: "_BoardQuery", rows: Sequence[Document]) -> Mapping[str, str]:
        """Return the newest names of players whose rows, summed from days, have none."""
        nameless = [row["player_id"] for row in rows if not row["name"]]
        if not nameless:
            return {}
        found = await self._of("players", query.guild_id).find(
            {"$or": [{**one, "player_id": {"$in": nameless}} for one in query.shown]},
            projection={"player_id": 1, "name": 1, "last_seen_at": 1},
        )
        return {one["player_id"]: one["name"] for one in sorted(found, key=lambda one: one["last_seen_at"])}

    async def _tally(
        self,
        guild_id: GuildId,
        server_ids: Sequence[ServerId],
        match: Document,
        *,
        key: str,
        name: str,
        limit: int,
    ) -> tuple[Tallied, ...]:
        newest = {"$max": {"at": "$written_at", "name": f"${name}"}}
        pipeline: list[Document] = [
            {"$match": {"server_id": {"$in": list(server_ids)}, "kind": _KILLS, **match}},
            {"$group": {"_id": f"${key}", "count": {"$sum": 1}, "newest": newest}},
            {"$sort": {"count": -1, "newest.name": 1, "_id": 1}},
            {"$limit": limit},
        ]
        found = await self._of("kills", guild_id).aggregate(pipeline)
        return tuple(Tallied(document["newest"]["name"], document["count"]) for document in found)

    def _of(self, name: str, guild_id: GuildId) -> ScopedCollection:
        return ScopedCollection.of_guild(self._database, name, guild_id)


def _learn(known: dict[PlayerId, KnownPlayer], encoded: bytes) -> None:
    for document in decode_documents(encoded):
        add_known(known, document)


def _since(day: date | None) -> Document:
    return {} if day is None else {"written_at": {"$gte": datetime.combine(day, time.min)}}


def _read_count(counted: Sequence[Document]) -> int:
    return int(counted[0]["count"]) if counted else 0


def _read_row(document: Document, rank: int, names: Mapping[str, str]) -> BoardRow:
    player_id = PlayerId(document["player_id"])
    return BoardRow(
        rank=rank,
        player_id=player_id,
        name=names.get(player_id, document["name"]),
        value=float(document["value"]),
        counters=read_counters(document),
    )
