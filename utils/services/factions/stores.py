"""Storage Protocols of the rules about factions."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from utils.models.audit import AuditEntry
from utils.models.factions import (
    EndedMembership,
    Faction,
    FactionInvitation,
    FactionPeriod,
    FactionRank,
)
from utils.models.notifications import DirectMessage
from utils.models.scope import GuildId, MemberId
from utils.services.factions.figures import FactionLists

T = TypeVar("T")


class FactionUnit(Protocol):  # implemented by FactionTransaction
    """One open transaction over the factions of a guild."""

    def hold_guild(self) -> None:
        """Let foundings of the guild run one after the other."""

    def hold(self, faction_id: str) -> Faction | None:
        """Return an active faction, whose changes now wait for this one; None if it is not active."""

    def count_active(self) -> int:
        """Return the number of active factions of the guild."""

    def find_holder(self, field: str, value: str) -> Faction | None:
        """Return the faction that holds a name (``field``: its key) or a tag, active or not."""

    def release_name(self, faction: Faction) -> None:
        """Let others take the name and the tag of a disbanded faction."""

    def insert_faction(self, faction: Faction) -> None:
        """Store a new faction."""

    def change_faction(self, faction: Faction) -> None:
        """Write the name, the tag and the settings of a faction."""

    def list_members(self, faction_id: str) -> Sequence[FactionPeriod]:
        """Return the present members of a faction: the leader, officers, then members, each by age."""

    def list_periods_of(self, member_id: MemberId) -> Sequence[FactionPeriod]:
        """Return a member's periods in all factions."""

    def open_period(self, period: FactionPeriod, faction: Faction) -> bool:
        """Let a member belong to a faction; return False if no proven player is theirs."""

    def set_rank(self, period: FactionPeriod, rank: FactionRank) -> None:
        """Give a present member another rank."""

    def end_membership(self, member_id: MemberId, *, at: datetime) -> EndedMembership | None:
        """End a member's membership, and find a successor of a leader; None if there is none."""

    def disband(self, faction: Faction, *, at: datetime) -> None:
        """Disband a faction, end all memberships, and delete its invitations."""

    def find_invitation(self, faction_id: str, member_id: MemberId) -> FactionInvitation | None:
        """Return a member's invitation to a faction, over or not."""

    def count_invitations(self, faction_id: str, *, now: datetime) -> int:
        """Delete the invitations of a faction that are over, and return the number of the others."""

    def put_invitation(self, invitation: FactionInvitation) -> None:
        """Store an invitation; it replaces the member's earlier one to this faction."""

    def delete_invitation(self, faction_id: str, member_id: MemberId) -> bool:
        """Take back an invitation; tell whether there was one."""

    def tell(self, messages: Sequence[DirectMessage]) -> None:
        """Store the direct messages to members who asked for them."""

    def insert_entry(self, entry: AuditEntry) -> None:
        """Add the entry of the change that this transaction makes."""


class FactionStore(FactionLists, Protocol):  # implemented by FactionRepository
    """Storage of factions.

    Raises:
        CommitUnknownError: from a transaction; it happened wholly or not at all.
        StorageError: from any method; nothing was written.
    """

    async def in_transaction(self, guild_id: GuildId, work: Callable[[FactionUnit], T]) -> T:
        """Run ``work`` in one transaction, in a thread; it may run again after a transient error."""

    async def list_members(self, guild_id: GuildId) -> Sequence[FactionPeriod]:
        """Return the present members of all factions of a guild."""

    async def list_invitations(
        self, guild_id: GuildId, member_id: MemberId, *, now: datetime
    ) -> Sequence[FactionInvitation]:
        """Return the open invitations of a member, the oldest first."""
