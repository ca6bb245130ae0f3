"""Choices of members about direct messages, and waiting messages, in memory."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from tests.fakes.storage import Outage
from utils.models.notifications import TOPICS, DirectMessage, DirectProblem, Notifications
from utils.models.scope import ChannelId, GuildId, MemberId


class FakeNotificationStore(Outage):
    """The choices of members of any guild, and their waiting messages.

    Attributes:
        chosen: the choices, by guild and member.
        waiting: the messages of each guild.
    """

    def __init__(self) -> None:
        super().__init__()
        self.chosen: dict[tuple[GuildId, MemberId], Notifications] = {}
        self.waiting: dict[GuildId, list[DirectMessage]] = {}

    async def find(self, guild_id: GuildId, member_id: MemberId) -> Notifications | None:
        """Return the choices of a member."""
        self.note("find")
        return await self.answer(self.chosen.get((guild_id, member_id)))

    async def list_choices(
        self, guild_id: GuildId, member_ids: Collection[MemberId]
    ) -> Mapping[MemberId, Notifications]:
        """Return the choices of members."""
        return {
            key[1]: one for key, one in self.chosen.items() if key[0] == guild_id and key[1] in member_ids
        }

    async def change(
        self, guild_id: GuildId, member_id: MemberId, change: Callable[[Notifications], Notifications]
    ) -> Notifications:
        """Change the choices of a member."""
        self.note("change")
        changed = change(self.chosen.get((guild_id, member_id), Notifications(member_id)))
        self.chosen[guild_id, member_id] = changed
        return await self.answer(changed)

    async def list_guilds_with_direct_messages(self) -> Sequence[GuildId]:
        """Return the guilds with something to tell."""
        self.note("list_guilds_with_direct_messages")
        return await self.answer(sorted(guild_id for guild_id, told in self.waiting.items() if told))

    async def list_waiting(self, guild_id: GuildId) -> Sequence[DirectMessage]:
        """Return the messages that wait."""
        self.note("list_waiting")
        return list(self.waiting.get(guild_id, ()))

    def tell(self, guild_id: GuildId, message: DirectMessage) -> None:
        """Store a message if its member asked for it."""
        chosen = self.chosen.get((guild_id, message.member_id))
        if chosen is not None and TOPICS[message.event] in chosen.topics:
            waiting = self.waiting.setdefault(guild_id, [])
            waiting.append(replace(message, nonce=f"nonce-{len(waiting)}-{message.key}"[:25]))

    async def prepare(
        self, guild_id: GuildId, messages: Sequence[DirectMessage], *, at: datetime
    ) -> Sequence[DirectMessage]:
        """Join messages and count one more."""
        key = guild_id, messages[0].member_id
        self.chosen[key] = self.chosen[key].note_sent(at)
        noted = {"joined": messages[0].nonce, "prepared_at": at, "locale": self.chosen[key].locale}
        joined = [replace(one, **noted) for one in messages]
        self.waiting[guild_id] = [one for one in self.waiting[guild_id] if one not in messages] + joined
        return joined

    async def note_channel(
        self, guild_id: GuildId, member_id: MemberId, channel_id: ChannelId | None
    ) -> None:
        """Note a channel."""
        self.note("note_channel")
        key = guild_id, member_id
        self.chosen[key] = replace(self.chosen[key], channel_id=channel_id)

    async def switch_off(self, guild_id: GuildId, member_id: MemberId, problem: DirectProblem) -> None:
        """Switch everything off."""
        key = guild_id, member_id
        self.chosen[key] = replace(self.chosen[key], topics=frozenset(), problem=problem, channel_id=None)
        self.waiting[guild_id] = [one for one in self.waiting[guild_id] if one.member_id != member_id]

    async def delete_messages(self, guild_id: GuildId, messages: Sequence[DirectMessage]) -> None:
        """Delete messages."""
        if messages:
            self.note("delete_messages")
        gone = {(one.member_id, one.key) for one in messages}
        left = [one for one in self.waiting[guild_id] if (one.member_id, one.key) not in gone]
        self.waiting[guild_id] = left
