"""Choices of members about direct messages: nobody gets one who did not ask for it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from utils.models.notifications import Notifications, Topic
from utils.models.scope import GuildId, MemberId


class NotificationStore(Protocol):  # implemented by NotificationRepository
    """Storage of what members want to be told.

    Raises:
        StorageError: from any method; nothing was written.
    """

    async def find(self, guild_id: GuildId, member_id: MemberId) -> Notifications | None:
        """Return what a member wants to be told; None if they never asked."""

    async def change(
        self, guild_id: GuildId, member_id: MemberId, change: Callable[[Notifications], Notifications]
    ) -> Notifications:
        """Change what a member wants to be told, and return it; without topics and problems it goes."""


@dataclass(frozen=True, slots=True)
class NotificationService:
    """Answers ``/notify``."""

    store: NotificationStore

    async def describe(self, guild_id: GuildId, member_id: MemberId) -> Notifications:
        """Return what a member wants to be told."""
        return await self.store.find(guild_id, member_id) or Notifications(member_id)

    async def switch(
        self, guild_id: GuildId, member_id: MemberId, topic: Topic | None, *, is_on: bool, locale: str
    ) -> Notifications:
        """Switch one topic on or off, or all of them without one; return what the member wants then."""
        topics = tuple(Topic) if topic is None else (topic,)

        def change(before: Notifications) -> Notifications:
            return before.switch(topics, is_on=is_on, locale=locale)

        return await self.store.change(guild_id, member_id, change)
