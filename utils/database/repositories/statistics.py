"""Statistics for ``/stats`` and ``/leaderboard``: players over one or several servers of a guild.

Every answer first reads the generation that each server shows: an import switches it with one write and
deletes the old generation, so a remembered one would find nothing.
"""

import asyncio
import re
from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from utils.database.core.database import SafeDatabase
from utils.database.documents.death_documents import KILLS, decode_documents
from utils.database.documents.player_documents import add_known, read_player, sort_known
from utils.database.read_models.enemies import build_since
from utils.database.read_models.shown import KNOWN
from utils.database.read_models.standings.columns import Tie, get_value
from utils.database.read_models.standings.parts import Standing
from utils.database.read_models.standings.standings import Standings
from utils.database.read_models.weapons import (
    build_hours_of_day,
    build_weapon_counts,
    sum_weapons,
)
from utils.database.repositories.enemies import find_worst_enemy
from utils.database.repositories.repository import Repository
from utils.database.repositories.shown import ShownPlayers, list_shown
from utils.models.players import (
    BoardRow,
    Counters,
    KnownPlayer,
    NamedCount,
    PlayerRecord,
    PlayerStats,
    sum_counters,
)
from utils.models.scope import GuildId, PlayerId, ServerId
from utils.models.statistics import (
    BoardRows,
    CoveredDeaths,
    DayCount,
    Enemy,
    HourCount,
    PlayerPlace,
    Side,
    WeaponRow,
)

_KNOWN_FIELDS = {
    "server_id": 1,
    "player_id": 1,
    "name": 1,
    "names": 1,
    "counters.kills": 1,
    "last_seen_at": 1,
}
_KNOWN_BATCH = 500  # decoding blocks Python, so only for a few milliseconds at a time
_ENTRIES_OF_A_PLAYER = 4  # one for each of their servers, seldom more
_BEST_FIRST = [("counters.kills", -1), ("counters.deaths", 1), ("name", 1), ("player_id", 1)]


@dataclass(frozen=True, slots=True)
class Place:
    """A player's place on a board."""

    rank: int
    player_id: PlayerId
    name: str
    value: float


