"""The posts that wait: how many, and for how long, where their channel could take them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from utils.clock import Clock
from utils.delivery.service import name_unusable_channel
from utils.incident_log import IncidentLog
from utils.models.guilds import ChannelKind
from utils.models.health import OutboxState
from utils.models.incident_kinds import IncidentKind
from utils.models.incidents import IncidentKey
from utils.models.scope import GuildId, ServerScope
from utils.services.ports import ChannelFinder


class WaitingPosts(Protocol):  # implemented by ScopeIndexRepository
    """Lists the feeds with waiting posts."""

    async def list_waiting(self) -> Sequence[tuple[ServerScope, ChannelKind, int, datetime]]:
        """Return the key of each feed, the number of its posts, and when the oldest was due."""


class OutboxWatch:
    """Reads the state of all outboxes of this process."""

    def __init__(
        self, posts: WaitingPosts, *, channels: ChannelFinder, incidents: IncidentLog, clock: Clock
    ) -> None:
        self._posts = posts
        self._channels = channels
        self._incidents = incidents
        self._clock = clock

    async def read(self) -> OutboxState:
        """Return the state; a post for a channel that cannot be used is not late.

        Raises:
            StorageError: the database is away.
        """
        entries, oldest = dict[GuildId, int](), dict[GuildId, float]()
        for scope, kind, count, due_at in await self._posts.list_waiting():
            entries[scope.guild_id] = entries.get(scope.guild_id, 0) + count
            seconds = (self._clock.now() - due_at).total_seconds()
            if seconds > oldest.get(scope.guild_id, 0.0) and await self._is_usable(scope, kind):
                oldest[scope.guild_id] = seconds
        return OutboxState(entries, oldest)

    async def _is_usable(self, scope: ServerScope, kind: ChannelKind) -> bool:
        channel_id = await self._channels.find_channel(scope, kind)
        if channel_id is None:
            return False
        name = name_unusable_channel(channel_id)
        key = IncidentKey(scope.guild_id, IncidentKind.CHANNEL_UNUSABLE, name)
        return self._incidents.find(key) is None
