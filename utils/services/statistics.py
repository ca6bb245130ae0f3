"""Statistics: who is meant by a name, a player's figures, the boards."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Protocol

from utils.errors import AmbiguousError, InvalidInputError, NotFoundError
from utils.events import DeathsStored, HistoryImported, PlayerErased, ServerRemoved
from utils.models.deaths import Death
from utils.models.players import BoardRow, KnownPlayer, PlayerStats
from utils.models.scope import GuildId, MemberId, PlayerId, ServerId, ServerScope
from utils.models.servers import GameServer
from utils.models.statistics import BoardRows, Comparison, Coverage, DayCount
from utils.services.coverage import CoverageService, Question
from utils.services.name_index import NameIndex, fold_text
from utils.tasks import BackgroundTask, TaskManager

BOARD_PAGE_ROWS = 10
NEVER_SEEN = "He was never seen on that server; leave `server` out, and all servers are summed."
CHART_DAYS = 30
KD_MINIMUM_KILLS = 10
SUGGESTIONS = 5
CANDIDATES = 100  # more of them fit no better than these
LEARNED_DEATHS = 250  # between two turns of the event loop: a few milliseconds
BLINK_SECONDS = 0.05  # of the 300 ms that autocomplete may take
CACHED_GUILDS = 200  # names of guilds whose members asked lately


class Board(StrEnum):
    """What a leaderboard ranks by: players by a figure or by claimed bounties, or weapons by kills."""

    KILLS = "kills"
    DEATHS = "deaths"
    KD = "kd"
    STREAK = "streak"
    LONGEST = "longest"
    SUICIDES = "suicides"
    WEAPONS = "weapons"
    BOUNTIES = "bounties"


@dataclass(frozen=True, slots=True)
class BoardPage:
    """One page of a board of players; ``page`` counts from 0, ``own`` is the asker's own place."""

    board: Board
    rows: tuple[BoardRow, ...]
    page: int
    total: int
    own: BoardRow | None = None

    @property
    def pages(self) -> int:
        """Return how many pages there are, at least one."""
        return max(1, -(-self.total // BOARD_PAGE_ROWS))


@dataclass(frozen=True, slots=True)
class PlayerReport:
    """The answer of ``/stats``; ``days`` are the last ``CHART_DAYS``, empty ones left out."""

    coverage: Coverage
    stats: PlayerStats
    days: tuple[DayCount, ...]


class StatisticsStore(Protocol):
    """Reads of counters, over one guild's servers."""

    async def list_known_players(self, guild_id: GuildId) -> Sequence[KnownPlayer]:
        """Return every player of the guild's servers, most kills first, with the shown generation's names."""

    async def search_players(self, guild_id: GuildId, text: str, *, limit: int) -> Sequence[KnownPlayer]:
        """Return players whose newest name holds the text, best known first, within milliseconds."""

    async def find_stats(
        self,
        guild_id: GuildId,
        server_ids: Sequence[ServerId],
        player_ids: Sequence[PlayerId],
        *,
        since: date | None = None,
    ) -> PlayerStats | None:
        """Return players' figures summed over servers and players; None when none was ever seen there."""

    async def list_days(
        self,
        guild_id: GuildId,
        server_ids: Sequence[ServerId],
        player_ids: Sequence[PlayerId],
        *,
        since: date,
    ) -> Sequence[DayCount]:
        """Return what players did on each day, by day; empty days left out."""

    async def list_board(
        self,
        guild_id: GuildId,
        server_ids: Sequence[ServerId],
        *,
        board: str,
        minimum_kills: int,
        limit: int,
        offset: int,
        since: date | None = None,
        own: Sequence[PlayerId] = (),
    ) -> BoardRows:
        """Return rows of a board summed over servers, how many there are, and the best of ``own`` players."""


class ServerList(Protocol):
    """A guild's game servers."""

    async def list_servers(self, guild_id: GuildId) -> Sequence[GameServer]:
        """Return them, oldest first."""


class EnmityStore(Protocol):
    """Kills between two players."""

    async def count_kills(
        self, guild_id: GuildId, server_ids: Sequence[ServerId], killer_id: PlayerId, victim_id: PlayerId
    ) -> int:
        """Return how often one player killed another."""


class HunterStore(Protocol):
    """Claimed bounties."""

    async def list_hunters(
        self,
        guild_id: GuildId,
        server_ids: Sequence[ServerId],
        *,
        since: date | None = None,
        since_at: datetime | None = None,
    ) -> Sequence[BoardRow]:
        """Return everybody who claimed a bounty by the sum of what was paid, most first.

        ``since_at`` is the moment from which on claims count, ``since`` the first day whose deaths count.
        """


class PlayerNames:
    """Names for autocomplete and look-up: read once for a guild, then fed by ingestion."""

    def __init__(self, store: StatisticsStore, servers: ServerList, tasks: TaskManager) -> None:
        self._store = store
        self._servers = servers
        self._tasks = tasks
        self._readings: dict[GuildId, BackgroundTask] = {}
        self._guilds: dict[GuildId, NameIndex] = {}
        self._locks: dict[GuildId, asyncio.Lock] = {}
        self._missed: dict[GuildId, list[DeathsStored]] = {}

    async def search(
        self, guild_id: GuildId, text: str, *, server_ids: Iterable[ServerId] = (), limit: int = 25
    ) -> list[KnownPlayer]:
        """Return players any of whose names holds ``text`` (case folded), best known first.

        While the names are being read for the first time, the answer comes from the newest names alone: a
        guild of 100,000 players takes a second or two, and whoever types waits for no more than a blink.
        """
        wanted = fold_text(text)
        known = self._guilds.get(guild_id)
        if known is None:
            few = await self._store.search_players(guild_id, wanted, limit=limit)
            known = await self._wait_for_names(guild_id)
            if known is None:
                return list(_select(few, server_ids))
        return list(islice(_select(known.search(wanted), server_ids), limit))

    async def resolve(
        self, guild_id: GuildId, text: str, *, server_ids: Iterable[ServerId] = ()
    ) -> KnownPlayer:
        """Return the player meant: by id, by exact name, or by a unique part of one.

        Of several who bear or bore that exact name, whoever is called so now is meant.

        Raises:
            NotFoundError: nobody is called so; offers the closest names.
            AmbiguousError: several are; those of one name are told apart.
        """
        known, servers = await self._get(guild_id), frozenset(server_ids)
        by_id = known.find(PlayerId(text))
        if by_id is not None:
            return by_id
        wanted = fold_text(text)
        exact = list(islice(_select(known.search_exact(wanted), servers), CANDIDATES))
        chosen = [player for player in exact if player.name.casefold() == wanted] or exact
        if not chosen and wanted:
            chosen = list(islice(_select(known.search(wanted), servers), CANDIDATES))
        if len(chosen) == 1:
            return chosen[0]
        if chosen:
            labels = await self._tell_apart(guild_id, chosen[:SUGGESTIONS])
            raise AmbiguousError("player", text, candidates=labels)
        closest = await known.list_closest(wanted, limit=SUGGESTIONS)
        raise NotFoundError("player", text, suggestions=closest)

    async def on_deaths_stored(self, event: DeathsStored) -> None:
        """Learn the names of new deaths, if the guild's names are held."""
        known = self._guilds.get(event.scope.guild_id)
        if known is not None:
            for start in range(0, len(event.deaths), LEARNED_DEATHS):
                _learn(known, event.scope, event.deaths[start : start + LEARNED_DEATHS])
                await asyncio.sleep(0)
        elif event.scope.guild_id in self._missed:
            self._missed[event.scope.guild_id].append(event)

    async def on_history_imported(self, event: HistoryImported) -> None:
        """Read a guild's names again when they are asked for next."""
        self.forget(event.scope.guild_id)

    async def on_server_removed(self, event: ServerRemoved) -> None:
        """Read a guild's names again when they are asked for next."""
        self.forget(event.scope.guild_id)

    async def on_player_erased(self, event: PlayerErased) -> None:
        """Read a guild's names again when they are asked for next."""
        self.forget(event.guild_id)

    def forget(self, guild_id: GuildId) -> None:
        """Drop the names of a guild, also those that are being read at this moment."""
        self._guilds.pop(guild_id, None)
        self._missed.pop(guild_id, None)

    async def _tell_apart(self, guild_id: GuildId, players: Sequence[KnownPlayer]) -> tuple[str, ...]:
        """Return players' names; where several are called the same, with server and last seen."""
        counts = Counter(player.name.casefold() for player in players)
        if len(counts) == len(players):
            return tuple(player.name for player in players)
        servers = await self._servers.list_servers(guild_id)
        names = {server.scope.server_id: server.name for server in servers}
        return tuple(
            player.name if counts[player.name.casefold()] == 1 else _describe(player, names)
            for player in players
        )

    async def _wait_for_names(self, guild_id: GuildId) -> NameIndex | None:
        """Have the names read in the background, and return them if that takes no longer than a blink."""

        async def read() -> None:
            await self._get(guild_id)

        name = f"names:{guild_id}"
        if not self._tasks.is_running(name):
            self._readings[guild_id] = self._tasks.start(name, read, guild_id=guild_id)
        reading = asyncio.ensure_future(self._readings[guild_id].wait())
        try:
            await asyncio.wait([reading], timeout=BLINK_SECONDS)
        finally:
            reading.cancel()
        if not self._tasks.is_running(name):
            self._readings.pop(guild_id, None)
        return self._guilds.get(guild_id)

    async def _get(self, guild_id: GuildId) -> NameIndex:
        async with self._locks.setdefault(guild_id, asyncio.Lock()):  # every keystroke asks: one reads
            known = self._guilds.pop(guild_id, None)
            while known is None:
                known = await self._read(guild_id)
            self._guilds[guild_id] = known  # the guild asked about last stands last
        while len(self._guilds) > CACHED_GUILDS:
            del self._guilds[next(iter(self._guilds))]
        return known

    async def _read(self, guild_id: GuildId) -> NameIndex | None:
        """Read a guild's names and what is stored meanwhile; None when they were forgotten meanwhile."""
        self._missed[guild_id] = []
        try:
            known = await NameIndex.build(await self._store.list_known_players(guild_id))
        finally:
            missed = self._missed.pop(guild_id, None)
        for event in missed or ():
            _learn(known, event.scope, event.deaths)
        return None if missed is None else known


class StatisticsService:
    """Answers ``/stats``, ``/compare`` and ``/leaderboard``."""

    def __init__(
        self,
        store: StatisticsStore,
        enmities: EnmityStore,
        hunters: HunterStore,
        coverage: CoverageService,
    ) -> None:
        self._store = store
        self._enmities = enmities
        self._hunters = hunters
        self._coverage = coverage

    async def get_stats(self, question: Question) -> PlayerReport:
        """Return the figures of a player, or of a member's linked ones, with what they did lately.

        Raises:
            NotFoundError, AmbiguousError, InvalidInputError: nobody, or more than one, is meant.
        """
        coverage = await self._coverage.choose(question.guild_id, question.server, question.period)
        meant = await self._coverage.find_players(question, coverage)
        player_ids = [player.player_id for player in meant]
        stats, days = await asyncio.gather(
            self._find_stats(coverage, player_ids, meant[0].name),
            self._store.list_days(
                coverage.guild_id,
                coverage.server_ids,
                player_ids,
                since=coverage.today - timedelta(days=CHART_DAYS - 1),
            ),
        )
        return PlayerReport(coverage, stats, tuple(days))

    async def compare(
        self, guild_id: GuildId, first: str, second: str, *, server: str | None
    ) -> tuple[Coverage, Comparison]:
        """Return two players' figures side by side, and how often each killed the other.

        Raises:
            NotFoundError, AmbiguousError, InvalidInputError: a name fits nobody, several, or both one player.
        """
        coverage = await self._coverage.choose(guild_id, server)
        meant = [await self._coverage.resolve(coverage, name) for name in (first, second)]
        one, other = (player.player_id for player in meant)
        if one == other:
            raise InvalidInputError("Both names mean the same player. Choose two different ones.")
        first_stats, second_stats, first_kills, second_kills = await asyncio.gather(
            self._find_stats(coverage, [one], meant[0].name),
            self._find_stats(coverage, [other], meant[1].name),
            self._enmities.count_kills(guild_id, coverage.server_ids, one, other),
            self._enmities.count_kills(guild_id, coverage.server_ids, other, one),
        )
        return coverage, Comparison(first_stats, second_stats, first_kills, second_kills)

    async def get_board(
        self, coverage: Coverage, board: Board, *, page: int, asker_id: MemberId | None = None
    ) -> BoardPage:
        """Return one page of a board of players, and the best place of the asker's linked ones."""
        own: Sequence[PlayerId] = ()
        if asker_id is not None:
            own = await self._coverage.list_linked(coverage.guild_id, asker_id)
        if board is Board.BOUNTIES:
            return await self._page_hunters(coverage, page, own)
        found = await self._store.list_board(
            coverage.guild_id,
            coverage.server_ids,
            board=board.value,
            minimum_kills=KD_MINIMUM_KILLS if board is Board.KD else 0,
            limit=BOARD_PAGE_ROWS,
            offset=page * BOARD_PAGE_ROWS,
            since=coverage.since,
            own=own,
        )
        return BoardPage(board, found.rows, page, found.total, found.own)

    async def _page_hunters(self, coverage: Coverage, page: int, own: Sequence[PlayerId]) -> BoardPage:
        rows = await self._hunters.list_hunters(
            coverage.guild_id, coverage.server_ids, since=coverage.since, since_at=coverage.since_at
        )
        start = page * BOARD_PAGE_ROWS
        mine = next((row for row in rows if row.player_id in own), None)
        return BoardPage(Board.BOUNTIES, tuple(rows[start : start + BOARD_PAGE_ROWS]), page, len(rows), mine)

    async def _find_stats(self, coverage: Coverage, player_ids: Sequence[PlayerId], name: str) -> PlayerStats:
        stats = await self._store.find_stats(
            coverage.guild_id, coverage.server_ids, player_ids, since=coverage.since
        )
        if stats is None:
            raise NotFoundError("player", name, hint=NEVER_SEEN)
        return stats


def _select(players: Iterable[KnownPlayer], server_ids: Iterable[ServerId]) -> Iterator[KnownPlayer]:
    """Yield those who were seen on one of the servers; all of them when no server is named."""
    servers = frozenset(server_ids)
    return (player for player in players if not servers or servers.intersection(player.servers))


def _describe(player: KnownPlayer, server_names: Mapping[ServerId, str]) -> str:
    where = ", ".join(server_names.get(server_id, "a removed server") for server_id in player.servers)
    return f"{player.name} (on {where}, last seen {player.last_seen_at:%d %b %Y, %H:%M} UTC)"


def _learn(known: NameIndex, scope: ServerScope, deaths: Iterable[Death]) -> None:
    for death in deaths:
        known.learn(scope, death)
