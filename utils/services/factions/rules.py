"""The rules of factions: who may do what, decided inside the transaction that does it.

Each function holds the documents that its decision depends on, decides, and writes. It may run again after a
lost race; then it sees what the other one did, and refuses with a sentence about that. They are plain
functions of a unit and of values.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from utils.errors import InvalidInputError, LimitReachedError, NotAllowedError, NotFoundError, NotLinkedError
from utils.models.audit import AuditAction, AuditEntry, AuditFacts, FieldChange
from utils.models.factions import (
    EDIT_PAUSE,
    FOUNDING_PAUSE,
    INVITATION_TIME,
    JOINING_PAUSE,
    MOST_FACTIONS,
    MOST_INVITATIONS,
    MOST_MEMBERS,
    MOST_OFFICERS,
    EndedMembership,
    Faction,
    FactionInvitation,
    FactionPeriod,
    FactionRank,
)
from utils.models.notifications import DirectEvent, tell_faction
from utils.models.scope import MemberId
from utils.models.texts import Command, Mention, Moment, Number, Text, text
from utils.services.factions.figures import GONE
from utils.services.factions.names import compute_name_key, read_name, read_tag
from utils.services.factions.stores import FactionUnit

T = TypeVar("T")

Audited = tuple[T, AuditEntry]
"""The result of a change, and its entry of the audit, which is stored in the same transaction."""

Edited = tuple[Faction, Faction]
"""A faction before and after a change."""

LINK_FIRST = text(
    "A faction is for members with a proven player. Link yours first with {link}.", link=Command("link")
)
LEAVE = Command("faction leave")
NO_FACTION = text("You aren't in a faction.")


@dataclass(frozen=True, slots=True)
class Seat:
    """A member's place in a faction that is held, and all its present members."""

    faction: Faction
    own: FactionPeriod
    members: Sequence[FactionPeriod]

    def get(self, member_id: MemberId) -> FactionPeriod:
        """Return another present member.

        Raises:
            NotFoundError: they are not in the faction.
        """
        for one in self.members:
            if one.member_id == member_id:
                return one
        raise NotFoundError(
            text(
                "{member} isn't in **{faction}**.",
                member=Mention("@", member_id),
                faction=self.faction.name,
            )
        )


@dataclass(frozen=True, slots=True)
class FactionEdit:
    """The new name, tag and openness of a faction; None leaves one as it is."""

    name: str | None = None
    tag: str | None = None
    is_open: bool | None = None

    def apply(self, faction: Faction) -> Faction:
        """Return the edited faction.

        Raises:
            InvalidInputError: the name or the tag cannot be used, or nothing would change.
        """
        name = faction.name if self.name is None else read_name(self.name)
        tag = faction.tag if self.tag is None else read_tag(self.tag)
        is_open = faction.is_open if self.is_open is None else self.is_open
        if (name, tag, is_open) == (faction.name, faction.tag, faction.is_open):
            raise InvalidInputError(text("That would change nothing."))
        return replace(faction, name=name, name_key=compute_name_key(name), tag=tag, is_open=is_open)


def found(unit: FactionUnit, faction: Faction, member_id: MemberId, *, now: datetime) -> Audited[Faction]:
    """Found a faction, whose leader is the member.

    Raises:
        UserFacingError: with a sentence for each reason to refuse.
    """
    unit.hold_guild()
    periods = unit.list_periods_of(member_id)
    _verify_free(periods, faction, now=now)
    newest = max((one.joined_at for one in periods if one.is_founder), default=None)
    if newest is not None and now < newest + FOUNDING_PAUSE:
        raise LimitReachedError(
            text("You can found your next faction {at}.", at=Moment(newest + FOUNDING_PAUSE))
        )
    if unit.count_active() >= MOST_FACTIONS:
        raise LimitReachedError(
            text("There are {limit} factions already, and that's the limit.", limit=Number(MOST_FACTIONS))
        )
    _take_name(unit, faction, now=now)
    unit.insert_faction(faction)
    period = FactionPeriod(faction.faction_id, member_id, now, FactionRank.LEADER, is_founder=True)
    if not unit.open_period(period, faction):
        raise NotLinkedError(LINK_FIRST)
    return faction, _build_entry(AuditAction.FACTION_CREATE, None, faction, actor_id=member_id, at=now)