class StatisticsRepository(Repository):
    """Counters, tallies, boards and names of players; the first day that counts is a year ago at most."""

    def __init__(self, database: SafeDatabase, standings: Standings) -> None:
        super().__init__(database)
        self._standings = standings

    async def find_stats(self, covered: CoveredDeaths, player_ids: Sequence[PlayerId]) -> PlayerStats | None:
        """Return players' figures summed over servers and players; None if no player was ever seen there."""
        players = await ShownPlayers.open(self._database, covered)
        records = await _find_records(players, player_ids)
        if not records:
            return None
        newest = _find_newest(records)
        summed = await _sum(players, player_ids, covered, records)
        (rank, ranked), weapon, nemesis, prey = await asyncio.gather(
            self._find_rank(covered, players, player_ids, (summed, newest.name)),
            self._find_top_weapon(covered, [record for _, record in records]),
            find_worst_enemy(players, player_ids, "killer", since=covered.since, until=covered.until),
            find_worst_enemy(players, player_ids, "victim", since=covered.since, until=covered.until),
        )
        by_time = sorted((record for _, record in records), key=lambda record: record.last_seen_at)
        names = {record.player_id: record.name for record in by_time}
        return PlayerStats(
            player_id=newest.player_id,
            name=newest.name,
            counters=summed,
            current_streak=newest.current_streak,
            top_weapon=weapon,
            nemesis=_tally(nemesis),
            prey=_tally(prey),
            rank=rank,
            ranked=ranked,
            last_seen_at=newest.last_seen_at,
            servers=tuple(sorted({server_id for server_id, _ in records})),
            also=tuple(names[key] for key in sorted(names) if key != newest.player_id),
        )

    async def find_place(
        self, covered: CoveredDeaths, player_ids: Sequence[PlayerId], *, board: str
    ) -> PlayerPlace:
        """Return the value of players summed to one on a board, and their place among all others."""
        players = await ShownPlayers.open(self._database, covered)
        records = await _find_records(players, player_ids)
        summed = await _sum(players, player_ids, covered, records)
        name = _find_newest(records).name if records else ""
        rank, ranked = await self._find_rank(covered, players, player_ids, (summed, name), board=board)
        return PlayerPlace(get_value(summed, board), rank, ranked)

    async def list_board(
        self,
        covered: CoveredDeaths,
        *,
        board: str,
        minimum_kills: int,
        limit: int,
        offset: int,
        own: Sequence[PlayerId] = (),
    ) -> BoardRows:
        """Return rows of a board, the number of all rows, and the best row of ``own`` players."""
        players = await ShownPlayers.open(self._database, covered)
        standing, places = await self._list_places(
            covered, players, board=board, minimum_kills=minimum_kills, limit=limit, offset=offset
        )
        mine = standing.ranking.find_best(standing.find_numbers(own))
        if mine is not None:
            level = await asyncio.to_thread(_place, standing, [mine[1]], mine[0])
            places += [place for place in level if place.player_id in own][:1]
        player_ids = [place.player_id for place in places]
        counters = await players.find_counters(player_ids, covered.since, covered.until)
        rows = [
            BoardRow(place.rank, place.player_id, place.name, place.value, counters[place.player_id])
            for place in places
        ]
        total, summed = len(standing.ranking), float(standing.ranking.values.sum())
        return BoardRows(tuple(rows[:-1] if mine else rows), total, rows[-1] if mine else None, summed)

    async def find_first_places(
        self, covered: CoveredDeaths, *, board: str, minimum_kills: int, limit: int
    ) -> Mapping[PlayerId, int]:
        """Return the first players of a board with their places, the first one first."""
        players = await ShownPlayers.open(self._database, covered)
        _, places = await self._list_places(
            covered, players, board=board, minimum_kills=minimum_kills, limit=limit, offset=0
        )
        return {place.player_id: place.rank for place in places}

    async def _list_places(
        self,
        covered: CoveredDeaths,
        players: ShownPlayers,
        *,
        board: str,
        minimum_kills: int,
        limit: int,
        offset: int,
    ) -> tuple[Standing, list[Place]]:
        """Return a ranking, and a page of it."""
        standing = await self._standings.rank(
            covered.guild_id,
            players.shown,
            board,
            minimum_kills=minimum_kills,
            since=covered.since,
            until=covered.until,
        )
        before, ties = standing.ranking.cut(limit=limit, offset=offset)
        # in threads: half of a guild may be one tie, for example with one kill each, to be sorted by name
        placed = await asyncio.to_thread(_place, standing, ties, before)
        return standing, placed[offset - before : offset - before + limit]

    async def sum_of_players(
        self, covered: CoveredDeaths, player_ids: Collection[PlayerId]
    ) -> Mapping[PlayerId, Counters]:
        """Return players' counters, without metres, summed over servers; those without rows are absent."""
        shown = await list_shown(self._database, covered.guild_id, covered.server_ids)
        return await self._standings.sum_players(
            covered.guild_id, shown, player_ids, since=covered.since, until=covered.until
        )

    async def list_days(
        self, covered: CoveredDeaths, player_ids: Sequence[PlayerId], *, since: date
    ) -> tuple[DayCount, ...]:
        """Return the counters of each day, summed over servers and players, without empty days."""
        players = await ShownPlayers.open(self._database, covered)
        by_day: dict[date, list[Counters]] = {}
        for day in await players.list_days(player_ids, since, covered.until):
            by_day.setdefault(day.day, []).append(day.counters)
        return tuple(DayCount(day, sum_counters(by_day[day])) for day in sorted(by_day))

    async def list_hours_of_day(
        self, covered: CoveredDeaths, player_ids: Sequence[PlayerId], day: date
    ) -> tuple[HourCount, ...]:
        """Return the kills and deaths of players by hour of a day, without empty hours.

        MongoDB counts the deaths of that day, by the two indexes that hold them by player and time, because
        hours of a single day are not stored.
        """
        hours: dict[int, Counters] = {}
        sides: tuple[Side, ...] = ("killer", "victim")
        for side in sides:
            stages = build_hours_of_day(covered.server_ids, player_ids, side, day)
            for found in await self._of_guild("kills", covered.guild_id).aggregate(stages, hint=side):
                hour, count = found["_id"], found["deaths"]
                one = Counters(kills=count) if side == "killer" else Counters(deaths=count)
                hours[hour] = sum_counters([hours.get(hour, Counters()), one])
        return tuple(HourCount(hour, hours[hour]) for hour in sorted(hours))

    async def list_known_players(self, guild_id: GuildId) -> tuple[KnownPlayer, ...]:
        """Return every player of the guild's servers, most kills first, streamed."""
        known: dict[PlayerId, KnownPlayer] = {}
        for one in await list_shown(self._database, guild_id, None):
            batches = self._of_guild("players", guild_id).iterate_raw(
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
        """Return players whose newest name on a server holds the text, in any case, best known first.

        The index holds the names, so only fitting ones are read, and reading ends when there are enough. This
        is fast, but less thorough than a search of all names of all players in memory.
        """
        shown = await list_shown(self._database, guild_id, None)
        part = {"name": {"$regex": re.escape(text), "$options": "i"}} if text else {}
        known: dict[PlayerId, KnownPlayer] = {}
        for one in shown:
            # the servers' parts of the index are merged in its order, so that reading ends early
            found = await self._of_guild("players", guild_id).find(
                {**one.query, **KNOWN, **part},
                projection=_KNOWN_FIELDS,
                sort=_BEST_FIRST,
                limit=limit * _ENTRIES_OF_A_PLAYER,
                hint="board",
            )
            for document in found:
                add_known(known, document)
        return sort_known(known.values())[:limit]

    async def _find_rank(
        self,
        covered: CoveredDeaths,
        players: ShownPlayers,
        player_ids: Sequence[PlayerId],
        own: tuple[Counters, str],
        *,
        board: str = "kills",
    ) -> tuple[int | None, int]:
        """Return the rank of players summed to one (or None), and the number of places."""
        standing = await self._standings.rank(
            covered.guild_id,
            players.shown,
            board,
            minimum_kills=0,
            since=covered.since,
            until=covered.until,
        )
        counters, name = own
        value = get_value(counters, board)
        mine = standing.find_numbers(player_ids)
        before, level = standing.ranking.place(value, counters.deaths, without=mine)
        ranked = standing.ranking.count(without=mine)
        if not value:
            return None, ranked
        before += await asyncio.to_thread(_count_before, standing, level, (name, min(player_ids)))
        return before + 1, ranked + 1

    async def _find_top_weapon(
        self, covered: CoveredDeaths, records: Sequence[PlayerRecord]
    ) -> NamedCount | None:
        """Return the weapon with most kills of players."""
        if covered.since is None:
            counts = (count for record in records for count in record.weapons)
            rows = sum_weapons(WeaponRow(count.weapon, count.kills, count.longest) for count in counts)
            return NamedCount(rows[0].weapon, rows[0].kills) if rows else None
        killers = {"$in": [record.player_id for record in records]}
        match = {"server_id": {"$in": list(covered.server_ids)}, "kind": KILLS, "killer_id": killers}
        pipeline = build_weapon_counts(match | build_since(covered.since, covered.until))
        found = await self._of_guild("kills", covered.guild_id).aggregate(pipeline, hint="killer")
        return NamedCount(found[0]["_id"], found[0]["kills"]) if found else None


def _find_newest(records: Sequence[tuple[ServerId, PlayerRecord]]) -> PlayerRecord:
    """Return the record of the player who was seen last."""
    return max((record for _, record in records), key=lambda record: record.last_seen_at)


async def _sum(
    players: ShownPlayers,
    player_ids: Sequence[PlayerId],
    covered: CoveredDeaths,
    records: Sequence[tuple[ServerId, PlayerRecord]],
) -> Counters:
    """Return the counters of players together, of all time or of the covered days."""
    if covered.since is None:
        return sum_counters(record.counters for _, record in records)
    days = await players.list_days(player_ids, covered.since, covered.until)
    return sum_counters(day.counters for day in days)


async def _find_records(
    players: ShownPlayers, player_ids: Sequence[PlayerId]
) -> list[tuple[ServerId, PlayerRecord]]:
    found = await players.find("players", {"player_id": {"$in": list(player_ids)}}, "player")
    records = ((ServerId(one["server_id"]), read_player(one)) for one in found)
    return sorted(records, key=lambda pair: (pair[0], pair[1].player_id))


def _learn(known: dict[PlayerId, KnownPlayer], encoded: bytes) -> None:
    for document in decode_documents(encoded):
        add_known(known, document)


def _list_tied(standing: Standing, tie: Tie, names: Mapping[int, str]) -> list[tuple[str, PlayerId]]:
    """Return name and id of each player of a tie, in the order that they decide."""
    called = [names.get(number, "") for number in tie.players]  # an import may be deleting them
    return sorted(zip(called, standing.get_players(tie.players), strict=True))


def _count_before(standing: Standing, tie: Tie, key: tuple[str, PlayerId]) -> int:
    """Return how many players of a tie come before a name and an id."""
    return bisect_left(_list_tied(standing, tie, standing.find_names(tie.players)), key)


def _place(standing: Standing, ties: Sequence[Tie], before: int) -> list[Place]:
    """Return whole ties in their order; the first of them follows ``before`` places."""
    names = standing.find_names([number for tie in ties for number in tie.players])
    places: list[Place] = []
    for tie in ties:
        for name, player_id in _list_tied(standing, tie, names):
            places.append(Place(before + len(places) + 1, player_id, name, tie.value))
    return places


def _tally(enemy: Enemy | None) -> NamedCount | None:
    return NamedCount(enemy.name, enemy.kills) if enemy else None
