"""Answers ``/playtime`` and the board of time played."""

from collections.abc import Collection, Sequence
from typing import Protocol

from utils.models.players import BoardRow, NamedPlayer
from utils.models.playtime import Playtime
from utils.models.scope import PlayerId
from utils.models.statistics import Coverage, CoveredDeaths
from utils.services.players.coverage import CoverageService, StatisticsQuestion
from utils.services.players.seen_players import SeenPlayers, SeenStore


class PlaytimeStore(SeenStore, Protocol):  # implemented by PlaytimeRepository
    """Reads of the time of players."""

    async def sum_playtime(self, covered: CoveredDeaths, player_ids: Collection[PlayerId]) -> Playtime:
        """Return the time of players together, with their open sessions."""

    async def list_most_played(self, covered: CoveredDeaths) -> Sequence[BoardRow]:
        """Return all players by their time, the longest first."""


class PlaytimeService:
    """Says how long players were on the game servers."""

    def __init__(self, store: PlaytimeStore, coverage: CoverageService, players: SeenPlayers) -> None:
        self._store = store
        self._coverage = coverage
        self._players = players

    async def describe(
        self, question: StatisticsQuestion
    ) -> tuple[Coverage, Sequence[NamedPlayer], Playtime]:
        """Return the time of the named player, or of the linked ones of the member or the asker.

        Raises:
            NotFoundError, AmbiguousError, InvalidInputError, NotLinkedError: as ``/stats``.
        """
        coverage = await self._coverage.choose(question.guild_id, question.server, question.period)
        players = await self._coverage.find_players(question, coverage, among=self._players)
        found = await self._store.sum_playtime(coverage, frozenset(one.player_id for one in players))
        return coverage, players, found
