"""Protocols that several features use.

A Protocol of one feature is in that feature's module. Inside the services package, code uses classes
directly.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from utils.models.audit import AuditEntry
from utils.models.event_settings import EventSettings
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.health import ServerReading
from utils.models.incident_kinds import IncidentKind
from utils.models.lasting_buttons import LastingButton
from utils.models.post_styles import ChannelStyle
from utils.models.scope import ChannelId, GuildId, MemberId, ServerId, ServerScope
from utils.models.servers import ConnectionCount, GameServer, ServerHealth
from utils.models.texts import Text


class AdminNotifier(Protocol):  # implemented by AdminAlerts
    """Tells the admins of a guild something once, until the alert is closed."""

    async def notify(
        self,
        guild_id: GuildId,
        sentence: Text,
        key: str,
        *,
        buttons: Sequence[LastingButton] = (),
        kind: IncidentKind | None = None,
        server_id: ServerId | None = None,
    ) -> None:
        """Send the alert, unless an alert with this key is open; the buttons below it mend its matter.

        One with a ``kind`` is an incident and stays open over a restart. ``server_id`` has reported it.
        """

    async def clear(self, guild_id: GuildId, key: str) -> None:
        """Close the alert with this key."""

    async def list_reported(self, scope: ServerScope) -> frozenset[str]:
        """Return the keys of the open incidents that a game server has reported, also before a restart."""


class ChannelFinder(Protocol):  # implemented by SettingsService
    """Finds the channel of a kind for a server."""

    async def find_channel(self, scope: ServerScope, kind: ChannelKind) -> ChannelId | None:
        """Return the server's own channel, else the guild's, else None."""

    async def find_style(self, guild_id: GuildId, channel_id: ChannelId) -> ChannelStyle:
        """Return the style of a channel."""


class DueNotifier(Protocol):  # implemented by AdminAlerts
    """Tells the admins of a guild what is stored as due, once over all processes."""

    async def notify_due(
        self,
        guild_id: GuildId,
        sentence: Text,
        key: str,
        *,
        buttons: Sequence[LastingButton],
        mark_told: Callable[[], Awaitable[None]],
    ) -> None:
        """Send the alert of a key that always names the same matter; call ``mark_told`` when it is sent."""


class MemberNotifier(AdminNotifier, DueNotifier, Protocol):  # implemented by AdminAlerts
    """Tells members as well."""

    async def tell_member(self, guild_id: GuildId, member_id: MemberId, said: Text, key: str) -> None:
        """Send a member a direct message, unless one with this key was sent."""


class SettingsSource(Protocol):  # implemented by SettingsService
    """Reads the settings of guilds."""

    async def get_settings(self, guild_id: GuildId) -> GuildSettings:
        """Return a guild's settings; settings that were never set have their defaults."""


class ServerStore(Protocol):  # implemented by GameServerRepository
    """Storage of game servers; a change and its ``entry`` of the audit are stored both, or neither."""

    async def find_server(self, scope: ServerScope) -> GameServer | None:
        """Return one server; None if it does not exist."""

    async def list_servers(self, guild_id: GuildId) -> tuple[GameServer, ...]:
        """Return the guild's servers, oldest first."""

    async def insert_server(
        self, scope: ServerScope, server: GameServer, *, entry: AuditEntry | None = None
    ) -> None:
        """Store a new server."""

    async def replace_server(
        self, scope: ServerScope, server: GameServer, *, entry: AuditEntry | None = None
    ) -> None:
        """Write the fields that an edit may change. Fields with their own setter stay."""

    async def set_channel(
        self,
        scope: ServerScope,
        kind: ChannelKind,
        channel_id: ChannelId | None,
        *,
        entry: AuditEntry | None = None,
    ) -> None:
        """Set or clear the server's own channel of a kind."""

    async def set_counter_format(
        self, scope: ServerScope, template: str | None, *, entry: AuditEntry | None = None
    ) -> None:
        """Set the format of a counter's name, or go back to the default one."""

    async def set_silenced(
        self, scope: ServerScope, name: str, *, is_silenced: bool, entry: AuditEntry | None = None
    ) -> None:
        """Silence an event, or post it again."""

    async def set_events(
        self, scope: ServerScope, settings: EventSettings, *, entry: AuditEntry | None = None
    ) -> None:
        """Write the server's own choices about posts of events and players."""

    async def set_host_key(
        self, scope: ServerScope, host_key: str | None, *, entry: AuditEntry | None = None
    ) -> None:
        """Pin a host key, or forget the pinned one."""

    async def set_slots(
        self, scope: ServerScope, slots: int | None, *, entry: AuditEntry | None = None
    ) -> None:
        """Set the number of places, or leave it to the log."""

    async def set_restarts(
        self,
        scope: ServerScope,
        times: tuple[str, ...],
        warning: int,
        *,
        entry: AuditEntry | None = None,
    ) -> None:
        """Set the times of day at which a server restarts, and the minutes of warning."""

    async def set_log_folder(self, scope: ServerScope, folder: str) -> None:
        """Note the folder in which a server's logs were found."""

    async def set_paused(self, scope: ServerScope, *, is_paused: bool) -> None:
        """Pause a server, or resume it."""

    async def mark_removed(
        self, scope: ServerScope, *, keep_stats: bool, at: datetime, entry: AuditEntry | None = None
    ) -> None:
        """Remove a server from its guild; from then on nothing more is stored for it."""

    async def delete_leftovers(self, scope: ServerScope, *, now: datetime) -> None:
        """Delete the rest of its data, with its statistics unless they are kept."""

    async def get_health(self, scope: ServerScope) -> ServerHealth:
        """Return the stored health; defaults if the server was never read."""

    async def save_health(self, health: ServerHealth) -> None:
        """Store state, problem and times; ingestion stores the line counts."""


class ServerReadings(Protocol):  # implemented by ServerLoops
    """The current health of each server."""

    async def get_health(self, guild_id: GuildId) -> Mapping[ServerScope, ServerHealth]:
        """Return the health of every server of a guild."""

    def list_readings(self) -> Sequence[ServerReading]:
        """Return how every server is read, from memory alone."""

    def count_connections(self, guild_id: GuildId) -> ConnectionCount:
        """Return how many connections a guild has, and how many of its requests wait for one."""


class LoopControl(Protocol):  # implemented by ServerLoops
    """Starts and ends the loops over servers."""

    def start(self, scope: ServerScope) -> None:
        """Begin to read and deliver for a server."""

    def removal(self, scope: ServerScope) -> AbstractAsyncContextManager[None]:
        """End the reading of a server during a block, and for good unless the block fails."""

    def refresh(self, scope: ServerScope) -> None:
        """Read the server's settings again before the next poll."""

    def wake(self, scope: ServerScope) -> None:
        """Read again now, even after a fault that only a person could repair."""

    async def restart(self, scope: ServerScope) -> None:
        """End the current reading of a server and begin again with its current settings."""
