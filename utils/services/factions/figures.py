"""Figures of factions: the days of their members' membership, without the kills among them.

*Theory of operation.* A figure is a view, and nothing of it is stored. A day counts for the faction in which
a member is at its end, so each day of a player counts for one faction at most. The players are those that
are linked now. A kill of a member by another member of the same faction is taken off the faction's kills.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from datetime import date, timedelta
from typing import Protocol

from utils.errors import NotFoundError
from utils.models.factions import (
    Faction,
    FactionFigures,
    FactionMembers,
    FactionPeriod,
    FactionSpan,
    sort_members,
)
from utils.models.players import Counters, sum_counters
from utils.models.scope import GuildId, MemberId, PlayerId
from utils.models.statistics import Coverage, CoveredDeaths
from utils.models.texts import text
from utils.services.links.linking import LinkStore

GONE = text("This faction is disbanded.")
FAR_ZONE = timedelta(days=1)  # the date of a game server may be ahead of that in UTC

FactionKey = tuple[str, MemberId]
FactionSums = Mapping[FactionKey, Counters]


class FactionLists(Protocol):  # implemented by FactionRepository
    """The factions of a guild, and the times of their members."""

    async def list_active(self, guild_id: GuildId) -> Sequence[Faction]:
        """Return the active factions of a guild, the oldest first."""

    async def list_periods(self, guild_id: GuildId) -> Sequence[FactionPeriod]:
        """Return the periods of all members of all factions, present and former ones."""


class FactionDays(Protocol):  # implemented by FactionFigureRepository
    """The days and kills of members' players on the covered servers."""

    async def sum_spans(
        self, covered: CoveredDeaths, spans: Collection[FactionSpan]
    ) -> Mapping[FactionSpan, Counters]:
        """Return the counters of the days in each span; a span without such a day is left out.

        They are without metres and suicides, which no faction shows.
        """

    async def count_kills_inside(
        self, covered: CoveredDeaths, spans: Collection[FactionSpan]
    ) -> Mapping[FactionSpan, int]:
        """Return the kills in each span of players who are in one of the same faction on that day."""


@dataclass(eq=False, repr=False)
class FactionFigureService:
    """Answers how factions are doing."""

    factions: FactionLists
    _: KW_ONLY
    days: FactionDays
    links: LinkStore

    async def get(self, coverage: Coverage, faction_id: str) -> FactionFigures:
        """Return an active faction with its figures and its place.

        Raises:
            NotFoundError: it was disbanded a moment ago.
        """
        for one in await self.rank(coverage):
            if one.shown.faction.faction_id == faction_id:
                return one
        raise NotFoundError(GONE)

    async def rank(self, coverage: Coverage) -> Sequence[FactionFigures]:
        """Return all active factions with their figures, most kills first; a place needs a kill."""
        factions, periods, links = await asyncio.gather(
            self.factions.list_active(coverage.guild_id),
            self.factions.list_periods(coverage.guild_id),
            self.links.list_all_proven(coverage.guild_id),
        )
        players: dict[MemberId, list[PlayerId]] = {}
        for link in links:
            players.setdefault(link.member_id, []).append(link.player_id)
        last = coverage.until or coverage.today + FAR_ZONE
        spans = list_spans(factions, periods, players, since=coverage.since, until=last)
        if not spans:
            return rank_factions(factions, periods, {})
        sums = await self._sum(coverage, spans)
        return rank_factions(factions, periods, sums)

    async def _sum(self, coverage: Coverage, spans: Sequence[FactionSpan]) -> FactionSums:
        """Return the counters of each member for each faction."""
        return sum_members(
            *await asyncio.gather(
                self.days.sum_spans(coverage, spans), self.days.count_kills_inside(coverage, spans)
            )
        )


def list_spans(
    factions: Iterable[Faction],
    periods: Iterable[FactionPeriod],
    players: Mapping[MemberId, Sequence[PlayerId]],
    *,
    since: date | None,
    until: date,
) -> list[FactionSpan]:
    """Return the days in which each player counts for an active faction."""
    active = {one.faction_id for one in factions}
    spans = []
    for period in periods:
        first = max(period.joined_day, since or date.min)
        last = min(period.find_last_day() or until, until)
        if period.faction_id in active and first <= last:
            spans += [
                FactionSpan(period.faction_id, period.member_id, player_id, first, last)
                for player_id in players.get(period.member_id, ())
            ]
    return spans


def sum_members(counted: Mapping[FactionSpan, Counters], inside: Mapping[FactionSpan, int]) -> FactionSums:
    """Return the counters of each member for each faction, without kills inside the faction.

    Args:
        counted: the counters of spans; a member has several with alts, or after coming back.
        inside: the kills inside the faction of spans.
    """
    own: dict[FactionKey, list[Counters]] = {}
    for span, counters in counted.items():
        own.setdefault(span.key, []).append(counters)
    taken_off = Counter[FactionKey]()
    for span, number in inside.items():
        taken_off[span.key] += number
    sums = {key: sum_counters(several) for key, several in own.items()}
    for key in taken_off.keys() & sums.keys():
        sums[key] = replace(sums[key], kills=max(0, sums[key].kills - taken_off[key]))
    return sums


def rank_factions(
    factions: Iterable[Faction],
    periods: Iterable[FactionPeriod],
    sums: FactionSums,
) -> tuple[FactionFigures, ...]:
    """Return factions by kills, then by fewer deaths, then by name; one without a kill has no place."""
    members: dict[str, list[FactionPeriod]] = {}
    for period in periods:
        if period.is_current:
            members.setdefault(period.faction_id, []).append(period)
    by_member: dict[str, dict[MemberId, Counters]] = {}
    for (faction_id, member_id), counters in sums.items():
        by_member.setdefault(faction_id, {})[member_id] = counters
    figures = []
    for faction in factions:
        own = by_member.get(faction.faction_id, {})
        shown = FactionMembers(faction, sort_members(members.get(faction.faction_id, ())))
        figures.append(FactionFigures(shown, sum_counters(own.values()), own))
    figures.sort(key=lambda one: (-one.counters.kills, one.counters.deaths, one.shown.faction.name))
    placed = sum(one.counters.kills > 0 for one in figures)
    return tuple(
        replace(one, place=number if one.counters.kills else None, places=placed)
        for number, one in enumerate(figures, start=1)
    )
