"""Figures of factions: the days of their members' players, and the kills inside a faction."""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from utils.database.core.database import SafeDatabase
from utils.database.read_models.member_figures import Group, MemberFigures
from utils.database.read_models.member_tables import DayTable, KillTable, count_kills, sum_days
from utils.database.repositories.repository import Repository
from utils.database.repositories.shown import list_shown
from utils.models.factions import FactionSpan
from utils.models.players import Counters, sum_counters
from utils.models.scope import PlayerId
from utils.models.statistics import CoveredDeaths


class FactionFigureRepository(Repository):
    """The days and kills of members' players."""

    def __init__(self, database: SafeDatabase, figures: MemberFigures) -> None:
        super().__init__(database)
        self._figures = figures

    async def sum_spans(
        self, covered: CoveredDeaths, spans: Collection[FactionSpan]
    ) -> Mapping[FactionSpan, Counters]:
        """Return the counters of the days in each span; a span without such a day is left out.

        They are without metres and suicides.
        """
        shown = await list_shown(self._database, covered.guild_id, covered.server_ids)
        players = (span.player_id for span in spans)
        answers = await self._figures.days.ask(covered.guild_id, shown, players)
        return await asyncio.to_thread(_sum_spans, spans, answers)

    async def count_kills_inside(
        self, covered: CoveredDeaths, spans: Iterable[FactionSpan]
    ) -> Mapping[FactionSpan, int]:
        """Return the kills in each span of players who are in one of the same faction on that day."""
        by_faction: dict[str, list[FactionSpan]] = {}
        for span in sorted(spans, key=lambda one: (one.player_id, one.first)):
            by_faction.setdefault(span.faction_id, []).append(span)
        groups = {tuple(dict.fromkeys(span.player_id for span in own)): own for own in by_faction.values()}
        shown = await list_shown(self._database, covered.guild_id, covered.server_ids)
        answers = await self._figures.kills.ask(covered.guild_id, shown, groups)
        return await asyncio.to_thread(_count_kills, groups, answers)


def _sum_spans(
    spans: Iterable[FactionSpan], answers: Sequence[Mapping[PlayerId, DayTable]]
) -> Mapping[FactionSpan, Counters]:
    """Return the sums of spans over the servers."""
    sums = {}
    for span in spans:
        several = [sum_days(of_server[span.player_id], span.first, span.last) for of_server in answers]
        counted = [one for one in several if one is not None]
        if counted:
            sums[span] = sum_counters(counted)
    return sums


def _count_kills(
    groups: Mapping[Group, Sequence[FactionSpan]], answers: Sequence[Mapping[Group, KillTable]]
) -> Mapping[FactionSpan, int]:
    """Return the kills in spans over the servers."""
    kills = Counter[FactionSpan]()
    for group, own in groups.items():
        numbers = {player_id: number for number, player_id in enumerate(group)}
        spans = [(numbers[span.player_id], span.first, span.last) for span in own]
        for of_server in answers:
            counted = count_kills(of_server[group], spans)
            kills.update({span: number for span, number in zip(own, counted, strict=True) if number})
    return kills
