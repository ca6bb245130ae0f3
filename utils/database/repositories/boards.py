"""Leaderboards: players of one or several servers, ranked by MongoDB itself."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from utils.database.database import Document, SafeDatabase
from utils.database.player_documents import format_month, read_counters
from utils.database.repositories.generations import list_shown
from utils.database.repositories.statistics import Servers
from utils.database.scoped import ScopedCollection
from utils.models.players import KD_BOARD_KILLS, Board, BoardPage, BoardRow
from utils.models.scope import GuildId, PlayerId

_RATIO = {"$round": [{"$divide": ["$kills", {"$max": ["$deaths", 1]}]}, 2]}
VALUES: Mapping[Board, Any] = {
    Board.KILLS: "$kills",
    Board.DEATHS: "$deaths",
    Board.KD: _RATIO,
    Board.STREAK: "$best_streak",
    Board.LONGEST: "$longest",
    Board.SUICIDES: "$suicides",
}
_SUMMED = ("kills", "deaths", "suicides", "metres")
_BEST = ("longest", "best_streak")


class BoardRepository:
    """Leaderboards of guilds."""

    def __init__(self, database: SafeDatabase) -> None:
        self._database = database

    async def get_page(
        self,
        guild_id: GuildId,
        board: Board,
        *,
        limit: int,
        offset: int = 0,
        server_ids: Servers = None,
        since: date | None = None,
        own: PlayerId | None = None,
    ) -> BoardPage:
        """Return rows of a board, how many there are in all, and one player's own row.

        Args:
            since: count from this day of the servers' calendars on; everything when None.
            own: the player whose row is wanted wherever it stands.
        """
        shown = await list_shown(self._database, guild_id, server_ids)
        if not shown:
            return BoardPage(rows=(), total=0)
        source = _sum_players(shown) if since is None else _sum_days(shown, since)
        name = "players" if since is None else "player_days"
        collection = ScopedCollection.of_guild(self._database, name, guild_id)
        pages = {
            "rows": [{"$skip": offset}, {"$limit": limit}],
            "total": [{"$count": "count"}],
            "own": [{"$match": {"player_id": own}}],
        }
        [found] = await collection.aggregate([*source, *_rank(board), {"$facet": pages}])
        names = {} if since is None else await self._find_names(guild_id, shown, found)
        own_rows = [_read_row(document, names) for document in found["own"]]
        return BoardPage(
            rows=tuple(_read_row(document, names) for document in found["rows"]),
            total=found["total"][0]["count"] if found["total"] else 0,
            own=own_rows[0] if own_rows else None,
        )

    async def find_rank(
        self, guild_id: GuildId, player_id: PlayerId, *, server_ids: Servers = None
    ) -> tuple[int | None, int]:
        """Return a player's place by kills, None without any, and among how many players that is."""
        page = await self.get_page(guild_id, Board.KILLS, limit=1, server_ids=server_ids, own=player_id)
        return (None if page.own is None else page.own.rank), page.total

    async def _find_names(
        self, guild_id: GuildId, shown: Sequence[Document], found: Document
    ) -> Mapping[str, str]:
        ids = sorted({document["player_id"] for document in (*found["rows"], *found["own"])})
        players = ScopedCollection.of_guild(self._database, "players", guild_id)
        documents = await players.find(
            {"$or": [{**one, "player_id": {"$in": ids}} for one in shown]},
            projection={"player_id": 1, "name": 1, "last_seen_at": 1},
        )
        return {
            one["player_id"]: one["name"] for one in sorted(documents, key=lambda one: one["last_seen_at"])
        }


def _sum_players(shown: Sequence[Document]) -> list[Document]:
    totals: Document = {field: {"$sum": f"$counters.{field}"} for field in _SUMMED}
    totals |= {field: {"$max": f"$counters.{field}"} for field in _BEST}
    newest = {"$max": {"at": "$last_seen_at", "name": "$name"}}
    return [
        {"$match": {"$or": list(shown)}},
        {"$group": {"_id": "$player_id", "newest": newest, **totals}},
        {"$set": {"player_id": "$_id", "name": "$newest.name"}},
    ]


def _sum_days(shown: Sequence[Document], since: date) -> list[Document]:
    month = format_month(since)
    totals: Document = {field: {"$sum": f"$days.{field}"} for field in _SUMMED}
    totals |= {field: {"$max": f"$days.{field}"} for field in _BEST}
    return [
        {"$match": {"$or": [{**one, "month": {"$gte": month}} for one in shown]}},
        {"$unwind": "$days"},
        {"$match": {"$or": [{"month": {"$gt": month}}, {"days.day": {"$gte": since.day}}]}},
        {"$group": {"_id": "$player_id", **totals}},
        {"$set": {"player_id": "$_id", "name": ""}},
    ]


def _rank(board: Board) -> list[Document]:
    has_place = {"kills": {"$gte": KD_BOARD_KILLS}} if board is Board.KD else {"value": {"$gt": 0}}
    order = {"value": -1, "deaths": 1, "name": 1, "player_id": 1}
    return [
        {"$set": {"value": VALUES[board]}},
        {"$match": has_place},
        {"$setWindowFields": {"sortBy": order, "output": {"rank": {"$documentNumber": {}}}}},
    ]


def _read_row(document: Document, names: Mapping[str, str]) -> BoardRow:
    player_id = PlayerId(document["player_id"])
    return BoardRow(
        rank=document["rank"],
        player_id=player_id,
        name=names.get(player_id, document["name"]),
        value=float(document["value"]),
        counters=read_counters(document),
    )
