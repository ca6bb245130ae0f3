"""Figures of factions: the months and days of their members' players, and the kills inside a faction."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date

from utils.database.core.operations import Document
from utils.database.documents.player_documents import format_month, list_months, read_days
from utils.database.read_models.enemies import build_since
from utils.database.read_models.shown import build_match
from utils.database.repositories.repository import Repository
from utils.database.repositories.shown import ShownPlayers
from utils.models.factions import MemberKill
from utils.models.players import Counters, PlayerDay
from utils.models.scope import PlayerId
from utils.models.statistics import CoveredDeaths

_FIELDS = {"_id": 0, "killer_id": 1, "victim_id": 1, "written_at": 1}
_SUMMED, _BEST = ("kills", "deaths", "xp"), ("longest", "best_streak")
_HOWS = {**dict.fromkeys(_SUMMED, "$sum"), **dict.fromkeys(_BEST, "$max")}
"""How the counters that factions show are put together."""


class FactionFigureRepository(Repository):
    """The months, days and kills of members' players."""

    async def sum_months(
        self, covered: CoveredDeaths, wanted: Sequence[tuple[tuple[date, date], Collection[PlayerId]]]
    ) -> tuple[Mapping[PlayerId, Counters], ...]:
        """Return the counters of players over whole months, each in the order that was asked for.

        They are without metres and suicides.
        """
        players = await ShownPlayers.open(self._database, covered)
        if not players.shown:
            return tuple({} for _ in wanted)

        async def add(first: date, last: date, player_ids: Collection[PlayerId]) -> dict[PlayerId, Counters]:
            query = {"month": {"$in": list_months(first, last)}, "player_id": {"$in": list(player_ids)}}
            pipeline = _build_sums(build_match(players.shown, query))
            found = await players.of("player_days").aggregate(pipeline, hint="month")
            return {PlayerId(one.pop("_id")): Counters(**one) for one in found}

        sums = await asyncio.gather(*(add(*months, player_ids) for months, player_ids in wanted))
        return tuple(sums)

    async def list_days(
        self, covered: CoveredDeaths, wanted: Mapping[date, Collection[PlayerId]]
    ) -> tuple[PlayerDay, ...]:
        """Return the counters of players by day, in the months that begin with the given days."""
        players = await ShownPlayers.open(self._database, covered)
        found = await asyncio.gather(
            *(
                players.find(
                    "player_days",
                    {"month": format_month(month), "player_id": {"$in": list(player_ids)}},
                    "month",
                )
                for month, player_ids in wanted.items()
            )
        )
        return tuple(day for buckets in found for bucket in buckets for day in read_days(bucket))

    async def list_kills_inside(
        self, covered: CoveredDeaths, groups: Iterable[Collection[PlayerId]], *, since: date, until: date
    ) -> tuple[MemberKill, ...]:
        """Return the kills of players by others of their group; the index holds all of it."""
        kills = self._of_guild("kills", covered.guild_id)
        query = {"server_id": {"$in": list(covered.server_ids)}, **build_since(since, until)}

        async def find(player_ids: Collection[PlayerId]) -> list[Document]:
            among = {"$in": list(player_ids)}
            inside = {**query, "killer_id": among, "victim_id": among}
            return await kills.find(inside, projection=_FIELDS, hint="killer")

        found = await asyncio.gather(*(find(group) for group in groups if len(group) > 1))
        return tuple(
            MemberKill(one["killer_id"], one["victim_id"], one["written_at"].date())
            for of_group in found
            for one in of_group
            if one["killer_id"] != one["victim_id"]
        )


def _build_sums(match: Document) -> list[Document]:
    """Return the stages that sum the days of months by player."""
    of_month = {name: {how: f"$days.{name}"} for name, how in _HOWS.items()}
    of_player = {name: {how: f"${name}"} for name, how in _HOWS.items()}
    return [
        {"$match": match},
        {"$project": {"_id": 0, "player_id": 1, **of_month}},
        {"$group": {"_id": "$player_id", **of_player}},
    ]
