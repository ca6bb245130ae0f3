"""Answers ``/server events`` and ``/events list``: what is open in the worlds, and what is posted of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from utils.clock import Clock
from utils.models.event_settings import OF_PLAYERS, PostedKind, ServerEventSettings
from utils.models.game_log import GameLogState
from utils.models.guilds import ChannelKind
from utils.models.missions import get_mission
from utils.models.scope import ChannelId, GuildId, ServerScope
from utils.models.servers import GameServer
from utils.models.world_events import WorldEvent, WorldEventKind
from utils.models.world_reports import KindRow, KindTable, WorldReport, is_wanted
from utils.services.guilds.guild_settings import SettingsService
from utils.services.presence.log_conditions import QUIET_TIME
from utils.services.servers.game_servers import GameServerService, list_chosen

AIRDROP = WorldEventKind.AIRDROP


class WorldStore(Protocol):  # implemented by GameLogRepository
    """Reads of what is known from Deadside.log about the world."""

    async def load(self, scope: ServerScope) -> GameLogState:
        """Return what is known; an empty state if the file was never read."""

    async def list_returning(self, scope: ServerScope, *, now: datetime) -> Sequence[WorldEvent]:
        """Return the events that come back later than now, at a known time."""


@dataclass(eq=False, repr=False)
class WorldReportService:
    """Says what happens in the worlds of a guild's game servers."""

    store: WorldStore
    servers: GameServerService
    settings: SettingsService
    clock: Clock

    async def describe(
        self, guild_id: GuildId, server: str | None, kind: WorldEventKind | None
    ) -> Sequence[WorldReport]:
        """Return the events of the named server, or of all servers of the guild.

        Raises:
            NotFoundError, AmbiguousError: there is no server, or none with this name.
        """
        servers = await list_chosen(self.servers, guild_id, server)
        return [await self._describe(one, kind) for one in servers]

    async def list_kinds(self, guild_id: GuildId, server: str | None) -> Sequence[KindTable]:
        """Return what is posted of the named server, or of all servers of the guild.

        Raises:
            NotFoundError, AmbiguousError: there is no server, or none with this name.
        """
        servers = await list_chosen(self.servers, guild_id, server)
        return [await self._list_kinds(one) for one in servers]

    async def _describe(self, server: GameServer, kind: WorldEventKind | None) -> WorldReport:
        now = self.clock.now()
        state = await self.store.load(server.scope)
        newest_at, is_stopped = state.presence.newest_at, state.is_closed or state.missing_since is not None
        returning = await self.store.list_returning(server.scope, now=now)
        opened = [one for one in state.world.open.values() if one.is_started and is_wanted(one, kind)]
        hides_last = kind not in (None, AIRDROP) or any(one.kind is AIRDROP for one in opened)
        busy = {one.key[:2] for one in state.world.open.values() if one.is_started}
        returns = {
            one.key[:2]: one
            for one in sorted(returning, key=lambda one: one.key.cycle)
            if is_wanted(one, kind) and one.key[:2] not in busy
        }
        return WorldReport(
            server_name=server.name,
            open=tuple(sorted(opened, key=lambda one: (one.key.cycle, one.key))),
            returns=tuple(sorted(returns.values(), key=lambda one: (one.respawn_at or now, one.key))),
            airdrop_at=None if hides_last else state.world.heard_at.get(AIRDROP),
            is_known=newest_at is not None,
            # older news say how old they are, and so do those of a game server that is stopped
            as_of=newest_at if is_stopped or (newest_at and now - newest_at > QUIET_TIME) else None,
        )

    async def _list_kinds(self, server: GameServer) -> KindTable:
        of_guild = (await self.settings.get_settings(server.scope.guild_id)).events
        settings = ServerEventSettings(server.events, of_guild)
        heard = (await self.store.load(server.scope)).world.heard_at
        channels: dict[bool, ChannelId | None] = {
            is_of_players: await self.settings.find_channel(server.scope, channel_kind)
            for is_of_players, channel_kind in ((True, ChannelKind.CONNECTIONS), (False, ChannelKind.EVENTS))
        }
        rows = [
            KindRow(
                kind=kind,
                is_on=settings.is_on(kind, heard),
                choices=settings.get(kind),
                channel_id=channels[kind in OF_PLAYERS],
                seen_at=None if kind in OF_PLAYERS else heard.get(WorldEventKind(kind.value)),
            )
            for kind in PostedKind
        ]
        muted = sorted(get_mission(one).name for one in settings.muted)
        return KindTable(server_name=server.name, rows=tuple(rows), muted=tuple(muted))
