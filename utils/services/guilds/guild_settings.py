"""A guild's settings: cached, dropped on write."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from utils.caching import Remembered
from utils.clock import Clock
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.money import BountySettings
from utils.models.scope import ChannelId, GuildId, ServerId, ServerScope
from utils.models.servers import GameServer

CACHE_SECONDS = 30.0  # what another process wrote is seen this much later at most


class GuildStore(Protocol):
    """Storage of guilds' settings and servers, as seen by those who only look."""

    async def get_settings(self, guild_id: GuildId) -> GuildSettings:
        """Return a guild's settings; defaults for a guild that never set any."""

    async def set_channel(self, guild_id: GuildId, kind: ChannelKind, channel_id: ChannelId | None) -> None:
        """Set or clear the guild's own channel of a kind."""

    async def set_admin_role(self, guild_id: GuildId, role_id: int | None) -> None:
        """Set or clear the role whose members may administer the bot."""

    async def set_bounties(self, guild_id: GuildId, settings: BountySettings) -> None:
        """Write what was decided about bounties."""


class ServerStore(Protocol):
    """Storage of game servers."""

    async def find_server(self, scope: ServerScope) -> GameServer | None:
        """Return one server."""

    async def list_servers(self, guild_id: GuildId) -> tuple[GameServer, ...]:
        """Return the guild's servers, oldest first."""

    async def insert_server(self, scope: ServerScope, server: GameServer) -> None:
        """Store a new server."""

    async def replace_server(self, scope: ServerScope, server: GameServer) -> None:
        """Write what an edit changes of a server; what has a method of its own stays as it is stored."""

    async def set_channel(self, scope: ServerScope, kind: ChannelKind, channel_id: ChannelId | None) -> None:
        """Set or clear the server's own channel of a kind."""

    async def set_silenced(self, scope: ServerScope, name: str, *, is_silenced: bool) -> None:
        """Have something not posted, or posted again."""

    async def set_host_key(self, scope: ServerScope, host_key: str | None) -> None:
        """Pin a host key, or forget the pinned one."""

    async def set_log_folder(self, scope: ServerScope, folder: str) -> None:
        """Note where a server's logs were found."""

    async def set_paused(self, scope: ServerScope, *, is_paused: bool) -> None:
        """Pause a server, or let it go on."""

    async def mark_removed(self, scope: ServerScope, *, keep_stats: bool, at: datetime) -> None:
        """Take a server out of its guild; from then on nothing more is stored of it."""

    async def delete_leftovers(self, scope: ServerScope, *, now: datetime) -> None:
        """Delete what is left of it, and unless it is kept everything that was counted on it."""


class SettingsService:
    """Reads and writes guild settings; what is read often comes from a short cache.

    Args:
        guilds: storage of the settings.
        servers: storage of the servers with their own channels.
    """

    def __init__(self, guilds: GuildStore, servers: ServerStore, *, clock: Clock) -> None:
        self._guilds = guilds
        self._servers = servers
        self._settings = Remembered(guilds.get_settings, seconds=CACHE_SECONDS, clock=clock)
        self._channels = Remembered(self._read_channels, seconds=CACHE_SECONDS, clock=clock)

    async def get_settings(self, guild_id: GuildId) -> GuildSettings:
        """Return a guild's settings."""
        return await self._settings.get(guild_id)

    async def find_channel(self, scope: ServerScope, kind: ChannelKind) -> ChannelId | None:
        """Return the channel of a kind for a server: its own, else the guild's, else none."""
        own = (await self._channels.get(scope)).get(kind)
        return own or (await self.get_settings(scope.guild_id)).channels.get(kind)

    async def set_channel(
        self,
        guild_id: GuildId,
        kind: ChannelKind,
        channel_id: ChannelId | None,
        *,
        server_id: ServerId | None,
    ) -> None:
        """Set or clear the channel of a kind for the guild, or for one of its servers."""
        try:
            if server_id is None:
                await self._guilds.set_channel(guild_id, kind, channel_id)
            else:
                await self._servers.set_channel(ServerScope(guild_id, server_id), kind, channel_id)
        finally:
            self.forget(guild_id)  # a write that failed may have happened all the same

    async def set_admin_role(self, guild_id: GuildId, role_id: int | None) -> None:
        """Set or clear the role whose members may administer the bot."""
        try:
            await self._guilds.set_admin_role(guild_id, role_id)
        finally:
            self.forget(guild_id)  # a write that failed may have happened all the same

    async def set_bounties(self, guild_id: GuildId, settings: BountySettings) -> None:
        """Write what was decided about bounties."""
        try:
            await self._guilds.set_bounties(guild_id, settings)
        finally:
            self.forget(guild_id)

    def forget(self, guild_id: GuildId) -> None:
        """Drop what is cached of a guild."""
        self._settings.drop(guild_id)
        self._channels.drop_where(lambda scope: scope.guild_id == guild_id)

    async def _read_channels(self, scope: ServerScope) -> Mapping[ChannelKind, ChannelId]:
        server = await self._servers.find_server(scope)
        return server.channels if server else {}
