"""Coverage: the servers, days and players of an answer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from utils.clock import Clock
from utils.errors import AmbiguousError, InvalidInputError, NotFoundError, NotLinkedError
from utils.models.labels import add_labels
from utils.models.links import describe_unlinked
from utils.models.players import KnownPlayer, NamedPlayer
from utils.models.scope import GuildId, MemberId, PlayerId
from utils.models.seasons import Season
from utils.models.servers import GameServer, choose_zone
from utils.models.statistics import Coverage, Period
from utils.models.texts import Command, Value, text
from utils.services.links.linking import LinkService
from utils.services.players.player_names import PlayerNames
from utils.services.players.seen_players import SeenPlayers
from utils.services.seasons.rules import begin_day, list_covered
from utils.services.seasons.running import RunningSeasons
from utils.services.servers.game_servers import GameServerService, list_chosen

HOW_TO_LINK = text(
    "You haven't linked a player yet. Use {link}, or choose someone in `player`.", link=Command("link")
)
ALL_SERVERS = text("All servers")


@dataclass(frozen=True, slots=True)
class StatisticsQuestion:
    """The options of a question, as they were typed or chosen."""

    guild_id: GuildId
    asker_id: MemberId
    player: str | None = None
    member_id: MemberId | None = None
    server: str | None = None
    period: Period = Period.ALL


class CoverageService:
    """Turns questions into servers, days and players."""

    def __init__(
        self,
        servers: GameServerService,
        names: PlayerNames,
        links: LinkService,
        seasons: RunningSeasons,
        *,
        clock: Clock,
    ) -> None:
        self._servers = servers
        self._names = names
        self._links = links
        self._seasons = seasons
        self._clock = clock

    async def choose(self, guild_id: GuildId, server: str | None, period: Period = Period.ALL) -> Coverage:
        """Return the coverage of an answer: the named server or all of the guild, and the days of a period.

        Raises:
            NotFoundError, AmbiguousError: there is no server, or none with this name; there is no season, or
                several servers have their own.
            TierRequiredError: the guild's tier has no seasons, and the period is one.
        """
        if period is Period.SEASON:
            return self.cover(*await self._choose_season(guild_id, server))
        return self._cover_days(guild_id, await list_chosen(self._servers, guild_id, server), period)

    async def choose_each(self, guild_id: GuildId, period: Period) -> Sequence[Coverage]:
        """Return the coverage of each game server alone; of a season that of each server with a running one.

        Raises:
            NotFoundError: there is no server, or no season.
            TierRequiredError: the guild's tier has no seasons, and the period is one.
        """
        servers = await list_chosen(self._servers, guild_id, None)
        if period is not Period.SEASON:
            return [self._cover_days(guild_id, [one], period) for one in servers]
        running = await self._seasons.list_running(guild_id)
        covered = [
            self.cover(season, [one])
            for one in servers
            for season in running
            if season.covers(one.scope.server_id)
        ]
        if not covered:
            raise _build_no_season_error()
        return covered

    async def cover_days(self, guild_id: GuildId, first: date, last: date) -> Coverage:
        """Return the coverage of some days on all game servers.

        Raises:
            NotFoundError: there is no server.
        """
        coverage = await self.choose(guild_id, None)
        zone = choose_zone(await list_chosen(self._servers, guild_id, None))
        return replace(
            coverage,
            since=first,
            since_at=begin_day(first, zone),
            until=last,
            until_at=begin_day(last + timedelta(days=1), zone),
        )

    def _cover_days(self, guild_id: GuildId, servers: Sequence[GameServer], period: Period) -> Coverage:
        zone = choose_zone(servers)
        today = self._clock.now().astimezone(zone).date()
        since = today - timedelta(days=period.days - 1) if period.days else None
        return Coverage(
            guild_id=guild_id,
            server_ids=tuple(one.scope.server_id for one in servers),
            where=name_servers(servers),
            today=today,
            period=period,
            since=since,
            since_at=begin_day(since, zone) if since else None,
        )

    def cover(self, season: Season, servers: Sequence[GameServer]) -> Coverage:
        """Return the coverage of the days of a season on servers that it covers."""
        zone = choose_zone(servers)
        return Coverage(
            guild_id=season.guild_id,
            server_ids=tuple(one.scope.server_id for one in servers),
            where=name_servers(servers),
            today=self._clock.now().astimezone(zone).date(),
            period=Period.SEASON,
            season=season.name,
            since=season.first_day,
            since_at=begin_day(season.first_day, zone),
            until=season.final_day,
            until_at=begin_day(season.final_day + timedelta(days=1), zone),
        )

    async def _choose_season(
        self, guild_id: GuildId, server: str | None
    ) -> tuple[Season, Sequence[GameServer]]:
        """Return the running season that is meant, and the servers of the answer."""
        running = await self._seasons.list_running(guild_id)
        servers = await list_chosen(self._servers, guild_id, server)
        if server is not None:
            running = tuple(one for one in running if one.covers(servers[0].scope.server_id))
        if len(running) > 1:
            ids = {one.server_id for one in running}
            own = [(one.scope.server_id, one.name) for one in servers if one.scope.server_id in ids]
            asked = text("Several game servers have a season of their own. Choose one.")
            raise AmbiguousError(asked, typed=None, choices=add_labels(own))
        if not running:
            raise _build_no_season_error()
        [season] = running
        return season, list_covered(season, servers)

    async def find_players(
        self, question: StatisticsQuestion, coverage: Coverage, *, among: SeenPlayers | None = None
    ) -> tuple[NamedPlayer, ...]:
        """Return the players of a question: the named one, or the linked ones of the member or the asker.

        ``among`` finds also players without a death.

        Raises:
            NotFoundError, AmbiguousError: the name fits nobody, or several.
            InvalidInputError: both a player and a member are named.
            NotLinkedError: no player is named and none is linked.
        """
        if question.player is not None and question.member_id is not None:
            raise InvalidInputError(text("Choose a player or a member, not both."))
        if question.player is not None:
            names = among or self._names
            known = await names.resolve(coverage.guild_id, question.player, server_ids=coverage.server_ids)
            return (NamedPlayer(known.player_id, known.name),)
        member_id = question.member_id or question.asker_id
        linked = await self._links.list_players(question.guild_id, member_id)
        if linked:
            return tuple(NamedPlayer(link.player_id, link.player_name) for link in linked)
        if question.member_id is not None:
            raise NotFoundError(describe_unlinked(question.member_id))
        raise NotLinkedError(HOW_TO_LINK)

    async def list_own(self, guild_id: GuildId, member_id: MemberId) -> tuple[NamedPlayer, ...]:
        """Return a member's linked players, the main one first.

        Raises:
            NotLinkedError: none is linked.
        """
        linked = await self._links.list_players(guild_id, member_id)
        if not linked:
            raise NotLinkedError(
                text("You haven't linked a player yet. Use {link} first.", link=Command("link"))
            )
        return tuple(NamedPlayer(link.player_id, link.player_name) for link in linked)

    async def resolve(self, coverage: Coverage, player: str) -> KnownPlayer:
        """Return the player among those of the covered servers.

        Raises:
            NotFoundError, AmbiguousError: the name fits nobody, or several.
        """
        return await self._names.resolve(coverage.guild_id, player, server_ids=coverage.server_ids)

    async def list_linked(self, guild_id: GuildId, member_id: MemberId) -> tuple[PlayerId, ...]:
        """Return a member's linked players."""
        return tuple(link.player_id for link in await self._links.list_players(guild_id, member_id))


def name_servers(servers: Sequence[GameServer]) -> Value:
    """Return the words for the servers of an answer: the name of the only one, or all."""
    return servers[0].name if len(servers) == 1 else ALL_SERVERS


def _build_no_season_error() -> NotFoundError:
    missing = text("No season is running right now.")
    return NotFoundError(missing, hint=text("{list} shows all seasons.", list=Command("season list")))
