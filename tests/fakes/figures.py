"""Storage of figures in memory: players, boards, weapons and deaths, which a test sets."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from tests.fakes.storage import Outage
from utils.models.deaths import Death
from utils.models.players import HOURS_OF_A_WEEK, BoardRow, Counters, KnownPlayer, NamedCount, PlayerStats
from utils.models.playtime import Playtime
from utils.models.recaps import Rivalry
from utils.models.scope import GuildId, MemberId, PlayerId, ServerId
from utils.models.statistics import (
    BoardRows,
    CoveredDeaths,
    DayCount,
    Enemy,
    HourCount,
    PlayerPlace,
    Side,
    WeaponRow,
)


class FakeStatisticsStore(Outage):
    """Players of any guild, with figures and boards that a test sets.

    Attributes:
        rows_on: rows of boards of one game server, which go before ``rows``.
        asked: board, minimum of kills, limit, offset, first day and own players of each board asked for.
        asked_stats: players and first day of all figures asked for.
    """

    def __init__(self, *players: KnownPlayer) -> None:
        super().__init__()
        self.players = list(players)
        self.stats: dict[tuple[PlayerId, ...], PlayerStats] = {}
        self.days: list[DayCount] = []
        self.hours: list[HourCount] = []
        self.rows: list[BoardRow] = []
        self.rows_on: dict[tuple[ServerId, str], list[BoardRow]] = {}
        self.places = {True: PlayerPlace(0), False: PlayerPlace(0)}  # all time, and a period
        self.asked: list[tuple[str, int, int, int, date | None, tuple[PlayerId, ...]]] = []
        self.asked_stats: list[tuple[tuple[PlayerId, ...], date | None]] = []

    async def list_known_players(self, guild_id: GuildId) -> Sequence[KnownPlayer]:
        """Return every player."""
        del guild_id
        self.note("list_known_players")
        return await self.answer(tuple(self.players))

    async def search_players(self, guild_id: GuildId, text: str, *, limit: int) -> Sequence[KnownPlayer]:
        """Return players by their newest name."""
        del guild_id
        self.note("search_players")
        return [player for player in self.players if text.casefold() in player.name.casefold()][:limit]

    async def find_stats(self, covered: CoveredDeaths, player_ids: Sequence[PlayerId]) -> PlayerStats | None:
        """Return players' figures."""
        self.note("find_stats")
        self.asked_stats.append((tuple(player_ids), covered.since))
        return self.stats.get(tuple(player_ids))

    async def find_place(
        self, covered: CoveredDeaths, player_ids: Sequence[PlayerId], *, board: str
    ) -> PlayerPlace:
        """Return the place that a test set."""
        del player_ids
        self.note(f"find_place {board}")
        return self.places[covered.since is None]

    async def sum_of_players(
        self, covered: CoveredDeaths, player_ids: Collection[PlayerId]
    ) -> Mapping[PlayerId, Counters]:
        """Return the figures of players one by one."""
        del covered
        known = {key[0]: stats.counters for key, stats in self.stats.items() if len(key) == 1}
        return {player_id: known[player_id] for player_id in player_ids if player_id in known}

    async def list_days(
        self,
        covered: CoveredDeaths,
        player_ids: Sequence[PlayerId],
        *,
        since: date,
    ) -> Sequence[DayCount]:
        """Return the stored days since a day."""
        del covered, player_ids
        return [day for day in self.days if day.day >= since]

    async def list_hours_of_day(
        self, covered: CoveredDeaths, player_ids: Sequence[PlayerId], day: date
    ) -> Sequence[HourCount]:
        """Return the set hours."""
        del covered, player_ids, day
        self.note("list_hours_of_day")
        return self.hours

    async def list_board(
        self,
        covered: CoveredDeaths,
        *,
        board: str,
        minimum_kills: int,
        limit: int,
        offset: int,
        own: Sequence[PlayerId] = (),
    ) -> BoardRows:
        """Return rows of the board."""
        self.note("list_board")
        self.asked.append((board, minimum_kills, limit, offset, covered.since, tuple(own)))
        first = next(iter(covered.server_ids), None)  # a community may have no game server
        rows = self.rows if first is None else self.rows_on.get((first, board), self.rows)
        mine = next((row for row in rows if row.player_id in own), None)
        summed = sum(row.value for row in rows)
        return BoardRows(tuple(rows[offset : offset + limit]), len(rows), mine, summed)

    async def find_first_places(
        self, covered: CoveredDeaths, *, board: str, minimum_kills: int, limit: int
    ) -> Mapping[PlayerId, int]:
        """Return the places of the first rows of the board."""
        found = await self.list_board(
            covered, board=board, minimum_kills=minimum_kills, limit=limit, offset=0
        )
        return {row.player_id: row.rank for row in found.rows}


