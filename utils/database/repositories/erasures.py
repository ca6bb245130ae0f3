"""Erasures: the writes that erase a person's data. Every method can be called again."""

from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from typing import Any, TypeVar

from utils.database.core.blocking import BlockingCollection, Update
from utils.database.core.database import FenceSource, SafeDatabase
from utils.database.core.scoped import ScopedCollection
from utils.database.core.transaction import Transaction
from utils.database.documents.money_documents import OPEN
from utils.database.documents.personal_fields import (
    PERSONAL_FIELDS,
    Declarations,
    Erasure,
    FieldContent,
    PersonalField,
)
from utils.database.repositories.repository import FencedRepository
from utils.database.units.erasure_unit import ErasureTransaction
from utils.database.units.faction_unit import FactionTransaction
from utils.models.audit import AuditAction
from utils.models.links import LinkState
from utils.models.mentions import build_mention_pattern, erase_mentions
from utils.models.money import BountyState
from utils.models.personal import Holdings
from utils.models.player_ids import find_player_ids
from utils.models.presence import build_name_key
from utils.models.scope import GuildId, MemberId, PlayerId, ServerId, ServerScope

T = TypeVar("T")


class ErasureRepository(FencedRepository):
    """Erases players and members from a guild's data; every transaction is fenced.

    Args:
        declared: the personal fields of each collection.
    """

    def __init__(
        self, database: SafeDatabase, *, fences: FenceSource, declared: Declarations = PERSONAL_FIELDS
    ) -> None:
        super().__init__(database, fences=fences)
        self._walked = tuple(_list_walked(declared))

    async def in_transaction(self, scope: ServerScope, work: Callable[[ErasureTransaction], T]) -> T:
        """Run ``work`` in one transaction; it may run again after a transient error.

        Raises:
            LeaseLostError, DiskFullError, StorageUnavailableError
        """

        def run(transaction: Transaction) -> T:
            return work(ErasureTransaction(transaction, scope))

        return await self._in_transaction(scope.guild_id, run)

    async def find_holdings(self, guild_id: GuildId, member_id: MemberId) -> Holdings:
        """Return how much data a guild has about a member."""
        member = int(member_id)
        own = {"member_id": member}
        wallet = await self._of_guild("wallets", guild_id).find_one(own)
        bounties = self._of_guild("bounties", guild_id)
        placed = await bounties.count({"placer_id": member})
        open_ones = await bounties.count({"placer_id": member, "slot": OPEN})
        return Holdings(
            links=await self._of_guild("links", guild_id).count(own),
            balance=wallet["balance"] if wallet else 0,
            ledger_rows=await self._of_guild("ledger", guild_id).count(own),
            open_bounties=open_ones,
            closed_bounties=placed - open_ones + await bounties.count({"claimer_id": member}),
            factions=await self._of_guild("faction_periods", guild_id).count(own)
            + await self._of_guild("faction_invites", guild_id).count(own),
            roles=await self._of_guild("role_grants", guild_id).count(own),
            has_level=await self._of_guild("levels", guild_id).count(own) > 0,
            has_notifications=await self._of_guild("notifications", guild_id).count(own) > 0
            or await self._of_guild("direct_messages", guild_id).count(own) > 0,
            changes=await self._of_guild("audit", guild_id).count(
                {"actor_id": member, "action": {"$ne": AuditAction.LINK_ASK.value}}
            ),
        )

    async def list_scopes(self, guild_id: GuildId) -> tuple[ServerScope, ...]:
        """Return every server with stored statistics, also removed ones."""
        servers = self._of_guild("game_servers", guild_id)
        found = await servers.find({}, projection={"server_id": 1}, hint="server")
        return tuple(sorted(ServerScope(guild_id, ServerId(one["server_id"])) for one in found))

    async def list_names(self, scope: ServerScope, player_id: PlayerId) -> frozenset[str]:
        """Return all names of a player on a server."""
        # MongoDB uses the last field of an index only if each field before it has a bound
        own = {"generation": {"$gte": 0}, "player_id": player_id}
        found = await self._of_server("players", scope).find(own, projection={"names.name": 1}, hint="player")
        days = await self._of_server("play_days", scope).find(
            {"player_id": player_id}, projection={"name": 1}, hint="player"
        )
        present = await self._of_server("presence", scope).find({"key": player_id}, hint="player")
        names = {one.get("name", "") for one in (*days, *present)}
        return frozenset(seen["name"] for one in found for seen in one["names"]) | names

    async def erase_player(self, guild_id: GuildId, player_id: PlayerId, names: Collection[str]) -> None:
        """Erase a player from every field that is erased by its declaration alone."""
        for collection, one in self._walked:
            stored = self._of_guild(collection, guild_id)
            if one.holds is FieldContent.PLAYER:
                await _replace(stored, one, player_id)
            elif one.holds is FieldContent.NAME:
                erase = _pull if one.erasure is Erasure.PULLED else _replace
                await erase(stored, one, {"$in": list(names)})
            elif one.holds is FieldContent.LINE:
                await _delete_lines(stored, one, player_id)

    async def delete_sessions(self, scope: ServerScope, player_id: PlayerId, names: Collection[str]) -> None:
        """Delete a player's sessions, also one that is open, and their playtime.

        The reader of the log notices it at its next write, and reads the other players again.
        """

        def delete(transaction: Transaction) -> None:
            keys = [player_id, *map(build_name_key, names)]
            transaction.of_server("presence", scope).delete({"key": {"$in": keys}})
            for name in ("sessions", "play_days"):
                transaction.of_server(name, scope).delete({"player_id": player_id})
            transaction.of_server("log_state", scope).update_one({}, {"$inc": {"edits": 1}})

        await self._in_transaction(scope.guild_id, delete)

    async def erase_lines(self, scope: ServerScope, player_id: PlayerId) -> None:
        """Delete the rejected lines with a player's id."""
        for collection, one in self._walked:
            if one.holds is FieldContent.LINE:
                await _delete_lines(self._of_server(collection, scope), one, player_id)

    async def erase_member(self, guild_id: GuildId, member_id: MemberId) -> None:
        """Erase a member from every field that is erased by its declaration alone."""
        for collection, one in self._walked:
            stored = self._of_guild(collection, guild_id)
            if one.holds is FieldContent.MEMBER:
                await _ERASE[one.erasure](stored, one, int(member_id))
            elif one.holds is FieldContent.TEXT:
                await _erase_mentions(stored, one, member_id)

    async def delete_links_of(self, guild_id: GuildId, player_id: PlayerId, *, at: datetime) -> None:
        """Delete all links of a player, proven or pending; an alt replaces a deleted main.

        A member who has no proven link any more leaves their faction.
        """

        def delete(transaction: Transaction) -> None:
            links = transaction.of_guild("links", guild_id)
            proven = {"player_id": player_id, "state": LinkState.PROVEN.value}
            owned = links.find(proven, hint="proven")
            links.delete(proven)
            links.delete({"is_open": True, "player_id": player_id})
            transaction.of_guild("proof_attempts", guild_id).delete({"player_id": player_id})
            for one in owned:
                if not _choose_main(links, one["member_id"]):
                    FactionTransaction(transaction, guild_id).end_membership(one["member_id"], at=at)

        await self._in_transaction(guild_id, delete)

    async def delete_ledger_rows(self, guild_id: GuildId, member_id: MemberId, *, limit: int) -> bool:
        """Delete a member's oldest rows of the ledger; tell whether more are left."""
        ledger, own = self._of_guild("ledger", guild_id), {"member_id": int(member_id)}
        oldest = [("number", 1)]
        found = await ledger.find(own, projection={"number": 1}, sort=oldest, limit=limit + 1, hint="member")
        if len(found) <= limit:
            return False
        await ledger.delete({**own, "number": {"$lt": found[-1]["number"]}})
        return True

    async def delete_member(self, guild_id: GuildId, member_id: MemberId, *, at: datetime) -> None:
        """Delete links, wallet and the last rows of the ledger, and withdraw open bounties; all or nothing.

        The member leaves their faction, and nothing tells any more in which factions they were. The emeralds
        held for those bounties are deleted with the wallet; there is no refund.
        """

        def delete(transaction: Transaction) -> None:
            own = {"member_id": int(member_id)}
            withdrawn = {"state": BountyState.WITHDRAWN.value, "closed_at": at, "placer_id": None}
            bounties = transaction.of_guild("bounties", guild_id)
            placed = {"placer_id": int(member_id), "slot": OPEN}
            for one in bounties.find(placed, hint="placer"):
                update = {"$set": {**withdrawn, "slot": one["bounty_id"]}}
                bounties.update_one({"_id": one["_id"], **placed}, update)
            # a payment to this member at this moment, even into a new wallet, conflicts with this and runs
            # again
            nothing = {"$inc": {"balance": 0, "rows": 0}}
            transaction.of_guild("wallets", guild_id).find_one_and_update(own, nothing)
            FactionTransaction(transaction, guild_id).end_membership(member_id, at=at)
            for name in ("links", "wallets", "ledger", "faction_periods", "faction_invites"):
                transaction.of_guild(name, guild_id).delete(own)

        await self._in_transaction(guild_id, delete)


