"""Reads a guild's settings through a cache, which a change drops (``guild_changes``).

Only the process that serves a guild changes its settings, since Discord sends the commands there.
"""

from collections.abc import Mapping
from typing import Protocol

from structlog import get_logger

from utils.caching import Remembered
from utils.clock import Clock
from utils.errors import StorageError
from utils.models.audit import AuditEntry
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.notices.kinds import NOTICE_KINDS
from utils.models.post_styles import ChannelStyle, PostShape
from utils.models.scope import ChannelId, GuildId, ServerId, ServerScope
from utils.services.ports import ServerStore, SettingsSource
from utils.waiting import wait_for_first

logger = get_logger(__name__)

Channels = Mapping[ChannelKind, ChannelId]

CACHE_SECONDS = 600.0  # an unreported change is seen at most this much later
LANGUAGE_SECONDS = 1.0  # an answer has to begin within three


class GuildStore(SettingsSource, Protocol):  # implemented by GuildRepository
    """Read access to the storage of guilds' settings and servers."""

    async def write_settings(
        self,
        guild_id: GuildId,
        before: GuildSettings,
        after: GuildSettings,
        *,
        entry: AuditEntry | None = None,
    ) -> None:
        """Write the settings that differ, and the entry of the audit, all or nothing; the others stay."""


class SettingsService:
    """Reads guild settings, through a cache.

    Args:
        guilds: storage of the settings.
        servers: storage of the servers with their own channels.
    """

    def __init__(self, guilds: GuildStore, servers: ServerStore, *, clock: Clock) -> None:
        self._guilds = guilds
        self._servers = servers
        self._settings = Remembered(guilds.get_settings, seconds=CACHE_SECONDS, clock=clock)
        self._clock = clock
        self._channels = Remembered(self._read_channels, seconds=CACHE_SECONDS, clock=clock)  # of servers

    async def get_settings(self, guild_id: GuildId) -> GuildSettings:
        """Return a guild's settings."""
        return await self._settings.get(guild_id)

    async def find_language(self, guild_id: GuildId) -> str | None:
        """Return the language that is chosen; None if none is, or if the storage does not tell in time.

        An answer about a storage that is away has to be in some language. Every answer asks, so remembered
        settings are asked without a task and a timer.
        """
        if self._settings.has(guild_id):
            return (await self.get_settings(guild_id)).language
        found = []

        async def read() -> None:
            found.append((await self.get_settings(guild_id)).language)

        try:
            await wait_for_first(read(), self._clock.sleep(LANGUAGE_SECONDS))
        except StorageError as error:
            logger.info("the language of a guild is not known", guild_id=guild_id, problem=str(error))
        return found[0] if found else None

    async def find_channel(self, scope: ServerScope, kind: ChannelKind) -> ChannelId | None:
        """Return the channel of a kind for a server: its own, else the guild's, else None."""
        own = (await self._channels.get(scope.guild_id)).get(scope.server_id, {})
        return own.get(kind) or (await self.get_settings(scope.guild_id)).channels.get(kind)

    async def list_own_channels(self, guild_id: GuildId, kind: ChannelKind) -> Mapping[ServerId, ChannelId]:
        """Return the servers of a guild with a channel of their own of a kind."""
        of_servers = await self._channels.get(guild_id)
        return {server_id: own[kind] for server_id, own in of_servers.items() if kind in own}

    async def find_shape(self, guild_id: GuildId, channel_id: ChannelId) -> PostShape:
        """Return the shape of posts in a channel."""
        settings = await self.get_settings(guild_id)
        of_servers = (await self._channels.get(guild_id)).values()
        shown = [own for own in of_servers if channel_id in _list_channels(own, settings)]
        return PostShape(settings.get_style(channel_id).style, names_servers=len(shown) > 1)

    async def find_style(self, guild_id: GuildId, channel_id: ChannelId) -> ChannelStyle:
        """Return the style of a channel."""
        return (await self.get_settings(guild_id)).get_style(channel_id)

    async def is_posted_in(self, guild_id: GuildId, kind: ChannelKind, channel_id: ChannelId) -> bool:
        """Tell whether posts of a kind go to a channel, for the guild or for one of its servers."""
        of_servers = (await self._channels.get(guild_id)).values()
        known = [(await self.get_settings(guild_id)).channels, *of_servers]
        return channel_id in [channels.get(kind) for channels in known]

    def forget_guild(self, guild_id: GuildId) -> None:
        """Drop the cached settings of a guild."""
        self._settings.drop(guild_id)
        self._channels.drop(guild_id)

    async def _read_channels(self, guild_id: GuildId) -> Mapping[ServerId, Channels]:
        servers = await self._servers.list_servers(guild_id)
        return {server.scope.server_id: server.channels for server in servers}


def _list_channels(own: Channels, settings: GuildSettings) -> list[ChannelId | None]:
    """Return the channels in which events of a server with these own channels are posted."""
    kinds = {kind.channel_kind for kind in NOTICE_KINDS}
    return [own.get(kind) or settings.channels.get(kind) for kind in kinds]
