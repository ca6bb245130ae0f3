"""Answers ``/admin server log``: what the bot knows of a game server's Deadside.log, and how sure it is."""

from collections.abc import Mapping

from utils.clock import Clock
from utils.models.game_log import LogReport
from utils.models.scope import GuildId, ServerScope
from utils.models.servers import ServerHealth
from utils.services.presence.log_conditions import compute_quiet_time, judge_log
from utils.services.presence.server_players import PresenceStore
from utils.services.servers.game_servers import GameServerService


class ServerLogService:
    """Says how the second log of a game server is."""

    def __init__(self, store: PresenceStore, servers: GameServerService, *, clock: Clock) -> None:
        self._store = store
        self._servers = servers
        self._clock = clock

    async def describe(
        self, guild_id: GuildId, typed: str, health: Mapping[ServerScope, ServerHealth]
    ) -> LogReport:
        """Return what is known of the log of the named server.

        Raises:
            NotFoundError, AmbiguousError: there is no such server.
        """
        server = await self._servers.resolve(guild_id, typed)
        known = health.get(server.scope, ServerHealth(server.scope))
        stored = await self._store.load(server.scope)
        state = known.game_log or stored  # what is counted since the last storing is in memory alone
        return LogReport(
            server_name=server.name,
            condition=judge_log(state, known, now=self._clock.now()),
            state=state,
            slots=server.slots,
            quiet_after=compute_quiet_time(state.gaps),
        )
