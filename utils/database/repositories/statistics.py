"""What ``/stats`` and ``/leaderboard`` ask: players over one or several servers of a guild.

Every answer reads first which generation of counters each server shows: an import switches it with one write
and deletes the one before, so a remembered one would find nothing.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time

from utils.database.boards import (
    KNOWN,
    Shown,
    Tie,
    build_day_totals,
    build_match,
    build_ties,
    build_totals,
    choose_hint,
    cut_ties,
    find_tie,
    list_months,
    read_tie,
)
from utils.database.database import Document, SafeDatabase
from utils.database.death_documents import decode_documents
from utils.database.player_documents import add_known, read_counters, read_days, read_player, sort_known
from utils.database.repositories.shown import list_shown
from utils.database.scoped import ScopedCollection
from utils.models.deaths import DeathKind
from utils.models.players import (
    BoardRow,
    Counters,
    KnownPlayer,
    PlayerDay,
    PlayerRecord,
    PlayerStats,
    Tallied,
    sum_counters,
)
from utils.models.scope import GuildId, PlayerId, ServerId
from utils.models.statistics import BoardRows, DayCount

_KILLS = {"$in": [kind.value for kind in DeathKind if kind.is_kill]}
_KNOWN_FIELDS = {
    "server_id": 1,
    "player_id": 1,
    "name": 1,
    "names": 1,
    "counters.kills": 1,
    "last_seen_at": 1,
}
_KNOWN_BATCH = 500  # decoding holds Python up: a few milliseconds at a time
_ENTRIES_OF_A_PLAYER = 4  # one a server he plays on, seldom more
_BEST_FIRST = [("counters.kills", -1), ("counters.deaths", 1), ("name", 1), ("player_id", 1)]
_NOBODY = ""


class StatisticsRepository:
    """Counters, tallies, boards and names of players.

    ``since`` is the first day that counts, of the servers' own calendars, a month ago at most; None counts
    everything.
    """

    def __init__(self, database: SafeDatabase) -> None:
        self._database = database

    async def find_stats(
        self,
        guild_id: GuildId,
        server_ids: Sequence[ServerId],
        player_ids: Sequence[PlayerId],
        *,
        since: date | None = None,
    ) -> PlayerStats | None:
        """Return players' figures summed over servers and players; None when none was ever seen there."""
        shown = await list_shown(self._database, guild_id, server_ids)
        records = await self._find_records(guild_id, shown, player_ids)
        if not records:
            return None
        newest = max((record for _, record in records), key=lambda record: record.last_seen_at)
        counters = [record.counters for _, record in records]
        if since is not None:
            days = await self._list_days(guild_id, shown, player_ids, since)
            counters = [day.counters for day in days]
        summed = sum_counters(counters)
        (rank, ranked), weapons, nemeses, prey = await asyncio.gather(
            self._find_rank(guild_id, shown, player_ids, (summed, newest.name), since),
            self._tally_killer(guild_id, server_ids, player_ids, since, key="weapon", name="weapon"),
            self._tally_nemesis(guild_id, server_ids, player_ids, since),
            self._tally_killer(guild_id, server_ids, player_ids, since, key="victim_id", name="victim_name"),
        )
        names = {record.player_id: record.name for _, record in sorted(records, key=_get_seen)}
        return PlayerStats(
            player_id=newest.player_id,
            name=newest.name,
            counters=summed,
            current_streak=newest.current_streak,
            top_weapon=weapons,
            nemesis=nemeses,
            prey=prey,
            rank=rank,
            ranked=ranked,
            last_seen_at=newest.last_seen_at,
            servers=tuple(sorted({server_id for server_id, _ in records})),
            also=tuple(names[key] for key in sorted(names) if key != newest.player_id),
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
        own: Sequence[PlayerId] = (),
    ) -> BoardRows:
        """Return rows of a board summed over servers, how many there are, and the best of ``own`` players."""
        shown = await list_shown(self._database, guild_id, server_ids)
        ties = await self._list_ties(guild_id, shown, board, minimum_kills=minimum_kills, since=since)
        start, touched = cut_ties(ties, limit=limit, offset=offset)
        mine = find_tie(ties, own) if own else None
        named = [*touched, mine[1]] if mine else touched
        names = await self._find_names(guild_id, shown, [key for tie in named for key in tie.player_ids])
        places = _place(touched, names, start)[offset - start : offset - start + limit]
        if mine is not None:
            places += [place for place in _place([mine[1]], names, mine[0]) if place[1] in own][:1]
        counters = await self._find_counters(guild_id, shown, [place[1] for place in places], since)
        rows = [
            BoardRow(rank, player_id, names[player_id], value, counters[player_id])
            for rank, player_id, value in places
        ]
        total = sum(len(tie.player_ids) for tie in ties)
        return BoardRows(tuple(rows[:-1] if mine else rows), total, rows[-1] if mine else None)

    async def list_days(
        self,
        guild_id: GuildId,
        server_ids: Sequence[ServerId],
        player_ids: Sequence[PlayerId],
        *,
        since: date,
    ) -> tuple[DayCount, ...]:
        """Return what players did on each day, summed over servers and players; empty days left out."""
        shown = await list_shown(self._database, guild_id, server_ids)
        by_day: dict[date, list[Counters]] = {}
        for day in await self._list_days(guild_id, shown, player_ids, since):
            by_day.setdefault(day.day, []).append(day.counters)
        return tuple(DayCount(day, sum_counters(by_day[day])) for day in sorted(by_day))

    async def list_known_players(self, guild_id: GuildId) -> tuple[KnownPlayer, ...]:
        """Return every player of the guild's servers, most kills first, streamed."""
        known: dict[PlayerId, KnownPlayer] = {}
        for one in await list_shown(self._database, guild_id, None):
            batches = self._of("players", guild_id).iterate_raw(
                {**one.query, **KNOWN},
                sort=[("server_id", 1), ("player_id", 1)],
                hint="player",
                batch=_KNOWN_BATCH,
                projection=_KNOWN_FIELDS,
            )
            async for encoded in batches:
                await asyncio.to_thread(_learn, known, encoded)
        return await asyncio.to_thread(sort_known, known.values())

    async def search_players(self, guild_id: GuildId, text: str, *, limit: int) -> tuple[KnownPlayer, ...]:
        """Return players whose newest name on a server holds the text, whatever its case, best known first.

        The names stand in the index, so that only those that fit are read, and reading ends with enough of
        them: soon, though not as thorough as all names of all players in memory.
        """
        shown = await list_shown(self._database, guild_id, None)
        part = {"name": {"$regex": re.escape(text), "$options": "i"}} if text else {}
        known: dict[PlayerId, KnownPlayer] = {}
        for one in shown:
            # the servers' parts of the index are merged in its order, so that reading ends early
            found = await self._of("players", guild_id).find(
                {**one.query, **KNOWN, **part},
                projection=_KNOWN_FIELDS,
                sort=_BEST_FIRST,
                limit=limit * _ENTRIES_OF_A_PLAYER,
                hint="board",
            )
            for document in found:
                add_known(known, document)
        return sort_known(known.values())[:limit]

    async def _find_records(
        self, guild_id: GuildId, shown: Sequence[Shown], player_ids: Sequence[PlayerId]
    ) -> list[tuple[ServerId, PlayerRecord]]:
        found = await self._find(
            guild_id, "players", shown, {"player_id": {"$in": list(player_ids)}}, "player"
        )
        return sorted(((ServerId(one["server_id"]), read_player(one)) for one in found), key=_get_key)

    async def _list_days(
        self, guild_id: GuildId, shown: Sequence[Shown], player_ids: Sequence[PlayerId], since: date
    ) -> list[PlayerDay]:
        wanted = {"month": {"$in": list_months(since)}, "player_id": {"$in": list(player_ids)}}
        buckets = await self._find(guild_id, "player_days", shown, wanted, "month")
        return [day for bucket in buckets for day in read_days(bucket) if day.day >= since]

    async def _list_ties(
        self,
        guild_id: GuildId,
        shown: Sequence[Shown],
        board: str,
        *,
        minimum_kills: int,
        since: date | None,
    ) -> list[Tie]:
        if not shown:
            return []
        name = "players" if since is None else "player_days"
        totals = (
            build_totals(shown, board, KNOWN)
            if since is None
            else build_day_totals(shown, board, KNOWN, since)
        )
        pipeline = [*totals, *build_ties(board, minimum_kills=minimum_kills)]
        found = await self._of(name, guild_id).aggregate(pipeline, hint=choose_hint(board, since))
        return [read_tie(document) for document in found]

    async def _find_rank(
        self,
        guild_id: GuildId,
        shown: Sequence[Shown],
        player_ids: Sequence[PlayerId],
        own: tuple[Counters, str],
        since: date | None,
    ) -> tuple[int | None, int]:
        """Return the place by kills of players summed to one, None without kills, and how many places are."""
        ties = await self._list_ties(guild_id, shown, "kills", minimum_kills=0, since=since)
        counters, name = own
        mine = frozenset(player_ids)
        before = ranked = 0
        level: list[PlayerId] = []
        for tie in ties:
            others = [player_id for player_id in tie.player_ids if player_id not in mine]
            ranked += len(others)
            if (-tie.value, tie.deaths) < (-counters.kills, counters.deaths):
                before += len(others)
            elif (tie.value, tie.deaths) == (counters.kills, counters.deaths):
                level = others
        if not counters.kills:
            return None, ranked
        names = await self._find_names(guild_id, shown, level)
        key = (name, min(player_ids))
        before += sum((names[player_id], player_id) < key for player_id in level)
        return before + 1, ranked + 1

    async def _find_names(
        self, guild_id: GuildId, shown: Sequence[Shown], player_ids: Iterable[PlayerId]
    ) -> Mapping[PlayerId, str]:
        """Return players' newest names over servers."""
        found = await self._find(
            guild_id,
            "players",
            shown,
            {"player_id": {"$in": list(dict.fromkeys(player_ids))}},
            "player",
            projection={"player_id": 1, "name": 1, "last_seen_at": 1},
        )
        newest = sorted(found, key=lambda one: (one["last_seen_at"], one["name"]))
        return {PlayerId(one["player_id"]): one["name"] for one in newest}

    async def _find_counters(
        self, guild_id: GuildId, shown: Sequence[Shown], player_ids: Sequence[PlayerId], since: date | None
    ) -> Mapping[PlayerId, Counters]:
        """Return players' counters, summed over servers and days."""
        several: dict[PlayerId, list[Counters]] = {player_id: [] for player_id in player_ids}
        if since is not None:
            for day in await self._list_days(guild_id, shown, player_ids, since):
                several[day.player_id].append(day.counters)
        else:
            wanted = {"player_id": {"$in": list(player_ids)}}
            fields = {"player_id": 1, "counters": 1}
            for one in await self._find(guild_id, "players", shown, wanted, "player", projection=fields):
                several[PlayerId(one["player_id"])].append(read_counters(one["counters"]))
        return {player_id: sum_counters(counters) for player_id, counters in several.items()}

    async def _find(
        self,
        guild_id: GuildId,
        name: str,
        shown: Sequence[Shown],
        query: Document,
        hint: str,
        *,
        projection: Document | None = None,
    ) -> list[Document]:
        """Return what servers show of a collection; nothing without servers or players."""
        if not shown or not query["player_id"]["$in"]:
            return []
        match = build_match(shown, query)
        return await self._of(name, guild_id).find(match, projection=projection, hint=hint)

    async def _tally_killer(
        self,
        guild_id: GuildId,
        server_ids: Sequence[ServerId],
        player_ids: Sequence[PlayerId],
        since: date | None,
        *,
        key: str,
        name: str,
    ) -> Tallied | None:
        match = {"killer_id": {"$in": list(player_ids)}, **build_since(since)}
        return await self._tally(guild_id, server_ids, match, key=key, name=name, hint="killer")

    async def _tally_nemesis(
        self,
        guild_id: GuildId,
        server_ids: Sequence[ServerId],
        player_ids: Sequence[PlayerId],
        since: date | None,
    ) -> Tallied | None:
        match = {"victim_id": {"$in": list(player_ids)}, **build_since(since)}
        return await self._tally(
            guild_id, server_ids, match, key="killer_id", name="killer_name", hint="victim"
        )

    async def _tally(
        self,
        guild_id: GuildId,
        server_ids: Sequence[ServerId],
        match: Document,
        *,
        key: str,
        name: str,
        hint: str,
    ) -> Tallied | None:
        """Return what stands in most kills that fit, under its newest name."""
        newest = {"$max": {"at": "$at", "name": f"${name}"}}
        pipeline: list[Document] = [
            {"$match": {"server_id": {"$in": list(server_ids)}, "kind": _KILLS, **match}},
            {"$group": {"_id": f"${key}", "count": {"$sum": 1}, "newest": newest}},
            {"$sort": {"count": -1, "newest.name": 1, "_id": 1}},
            {"$limit": 1},
        ]
        found = await self._of("kills", guild_id).aggregate(pipeline, hint=hint)
        return Tallied(found[0]["newest"]["name"], found[0]["count"]) if found else None

    def _of(self, name: str, guild_id: GuildId) -> ScopedCollection:
        return ScopedCollection.of_guild(self._database, name, guild_id)


def build_since(day: date | None) -> Document:
    """Return the filter of deaths written on a day or later, by the game server's clock."""
    return {} if day is None else {"written_at": {"$gte": datetime.combine(day, time.min)}}


def _learn(known: dict[PlayerId, KnownPlayer], encoded: bytes) -> None:
    for document in decode_documents(encoded):
        add_known(known, document)


def _place(
    ties: Iterable[Tie], names: Mapping[PlayerId, str], before: int
) -> list[tuple[int, PlayerId, float]]:
    """Return rank, player and value of whole ties in their order."""
    ordered = [
        (player_id, tie.value)
        for tie in ties
        for player_id in sorted(tie.player_ids, key=lambda key: (names.get(key, _NOBODY), key))
    ]
    return [(before + place, *pair) for place, pair in enumerate(ordered, start=1)]


def _get_seen(pair: tuple[ServerId, PlayerRecord]) -> datetime:
    return pair[1].last_seen_at


def _get_key(pair: tuple[ServerId, PlayerRecord]) -> tuple[ServerId, PlayerId]:
    return pair[0], pair[1].player_id
