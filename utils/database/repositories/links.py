"""Links of members and players, and the deaths that prove them."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from utils.database.core.database import Work
from utils.database.core.operations import Document
from utils.database.core.scoped import ScopedCollection
from utils.database.core.transaction import Transaction
from utils.database.documents.link_documents import ATTEMPTS, LINKS, build_link_document, build_over
from utils.database.repositories.repository import Repository
from utils.database.units.audit_unit import insert_entry
from utils.database.units.faction_unit import FactionTransaction, copy_faction
from utils.errors import StorageConflictError
from utils.models.audit import AuditEntry
from utils.models.deaths import DeathKind
from utils.models.links import Link, LinkState, ProofAttempts, ProofOutcome, RemovedLinks
from utils.models.notifications import DirectEvent, tell_faction
from utils.models.presence import OWN_LEAVES
from utils.models.scope import ChannelId, GuildId, MemberId, PlayerId

T = TypeVar("T")

FARTHEST_ZONE = timedelta(hours=14)  # no time zone is further from UTC
_PROVEN = {"state": LinkState.PROVEN.value}
_PENDING = {"state": LinkState.PENDING.value}
_UNPROVEN = {"state": {"$ne": LinkState.PROVEN.value}}
_NOT_OVER = {"state": {"$ne": LinkState.OVER.value}}


class LinkRepository(Repository):
    """Links of a guild's members.

    Where a change takes an ``entry`` of the audit, or describes it, both are stored or neither.
    """

    async def list_of_member(self, guild_id: GuildId, member_id: MemberId) -> tuple[Link, ...]:
        """Return a member's links: the main, alts from the oldest on, then pending ones."""
        found = await self._links(guild_id).find({"member_id": int(member_id), **_NOT_OVER}, hint="link")
        return tuple(sorted(map(LINKS.read, found), key=_get_rank))

    async def list_open(self, guild_id: GuildId) -> tuple[Link, ...]:
        """Return pending links, and decided ones whose message does not show it yet; oldest first."""
        found = await self._links(guild_id).find({"is_open": True}, sort=[("linked_at", 1)], hint="open")
        return tuple(map(LINKS.read, found))

    async def list_all_proven(self, guild_id: GuildId) -> tuple[Link, ...]:
        """Return the proven links of all members."""
        found = await self._links(guild_id).find(_PROVEN, hint="proven")
        return tuple(map(LINKS.read, found))

    async def find_owner(self, guild_id: GuildId, player_id: PlayerId) -> Link | None:
        """Return the proven link of a player."""
        found = await self._links(guild_id).find_one({"player_id": player_id, **_PROVEN})
        return None if found is None else LINKS.read(found)

    async def list_signs(self, guild_id: GuildId, link: Link) -> tuple[datetime, ...]:
        """Return the times (UTC) of the player's signs that may prove a link, on any server.

        A sign is a menu suicide, or leaving the server where its log was well. They lie between the first
        window and the last, and were read live after the request.
        """
        kept = {"is_removed": {"$ne": True}}
        servers = await self._of_guild("game_servers", guild_id).find(kept, projection={"server_id": 1})
        server_ids = [server["server_id"] for server in servers]
        suicides = await self._list_menu_suicides(guild_id, link, server_ids)
        return tuple(sorted([*suicides, *await self._list_leaves(guild_id, link, server_ids)]))

    async def _list_menu_suicides(
        self, guild_id: GuildId, link: Link, server_ids: Sequence[str]
    ) -> list[datetime]:
        """Return the times of menu suicides.

        The index holds only the wall clock, so it is read with the largest distance of a zone from UTC.
        """
        since, until = link.windows[0].starts_at, link.ends_at
        query = {
            "server_id": {"$in": server_ids},
            "victim_id": link.player_id,
            "written_at": {"$gte": since - FARTHEST_ZONE, "$lte": until + FARTHEST_ZONE},
            "at": {"$gte": since, "$lte": until},
            "kind": DeathKind.MENU.value,
            "read_at": {"$gt": link.linked_at},
        }
        found = await self._of_guild("kills", guild_id).find(query, projection={"at": 1}, hint="victim")
        return [document["at"] for document in found]

    async def _list_leaves(self, guild_id: GuildId, link: Link, server_ids: Sequence[str]) -> list[datetime]:
        """Return when the player left by themself; a session has ``read_at`` only if its log was well."""
        query = {
            "server_id": {"$in": server_ids},
            "player_id": link.player_id,
            "ended_at": {"$gte": link.windows[0].starts_at, "$lte": link.ends_at},
            "reason": {"$in": [reason.value for reason in OWN_LEAVES]},
            "read_at": {"$gt": link.linked_at},
        }
        found = await self._of_guild("sessions", guild_id).find(
            query, projection={"ended_at": 1}, hint="player"
        )
        return [document["ended_at"] for document in found]

    async def find_attempts(self, guild_id: GuildId, player_id: PlayerId) -> ProofAttempts | None:
        """Return the requests for a player since its last proof."""
        found = await self._of_guild("proof_attempts", guild_id).find_one({"player_id": player_id})
        return None if found is None else ATTEMPTS.read(found)

    async def put_attempts(self, guild_id: GuildId, player_id: PlayerId, attempts: ProofAttempts) -> None:
        """Store the requests for a player."""
        changed = {"$set": ATTEMPTS.build(attempts)}
        await self._of_guild("proof_attempts", guild_id).update_one(
            {"player_id": player_id}, changed, upsert=True
        )

    async def put_pending(self, guild_id: GuildId, link: Link, *, entry: AuditEntry | None = None) -> None:
        """Store a request; it replaces the member's earlier one for this player.

        Raises:
            StorageConflictError: the link is proven.
        """
        fields = build_link_document(link)
        query = {**_build_key(link), **_UNPROVEN}
        changed = {name: fields[name] for name in fields.keys() - _build_key(link).keys()}

        def put(transaction: Transaction) -> None:
            transaction.of_guild("links", guild_id).update_one(query, {"$set": changed}, upsert=True)
            insert_entry(transaction, guild_id, entry)

        await self._database.in_transaction(put)

    async def put_proven(
        self, guild_id: GuildId, link: Link, *, at: datetime, entry: AuditEntry | None = None
    ) -> Link | None:
        """Store a link that needs no proof (any more); None if the player belongs to another member."""
        return await self._prove(guild_id, link, at=at, is_asked_for=False, entry=entry)

    async def prove(self, guild_id: GuildId, link: Link, *, at: datetime) -> Link | None:
        """Mark a pending link as proven; None if it is deleted or the player belongs to another member."""
        return await self._prove(guild_id, link, at=at, is_asked_for=True)

    async def attach_message(
        self, guild_id: GuildId, link: Link, *, channel_id: ChannelId, message_id: int
    ) -> bool:
        """Store the message of this request and mark it open; tell whether the request is still stored."""
        shown = {"channel_id": int(channel_id), "message_id": message_id, "is_open": True}
        return bool(await self._links(guild_id).update_one(_build_request(link), {"$set": shown}))

    async def mark_all_alerted(self, guild_id: GuildId, *, before: datetime) -> None:
        """Note that the admins are told of every request up to a moment, or that it is too late for that."""
        waiting = {"is_open": True, "untold": {"$gt": 0}, "linked_at": {"$lte": before}}
        await self._links(guild_id).update_many(waiting, {"$set": {"untold": 0}})

    async def mark_alerted(self, guild_id: GuildId, link: Link) -> None:
        """Note that the admins are told of this request."""
        await self._links(guild_id).update_one(_build_request(link), {"$set": {"untold": 0}})

    async def mark_told(self, guild_id: GuildId, link: Link) -> None:
        """Close a proven link, unless it has another message by now."""
        query = {**_build_request(link), **_PROVEN, "message_id": link.message_id}
        gone = dict.fromkeys(("is_open", "windows", "channel_id", "message_id"), "")
        await self._links(guild_id).update_one(query, {"$unset": gone})

    async def end_request(self, guild_id: GuildId, link: Link, outcome: ProofOutcome) -> None:
        """Decide that this request is over, no matter which message shows it, unless it was proven."""
        query = {**_build_request(link), **_PENDING}
        await self._links(guild_id).update_one(query, {"$set": build_over(outcome)})

    async def delete_told(self, guild_id: GuildId, link: Link) -> None:
        """Delete this request, whose message shows its end, unless it was proven or made again.

        A repeated request may keep its times, but not its message.
        """
        query = {**_build_request(link), **_UNPROVEN, "message_id": link.message_id}
        await self._links(guild_id).delete(query)

    async def refuse(self, guild_id: GuildId, link: Link, *, entry: AuditEntry) -> bool:
        """End this request and add the entry; tell whether it still waited for its proof."""

        def refuse(transaction: Transaction) -> bool:
            links = transaction.of_guild("links", guild_id)
            query = {**_build_request(link), **_PENDING}
            is_ended = bool(links.update_one(query, {"$set": build_over(ProofOutcome.REFUSED)}))
            if is_ended:
                insert_entry(transaction, guild_id, entry)
            return is_ended

        return await self._in_transaction(refuse)

    async def remove(
        self,
        guild_id: GuildId,
        member_id: MemberId,
        player_ids: Sequence[PlayerId],
        *,
        at: datetime,
        describe: Callable[[Link], AuditEntry] | None = None,
    ) -> RemovedLinks:
        """Delete links and return them; if the main is among them, the oldest remaining alt becomes main.

        The member's time in a faction ends with their last proven link; they are told if an admin ended it.
        """

        def remove(transaction: Transaction) -> RemovedLinks:
            links = transaction.of_guild("links", guild_id)
            query = {"member_id": int(member_id), **_NOT_OVER}
            found = links.find(query, hint="link")
            ranked = sorted(map(LINKS.read, found), key=_get_rank)
            removed = [link for link in ranked if link.player_id in player_ids]
            links.delete({**query, "player_id": {"$in": [link.player_id for link in removed]}})
            left = [link for link in ranked if link.is_proven and link not in removed]
            if left and not left[0].is_main:
                links.update_one(_build_key(left[0]), {"$set": {"is_main": True}})
            entries = [] if describe is None else [describe(link) for link in removed]
            for entry in entries:
                insert_entry(transaction, guild_id, entry)
            is_last = not left and any(link.is_proven for link in removed)
            factions = FactionTransaction(transaction, guild_id)
            ended = factions.end_membership(member_id, at=at) if is_last else None
            if ended is not None and any(entry.actor_id != member_id for entry in entries):
                factions.tell(tell_faction(ended.faction, member_id, DirectEvent.KICKED, at=at))
            return RemovedLinks(tuple(removed), ended)

        return await self._in_transaction(remove)

    async def _prove(
        self,
        guild_id: GuildId,
        link: Link,
        *,
        at: datetime,
        is_asked_for: bool,
        entry: AuditEntry | None = None,
    ) -> Link | None:

        def prove(transaction: Transaction) -> Link | None:
            links, key = transaction.of_guild("links", guild_id), _build_key(link)
            owner = links.find_one({"player_id": link.player_id, **_PROVEN})
            if owner is not None:
                return LINKS.read(owner) if owner["member_id"] == link.member_id else None
            # a write and not only a read: if the main ends at this moment, the alt must not be missed
            main = {"member_id": int(link.member_id), "is_main": True}
            has_main = links.update_one(main, {"$set": {"alt_at": at}})
            proven = {**_PROVEN, "is_main": not has_main, "proven_at": at}
            proven |= copy_faction(links.find_one(main) or {}) if has_main else {}
            if is_asked_for:
                query = {**_build_request(link), **_PENDING}
                if not links.update_one(query, {"$set": proven}):
                    return None
            else:
                named = {**proven, "player_name": link.player_name, "is_confirmed": link.is_confirmed}
                named |= {"outcome": None}
                update = {"$set": named, "$setOnInsert": {"linked_at": link.linked_at}}
                links.update_one(key, update, upsert=True)
            transaction.of_guild("proof_attempts", guild_id).delete({"player_id": link.player_id})
            insert_entry(transaction, guild_id, entry)
            stored = links.find_one(key)
            return None if stored is None else LINKS.read(stored)

        return await self._in_transaction(prove)

    async def _in_transaction(self, work: Work[T]) -> T:
        """Run a transaction; run it once more if a unique index shows that another one was faster."""
        try:
            return await self._database.in_transaction(work)
        except StorageConflictError:
            return await self._database.in_transaction(work)

    def _links(self, guild_id: GuildId) -> ScopedCollection:
        return self._of_guild("links", guild_id)


def _build_key(link: Link) -> Document:
    return {"member_id": int(link.member_id), "player_id": link.player_id}


def _build_request(link: Link) -> Document:
    """Return a filter that fits only this request, not a later one of the member with other times."""
    return {**_build_key(link), "linked_at": link.linked_at}


def _get_rank(link: Link) -> tuple[bool, bool, datetime]:
    return not link.is_proven, not link.is_main, link.proven_at or link.linked_at
