"""Direct messages: what members want to be told, and what is to be sent to them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from utils.database.core.operations import Document
from utils.database.core.transaction import Transaction
from utils.database.documents.notification_documents import DIRECT_MESSAGES, NOTIFICATIONS
from utils.database.repositories.repository import FencedRepository
from utils.models.notifications import DirectMessage, DirectProblem, Notifications
from utils.models.scope import ChannelId, GuildId, MemberId

Change = Callable[[Notifications], Notifications]


class NotificationRepository(FencedRepository):
    """The choices of members, and the messages that wait for them."""

    async def find(self, guild_id: GuildId, member_id: MemberId) -> Notifications | None:
        """Return what a member wants to be told; None if they never asked."""
        found = await self._of_guild("notifications", guild_id).find_one({"member_id": int(member_id)})
        return None if found is None else NOTIFICATIONS.read(found)

    async def list_choices(
        self, guild_id: GuildId, member_ids: Collection[MemberId]
    ) -> Mapping[MemberId, Notifications]:
        """Return what members want to be told; those who never asked are absent."""
        wanted = {"member_id": {"$in": sorted(map(int, member_ids))}}
        found = await self._of_guild("notifications", guild_id).find(wanted, hint="member")
        return {one.member_id: one for one in map(NOTIFICATIONS.read, found)}

    async def change(self, guild_id: GuildId, member_id: MemberId, change: Change) -> Notifications:
        """Change what a member wants to be told, and return it; without topics and problems it goes."""

        def store(transaction: Transaction) -> Notifications:
            choices, own = transaction.of_guild("notifications", guild_id), {"member_id": int(member_id)}
            found = choices.find_one(own)
            changed = change(Notifications(member_id) if found is None else NOTIFICATIONS.read(found))
            if not changed.topics and changed.problem is None:
                choices.delete(own)
            else:
                choices.update_one(own, {"$set": NOTIFICATIONS.build(changed)}, upsert=True)
            return changed

        return await self._in_transaction(guild_id, store)

    async def list_waiting(self, guild_id: GuildId) -> tuple[DirectMessage, ...]:
        """Return the messages that are not known to be sent, oldest first."""
        found = await self._of_guild("direct_messages", guild_id).find({}, hint="message")
        waiting = map(DIRECT_MESSAGES.read, found)
        return tuple(sorted(waiting, key=lambda one: (one.created_at, one.key)))

    async def prepare(
        self, guild_id: GuildId, messages: Sequence[DirectMessage], *, at: datetime
    ) -> tuple[DirectMessage, ...]:
        """Join messages to a member before the first try, and count it; return them as they are stored.

        Nothing happens, and nothing is returned, if the member does not want them any more.
        """
        first = messages[0]
        own: Document = {"member_id": int(first.member_id)}
        keys = {"$in": [one.key for one in messages]}

        def join(transaction: Transaction) -> tuple[DirectMessage, ...]:
            choices = transaction.of_guild("notifications", guild_id)
            waiting = transaction.of_guild("direct_messages", guild_id)
            found = choices.find_one(own)
            if found is None or not found["topics"]:
                return ()
            noted = NOTIFICATIONS.read(found).note_sent(at)
            choices.update_one(own, {"$set": NOTIFICATIONS.build(noted)})
            joined = {"joined": first.nonce, "prepared_at": at, "locale": noted.locale}
            waiting.update_many({**own, "key": keys, "joined": ""}, {"$set": joined})
            stored = waiting.find({**own, "key": keys, "joined": first.nonce}, hint="message")
            left = {one["key"] for one in stored}
            return tuple(
                replace(one, joined=first.nonce, prepared_at=at, locale=noted.locale)
                for one in messages
                if one.key in left
            )

        return await self._in_transaction(guild_id, join)

    async def note_channel(
        self, guild_id: GuildId, member_id: MemberId, channel_id: ChannelId | None
    ) -> None:
        """Note the channel of direct messages with a member who still wants some; None: open it again."""
        noted = {"$set": {"channel_id": None if channel_id is None else int(channel_id)}}

        def note(transaction: Transaction) -> None:
            transaction.of_guild("notifications", guild_id).update_one({"member_id": int(member_id)}, noted)

        await self._in_transaction(guild_id, note)

    async def switch_off(self, guild_id: GuildId, member_id: MemberId, problem: DirectProblem) -> None:
        """Switch everything off for a member who cannot be reached, and drop what waits for them."""
        own = {"member_id": int(member_id)}
        off: Document = {"topics": [], "problem": problem.value, "channel_id": None}

        def switch_off(transaction: Transaction) -> None:
            transaction.of_guild("notifications", guild_id).update_one(own, {"$set": off})
            transaction.of_guild("direct_messages", guild_id).delete(own)

        await self._in_transaction(guild_id, switch_off)

    async def delete_messages(self, guild_id: GuildId, messages: Sequence[DirectMessage]) -> None:
        """Delete messages to one member that are sent, or not wanted."""
        if messages:
            keys = {"$in": [one.key for one in messages]}
            await self._delete(guild_id, {"member_id": int(messages[0].member_id), "key": keys})

    async def delete_all(self, guild_id: GuildId) -> None:
        """Delete every message that waits in a guild."""
        await self._delete(guild_id, {})

    async def _delete(self, guild_id: GuildId, query: Document) -> None:
        def delete(transaction: Transaction) -> None:
            transaction.of_guild("direct_messages", guild_id).delete(query)

        await self._in_transaction(guild_id, delete)
