"""A guild's settings as they are read: from a short cache that a change drops (``guild_changes``)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from utils.caching import Remembered
from utils.clock import Clock
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.scope import ChannelId, GuildId, ServerScope
from utils.models.servers import GameServer

CACHE_SECONDS = 30.0  # what another process wrote is seen this much later at most


class GuildStore(Protocol):
    """Storage of guilds' settings and servers, as seen by those who only look."""

    async def get_settings(self, guild_id: GuildId) -> GuildSettings:
        """Return a guild's settings; defaults for a guild that never set any."""

    async def write_settings(self, guild_id: GuildId, before: GuildSettings, after: GuildSettings) -> None:
        """Write the settings that differ; the others stay as they are stored."""


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
    """Reads guild settings; what is read often comes from a short cache.

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

    def forget_guild(self, guild_id: GuildId) -> None:
        """Drop what is cached of a guild."""
        self._settings.drop(guild_id)
        self._channels.drop_where(lambda scope: scope.guild_id == guild_id)

    async def _read_channels(self, scope: ServerScope) -> Mapping[ChannelKind, ChannelId]:
        server = await self._servers.find_server(scope)
        return server.channels if server else {}
