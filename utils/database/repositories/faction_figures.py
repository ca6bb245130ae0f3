"""Figures of factions: the months and days of their members' players, and the kills inside a faction."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date

from utils.database.core.database import SafeDatabase
from utils.database.documents.player_documents import format_month, list_months, read_days
from utils.database.read_models.member_figures import MemberFigures
from utils.database.repositories.repository import Repository
from utils.database.repositories.shown import ShownPlayers, list_shown
from utils.models.factions import MemberKill
from utils.models.players import Counters, PlayerDay, sum_counters
from utils.models.scope import PlayerId
from utils.models.statistics import CoveredDeaths


class FactionFigureRepository(Repository):
    """The months, days and kills of members' players."""

    def __init__(self, database: SafeDatabase, figures: MemberFigures) -> None:
        super().__init__(database)
        self._figures = figures

    async def sum_months(
        self, covered: CoveredDeaths, wanted: Sequence[tuple[tuple[date, date], Collection[PlayerId]]]
    ) -> tuple[Mapping[PlayerId, Counters], ...]:
        """Return the counters of players over whole months, each in the order that was asked for.

        They are without metres and suicides.
        """
        groups: dict[str, set[PlayerId]] = {}
        for months, player_ids in wanted:
            for month in list_months(*months):
                groups.setdefault(month, set()).update(player_ids)
        questions = {month: (month, frozenset(group)) for month, group in groups.items()}
        shown = await list_shown(self._database, covered.guild_id, covered.server_ids)
        answers = await self._figures.months.ask(covered.guild_id, shown, questions.values())

        def add(months: tuple[date, date], player_ids: Collection[PlayerId]) -> dict[PlayerId, Counters]:
            asked = [questions[month] for month in list_months(*months)]
            sums = [of_server[question] for of_server in answers for question in asked]
            counted = {
                player_id: [one[player_id] for one in sums if player_id in one] for player_id in player_ids
            }
            return {player_id: sum_counters(counters) for player_id, counters in counted.items() if counters}

        return tuple(add(*one) for one in wanted)

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
        """Return the kills of players by others of their group."""
        shown = await list_shown(self._database, covered.guild_id, covered.server_ids)
        several = [frozenset(group) for group in groups if len(group) > 1]
        answers = await self._figures.kills.ask(covered.guild_id, shown, several)
        return tuple(
            kill
            for of_server in answers
            for kills in of_server.values()
            for kill in kills
            if since <= kill.day <= until
        )
