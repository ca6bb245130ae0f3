"""The board of bounties: the players with the highest claims, over one or several servers of a guild."""

from dataclasses import replace

from utils.database.core.operations import Document
from utils.database.repositories.repository import Repository
from utils.database.repositories.shown import ShownPlayers
from utils.models.money import BountyState
from utils.models.players import BoardRow
from utils.models.scope import ERASED_PLAYER_ID, PlayerId
from utils.models.statistics import CoveredDeaths


class HunterRepository(Repository):
    """Players by their claims. There are few of them, because only members with a proven link can claim."""

    async def list_hunters(self, covered: CoveredDeaths) -> tuple[BoardRow, ...]:
        """Return all players who claimed a bounty, by the sum that was paid, highest first.

        Ties are broken as on every board: by fewer deaths, then by name.
        """
        claims = await self._sum_claims(covered)
        player_ids = [PlayerId(claim["_id"]) for claim in claims]
        players = await ShownPlayers.open(self._database, covered)
        names = await players.find_names(player_ids)
        counters = await players.find_counters(player_ids, covered.since, covered.until)
        rows = [
            BoardRow(
                rank=0,
                player_id=player_id,
                name=names.get(player_id, claim["newest"]["name"]),
                value=float(claim["amount"]),
                counters=counters[player_id],
                claims=claim["claims"],
            )
            for player_id, claim in zip(player_ids, claims, strict=True)
        ]
        rows.sort(key=lambda row: (-row.value, row.counters.deaths, row.name, row.player_id))
        return tuple(replace(row, rank=rank) for rank, row in enumerate(rows, start=1))

    async def _sum_claims(self, covered: CoveredDeaths) -> list[Document]:
        wanted: Document = {
            "server_id": {"$in": list(covered.server_ids)},
            "state": BountyState.CLAIMED.value,
            "claimer_player_id": {"$ne": ERASED_PLAYER_ID},
        }
        if covered.since_at is not None:
            wanted["closed_at"] = {"$gte": covered.since_at}
        if covered.until_at is not None:
            wanted.setdefault("closed_at", {})["$lt"] = covered.until_at
        sums: Document = {
            "_id": "$claimer_player_id",
            "amount": {"$sum": "$amount"},
            "claims": {"$sum": 1},
            "newest": {"$max": {"at": "$closed_at", "name": "$claimer_name"}},
        }
        bounties = self._of_guild("bounties", covered.guild_id)
        return await bounties.aggregate([{"$match": wanted}, {"$group": sums}], hint="claimed")
