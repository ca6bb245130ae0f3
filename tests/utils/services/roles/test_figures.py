"""Figures of role rules: sums, places, levels, and what makes them stale or lets a rule rest."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from tests.fakes.clock import START
from tests.fakes.storage import build_server
from utils.errors import NotFoundError
from utils.models.factions import Faction, FactionPeriod
from utils.models.players import BoardRow, Counters
from utils.models.roles import RestReason, RoleId, RoleRule, RuleTerms
from utils.models.rule_plans import MemberFigures
from utils.models.scope import GuildId, MemberId, PlayerId, ServerId, ServerScope
from utils.models.servers import GameServer, ServerHealth
from utils.models.statistics import Board, Coverage, CoveredDeaths, Period
from utils.models.texts import text
from utils.services.roles.figures import STALE_AFTER, RuleFigureService
from utils.services.roles.rules import RuleFigures

GUILD = GuildId(42)
ANNA, BERT = MemberId(1), MemberId(2)
WOLF, BEAR, FOX = PlayerId("wolf"), PlayerId("bear"), PlayerId("fox")
PLAYERS = {ANNA: [WOLF, BEAR], BERT: [FOX]}
NORTH, SOUTH = ServerId("north111"), ServerId("south111")


@dataclass(frozen=True)
class Reading:
    """How a server is read."""

    scope: ServerScope
    is_importing: bool = False


@dataclass
class Archive:
    """Two servers with figures; it stands for all that the service reads.

    Attributes:
        asked: the boards that were read, with the number of rows.
        importing: the servers whose history is imported.
        has_season: whether a season runs.
        factions: the members of the active factions, by the id of the faction.
        faction_reads: how often they were read.
    """

    health: dict[ServerScope, ServerHealth] = field(default_factory=dict)
    servers: dict[ServerId, GameServer] = field(default_factory=dict)
    asked: list[tuple[str, int]] = field(default_factory=list)
    summed: int = 0
    importing: set[ServerScope] = field(default_factory=set)
    has_season: bool = True
    factions: dict[str, list[MemberId]] = field(default_factory=dict)
    faction_reads: int = 0

    def __post_init__(self) -> None:
        """Add the servers, which were read a moment ago."""
        for server_id in (NORTH, SOUTH):
            server = build_server(server_id, server_id, guild_id=GUILD)
            self.servers[server_id] = server
            self.health[server.scope] = ServerHealth(server.scope, last_read_at=START)

    async def sum_of_players(
        self, covered: CoveredDeaths, player_ids: Collection[PlayerId]
    ) -> Mapping[PlayerId, Counters]:
        """Return more kills for each server."""
        assert set(player_ids) == {WOLF, BEAR, FOX}
        self.summed += 1
        servers = len(covered.server_ids)
        return {
            WOLF: Counters(kills=10 * servers, deaths=4, longest=300, best_streak=3, xp=600),
            BEAR: Counters(kills=5, deaths=1, longest=200, best_streak=7, xp=200),
        }

    async def find_first_places(
        self, covered: CoveredDeaths, *, board: str, limit: int, **_: object
    ) -> Mapping[PlayerId, int]:
        """Return an unlinked first player, and two others."""
        del covered
        self.asked.append((board, limit))
        players = (PlayerId("stranger"), BEAR, WOLF)[:limit]
        return {one: place for place, one in enumerate(players, 1)}

    async def list_hunters(self, covered: CoveredDeaths) -> Sequence[BoardRow]:
        """Return the board of bounties."""
        places = await self.find_first_places(covered, board="bounties", limit=3)
        return [BoardRow(place, one, one, 1, Counters()) for one, place in places.items()]

    async def choose(self, guild_id: GuildId, server: str | None, period: Period = Period.ALL) -> Coverage:
        """Return the servers, unless one is unknown or no season runs."""
        if (server is not None and server not in self.servers) or (
            period is Period.SEASON and not self.has_season
        ):
            raise NotFoundError(text("Nothing is called that."))
        chosen = tuple(self.servers) if server is None else (ServerId(server),)
        return Coverage(guild_id, chosen, where="North", today=START.date(), period=period)

    async def list_servers(self, guild_id: GuildId) -> Sequence[GameServer]:
        """Return the servers."""
        assert guild_id == GUILD
        return list(self.servers.values())

    async def get_health(self, guild_id: GuildId) -> Mapping[ServerScope, ServerHealth]:
        """Return when they were read."""
        assert guild_id == GUILD
        return self.health

    def list_readings(self) -> Sequence[Reading]:
        """Return which of them are imported."""
        return [Reading(scope, scope in self.importing) for scope in self.health]

    async def list_active(self, guild_id: GuildId) -> Sequence[Faction]:
        """Return the active factions."""
        self.faction_reads += 1
        return [Faction(guild_id, one, one, one, one, True, START) for one in self.factions]

    async def list_members(self, guild_id: GuildId) -> Sequence[FactionPeriod]:
        """Return their members."""
        assert guild_id == GUILD
        return [FactionPeriod(key, one, START) for key, members in self.factions.items() for one in members]

    async def read(self, *terms: RuleTerms, after: timedelta = timedelta()) -> tuple[RuleFigures, ...]:
        """Return the figures of rules."""
        service = RuleFigureService(self, self, self, self, self, self)  # type: ignore[arg-type] # it stands for all
        rules = [
            RoleRule(guild_id=GUILD, rule_id=str(number), terms=one, created_by=ANNA, created_at=START)
            for number, one in enumerate(terms)
        ]
        return await service.read(GUILD, rules, PLAYERS, now=START + after)


ROLE = RoleId(7)


async def test_players_of_a_member_are_summed_with_their_best_place() -> None:
    """Rules that cover the same share one read; the board is read as far as the lowest place that counts."""
    archive = Archive()
    first, second, third = await archive.read(
        RuleTerms(role_id=ROLE, kills=1, rank=2, keep=0),
        RuleTerms(role_id=ROLE, rank=10, keep=50),
        RuleTerms(role_id=ROLE, level=1, server_id=NORTH),
    )
    anna = MemberFigures(kills=25, deaths=5, longest=300, streak=7, place=2)
    assert dict(first.figures) == {ANNA: anna, BERT: MemberFigures()}
    assert second.figures == first.figures
    assert third.figures[ANNA] == replace(anna, kills=15, place=None, level=5)
    assert (archive.asked, archive.summed) == ([("kills", 15)], 2)
    [of_bounties] = await archive.read(RuleTerms(role_id=ROLE, rank=3, board=Board.BOUNTIES))
    assert of_bounties.figures[ANNA].place == 2


@pytest.mark.parametrize("period", [Period.WEEK, Period.MONTH, Period.SEASON])
@pytest.mark.parametrize("why", ["paused", "importing", "unread", "old"])
async def test_figures_of_days_are_stale_while_a_server_is_not_read(why: str, period: Period) -> None:
    """Those of all time are not, and neither are those of another server."""
    archive = Archive()
    scope, late = archive.servers[NORTH].scope, timedelta()
    if why == "paused":
        archive.servers[NORTH] = replace(archive.servers[NORTH], is_paused=True)
    elif why == "importing":
        archive.importing.add(scope)
    elif why == "unread":
        del archive.health[scope]
    else:
        archive.health[archive.servers[SOUTH].scope] = ServerHealth(
            archive.servers[SOUTH].scope, last_read_at=START + STALE_AFTER
        )
        late = STALE_AFTER
    terms = RuleTerms(role_id=ROLE, kills=1, period=period)
    read = await archive.read(
        terms, replace(terms, server_id=SOUTH), replace(terms, period=Period.ALL), after=late
    )
    assert [one.is_stale for one in read] == [True, False, False]
    if why == "old":
        [read_in_time] = await archive.read(terms, after=late - timedelta(seconds=1))
        assert not read_in_time.is_stale


async def test_rule_rests_without_its_server_or_its_season() -> None:
    """A season that begins lets it go on."""
    archive = Archive(has_season=False)
    season = RuleTerms(role_id=ROLE, kills=1, period=Period.SEASON)
    gone = RuleTerms(role_id=ROLE, kills=1, server_id=ServerId("gone1111"))
    assert [one.rests for one in await archive.read(season, gone)] == [RestReason.SEASON, RestReason.SERVER]
    archive.servers.clear()
    assert [one.rests for one in await archive.read(season)] == [RestReason.SERVER]
    assert [one.rests for one in await Archive().read(season)] == [None]


async def test_members_have_their_factions_and_a_rule_of_a_disbanded_one_rests() -> None:
    """The factions are read once for all rules, and not at all without a rule that asks for one."""
    archive = Archive(factions={"wolves": [ANNA], "bears": [BERT]})
    wolves = RuleTerms(role_id=ROLE, faction_id="wolves")
    first, second, _ = await archive.read(
        wolves, replace(wolves, faction_id="gone"), RuleTerms(role_id=ROLE, kills=1)
    )
    assert {member: one.faction_id for member, one in first.figures.items()} == {
        ANNA: "wolves",
        BERT: "bears",
    }
    assert (first.rests, second.rests, second.figures) == (None, RestReason.FACTION, {})
    assert archive.faction_reads == 1
    await archive.read(RuleTerms(role_id=ROLE, kills=1))
    assert archive.faction_reads == 1