class FakePlaytimeStore:
    """Time on the servers, which a test sets.

    Attributes:
        rows: the board of time played.
        played: the time of the players that are asked for.
        seen: the players in Deadside.log, and ``asked`` how often they were read.
    """

    def __init__(self) -> None:
        self.rows: list[BoardRow] = []
        self.played = Playtime()
        self.seen: list[KnownPlayer] = []
        self.asked = 0

    async def sum_playtime(self, covered: CoveredDeaths, player_ids: Collection[PlayerId]) -> Playtime:
        """Return the time."""
        assert covered.server_ids
        assert player_ids
        return self.played

    async def list_seen(self, guild_id: GuildId, *, since: date) -> Sequence[KnownPlayer]:
        """Return the players who were seen."""
        del guild_id, since
        self.asked += 1
        return self.seen

    async def list_most_played(self, covered: CoveredDeaths) -> Sequence[BoardRow]:
        """Return every row."""
        assert covered.server_ids
        return self.rows


class FakeHunterStore:
    """The board of bounties, which a test sets.

    Attributes:
        asked: servers, first day and first moment of each board asked for.
    """

    def __init__(self) -> None:
        self.rows: list[BoardRow] = []
        self.asked: list[tuple[tuple[ServerId, ...], date | None, datetime | None]] = []

    async def list_hunters(self, covered: CoveredDeaths) -> Sequence[BoardRow]:
        """Return every row."""
        self.asked.append((tuple(covered.server_ids), covered.since, covered.since_at))
        return self.rows


class FakeCombatStore:
    """Weapons, enemies and hours, which a test sets; those of players by their ids.

    Attributes:
        weapons_on: the weapons of all players on one game server, which go before ``weapons``.
    """

    def __init__(self) -> None:
        self.weapons_on: dict[ServerId, list[WeaponRow]] = {}
        self.weapons: dict[tuple[PlayerId, ...], list[WeaponRow]] = {}
        self.best: dict[str, NamedCount] = {}
        self.killers: dict[tuple[PlayerId, ...], list[Enemy]] = {}
        self.victims: dict[tuple[PlayerId, ...], list[Enemy]] = {}
        self.hours: dict[tuple[PlayerId, ...], list[int]] = {}
        self.since: list[date | None] = []
        self.rivalry: Rivalry | None = None

    async def find_rivalry(self, covered: CoveredDeaths) -> Rivalry | None:
        """Return the set rivals."""
        del covered
        return self.rivalry

    async def list_weapons(self, covered: CoveredDeaths) -> Sequence[WeaponRow]:
        """Return the weapons of all players."""
        found = self.weapons_on.get(covered.server_ids[0])
        return await self.list_weapons_of(covered, ()) if found is None else found

    async def list_weapons_of(
        self, covered: CoveredDeaths, player_ids: Sequence[PlayerId]
    ) -> Sequence[WeaponRow]:
        """Return players' weapons."""
        self.since.append(covered.since)
        return self.weapons.get(tuple(player_ids), [])

    async def find_best_users(
        self, covered: CoveredDeaths, weapons: Sequence[str]
    ) -> Mapping[str, NamedCount]:
        """Return the best users of these weapons."""
        del covered
        return {weapon: self.best[weapon] for weapon in weapons if weapon in self.best}

    async def list_enemies(
        self,
        covered: CoveredDeaths,
        player_ids: Sequence[PlayerId],
        side: Side,
        *,
        minimum: int = 1,
        only: Sequence[PlayerId] = (),
    ) -> Sequence[Enemy]:
        """Return who killed players, or whom they killed."""
        del covered
        found = (self.killers if side == "killer" else self.victims).get(tuple(player_ids), [])
        return [one for one in found if one.kills >= minimum and (not only or one.player_id in only)]

    async def count_kills(self, covered: CoveredDeaths, killer_id: PlayerId, victim_id: PlayerId) -> int:
        """Return how often one player killed another."""
        victims = await self.list_enemies(covered, [killer_id], "victim")
        return sum(enemy.kills for enemy in victims if enemy.player_id == victim_id)

    async def list_hours(self, covered: CoveredDeaths, player_id: PlayerId | None = None) -> Sequence[int]:
        """Return kills by hour of the week."""
        del covered
        return self.hours.get(() if player_id is None else (player_id,), [0] * HOURS_OF_A_WEEK)


class FakeDeathStore:
    """Deaths, newest first."""

    def __init__(self) -> None:
        self.deaths: list[tuple[ServerId, Death]] = []

    async def list_recent(
        self, covered: CoveredDeaths, *, limit: int, player_id: PlayerId | None = None
    ) -> Sequence[tuple[ServerId, Death]]:
        """Return the latest."""
        fitting = [
            (server_id, death)
            for server_id, death in self.deaths
            if server_id in covered.server_ids
            and (player_id is None or player_id in (death.row.killer_id, death.row.victim_id))
        ]
        return fitting[:limit]


@dataclass(frozen=True, slots=True)
class FakeLink:
    """A player with an owner."""

    player_id: PlayerId
    player_name: str


class FakeMemberLinks:
    """Links, which a test sets."""

    def __init__(self) -> None:
        self.links: dict[tuple[GuildId, MemberId], list[FakeLink]] = {}

    async def list_players(self, guild_id: GuildId, member_id: MemberId) -> Sequence[FakeLink]:
        """Return a member's players."""
        return self.links.get((guild_id, member_id), [])
