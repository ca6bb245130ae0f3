"""Statistics: who is meant by a name, a player's figures, the boards."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from utils.errors import AmbiguousError, NotFoundError
from utils.events import DeathsStored, HistoryImported, ServerRemoved
from utils.models.deaths import Death
from utils.models.players import BoardRow, KnownPlayer, PlayerStats
from utils.models.scope import GuildId, PlayerId, ServerId, ServerScope

BOARD_PAGE_ROWS = 10
KD_MINIMUM_KILLS = 10
SUGGESTIONS = 5
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
        self._guilds: dict[GuildId, dict[PlayerId, KnownPlayer]] = {}

    async def search(
        self, guild_id: GuildId, text: str, *, server_ids: Iterable[ServerId] = (), limit: int = 25
    ) -> list[KnownPlayer]:
        """Return players any of whose names holds ``text`` (case folded), best known first."""
        wanted, servers = text.casefold().strip(), frozenset(server_ids)
        found = (
            player
            for player in (await self._get(guild_id)).values()
            if any(wanted in name.casefold() for name in player.names)
            and (not servers or servers.intersection(player.servers))
        )
        return sorted(found, key=lambda player: (-player.kills, player.name.casefold()))[:limit]

    async def resolve(
        self, guild_id: GuildId, text: str, *, server_ids: Iterable[ServerId] = ()
    ) -> KnownPlayer:
        """Return the player meant: by id, by exact name, or by a unique part of one.

        Raises:
            NotFoundError: nobody is called so; offers the closest names.
            AmbiguousError: several are.
        """
        by_id = (await self._get(guild_id)).get(PlayerId(text))
        if by_id is not None:
            return by_id
        wanted = text.casefold().strip()
        parts = await self.search(guild_id, wanted, server_ids=server_ids, limit=1_000_000) if wanted else []
        exact = [player for player in parts if wanted in (name.casefold() for name in player.names)]
        chosen = exact or parts
        if len(chosen) == 1:
            return chosen[0]
        if chosen:
            names = tuple(dict.fromkeys(player.name for player in chosen))[:SUGGESTIONS]
            raise AmbiguousError("player", text, candidates=names)
        raise NotFoundError("player", text, suggestions=await self._suggest(guild_id, wanted))

    async def on_deaths_stored(self, event: DeathsStored) -> None:
        """Learn the names of new deaths, if the guild's names are held."""
        known = self._guilds.get(event.scope.guild_id)
        if known is not None:
            for death in event.deaths:
                _learn(known, event.scope, death)

    async def on_history_imported(self, event: HistoryImported) -> None:
        """Read a guild's names again when they are asked for next."""
        self.forget(event.scope.guild_id)

    async def on_server_removed(self, event: ServerRemoved) -> None:
        """Read a guild's names again when they are asked for next."""
        self.forget(event.scope.guild_id)

    def forget(self, guild_id: GuildId) -> None:
        """Drop the names of a guild."""
        self._guilds.pop(guild_id, None)

    async def _get(self, guild_id: GuildId) -> dict[PlayerId, KnownPlayer]:
        known = self._guilds.pop(guild_id, None)
        if known is None:
            known = {player.player_id: player for player in await self._store.list_known_players(guild_id)}
        self._guilds[guild_id] = known  # the guild asked about last stands last
        while len(self._guilds) > CACHED_GUILDS:
            del self._guilds[next(iter(self._guilds))]
        return known

    async def _suggest(self, guild_id: GuildId, wanted: str) -> tuple[str, ...]:
        """Return the known names that share the most letter pairs with the wanted one."""
        pairs = _letter_pairs(wanted)
        scored = [
            (len(pairs & _letter_pairs(player.name.casefold())), player.kills, player.name)
            for player in (await self._get(guild_id)).values()
        ]
        best = sorted((entry for entry in scored if entry[0] > 0), reverse=True)[:SUGGESTIONS]
        return tuple(name for _, _, name in best)


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


def _learn(known: dict[PlayerId, KnownPlayer], scope: ServerScope, death: Death) -> None:
    row = death.row
    seen = [(row.victim_id, row.victim_name, 0)]
    if row.killer_id is not None and row.kind.is_kill:
        seen.append((row.killer_id, row.killer_name, 1))
    for player_id, name, kills in seen:
        before = known.get(player_id)
        known[player_id] = KnownPlayer(
            player_id=player_id,
            name=name,
            names=tuple(dict.fromkeys((*(before.names if before else ()), name))),
            kills=kills + (before.kills if before else 0),
            last_seen_at=death.at,
            servers=tuple(dict.fromkeys((*(before.servers if before else ()), scope.server_id))),
        )


def _letter_pairs(text: str) -> set[str]:
    return {text[index : index + 2] for index in range(len(text) - 1)}