def _list_walked(declared: Declarations) -> Iterator[tuple[str, PersonalField]]:
    """Yield the fields that are erased by their declaration alone, with their collection."""
    for collection, fields in declared.items():
        for one in fields:
            if one.erasure in (Erasure.REPLACED, Erasure.DELETED, Erasure.PULLED):
                yield collection, one


async def _replace(stored: ScopedCollection, one: PersonalField, value: object) -> None:
    await stored.update_many({**one.only, one.path: value}, {"$set": dict(one.replacement)})


async def _pull(stored: ScopedCollection, one: PersonalField, value: object) -> None:
    root, _, leaf = one.path.rpartition(".")
    await stored.update_many({**one.only, one.path: value}, {"$pull": {root: {leaf: value}}})


async def _delete(stored: ScopedCollection, one: PersonalField, value: object) -> None:
    await stored.delete({**one.only, one.path: value})


_ERASE = {Erasure.REPLACED: _replace, Erasure.PULLED: _pull, Erasure.DELETED: _delete}
"""How a field that leads to a member is erased."""


async def _delete_lines(stored: ScopedCollection, one: PersonalField, player_id: PlayerId) -> None:
    found = await stored.find(one.only, projection={one.path: 1})
    doomed = [line["_id"] for line in found if player_id in find_player_ids(line[one.path])]
    if doomed:
        await stored.delete({"_id": {"$in": doomed}})


