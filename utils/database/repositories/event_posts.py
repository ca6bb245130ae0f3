"""Posts about events of the world: which of them are outdated, and in which messages they are."""

from collections.abc import Collection, Mapping, Sequence

from utils.database.core.transaction import Transaction
from utils.database.documents.notice_documents import read_message
from utils.database.documents.world_documents import build_event_query, read_event
from utils.database.repositories.repository import FencedRepository
from utils.models.event_posts import OutdatedPosts, PostedEvent
from utils.models.guilds import ChannelKind
from utils.models.notices.outbox import MessageState, StandingPost
from utils.models.scope import GuildId, ServerId, ServerScope


class EventPostRepository(FencedRepository):
    """The posts about events of the world of game servers."""

    async def find_outdated(self, scope: ServerScope) -> OutdatedPosts:
        """Return the posts of a server that do not show what is known of their events."""
        found = await self._of_server("log_events", scope).find({"is_shown": False}, hint="outdated")
        if not found:
            return OutdatedPosts()
        ids = [one["post_id"] for one in found]
        # the outbox first: a notice leaves it in the transaction that marks its message as sent
        waiting = await self._of_server("outbox", scope).find(
            {"channel_kind": ChannelKind.EVENTS.value, "notice.event_id": {"$in": ids}},
            projection={"_id": 0, "notice.event_id": 1},
            hint="sequence",
        )
        sent = await self._of_guild("messages", scope.guild_id).find(
            {"event_ids": {"$exists": True, "$in": ids}, "state": MessageState.SENT.value}, hint="standing"
        )
        return OutdatedPosts(
            events={one["post_id"]: PostedEvent(scope, read_event(one)) for one in found},
            posts=tuple(StandingPost(read_message(scope.guild_id, one), one["message_id"]) for one in sent),
            waiting=frozenset(one["notice"]["event_id"] for one in waiting),
        )

    async def find_events(
        self, guild_id: GuildId, post_ids: Collection[bytes]
    ) -> Mapping[bytes, PostedEvent]:
        """Return the events with these posts, as far as they are stored."""
        wanted = {"post_id": {"$exists": True, "$in": list(post_ids)}}
        found = await self._of_guild("log_events", guild_id).find(wanted, hint="post")
        return {
            one["post_id"]: PostedEvent(ServerScope(guild_id, ServerId(one["server_id"])), read_event(one))
            for one in found
        }

    async def mark_shown(self, guild_id: GuildId, events: Sequence[PostedEvent]) -> None:
        """Note that posts show events as they are here; one that changed since then stays outdated."""

        def mark(transaction: Transaction) -> None:
            for one in events:
                event = one.event
                shown = {"since": event.since, "ended_at": event.ended_at, "respawn_at": event.respawn_at}
                query = {**build_event_query(event.key), "state": event.state, **shown}
                stored = transaction.of_server("log_events", one.scope)
                stored.update_one(query, {"$unset": {"is_shown": ""}})

        await self._in_transaction(guild_id, mark)

    async def leave(self, guild_id: GuildId, post: StandingPost) -> None:
        """Note that a message is not edited any more."""

        def leave(transaction: Transaction) -> None:
            messages = transaction.of_guild("messages", guild_id)
            messages.update_one({"nonce": post.message.nonce}, {"$unset": {"event_ids": ""}})

        await self._in_transaction(guild_id, leave)
