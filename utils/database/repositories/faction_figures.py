"""Figures of factions: the days of their members' players, and the kills among these."""

from collections.abc import Sequence
from datetime import date

from utils.database.read_models.enemies import build_since
from utils.database.repositories.repository import Repository
from utils.database.repositories.shown import ShownPlayers
from utils.models.factions import MemberKill
from utils.models.players import PlayerDay
from utils.models.scope import PlayerId
from utils.models.statistics import CoveredDeaths

_FIELDS = {"_id": 0, "killer_id": 1, "victim_id": 1, "written_at": 1}


class FactionFigureRepository(Repository):
    """The days and kills of members' players."""

    async def list_days(
        self, covered: CoveredDeaths, player_ids: Sequence[PlayerId], *, since: date, until: date
    ) -> tuple[PlayerDay, ...]:
        """Return the counters of players by day, server by server."""
        players = await ShownPlayers.open(self._database, covered)
        return tuple(await players.list_days(player_ids, since, until))

    async def list_kills_among(
        self, covered: CoveredDeaths, player_ids: Sequence[PlayerId], *, since: date, until: date
    ) -> tuple[MemberKill, ...]:
        """Return the kills of these players by these players; the index holds all of it."""
        among = {"$in": list(player_ids)}
        query = {"server_id": {"$in": list(covered.server_ids)}, "killer_id": among, "victim_id": among}
        found = await self._of_guild("kills", covered.guild_id).find(
            query | build_since(since, until), projection=_FIELDS, hint="killer"
        )
        return tuple(
            MemberKill(one["killer_id"], one["victim_id"], one["written_at"].date())
            for one in found
            if one["killer_id"] != one["victim_id"]
        )
