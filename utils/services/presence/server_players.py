"""Answers ``/server online`` and ``/server status``: who is on a game server, and how it is."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from utils.clock import Clock
from utils.models.game_log import GameLogState, LogCondition, PlayersReport
from utils.models.scope import GuildId, ServerScope
from utils.models.servers import ConnectionState, GameServer, ServerHealth
from utils.services.servers.game_servers import GameServerService, list_chosen

READ_TIME = timedelta(minutes=5)
"""The time of the last read is stored at least every two minutes."""

QUIET_TIME = timedelta(minutes=15)
_READ_STATES = (ConnectionState.CONNECTED, ConnectionState.NO_LOGS)


class PresenceStore(Protocol):  # implemented by GameLogRepository
    """Reads of what is known from Deadside.log."""

    async def load(self, scope: ServerScope) -> GameLogState:
        """Return what is known; an empty state if the file was never read."""

    async def find_peak(self, scope: ServerScope, *, since: datetime) -> int | None:
        """Return the most players at once in the samples since a moment; None without a sample."""


def judge_log(state: GameLogState, health: ServerHealth, *, now: datetime) -> LogCondition:
    """Return how well the log tells who is online.

    Args:
        state: as it is stored.
        health: of the server; a host that is away says nothing about the game server.
        now: UTC.
    """
    if state.cursor is None or health.state not in _READ_STATES or health.others:
        return LogCondition.UNKNOWN
    if state.missing_since is not None:
        return LogCondition.STOPPED
    if state.read_at is None or now - state.read_at > READ_TIME:
        return LogCondition.UNKNOWN
    newest_at = state.presence.newest_at
    is_quiet = newest_at is not None and now - newest_at > QUIET_TIME
    return LogCondition.QUIET if is_quiet else LogCondition.OK


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
        now, zone = self._clock.now(), ZoneInfo(server.timezone)
        state = await self._store.load(server.scope)
        midnight = datetime.combine(now.astimezone(zone).date(), time(), zone).astimezone(UTC)
        peak = await self._store.find_peak(server.scope, since=midnight)
        condition = LogCondition.UNKNOWN if server.is_paused else judge_log(state, health, now=now)
        if condition is LogCondition.OK:
            online = state.presence.count_online()
            peak = max(peak or 0, online)
        return PlayersReport(
            server_name=server.name,
            condition=condition,
            state=state,
            max_players=state.presence.max_players,
            peak_today=peak,
        )
