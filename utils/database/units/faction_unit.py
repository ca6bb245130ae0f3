"""Factions inside a transaction: their members, and the ends of memberships.

A change of a faction first writes its document (``hold``), and a founding first writes the guild's
(``hold_guild``). So two changes that must know of each other meet in one document: one of them runs again,
and sees what the other one did. Proven links hold the faction of their member, so that a read of ``links``
tells it; each change of a membership writes them in the same transaction.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from utils.database.core.blocking import BlockingCollection
from utils.database.core.operations import Document
from utils.database.core.transaction import Transaction
from utils.database.documents.faction_documents import (
    FACTIONS,
    INVITATIONS,
    NO_FACTION,
    build_faction_document,
    build_period_document,
    build_period_key,
    read_faction,
    read_periods,
)
from utils.database.units.audit_unit import insert_entry
from utils.database.units.direct_unit import append_direct_messages
from utils.models.audit import AuditEntry
from utils.models.factions import (
    EndedMembership,
    Faction,
    FactionInvitation,
    FactionPeriod,
    FactionRank,
    begin_period,
    choose_successor,
    sort_members,
)
from utils.models.links import LinkState
from utils.models.notifications import DirectEvent, DirectMessage, tell_faction
from utils.models.scope import GuildId, MemberId

_CURRENT = {"is_current": True}
_ACTIVE = {"is_active": True}


class FactionTransaction:
    """One open transaction over the factions of a guild."""

    def __init__(self, transaction: Transaction, guild_id: GuildId) -> None:
        self._transaction = transaction
        self._guild_id = guild_id

    def hold_guild(self) -> None:
        """Let foundings of the guild run one after the other."""
        self._of("guilds").update_one({}, {"$inc": {"foundings": 1}}, upsert=True)

    def hold(self, faction_id: str) -> Faction | None:
        """Return an active faction, whose changes now wait for this one; None if it is not active."""
        factions, query = self._of("factions"), {"faction_id": faction_id, **_ACTIVE}
        factions.update_one(query, {"$inc": {"changes": 1}})
        found = factions.find_one(query)
        return None if found is None else read_faction(self._guild_id, found)

    def count_active(self) -> int:
        """Return the number of active factions of the guild."""
        return self._of("factions").count(_ACTIVE)

    def find_holder(self, field: str, value: str) -> Faction | None:
        """Return the faction that holds a name (``field``: its key) or a tag, active or not."""
        found = self._of("factions").find_one({field: value, "holds_name": True})
        return None if found is None else read_faction(self._guild_id, found)

    def release_name(self, faction: Faction) -> None:
        """Let others take the name and the tag of a disbanded faction."""
        self._of("factions").update_one(_build_key(faction), {"$set": {"holds_name": False}})

    def insert_faction(self, faction: Faction) -> None:
        """Store a new faction.

        Raises:
            StorageConflictError: another one holds its name or its tag.
        """
        self._of("factions").insert_one(build_faction_document(faction))

    def change_faction(self, faction: Faction) -> None:
        """Write the name, the tag and the settings of a faction.

        Raises:
            StorageConflictError: another one holds its name or its tag.
        """
        self._of("factions").update_one(_build_key(faction), {"$set": FACTIONS.build(faction)})
        for member in self.list_members(faction.faction_id):
            self._mark_links(member.member_id, faction)

    def list_members(self, faction_id: str) -> tuple[FactionPeriod, ...]:
        """Return the present members of a faction: the leader, officers, then members, each by age."""
        found = self._of("faction_periods").find({"faction_id": faction_id, **_CURRENT}, hint="period")
        return sort_members(read_periods(found))

    def list_periods_of(self, member_id: MemberId) -> tuple[FactionPeriod, ...]:
        """Return a member's periods in all factions."""
        return read_periods(self._of("faction_periods").find({"member_id": int(member_id)}, hint="member"))

    def open_period(self, period: FactionPeriod, faction: Faction) -> bool:
        """Let a member belong to a faction; return False if no proven player is theirs.

        Who comes back on the day of leaving goes on with the period of before.

        Raises:
            StorageConflictError: the member belongs to a faction already.
        """
        if not self._mark_links(period.member_id, faction):
            return False
        former = self._of("faction_periods").find(
            {"faction_id": faction.faction_id, "member_id": int(period.member_id)}, hint="period"
        )
        begun = begin_period(read_periods(former), period)
        key = build_period_key(begun)
        document = build_period_document(begun)
        changed = {name: value for name, value in document.items() if name not in key}
        self._of("faction_periods").update_one(key, {"$set": changed}, upsert=True)
        self.delete_invitation(faction.faction_id, period.member_id)
        return True

    def set_rank(self, period: FactionPeriod, rank: FactionRank) -> None:
        """Give a present member another rank."""
        query = {**build_period_key(period), **_CURRENT}
        self._of("faction_periods").update_one(query, {"$set": {"rank": rank.value}})

    def end_membership(self, member_id: MemberId, *, at: datetime) -> EndedMembership | None:
        """End a member's membership; None if there is none.

        A leader is followed by the longest officer, else by the longest member; without any the faction is
        disbanded.
        """
        found = self._of("faction_periods").find({"member_id": int(member_id), **_CURRENT}, hint="member")
        for period in read_periods(found):
            faction = self.hold(period.faction_id)
            self._close_periods([period], at=at)
            if faction is not None:
                return self._go_on(faction, at=at)
        return None

    def disband(self, faction: Faction, *, at: datetime) -> None:
        """Disband a faction, end all memberships, and delete its invitations."""
        self._close_periods(self.list_members(faction.faction_id), at=at)
        self._close_faction(faction, at=at)

    def find_invitation(self, faction_id: str, member_id: MemberId) -> FactionInvitation | None:
        """Return a member's invitation to a faction, over or not."""
        found = self._of("faction_invites").find_one(_build_invitation_key(faction_id, member_id))
        return None if found is None else INVITATIONS.read(found)

    def count_invitations(self, faction_id: str, *, now: datetime) -> int:
        """Delete the invitations of a faction that are over, and return the number of the others."""
        invites = self._of("faction_invites")
        invites.delete({"faction_id": faction_id, "expires_at": {"$lte": now}})
        return invites.count({"faction_id": faction_id})

    def put_invitation(self, invitation: FactionInvitation) -> None:
        """Store an invitation; it replaces the member's earlier one to this faction."""
        key = _build_invitation_key(invitation.faction_id, invitation.member_id)
        changed = {"$set": {"expires_at": invitation.expires_at}}
        self._of("faction_invites").update_one(key, changed, upsert=True)

    def delete_invitation(self, faction_id: str, member_id: MemberId) -> bool:
        """Take back an invitation; tell whether there was one."""
        return bool(self._of("faction_invites").delete(_build_invitation_key(faction_id, member_id)))

    def tell(self, messages: Sequence[DirectMessage]) -> None:
        """Store the direct messages to members who asked for them."""
        append_direct_messages(self._transaction, self._guild_id, messages)

    def insert_entry(self, entry: AuditEntry) -> None:
        """Add the entry of the change that this transaction makes."""
        insert_entry(self._transaction, self._guild_id, entry)

    def _go_on(self, faction: Faction, *, at: datetime) -> EndedMembership:
        """Give a faction, one of whose members went, a leader; disband it if nobody is left."""
        left = self.list_members(faction.faction_id)
        if not left:
            self._close_faction(faction, at=at)
            return EndedMembership(replace(faction, disbanded_at=at), is_disbanded=True)
        successor = choose_successor(left)
        if successor is None:
            return EndedMembership(faction)
        self.set_rank(successor, FactionRank.LEADER)
        self.tell(tell_faction(faction, successor.member_id, DirectEvent.LEADS, at=at))
        return EndedMembership(faction, successor_id=successor.member_id)

    def _close_periods(self, periods: Iterable[FactionPeriod], *, at: datetime) -> None:
        for period in periods:
            ended = {"$set": {"left_at": at, "is_current": False}}
            self._of("faction_periods").update_one({**build_period_key(period), **_CURRENT}, ended)
            self._mark_links(period.member_id, None)

    def _close_faction(self, faction: Faction, *, at: datetime) -> None:
        over = {"$set": {"disbanded_at": at, "is_active": False}}
        self._of("factions").update_one(_build_key(faction), over)
        self._of("faction_invites").delete({"faction_id": faction.faction_id})

    def _mark_links(self, member_id: MemberId, faction: Faction | None) -> bool:
        """Write a member's faction into their proven links; tell whether they have any."""
        own = {"member_id": int(member_id), "state": LinkState.PROVEN.value}
        marks = None if faction is None else {"faction_id": faction.faction_id, "faction_tag": faction.tag}
        update = {"$unset": NO_FACTION} if marks is None else {"$set": marks}
        return bool(self._of("links").update_many(own, update))

    def _of(self, name: str) -> BlockingCollection:
        return self._transaction.of_guild(name, self._guild_id)


def copy_faction(link: Document) -> Document:
    """Return the fields that name the faction of a link's member, for another link of the member."""
    return {name: link[name] for name in NO_FACTION if name in link}


def _build_key(faction: Faction) -> Document:
    return {"faction_id": faction.faction_id}


def _build_invitation_key(faction_id: str, member_id: MemberId) -> Document:
    return {"faction_id": faction_id, "member_id": int(member_id)}
