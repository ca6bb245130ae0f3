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
    MemberKill,
    sort_members,
)
from utils.models.players import Counters, PlayerDay, sum_counters
from utils.models.scope import GuildId, MemberId, PlayerId
from utils.models.statistics import Coverage, CoveredDeaths
from utils.models.texts import text
from utils.services.links.linking import LinkStore

GONE = text("This faction is disbanded.")
FAR_ZONE = DAY = timedelta(days=1)  # the date of a game server may be ahead of that in UTC
MORE_THAN_A_MONTH = timedelta(days=32)

FactionKey = tuple[str, MemberId]
FactionSums = Mapping[FactionKey, Counters]
Months = tuple[date, date]
"""The first day of a month, and the last day of the same or a later one."""

WantedMonths = Sequence[tuple[Months, Collection[PlayerId]]]
SummedMonths = Mapping[PlayerId, Counters]


class FactionLists(Protocol):  # implemented by FactionRepository
    """The factions of a guild, and the times of their members."""

    async def list_active(self, guild_id: GuildId) -> Sequence[Faction]:
        """Return the active factions of a guild, the oldest first."""

    async def list_periods(self, guild_id: GuildId) -> Sequence[FactionPeriod]:
        """Return the periods of all members of all factions, present and former ones."""


class FactionDays(Protocol):  # implemented by FactionFigureRepository
    """The days and kills of members' players on the covered servers."""

    async def sum_months(self, covered: CoveredDeaths, wanted: WantedMonths) -> Sequence[SummedMonths]:
        """Return the counters of players over whole months, each in the order that was asked for.

        They are without metres and suicides, which no faction shows.
        """

    async def list_days(
        self, covered: CoveredDeaths, wanted: Mapping[date, Collection[PlayerId]]
    ) -> Sequence[PlayerDay]:
        """Return the counters of players by day, in the months that begin with the given days."""

    async def list_kills_inside(
        self, covered: CoveredDeaths, groups: Iterable[Collection[PlayerId]], *, since: date, until: date
    ) -> Sequence[MemberKill]:
        """Return the kills of players by others of their group."""


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
        factions = await self.factions.list_active(coverage.guild_id)
        periods = await self.factions.list_periods(coverage.guild_id)
        players: dict[MemberId, list[PlayerId]] = {}
        for link in await self.links.list_all_proven(coverage.guild_id):
            players.setdefault(link.member_id, []).append(link.player_id)
        last = coverage.until or coverage.today + FAR_ZONE
        spans = list_spans(factions, periods, players, since=coverage.since, until=last)
        if not spans:
            return rank_factions(factions, periods, {})
        sums = await self._sum(coverage, spans)
        return rank_factions(factions, periods, sums)

    async def _sum(self, coverage: Coverage, spans: Sequence[FactionSpan]) -> FactionSums:
        """Return the counters of each member for each faction.

        Whole months are summed by the database, and only the months in which somebody came or went are
        read day by day: a year of many members is a million counters.
        """
        whole, rest = split_spans(spans)
        wanted = [(months, {one.player_id for one in own}) for months, own in whole.items()]
        groups: dict[str, set[PlayerId]] = {}
        for span in spans:
            groups.setdefault(span.faction_id, set()).add(span.player_id)
        first, last = min(one.first for one in spans), max(one.last for one in spans)
        summed, days, kills = await asyncio.gather(
            self.days.sum_months(coverage, wanted),
            self.days.list_days(coverage, rest),
            self.days.list_kills_inside(coverage, groups.values(), since=first, until=last),
        )
        months = [
            (span.key, counters[span.player_id])
            for own, counters in zip(whole.values(), summed, strict=True)
            for span in own
            if span.player_id in counters
        ]
        return sum_spans(spans, months, days, kills)


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


def split_spans(
    spans: Iterable[FactionSpan],
) -> tuple[Mapping[Months, Sequence[FactionSpan]], Mapping[date, Collection[PlayerId]]]:
    """Return the spans by the whole months in them, and the players of the months at their edges."""
    whole: dict[Months, list[FactionSpan]] = {}
    rest: dict[date, set[PlayerId]] = {}
    for span in spans:
        begin = _find_month(_find_month(span.first - DAY) + MORE_THAN_A_MONTH)  # the first whole month
        end = _find_month(span.last + DAY)  # behind the last whole month
        if begin < end:
            whole.setdefault((begin, end - DAY), []).append(span)
        for day in (span.first, span.last):
            if not begin <= day < end:
                rest.setdefault(_find_month(day), set()).add(span.player_id)
    return whole, rest


def sum_spans(
    spans: Iterable[FactionSpan],
    months: Iterable[tuple[FactionKey, Counters]],
    days: Iterable[PlayerDay],
    kills: Iterable[MemberKill],
) -> FactionSums:
    """Return the counters of each member for each faction, without kills inside the faction.

    Args:
        spans: the days that count.
        months: the counters of whole months within them.
        days: all other days within them, and perhaps more.
        kills: of members by members.
    """
    by_player: dict[PlayerId, list[FactionSpan]] = {}
    for span in spans:
        by_player.setdefault(span.player_id, []).append(span)

    def find(player_id: PlayerId, day: date) -> FactionSpan | None:
        own = by_player.get(player_id, ())
        return next((span for span in own if span.first <= day <= span.last), None)

    counted: dict[FactionKey, list[Counters]] = {}
    for key, counters in months:
        counted.setdefault(key, []).append(counters)
    for one in days:
        counts_for = find(one.player_id, one.day)
        if counts_for is not None:
            counted.setdefault(counts_for.key, []).append(one.counters)
    sums = {key: sum_counters(counters) for key, counters in counted.items()}
    inside = Counter[FactionKey]()
    for kill in kills:
        own, other = find(kill.killer_id, kill.day), find(kill.victim_id, kill.day)
        if own is not None and other is not None and own.faction_id == other.faction_id and own.key in sums:
            inside[own.key] += 1
    for key, number in inside.items():
        sums[key] = replace(sums[key], kills=max(0, sums[key].kills - number))
    return sums


def rank_factions(
    factions: Iterable[Faction],
    periods: Iterable[FactionPeriod],
    sums: FactionSums,
) -> tuple[FactionFigures, ...]:
    """Return factions by kills, then by fewer deaths, then by name; one without a kill has no place."""
    current = [one for one in periods if one.is_current]
    figures = []
    for faction in factions:
        own = {member: one for (faction_id, member), one in sums.items() if faction_id == faction.faction_id}
        members = sort_members(one for one in current if one.faction_id == faction.faction_id)
        shown = FactionMembers(faction, members)
        figures.append(FactionFigures(shown, sum_counters(own.values()), own))
    figures.sort(key=lambda one: (-one.counters.kills, one.counters.deaths, one.shown.faction.name))
    placed = sum(one.counters.kills > 0 for one in figures)
    return tuple(
        replace(one, place=number if one.counters.kills else None, places=placed)
        for number, one in enumerate(figures, start=1)
    )


def _find_month(day: date) -> date:
    """Return the first day of a month."""
    return day.replace(day=1)
