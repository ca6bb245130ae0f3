"""Seasons and their results."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from utils.database.core.transaction import Transaction
from utils.database.documents.season_documents import (
    build_result_document,
    build_season_document,
    build_season_query,
    read_result,
    read_season,
)
from utils.database.repositories.repository import FencedRepository
from utils.database.units.audit_unit import insert_entry
from utils.database.units.outbox_entries import append_entries
from utils.models.audit import AuditEntry
from utils.models.notices.notice import Notice
from utils.models.scope import (
    ALL_SERVERS,
    ERASED_NAME,
    ERASED_PLAYER_ID,
    GuildId,
    PlayerId,
    ServerId,
    ServerScope,
)
from utils.models.seasons import MOST_SEASONS, Season, SeasonResult, SeasonState, SeasonWinners
from utils.models.statistics import Board

_WINNER = {"_id": 0, "season_id": 1, "board": 1, "rows": {"$slice": 1}}


class SeasonRepository(FencedRepository):
    """The seasons of guilds. Each change is conditional on what was read, so of several one wins."""

    async def list_seasons(self, guild_id: GuildId) -> tuple[Season, ...]:
        """Return every season that was not cancelled, the newest first."""
        kept = {"state": {"$ne": SeasonState.CANCELLED.value}, "season_id": {"$gt": ""}}
        found = await self._of_guild("seasons", guild_id).find(kept, hint="season")
        seasons = [read_season(guild_id, document) for document in found]
        return tuple(sorted(seasons, key=lambda one: (one.first_day, one.season_id), reverse=True))

    async def find_season(self, guild_id: GuildId, season_id: str) -> Season | None:
        """Return a season, also a cancelled one; None if there is none."""
        found = await self._of_guild("seasons", guild_id).find_one({"season_id": season_id})
        return None if found is None else read_season(guild_id, found)

    async def insert_season(
        self, guild_id: GuildId, season: Season, *, entry: AuditEntry | None = None
    ) -> bool:
        """Store a new season and its entry of the audit; tell whether there was room for it.

        Cancelled seasons go, and of a full guild the one that was closed first, with its results.
        """

        def insert(transaction: Transaction) -> bool:
            seasons = transaction.of_guild("seasons", guild_id)
            seasons.delete({"state": SeasonState.CANCELLED.value})
            if seasons.count({}) >= MOST_SEASONS and not _drop_oldest(transaction, guild_id):
                return False
            seasons.insert_one(build_season_document(season))
            insert_entry(transaction, guild_id, entry)
            return True

        return await self._in_transaction(guild_id, insert)

    async def change_season(
        self, guild_id: GuildId, before: Season, after: Season, *, entry: AuditEntry | None = None
    ) -> bool:
        """Change a season that is still as it was read, with its entry of the audit; tell whether it was."""

        def change(transaction: Transaction) -> bool:
            if not _replace(transaction, before, after):
                return False
            insert_entry(transaction, guild_id, entry)
            return True

        return await self._in_transaction(guild_id, change)

    async def close_season(
        self,
        guild_id: GuildId,
        before: Season,
        after: Season,
        results: Sequence[SeasonResult],
        *,
        server_ids: Sequence[ServerId],
        build_notice: Callable[[Sequence[SeasonResult]], Notice] | None,
        at: datetime,
    ) -> bool:
        """Close a season that is still as it was read, with its results and the notice about them.

        Somebody may have been erased since the rows were read: they have no figures on these servers any
        more, so their rows are those of "erased player".
        """

        def close(transaction: Transaction) -> bool:
            if not _replace(transaction, before, after):
                return False
            kept = _without_erased(transaction, guild_id, results, server_ids)
            documents = [build_result_document(after, result) for result in kept]
            transaction.of_guild("season_results", guild_id).insert_many(documents)
            if build_notice is not None:
                everywhere = ServerScope(guild_id, ALL_SERVERS)
                append_entries(transaction, everywhere, [build_notice(kept)], created_at=at)
            return True

        return await self._in_transaction(guild_id, close)

    async def find_result(self, guild_id: GuildId, season_id: str, board: Board) -> SeasonResult | None:
        """Return the rows of one board of a closed season; None if there are none."""
        wanted = {"season_id": season_id, "board": board.value}
        found = await self._of_guild("season_results", guild_id).find_one(wanted)
        return None if found is None else read_result(found)

    async def list_winners(self, guild_id: GuildId) -> SeasonWinners:
        """Return the first player by kills of each closed season."""
        kills = {"season_id": {"$gt": ""}, "board": Board.KILLS.value}
        found = await self._of_guild("season_results", guild_id).find(
            kills, projection=_WINNER, hint="result"
        )
        results = map(read_result, found)
        return {result.season_id: result.rows[0] for result in results if result.rows}


def _replace(transaction: Transaction, before: Season, after: Season) -> bool:
    seasons = transaction.of_guild("seasons", before.guild_id)
    return seasons.update_one(build_season_query(before), {"$set": build_season_document(after)})


def _drop_oldest(transaction: Transaction, guild_id: GuildId) -> bool:
    """Delete the season that was closed first, with its results; tell whether there was one."""
    seasons = transaction.of_guild("seasons", guild_id)
    closed = seasons.find_one({"state": SeasonState.CLOSED.value}, sort=[("closed_at", 1)])
    if closed is None:
        return False
    for name in ("seasons", "season_results"):
        transaction.of_guild(name, guild_id).delete({"season_id": closed["season_id"]})
    return True


def _without_erased(
    transaction: Transaction,
    guild_id: GuildId,
    results: Sequence[SeasonResult],
    server_ids: Sequence[ServerId],
) -> list[SeasonResult]:
    """Return results without the names of players who have no figures on the servers any more."""
    wanted = {
        "server_id": {"$in": list(server_ids)},
        "generation": {"$gte": 0},
        "player_id": {"$in": sorted({row.player_id for result in results for row in result.rows})},
    }
    players = transaction.of_guild("players", guild_id)
    found = players.find(wanted, projection={"_id": 0, "player_id": 1}, hint="player")
    known = {PlayerId(one["player_id"]) for one in found}
    return [
        replace(
            result,
            rows=tuple(
                row if row.player_id in known else replace(row, player_id=ERASED_PLAYER_ID, name=ERASED_NAME)
                for row in result.rows
            ),
        )
        for result in results
    ]
