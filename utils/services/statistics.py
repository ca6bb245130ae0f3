"""Statistics: who is meant by a name, a player's figures, the boards."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Protocol

from utils.errors import AmbiguousError, NotFoundError
from utils.events import DeathsStored, HistoryImported, ServerRemoved
from utils.models.deaths import Death
from utils.models.players import BoardRow, KnownPlayer, PlayerStats
from utils.models.scope import GuildId, PlayerId, ServerId, ServerScope
from utils.services.name_index import NameIndex

BOARD_PAGE_ROWS = 10
KD_MINIMUM_KILLS = 10
SUGGESTIONS = 5
CANDIDATES = 100  # more of them fit no better than these
LEARNED_DEATHS = 250  # between two turns of the event loop: a few milliseconds
CACHED_GUILDS = 200  # names of guilds whose members asked lately


class Board(StrEnum):
    """What a leaderboard ranks by."""

    KILLS = "kills"
    DEATHS = "deaths"
    KD = "kd"
    STREAK = "streak"
    LONGEST = "longest"
    SUICIDES = "suicides"


@dataclass(frozen=True, slots=True)
class BoardPage:
    """One page of a board; ``page`` counts from 0."""

    board: Board
    rows: tuple[BoardRow, ...]
    page: int
    total: int

    @property
    def pages(self) -> int:
        """Return how many pages there are, at least one."""
        return max(1, -(-self.total // BOARD_PAGE_ROWS))


class StatisticsStore(Protocol):
    """Reads of counters, over one guild's servers."""

    async def list_known_players(self, guild_id: GuildId) -> Sequence[KnownPlayer]:
        """Return every player of the guild's servers, most kills first, with the shown generation's names."""

    async def find_stats(
        self, guild_id: GuildId, server_ids: Sequence[ServerId], player_id: PlayerId
    ) -> PlayerStats | None:
        """Return a player's figures summed over servers; None when he was never seen there."""

    async def list_board(
        self,
        guild_id: GuildId,
        server_ids: Sequence[ServerId],
        *,
        board: str,
        minimum_kills: int,
        limit: int,
        offset: int,
    ) -> tuple[Sequence[BoardRow], int]:
        """Return rows of a board summed over servers, and how many there are in all."""


class PlayerNames:
    """Names for autocomplete and look-up: read once for a guild, then fed by ingestion."""

    def __init__(self, store: StatisticsStore) -> None:
        self._store = store
        self._guilds: dict[GuildId, NameIndex] = {}
        self._locks: dict[GuildId, asyncio.Lock] = {}
        self._missed: dict[GuildId, list[DeathsStored]] = {}

    async def search(
        self, guild_id: GuildId, text: str, *, server_ids: Iterable[ServerId] = (), limit: int = 25
    ) -> list[KnownPlayer]:
        """Return players any of whose names holds ``text`` (case folded), best known first."""
        found = (await self._get(guild_id)).search(text.casefold().strip())
        return list(islice(_select(found, server_ids), limit))

    async def resolve(
        self, guild_id: GuildId, text: str, *, server_ids: Iterable[ServerId] = ()
    ) -> KnownPlayer:
        """Return the player meant: by id, by exact name, or by a unique part of one.

        Raises:
            NotFoundError: nobody is called so; offers the closest names.
            AmbiguousError: several are.
        """
        known, servers = await self._get(guild_id), frozenset(server_ids)
        by_id = known.find(PlayerId(text))
        if by_id is not None:
            return by_id
        wanted = text.casefold().strip()
        chosen = list(islice(_select(known.search_exact(wanted), servers), CANDIDATES))
        if not chosen and wanted:
            chosen = list(islice(_select(known.search(wanted), servers), CANDIDATES))
        if len(chosen) == 1:
            return chosen[0]
        if chosen:
            names = tuple(islice(dict.fromkeys(player.name for player in chosen), SUGGESTIONS))
            raise AmbiguousError("player", text, candidates=names)
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

    def forget(self, guild_id: GuildId) -> None:
        """Drop the names of a guild, also those that are being read at this moment."""
        self._guilds.pop(guild_id, None)
        self._missed.pop(guild_id, None)

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
    """Answers ``/stats`` and ``/leaderboard``."""

    def __init__(self, store: StatisticsStore, names: PlayerNames) -> None:
        self._store = store
        self._names = names

    async def get_stats(
        self, guild_id: GuildId, player: str, *, server_ids: Sequence[ServerId]
    ) -> PlayerStats:
        """Return the figures of a player, given by id or name, over servers of the guild.

        Raises:
            NotFoundError, AmbiguousError: nobody, or more than one, is meant.
        """
        known = await self._names.resolve(guild_id, player, server_ids=server_ids)
        stats = await self._store.find_stats(guild_id, server_ids, known.player_id)
        if stats is None:
            raise NotFoundError("player", known.name, hint="He was never seen on that server.")
        return stats

    async def get_board(
        self, guild_id: GuildId, board: Board, *, server_ids: Sequence[ServerId], page: int
    ) -> BoardPage:
        """Return one page of a board, summed over servers of the guild."""
        rows, total = await self._store.list_board(
            guild_id,
            server_ids,
            board=board.value,
            minimum_kills=KD_MINIMUM_KILLS if board is Board.KD else 0,
            limit=BOARD_PAGE_ROWS,
            offset=page * BOARD_PAGE_ROWS,
        )
        return BoardPage(board, tuple(rows), page, total)


def _select(players: Iterable[KnownPlayer], server_ids: Iterable[ServerId]) -> Iterator[KnownPlayer]:
    """Yield those who were seen on one of the servers; all of them when no server is named."""
    servers = frozenset(server_ids)
    return (player for player in players if not servers or servers.intersection(player.servers))


def _learn(known: NameIndex, scope: ServerScope, deaths: Iterable[Death]) -> None:
    for death in deaths:
        known.learn(scope, death)
