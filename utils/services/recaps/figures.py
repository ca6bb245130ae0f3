"""Reads the figures of a recap from the counters of days, over all game servers of a guild."""

import asyncio
from collections.abc import Sequence

from utils.models.players import NamedCount
from utils.models.recaps import RecapBest, RecapFigures, RecapServerFigures, RecapSpan
from utils.models.scope import GuildId
from utils.models.servers import GameServer
from utils.models.statistics import Board, BoardRows, CoveredDeaths, PlayerPlace
from utils.services.levels.ranks import PlaceStore
from utils.services.players.combat import CombatStore
from utils.services.players.statistics import StatisticsStore, read_first_row
from utils.services.recaps.schedule import find_span_before


class RecapReader:
    """Reads the figures of recaps."""

    def __init__(self, statistics: StatisticsStore, combat: CombatStore, places: PlaceStore) -> None:
        self._statistics = statistics
        self._combat = combat
        self._places = places

    async def read(self, guild_id: GuildId, servers: Sequence[GameServer], span: RecapSpan) -> RecapFigures:
        """Return the figures of a span of days on some game servers of a guild."""
        if not servers:
            return RecapFigures()
        covered = _cover(guild_id, servers, span)
        kills, longest, streak, before = await asyncio.gather(
            read_first_row(self._statistics, covered, Board.KILLS),
            read_first_row(self._statistics, covered, Board.LONGEST),
            read_first_row(self._statistics, covered, Board.STREAK),
            read_first_row(self._statistics, _cover(guild_id, servers, find_span_before(span)), Board.KILLS),
        )
        weapons = await self._combat.list_weapons(covered)
        figures = [await self._read_server(guild_id, server, span) for server in servers]
        mvp = _read_best(kills)
        return RecapFigures(
            kills=int(kills.summed),
            kills_before=int(before.summed),
            killers=kills.total,
            mvp=mvp,
            mvp_xp=None if mvp is None else await self._find_xp(guild_id, servers, mvp),
            longest=_read_best(longest),
            streak=_read_best(streak),
            weapon=NamedCount(weapons[0].weapon, weapons[0].kills) if weapons else None,
            rivalry=await self._combat.find_rivalry(covered),
            servers=tuple(sorted(figures, key=lambda one: (-one.kills, one.name.casefold(), one.name))),
        )

    async def _find_xp(
        self, guild_id: GuildId, servers: Sequence[GameServer], player: RecapBest
    ) -> PlayerPlace:
        """Return a player's XP of all time, and their place by it."""
        covered = CoveredDeaths(guild_id, tuple(one.scope.server_id for one in servers))
        return await self._places.find_place(covered, [player.player_id], board=Board.XP.value)

    async def _read_server(
        self, guild_id: GuildId, server: GameServer, span: RecapSpan
    ) -> RecapServerFigures:
        found = await read_first_row(self._statistics, _cover(guild_id, [server], span), Board.KILLS)
        return RecapServerFigures(server.name, int(found.summed), found.total, _read_best(found))


def _cover(guild_id: GuildId, servers: Sequence[GameServer], span: RecapSpan) -> CoveredDeaths:
    server_ids = tuple(one.scope.server_id for one in servers)
    return CoveredDeaths(guild_id, server_ids, since=span.first_day, until=span.last_day)


def _read_best(found: BoardRows) -> RecapBest | None:
    best = next(iter(found.rows), None)
    return None if best is None else RecapBest(best.player_id, best.name, int(best.value))
