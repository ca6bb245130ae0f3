"""Ports: what several features need of the storage and of other rooms, each shape once.

A port of one feature stands beside it. Inside a room a class is named itself.
"""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from utils.models.audit import AuditEntry
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.scope import ChannelId, GuildId, MemberId, ServerScope
from utils.models.servers import ConnectionCount, GameServer, ServerHealth
from utils.models.texts import Text


class AdminNotifier(Protocol):
    """Tells the admins of a guild something once, until it is cleared."""

    async def notify(self, guild_id: GuildId, sentence: Text, key: str) -> None:
        """Tell, unless this key was told and not cleared."""

    async def clear(self, guild_id: GuildId, key: str) -> None:
        """The fault is over: the next one is told again."""


class ChannelFinder(Protocol):
    """Which channel of a kind a server posts to."""

    async def find_channel(self, scope: ServerScope, kind: ChannelKind) -> ChannelId | None:
        """Return the server's own, else the guild's, else none."""


class MemberNotifier(AdminNotifier, Protocol):
    """Tells members as well."""

    async def tell_member(self, guild_id: GuildId, member_id: MemberId, said: Text, key: str) -> None:
        """Tell a member in a direct message, unless this key was told."""


class SettingsSource(Protocol):
    """Where a guild's settings are read."""

    async def get_settings(self, guild_id: GuildId) -> GuildSettings:
        """Return a guild's settings; defaults for a guild that never set any."""


class ServerStore(Protocol):
    """Storage of game servers; a change and its ``entry`` of the audit are stored both, or neither."""

    async def find_server(self, scope: ServerScope) -> GameServer | None:
        """Return one server."""

    async def list_servers(self, guild_id: GuildId) -> tuple[GameServer, ...]:
        """Return the guild's servers, oldest first."""

    async def insert_server(
        self, scope: ServerScope, server: GameServer, *, entry: AuditEntry | None = None
    ) -> None:
        """Store a new server."""

    async def replace_server(
        self, scope: ServerScope, server: GameServer, *, entry: AuditEntry | None = None
    ) -> None:
        """Write what an edit changes of a server; what has a method of its own stays as it is stored."""

    async def set_channel(
        self,
        scope: ServerScope,
        kind: ChannelKind,
        channel_id: ChannelId | None,
        *,
        entry: AuditEntry | None = None,
    ) -> None:
        """Set or clear the server's own channel of a kind."""

    async def set_silenced(
        self, scope: ServerScope, name: str, *, is_silenced: bool, entry: AuditEntry | None = None
    ) -> None:
        """Have something not posted, or posted again."""

    async def set_host_key(
        self, scope: ServerScope, host_key: str | None, *, entry: AuditEntry | None = None
    ) -> None:
        """Pin a host key, or forget the pinned one."""

    async def set_log_folder(self, scope: ServerScope, folder: str) -> None:
        """Note where a server's logs were found."""

    async def set_paused(self, scope: ServerScope, *, is_paused: bool) -> None:
        """Pause a server, or let it go on."""

    async def mark_removed(
        self, scope: ServerScope, *, keep_stats: bool, at: datetime, entry: AuditEntry | None = None
    ) -> None:
        """Take a server out of its guild; from then on nothing more is stored of it."""

    async def delete_leftovers(self, scope: ServerScope, *, now: datetime) -> None:
        """Delete what is left of it, and unless it is kept everything that was counted on it."""

    async def get_health(self, scope: ServerScope) -> ServerHealth:
        """Return the stored health; defaults for a server never read."""

    async def save_health(self, health: ServerHealth) -> None:
        """Store state, problem and times; the counts of lines are kept by ingestion."""


class ServerReadings(Protocol):
    """How reading each server goes, as it is now."""

    async def get_health(self, guild_id: GuildId) -> Mapping[ServerScope, ServerHealth]:
        """Return the health of every server of a guild."""

    def count_connections(self, guild_id: GuildId) -> ConnectionCount:
        """Return how many connections a guild has, and how many of its servers wait for one."""


class LoopControl(Protocol):
    """Starts and ends the loops over servers."""

    def start(self, scope: ServerScope) -> None:
        """Begin to read and deliver for a server."""

    def removal(self, scope: ServerScope) -> AbstractAsyncContextManager[None]:
        """End both for the length of a block, and for ever unless it fails."""

    def refresh(self, scope: ServerScope) -> None:
        """Look at the server's settings again before the next poll."""

    def wake(self, scope: ServerScope) -> None:
        """Read again now, even after a fault that only a person could mend."""

    async def restart(self, scope: ServerScope) -> None:
        """End what is under way for a server and begin with its settings as they are now."""