async def _erase_mentions(stored: ScopedCollection, one: PersonalField, member_id: MemberId) -> None:
    """Rewrite the texts that mention a member; a text that changed in the meantime is read again."""
    root = one.path.split(".", 1)[0]
    mentioning = {**one.only, one.path: {"$regex": build_mention_pattern(member_id)}}
    while found := await stored.find(mentioning, projection={root: 1}):
        await stored.bulk_write(
            Update(document, {"$set": {root: _without_mentions(document[root], member_id)}})
            for document in found
        )


def _without_mentions(value: Any, member_id: MemberId) -> Any:
    if isinstance(value, str):
        return erase_mentions(value, member_id)
    if isinstance(value, dict):
        return {name: _without_mentions(one, member_id) for name, one in value.items()}
    return [_without_mentions(one, member_id) for one in value] if isinstance(value, list) else value


def _choose_main(links: BlockingCollection, member_id: int) -> bool:
    """Make the alt that was proven first the main of a member who has none; tell whether any is left."""
    left = links.find({"member_id": member_id, "state": LinkState.PROVEN.value}, hint="link")
    if left and not any(one["is_main"] for one in left):
        first = min(left, key=lambda one: one.get("proven_at") or one["linked_at"])
        links.update_one({"_id": first["_id"]}, {"$set": {"is_main": True}})
    return bool(left)