def join(unit: FactionUnit, faction_id: str, member_id: MemberId, *, now: datetime) -> Faction:
    """Let a member join a faction by its invitation, or because it is open.

    Raises:
        UserFacingError: with a sentence for each reason to refuse.
    """
    faction = _hold(unit, faction_id)
    _verify_free(unit.list_periods_of(member_id), faction, now=now)
    invitation = unit.find_invitation(faction_id, member_id)
    if not faction.is_open and (invitation is None or not invitation.is_open(now)):
        raise NotAllowedError(
            text(
                "You need an invitation to **{faction}**. Ask its leader or one of its officers.",
                faction=faction.name,
            )
        )
    if len(unit.list_members(faction_id)) >= MOST_MEMBERS:
        raise LimitReachedError(
            text(
                "**{faction}** is full: it has {limit} members.",
                faction=faction.name,
                limit=Number(MOST_MEMBERS),
            )
        )
    if not unit.open_period(FactionPeriod(faction_id, member_id, now), faction):
        raise NotLinkedError(LINK_FIRST)
    return faction


def invite(
    unit: FactionUnit, actor_id: MemberId, member_id: MemberId, *, now: datetime
) -> tuple[Faction, FactionInvitation]:
    """Invite a member; return the faction and the invitation.

    Raises:
        UserFacingError: with a sentence for each reason to refuse.
    """
    seat = take_seat(unit, actor_id)
    _verify_staff(seat)
    faction_id, name = seat.faction.faction_id, seat.faction.name
    if any(one.member_id == member_id for one in seat.members):
        raise InvalidInputError(
            text("{member} is in **{faction}** already.", member=Mention("@", member_id), faction=name)
        )
    before = unit.find_invitation(faction_id, member_id)
    unit.delete_invitation(faction_id, member_id)
    if unit.count_invitations(faction_id, now=now) >= MOST_INVITATIONS:
        raise LimitReachedError(
            text(
                "**{faction}** has {limit} open invitations, and that's the limit. Each ends by itself.",
                faction=name,
                limit=Number(MOST_INVITATIONS),
            )
        )
    invitation = FactionInvitation(faction_id, member_id, now + INVITATION_TIME)
    unit.put_invitation(invitation)
    if before is None or not before.is_open(now):  # one who is invited again and again is told once
        told = tell_faction(
            seat.faction, member_id, DirectEvent.INVITED, at=now, ends_at=invitation.expires_at
        )
        unit.tell(told)
    return seat.faction, invitation


def kick(unit: FactionUnit, actor_id: MemberId, member_id: MemberId, *, now: datetime) -> Faction:
    """End the membership of another member, and take back an invitation they may have.

    Raises:
        UserFacingError: with a sentence for each reason to refuse.
    """
    seat = take_seat(unit, actor_id)
    verify_kick(seat, member_id)
    unit.end_membership(member_id, at=now)
    unit.delete_invitation(seat.faction.faction_id, member_id)
    unit.tell(tell_faction(seat.faction, member_id, DirectEvent.KICKED, at=now))
    return seat.faction


def verify_kick(seat: Seat, member_id: MemberId) -> None:
    """Refuse a kick that the rank does not allow.

    Raises:
        UserFacingError: with a sentence for each reason to refuse.
    """
    _verify_staff(seat)
    if member_id == seat.own.member_id:
        raise InvalidInputError(text("That's you. Use {leave} instead.", leave=LEAVE))
    if not seat.own.rank.may_kick(seat.get(member_id).rank):
        raise NotAllowedError(text("Officers may kick only members who are neither officers nor the leader."))


def leave(unit: FactionUnit, member_id: MemberId, *, now: datetime) -> EndedMembership:
    """End a member's own membership.

    Raises:
        NotFoundError: they are in no faction.
    """
    ended = unit.end_membership(member_id, at=now)
    if ended is None:
        raise NotFoundError(NO_FACTION)
    return ended


def disband(unit: FactionUnit, member_id: MemberId, *, now: datetime) -> Faction:
    """Disband the faction that a member leads.

    Raises:
        NotFoundError, NotAllowedError: they are in no faction, or do not lead it.
    """
    seat = take_seat(unit, member_id)
    verify_leader(seat)
    _disband(unit, seat.faction, actor_id=member_id, now=now)
    return seat.faction


