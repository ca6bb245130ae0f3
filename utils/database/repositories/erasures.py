"""Erasures: what is written where a person's data was. Every method can be called again."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import TypeVar

from utils.database.core.blocking import BlockingCollection, Change
from utils.database.core.database import FenceSource, SafeDatabase
from utils.database.core.scoped import ScopedCollection
from utils.database.core.transaction import Transaction
from utils.database.documents.money_documents import OPEN
from utils.database.units.erasure_unit import ErasureTransaction
from utils.models.audit import AuditAction
from utils.models.links import LinkState
from utils.models.mentions import erase_mentions
from utils.models.money import BountyState
from utils.models.notices.kinds import NOTICE_KINDS, NoticeKind, NoticeKinds
from utils.models.personal import Holdings
from utils.models.player_ids import find_player_ids
from utils.models.scope import (
    ERASED_MEMBER_ID,
    ERASED_NAME,
    ERASED_PLAYER_ID,
    GuildId,
    MemberId,
    PlayerId,
    ServerId,
    ServerScope,
)

T = TypeVar("T")

_BOUNTY_KEYS = ("hold:", "claim:", "refund:")


class ErasureRepository:
    """Takes players and members out of a guild's data; every transaction is fenced."""

    def __init__(
        self, database: SafeDatabase, *, fences: FenceSource, kinds: NoticeKinds = NOTICE_KINDS
    ) -> None:
        self._database = database
        self._fences = fences
        self._kinds = kinds

    async def in_transaction(self, scope: ServerScope, work: Callable[[ErasureTransaction], T]) -> T:
        """Run ``work`` in one transaction; it may run again after a transient error.

        Raises:
            LeaseLostError, DiskFullError, StorageUnavailableError
        """

        def run(transaction: Transaction) -> T:
            return work(ErasureTransaction(transaction, scope))

        return await self._database.in_transaction(run, fence=self._fences(scope.guild_id))

    async def find_holdings(self, guild_id: GuildId, member_id: MemberId) -> Holdings:
        """Return how much a guild has of a member."""
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
            changes=await self._of_guild("audit", guild_id).count(
                {"actor_id": member, "action": {"$ne": AuditAction.LINK_ASK.value}}
            ),
        )

    async def list_scopes(self, guild_id: GuildId) -> tuple[ServerScope, ...]:
        """Return every server of which statistics are stored, removed ones too."""
        servers = self._of_guild("game_servers", guild_id)
        found = await servers.find({}, projection={"server_id": 1}, hint="server")
        return tuple(sorted(ServerScope(guild_id, ServerId(one["server_id"])) for one in found))

    async def list_names(self, scope: ServerScope, player_id: PlayerId) -> frozenset[str]:
        """Return every name a player has borne on a server."""
        # MongoDB looks at the last field of an index when each one before it has a bound
        own = {"generation": {"$gte": 0}, "player_id": player_id}
        found = await self._of("players", scope).find(own, projection={"names.name": 1}, hint="player")
        return frozenset(seen["name"] for one in found for seen in one["names"])

    async def delete_lines(self, scope: ServerScope, player_id: PlayerId) -> int:
        """Delete the rejected lines that hold a player's id; return how many."""
        lines = self._of("rejected_lines", scope)
        found = await lines.find({}, projection={"line": 1}, sort=[("seen_at", -1)], hint="newest")
        doomed = [one["_id"] for one in found if player_id in find_player_ids(one["line"])]
        return await lines.delete({"_id": {"$in": doomed}}) if doomed else 0

    async def rename_in_notices(self, guild_id: GuildId, player_id: PlayerId, names: Collection[str]) -> None:
        """Take a player out of what is not posted yet; the posts themselves stay."""
        for kind in self._kinds:
            for field in kind.personal.players:
                await self._change_notices(guild_id, kind, field, [player_id], ERASED_PLAYER_ID)
            for field in kind.personal.names:
                await self._change_notices(guild_id, kind, field, list(names), ERASED_NAME)

    async def rename_in_bounties(self, scope: ServerScope, player_id: PlayerId) -> None:
        """Take a player out of closed bounties, those on them and those they claimed."""
        bounties = self._of("bounties", scope)
        on_him = {"slot": {"$ne": OPEN}, "player_id": player_id}
        update = {"$set": {"player_id": ERASED_PLAYER_ID, "player_name": ERASED_NAME}}
        await bounties.update_many(on_him, update)
        claimed = {"claimer_id": {"$gt": 0}, "claimer_player_id": player_id}
        update = {"$set": {"claimer_player_id": ERASED_PLAYER_ID, "claimer_name": ERASED_NAME}}
        await bounties.update_many(claimed, update)

    async def rename_in_ledgers(self, guild_id: GuildId, player_id: PlayerId, names: Collection[str]) -> None:
        """Take a player out of the ledgers of others: as paid victim, and as target of their bounties."""
        wallets, ledger = self._of_guild("wallets", guild_id), self._of_guild("ledger", guild_id)
        found = await wallets.find({}, projection={"member_id": 1}, hint="member")
        paid = {"member_id": {"$in": [one["member_id"] for one in found]}, "player_id": player_id}
        await ledger.update_many(paid, {"$set": {"player_id": ERASED_PLAYER_ID, "note": ERASED_NAME}})
        for prefix in _BOUNTY_KEYS:
            end = f"{prefix[:-1]};"  # the character after the colon
            named = {"key": {"$gte": prefix, "$lt": end}, "note": {"$in": list(names)}}
            await ledger.update_many(named, {"$set": {"note": ERASED_NAME}})

    async def rename_in_audit(self, guild_id: GuildId, player_id: PlayerId) -> None:
        """Take a player out of the facts of changes."""
        nobody = {"facts.player_id": ERASED_PLAYER_ID, "facts.player_name": ERASED_NAME}
        await self._of_guild("audit", guild_id).update_many({"facts.player_id": player_id}, {"$set": nobody})

    async def forget_in_audit(self, guild_id: GuildId, member_id: MemberId) -> None:
        """Take a member out of the facts of changes, and out of requests for links of their own."""
        audit, member = self._of_guild("audit", guild_id), int(member_id)
        asked = {"action": AuditAction.LINK_ASK.value, "actor_id": member}
        await audit.update_many(asked, {"$set": {"actor_id": ERASED_MEMBER_ID}})
        await audit.update_many({"facts.member_id": member}, {"$set": {"facts.member_id": ERASED_MEMBER_ID}})
        typed = {"facts.reason": {"$gte": ""}}
        found = await audit.find(typed, projection={"facts.reason": 1}, hint="newest")
        reasons = [(one["_id"], one["facts"]["reason"]) for one in found]
        await audit.bulk_write(
            Change({"_id": key}, {"$set": {"facts.reason": after}})
            for key, before in reasons
            if (after := erase_mentions(before, member_id)) != before
        )

    async def delete_links_of(self, guild_id: GuildId, player_id: PlayerId) -> None:
        """Delete all that links a player, proven or asked for; an alt takes the place of a main."""

        def delete(transaction: Transaction) -> None:
            links = transaction.of_guild("links", guild_id)
            proven = {"player_id": player_id, "state": LinkState.PROVEN.value}
            owned = links.find(proven, hint="proven")
            links.delete(proven)
            links.delete({"is_open": True, "player_id": player_id})
            transaction.of_guild("proof_attempts", guild_id).delete({"player_id": player_id})
            for one in owned:
                _choose_main(links, one["member_id"])

        await self._database.in_transaction(delete, fence=self._fences(guild_id))

    async def forget_in_notices(self, guild_id: GuildId, member_id: MemberId) -> None:
        """Take a member out of what is not posted yet."""
        for kind in self._kinds:
            for field in kind.personal.members:
                await self._change_notices(guild_id, kind, field, [int(member_id)], None)

    async def forget_in_bounties(self, guild_id: GuildId, member_id: MemberId) -> None:
        """Take a member out of closed bounties, those placed and those claimed."""
        bounties, member = self._of_guild("bounties", guild_id), int(member_id)
        placed = {"placer_id": member, "slot": {"$ne": OPEN}}
        await bounties.update_many(placed, {"$set": {"placer_id": None}})
        nobody = {"claimer_id": None, "claimer_player_id": ERASED_PLAYER_ID, "claimer_name": ERASED_NAME}
        await bounties.update_many({"claimer_id": member}, {"$set": nobody})

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

        What was held for those bounties goes with the wallet: nobody is paid.
        """

        def delete(transaction: Transaction) -> None:
            own = {"member_id": int(member_id)}
            withdrawn = {"state": BountyState.WITHDRAWN.value, "closed_at": at, "placer_id": None}
            bounties = transaction.of_guild("bounties", guild_id)
            placed = {"placer_id": int(member_id), "slot": OPEN}
            for one in bounties.find(placed, hint="placer"):
                update = {"$set": {**withdrawn, "slot": one["bounty_id"]}}
                bounties.update_one({"_id": one["_id"], **placed}, update)
            # a payment to this member at this moment, also into a first wallet, meets this and runs again
            nothing = {"$inc": {"balance": 0, "rows": 0}}
            transaction.of_guild("wallets", guild_id).find_one_and_update(own, nothing)
            for name in ("links", "wallets", "ledger"):
                transaction.of_guild(name, guild_id).delete(own)

        await self._database.in_transaction(delete, fence=self._fences(guild_id))

    async def _change_notices(
        self, guild_id: GuildId, kind: NoticeKind, field: str, facts: Sequence[str | int], after: str | None
    ) -> None:
        """Replace some values of a fact in the waiting notices of a kind."""
        # MongoDB looks at the later fields of an index when each one before them has a bound
        feeds = {"server_id": {"$gte": ""}, "channel_kind": kind.channel_kind.value, "sequence": {"$gte": 0}}
        own = {**feeds, "type": kind.name, f"notice.{field}": {"$in": list(facts)}}
        await self._of_guild("outbox", guild_id).update_many(own, {"$set": {f"notice.{field}": after}})

    def _of_guild(self, name: str, guild_id: GuildId) -> ScopedCollection:
        return ScopedCollection.of_guild(self._database, name, guild_id)

    def _of(self, name: str, scope: ServerScope) -> ScopedCollection:
        return ScopedCollection.of_server(self._database, name, scope)


def _choose_main(links: BlockingCollection, member_id: int) -> None:
    """Make the alt that was proven first the main of a member who has none."""
    left = links.find({"member_id": member_id, "state": LinkState.PROVEN.value}, hint="link")
    if left and not any(one["is_main"] for one in left):
        first = min(left, key=lambda one: one.get("proven_at") or one["linked_at"])
        links.update_one({"_id": first["_id"]}, {"$set": {"is_main": True}})
