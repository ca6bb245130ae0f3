"""Figures for role rules: those of every linked member, from the standings that boards show."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from utils.errors import AmbiguousError, NotFoundError, TierRequiredError
from utils.models.levels import compute_level
from utils.models.players import Counters, sum_counters
from utils.models.roles import RestReason, RoleRule, RuleTerms
from utils.models.rule_plans import MemberFigures
from utils.models.scope import GuildId, MemberId, PlayerId, ServerId, ServerScope
from utils.models.statistics import KD_MINIMUM_KILLS, Board, Coverage, Period
from utils.services.factions.stores import FactionStore
from utils.services.players.coverage import CoverageService
from utils.services.players.statistics import HunterStore, StatisticsStore
from utils.services.ports import ServerReadings, ServerStore
from utils.services.roles.conditions import compute_last_place
from utils.services.roles.rules import RuleFigures

STALE_AFTER = timedelta(hours=24)


Players = Mapping[MemberId, Sequence[PlayerId]]
"""The players of each member with a proven link."""

Places = Mapping[MemberId, int]
"""The places of members on a board, as far down as a rule looks."""

CoverageKey = tuple[ServerId | None, Period]
BoardKey = tuple[ServerId | None, Period, Board]
FigureKey = tuple[CoverageKey, BoardKey | None, bool]
"""The coverage of a rule, the board whose places it needs, and whether it needs levels."""

Figures = Mapping[MemberId, MemberFigures]

NO_COUNTERS = Counters()


@dataclass(slots=True)
class _Answers:
    """The answers of one look: rules that cover the same share them.

    Attributes:
        players: the players of every member, and ``owners`` the member of each player.
        stale: servers whose figures of days may be behind.
        last_places: how far down the rules look on each board.
        factions: the active factions, and ``faction_of`` that of each member; empty if no rule asks for it.
    """

    players: Players
    owners: Mapping[PlayerId, MemberId]
    stale: frozenset[ServerId]
    last_places: Mapping[BoardKey, int]
    factions: frozenset[str] = frozenset()
    faction_of: Mapping[MemberId, str] = field(default_factory=dict)
    coverages: dict[CoverageKey, Coverage | None] = field(default_factory=dict)
    counters: dict[CoverageKey, Mapping[MemberId, Counters]] = field(default_factory=dict)
    places: dict[BoardKey, Places] = field(default_factory=dict)
    figures: dict[FigureKey, Figures] = field(default_factory=dict)


@dataclass(eq=False, repr=False)
class RuleFigureService:
    """Reads the figures of rules.

    A place is the one that the board shows, among all players. A member with several players has their sums,
    and the best of their places.
    """

    store: StatisticsStore
    hunters: HunterStore
    coverage: CoverageService
    servers: ServerStore
    readings: ServerReadings
    factions: FactionStore

    async def read(
        self, guild_id: GuildId, rules: Sequence[RoleRule], players: Players, *, now: datetime
    ) -> tuple[RuleFigures, ...]:
        """Return each rule with the figures of every linked member."""
        owners = {player_id: member_id for member_id, own in players.items() for player_id in own}
        stale = await self._list_stale(guild_id, now)
        answers = _Answers(players, owners, stale, _find_last_places(rules))
        if any(rule.terms.faction_id is not None for rule in rules):
            answers.factions = frozenset(one.faction_id for one in await self.factions.list_active(guild_id))
            members = await self.factions.list_members(guild_id)
            answers.faction_of = {one.member_id: one.faction_id for one in members}
        return tuple([await self._read_rule(rule, answers) for rule in rules])

    async def _read_rule(self, rule: RoleRule, answers: _Answers) -> RuleFigures:
        terms = rule.terms
        if terms.faction_id is not None and terms.faction_id not in answers.factions:
            return RuleFigures(rule, rests=RestReason.FACTION)
        coverage = await self._find_coverage(rule.guild_id, _get_coverage(terms), answers)
        if coverage is None:
            servers = {one.scope.server_id for one in await self.servers.list_servers(rule.guild_id)}
            has_server = terms.server_id in servers or (terms.server_id is None and bool(servers))
            return RuleFigures(rule, rests=RestReason.SEASON if has_server else RestReason.SERVER)
        figures = await self._read_members(coverage, terms, answers)
        is_stale = terms.period is not Period.ALL and not answers.stale.isdisjoint(coverage.server_ids)
        return RuleFigures(rule, figures, is_stale=is_stale)

    async def _find_coverage(self, guild_id: GuildId, key: CoverageKey, answers: _Answers) -> Coverage | None:
        """Return what a rule covers; None without its server or its season."""
        if key not in answers.coverages:
            answers.coverages[key] = None
            with suppress(NotFoundError, AmbiguousError, TierRequiredError):
                answers.coverages[key] = await self.coverage.choose(guild_id, *key)
        return answers.coverages[key]

    async def _read_members(self, coverage: Coverage, terms: RuleTerms, answers: _Answers) -> Figures:
        """Return the figures of every member; rules that look at the same ones share them."""
        board, has_level = _get_board(terms), terms.level is not None
        key = (_get_coverage(terms), board if board in answers.last_places else None, has_level)
        if key not in answers.figures:
            counters = await self._count(coverage, _get_coverage(terms), answers)
            places = await self._place(coverage, board, answers)
            xp = await self._read_xp(coverage.guild_id, answers) if has_level else {}
            answers.figures[key] = {
                member_id: _build_figures(
                    counted,
                    level=compute_level(xp[member_id].xp) if has_level else 0,
                    place=places.get(member_id),
                    faction_id=answers.faction_of.get(member_id),
                )
                for member_id, counted in counters.items()
            }
        return answers.figures[key]

    async def _count(
        self, coverage: Coverage, key: CoverageKey, answers: _Answers
    ) -> Mapping[MemberId, Counters]:
        """Return the counters of every member, summed over their players."""
        if key not in answers.counters:
            counted = await self.store.sum_of_players(coverage, answers.owners.keys())
            answers.counters[key] = {
                member_id: _sum_players([counted[one] for one in player_ids if one in counted])
                for member_id, player_ids in answers.players.items()
            }
        return answers.counters[key]

    async def _read_xp(self, guild_id: GuildId, answers: _Answers) -> Mapping[MemberId, Counters]:
        """Return the counters that levels follow from: those of all time, over all servers."""
        coverage = await self.coverage.choose(guild_id, None)
        return await self._count(coverage, (None, Period.ALL), answers)

    async def _place(self, coverage: Coverage, key: BoardKey, answers: _Answers) -> Places:
        """Return the best place of members among the first ones of a board; none if no rule asks for them."""
        last, board = answers.last_places.get(key), key[2]
        if last is None:
            return {}
        if key not in answers.places:
            places: dict[MemberId, int] = {}
            for player_id, place in (await self._find_first(coverage, board, last)).items():
                if player_id in answers.owners:
                    places.setdefault(answers.owners[player_id], place)
            answers.places[key] = places
        return answers.places[key]

    async def _find_first(self, coverage: Coverage, board: Board, last: int) -> Mapping[PlayerId, int]:
        """Return the first players of a board with their places, the first one first."""
        if board is Board.BOUNTIES:
            hunters = await self.hunters.list_hunters(coverage)
            return {row.player_id: row.rank for row in hunters[:last]}
        minimum = KD_MINIMUM_KILLS if board is Board.KD else 0
        return await self.store.find_first_places(
            coverage, board=board.value, minimum_kills=minimum, limit=last
        )

    async def _list_stale(self, guild_id: GuildId, now: datetime) -> frozenset[ServerId]:
        """Return the servers that were not read for long, are paused, or are being imported."""
        health = await self.readings.get_health(guild_id)
        importing = {one.scope for one in self.readings.list_readings() if one.is_importing}

        def is_stale(scope: ServerScope) -> bool:
            read_at = health[scope].last_read_at if scope in health else None
            return scope in importing or read_at is None or now - read_at >= STALE_AFTER

        servers = await self.servers.list_servers(guild_id)
        return frozenset(one.scope.server_id for one in servers if one.is_paused or is_stale(one.scope))


def _get_coverage(terms: RuleTerms) -> CoverageKey:
    return terms.server_id, terms.period


def _get_board(terms: RuleTerms) -> BoardKey:
    return terms.server_id, terms.period, terms.board


def _find_last_places(rules: Sequence[RoleRule]) -> dict[BoardKey, int]:
    """Return the last place of each board with which some rule keeps its role."""
    found: dict[BoardKey, int] = {}
    for terms in (rule.terms for rule in rules):
        if terms.rank is not None:
            last, key = compute_last_place(terms.rank, terms.keep), _get_board(terms)
            found[key] = max(last, found.get(key, 0))
    return found


def _sum_players(of_member: Sequence[Counters]) -> Counters:
    """Return the sum over the players of a member."""
    return sum_counters(of_member) if of_member else NO_COUNTERS


def _build_figures(
    counted: Counters, *, level: int, place: int | None, faction_id: str | None
) -> MemberFigures:
    return MemberFigures(
        kills=counted.kills,
        deaths=counted.deaths,
        longest=counted.longest,
        streak=counted.best_streak,
        level=level,
        place=place,
        faction_id=faction_id,
    )