def give_rank(
    unit: FactionUnit, actor_id: MemberId, member_id: MemberId, rank: FactionRank, *, now: datetime
) -> Faction:
    """Give a member another rank; with the leader's the old leader becomes an officer.

    Raises:
        UserFacingError: with a sentence for each reason to refuse.
    """
    seat = take_seat(unit, actor_id)
    verify_rank(seat, member_id, rank)
    other = seat.get(member_id)
    if rank is FactionRank.LEADER:
        _hand_over(unit, seat, other, actor_id=actor_id, now=now)
    else:
        unit.set_rank(other, rank)
    return seat.faction


def verify_rank(seat: Seat, member_id: MemberId, rank: FactionRank) -> None:
    """Refuse a rank that the leader may not give.

    Raises:
        UserFacingError: with a sentence for each reason to refuse.
    """
    verify_leader(seat)
    if member_id == seat.own.member_id:
        raise InvalidInputError(text("That's you. Give the lead to another member to lose it."))
    other = seat.get(member_id)
    if other.rank is rank:
        raise InvalidInputError(text("{member} has that rank already.", member=Mention("@", member_id)))
    officers = sum(one.rank is FactionRank.OFFICER and one is not other for one in seat.members)
    if rank is not FactionRank.MEMBER and officers >= MOST_OFFICERS:  # an old leader becomes an officer
        raise LimitReachedError(
            text(
                "**{faction}** has {limit} officers, and that's the limit.",
                faction=seat.faction.name,
                limit=Number(MOST_OFFICERS),
            )
        )


def edit(unit: FactionUnit, member_id: MemberId, wanted: FactionEdit, *, now: datetime) -> Audited[Edited]:
    """Edit the faction that a member leads, once a week; return it before and after.

    Raises:
        UserFacingError: with a sentence for each reason to refuse.
    """
    seat = take_seat(unit, member_id)
    verify_leader(seat)
    before = seat.faction
    if before.edited_at is not None and now < before.edited_at + EDIT_PAUSE:
        at = Moment(before.edited_at + EDIT_PAUSE)
        raise LimitReachedError(text("You can edit **{faction}** again {at}.", faction=before.name, at=at))
    after = replace(wanted.apply(before), edited_at=now)
    _change(unit, before, after, now=now)
    entry = _build_entry(AuditAction.FACTION_EDIT, before, after, actor_id=member_id, at=now)
    return (before, after), entry


def rename(
    unit: FactionUnit, faction_id: str, wanted: FactionEdit, *, actor_id: MemberId, now: datetime
) -> Audited[Edited]:
    """Let an admin change name and tag at any time; return the faction before and after.

    Raises:
        UserFacingError: with a sentence for each reason to refuse.
    """
    before = _hold(unit, faction_id)
    after = wanted.apply(before)
    _change(unit, before, after, now=now)
    entry = _build_entry(AuditAction.FACTION_RENAME, before, after, actor_id=actor_id, at=now)
    return (before, after), entry


def disband_by_hand(
    unit: FactionUnit, faction_id: str, *, actor_id: MemberId, now: datetime
) -> Audited[Faction]:
    """Let an admin disband a faction.

    Raises:
        NotFoundError: it is disbanded already.
    """
    faction = _hold(unit, faction_id)
    _disband(unit, faction, actor_id=actor_id, now=now)
    return faction, _build_entry(AuditAction.FACTION_DISBAND, faction, None, actor_id=actor_id, at=now)


def choose_leader(
    unit: FactionUnit, faction_id: str, member_id: MemberId, *, actor_id: MemberId, now: datetime
) -> Audited[Faction]:
    """Let an admin give the lead to a present member.

    Raises:
        UserFacingError: with a sentence for each reason to refuse.
    """
    faction = _hold(unit, faction_id)
    members = unit.list_members(faction_id)
    seat = Seat(faction, members[0], members)
    other = seat.get(member_id)
    if other.rank is FactionRank.LEADER:
        member = Mention("@", member_id)
        raise InvalidInputError(
            text("{member} leads **{faction}** already.", member=member, faction=faction.name)
        )
    _hand_over(unit, seat, other, actor_id=actor_id, now=now)
    facts = AuditFacts(member_id=member_id, changes=(FieldChange("faction", new=faction.name),))
    return faction, AuditEntry(now, actor_id, AuditAction.FACTION_LEADER, facts)


def take_seat(unit: FactionUnit, member_id: MemberId) -> Seat:
    """Hold the faction of a member, and return their place in it.

    Raises:
        NotFoundError: they are in no faction.
    """
    current = next((one for one in unit.list_periods_of(member_id) if one.is_current), None)
    faction = None if current is None else unit.hold(current.faction_id)
    if current is None or faction is None:
        raise NotFoundError(NO_FACTION)
    return Seat(faction, current, unit.list_members(faction.faction_id))


