"""Answers ``/server online`` and ``/server status``: who is on a game server, and how it is."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from utils.clock import Clock
from utils.models.game_log import GameLogState, LogCondition, PlayersReport
from utils.models.scope import GuildId, ServerScope
from utils.models.servers import GameServer, ServerHealth
from utils.services.presence.log_conditions import choose_places, judge_log
from utils.services.seasons.rules import begin_day
from utils.services.servers.game_servers import GameServerService, list_chosen
from utils.services.servers.restart_times import find_next_restart


class PresenceStore(Protocol):  # implemented by GameLogRepository
    """Reads of what is known from Deadside.log."""

    async def load(self, scope: ServerScope) -> GameLogState:
        """Return what is known; an empty state if the file was never read."""

    async def find_peak(self, scope: ServerScope, *, since: datetime) -> int | None:
        """Return the most players at once in the samples since a moment; None without a sample."""


class ServerPlayersService:
    """Says who is on the game servers of a guild."""

    def __init__(self, store: PresenceStore, servers: GameServerService, *, clock: Clock) -> None:
        self._store = store
        self._servers = servers
        self._clock = clock

    async def describe(
        self, guild_id: GuildId, server: str | None, health: Mapping[ServerScope, ServerHealth]
    ) -> Sequence[PlayersReport]:
        """Return a report of the named server, or of all servers of the guild.

        Raises:
            NotFoundError, AmbiguousError: there is no server, or none with this name.
        """
        return await self.describe_servers(await list_chosen(self._servers, guild_id, server), health)

    async def describe_servers(
        self, servers: Sequence[GameServer], health: Mapping[ServerScope, ServerHealth]
    ) -> Sequence[PlayersReport]:
        """Return a report of each of these servers."""
        return [await self._describe(one, health.get(one.scope, ServerHealth(one.scope))) for one in servers]

    async def _describe(self, server: GameServer, health: ServerHealth) -> PlayersReport:
        now, zone = self._clock.now(), server.zone
        state = await self._store.load(server.scope)
        midnight = begin_day(now.astimezone(zone).date(), zone)
        peak = await self._store.find_peak(server.scope, since=midnight)
        condition = judge_log(state, health, now=now)
        if condition is LogCondition.OK:
            online = state.presence.count_online()
            peak = max(peak or 0, online)
        return PlayersReport(
            server_name=server.name,
            condition=condition,
            state=state,
            max_players=choose_places(server, state),
            peak_today=peak,
            next_restart=find_next_restart(server, state.run_starts, now=now),
        )