def verify_leader(seat: Seat) -> None:
    """Refuse what only the leader may do.

    Raises:
        NotAllowedError: the member does not lead the faction.
    """
    if seat.own.rank is not FactionRank.LEADER:
        name = seat.faction.name
        raise NotAllowedError(text("Only the leader of **{faction}** may do this.", faction=name))


def _build_entry(
    action: AuditAction, before: Faction | None, after: Faction | None, *, actor_id: MemberId, at: datetime
) -> AuditEntry:
    """Return the entry of the audit with what changed."""
    old, new = ({} if one is None else one.list_settings() for one in (before, after))
    changes = [FieldChange(name, old=old.get(name), new=new.get(name)) for name in old or new]
    changed = tuple(one for one in changes if one.old != one.new or one.name == "name")
    return AuditEntry(at, actor_id, action, AuditFacts(changes=changed))


def _hold(unit: FactionUnit, faction_id: str) -> Faction:
    faction = unit.hold(faction_id)
    if faction is None:
        raise NotFoundError(GONE)
    return faction


def _verify_staff(seat: Seat) -> None:
    if not seat.own.rank.may_invite:
        raise NotAllowedError(
            text("Only the leader and the officers of **{faction}** may do this.", faction=seat.faction.name)
        )


def _verify_free(periods: Sequence[FactionPeriod], wanted: Faction, *, now: datetime) -> None:
    """Refuse a member who is in a faction, or left another one too short a while ago."""
    current = next((one for one in periods if one.is_current), None)
    if current is not None:
        said = text("You're in a faction already. Leave it first with {leave}.", leave=LEAVE)
        if current.faction_id == wanted.faction_id:
            said = text("You're in **{faction}** already.", faction=wanted.name)
        raise InvalidInputError(said)
    others = (one.left_at for one in periods if one.left_at and one.faction_id != wanted.faction_id)
    left_at = max(others, default=None)
    if left_at is not None and now < left_at + JOINING_PAUSE:
        raise LimitReachedError(
            text(
                "You left a faction a short while ago. You can join another one {at}.",
                at=Moment(left_at + JOINING_PAUSE),
            )
        )


def _change(unit: FactionUnit, before: Faction, after: Faction, *, now: datetime) -> None:
    if (before.name_key, before.tag) != (after.name_key, after.tag):
        unit.hold_guild()
        _take_name(unit, after, now=now)
    unit.change_faction(after)


def _take_name(unit: FactionUnit, faction: Faction, *, now: datetime) -> None:
    """Make name and tag free for a faction.

    Raises:
        InvalidInputError: another faction holds one of them.
    """
    taken: dict[str, Text] = {
        "name_key": text("Another faction has this name, or one that looks like it."),
        "tag": text("Another faction has the tag {tag}.", tag=faction.tag),
    }
    for field, said in taken.items():
        holder = unit.find_holder(field, getattr(faction, field))
        if holder is None or holder.faction_id == faction.faction_id:
            continue
        if holder.holds_name(now):
            raise InvalidInputError(said)
        unit.release_name(holder)


def _disband(unit: FactionUnit, faction: Faction, *, actor_id: MemberId, now: datetime) -> None:
    """Disband a faction, and tell its members."""
    members = [one.member_id for one in unit.list_members(faction.faction_id)]
    unit.disband(faction, at=now)
    for member_id in members:
        if member_id != actor_id:
            unit.tell(tell_faction(faction, member_id, DirectEvent.KICKED, at=now))


def _hand_over(
    unit: FactionUnit, seat: Seat, other: FactionPeriod, *, actor_id: MemberId, now: datetime
) -> None:
    """Give a leader's seat to another member; the old one becomes an officer, if there is room for one."""
    officers = sum(one.rank is FactionRank.OFFICER and one is not other for one in seat.members)
    unit.set_rank(seat.own, FactionRank.OFFICER if officers < MOST_OFFICERS else FactionRank.MEMBER)
    unit.set_rank(other, FactionRank.LEADER)
    unit.tell(tell_faction(seat.faction, other.member_id, DirectEvent.LEADS, at=now))
    if seat.own.member_id != actor_id:
        unit.tell(tell_faction(seat.faction, seat.own.member_id, DirectEvent.LED, at=now))
