"""Factions: what members and admins do with them. ``rules`` decides inside the transactions."""

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import TypeVar

from utils.clock import Clock
from utils.errors import AmbiguousError, NotFoundError, StorageError
from utils.events import EventDispatcher, FactionChanged
from utils.models.factions import (
    EndedMembership,
    Faction,
    FactionFigures,
    FactionInvitation,
    FactionMembers,
    FactionRank,
    sort_members,
)
from utils.models.labels import Choice, add_labels, find_labelled
from utils.models.scope import GuildId, MemberId
from utils.models.statistics import Coverage
from utils.models.texts import Command, text
from utils.models.typed_text import fold_text, quote
from utils.services.factions import rules
from utils.services.factions.figures import FactionFigureService
from utils.services.factions.names import compute_name_key, read_name, read_tag
from utils.services.factions.rules import Audited, Edited, FactionEdit
from utils.services.factions.stores import FactionStore, FactionUnit
from utils.services.guilds.audit import log_entry

T = TypeVar("T")

SUGGESTIONS = 5


@dataclass(eq=False, repr=False)
class FactionService:
    """Founds, changes and lists the factions of guilds.

    Args:
        figures: how the factions are doing.
        events: dispatches ``FactionChanged`` after each change.
    """

    store: FactionStore
    _: KW_ONLY
    figures: FactionFigureService
    events: EventDispatcher
    clock: Clock

    async def create(
        self,
        guild_id: GuildId,
        member_id: MemberId,
        *,
        name: str,
        tag: str,
        is_open: bool,
        request_id: int,
    ) -> Faction:
        """Found a faction, which the member leads; ``request_id`` is the id of Discord's interaction.

        Raises:
            UserFacingError: with a sentence for each reason to refuse.
        """
        now, said = self.clock.now(), read_name(name)
        faction = Faction(
            guild_id=guild_id,
            faction_id=str(request_id),
            name=said,
            name_key=compute_name_key(said),
            tag=read_tag(tag),
            is_open=is_open,
            founded_at=now,
        )
        return await self._audit(
            guild_id, partial(rules.found, faction=faction, member_id=member_id, now=now)
        )

    async def join(self, guild_id: GuildId, member_id: MemberId, typed: str) -> Faction:
        """Let a member join a faction by its invitation, or because it is open.

        Raises:
            UserFacingError: with a sentence for each reason to refuse.
        """
        faction_id = (await self.resolve(guild_id, typed)).faction_id
        now = self.clock.now()
        return await self._change(
            guild_id, partial(rules.join, faction_id=faction_id, member_id=member_id, now=now)
        )

    async def invite(
        self, guild_id: GuildId, actor_id: MemberId, member_id: MemberId
    ) -> tuple[Faction, FactionInvitation]:
        """Invite a member; return the faction and the invitation.

        Raises:
            UserFacingError: with a sentence for each reason to refuse.
        """
        now = self.clock.now()
        return await self._change(
            guild_id, partial(rules.invite, actor_id=actor_id, member_id=member_id, now=now)
        )

    async def check_kick(self, guild_id: GuildId, actor_id: MemberId, member_id: MemberId) -> Faction:
        """Return the faction from which a member would be kicked, before anybody is asked.

        Raises:
            UserFacingError: with a sentence for each reason to refuse.
        """

        def check(unit: FactionUnit) -> Faction:
            seat = rules.take_seat(unit, actor_id)
            rules.verify_kick(seat, member_id)
            return seat.faction

        return await self.store.in_transaction(guild_id, check)

    async def kick(self, guild_id: GuildId, actor_id: MemberId, member_id: MemberId) -> Faction:
        """End the membership of another member.

        Raises:
            UserFacingError: with a sentence for each reason to refuse.
        """
        now = self.clock.now()
        return await self._change(
            guild_id, partial(rules.kick, actor_id=actor_id, member_id=member_id, now=now)
        )

    async def leave(self, guild_id: GuildId, member_id: MemberId) -> EndedMembership:
        """End a member's own membership.

        Raises:
            NotFoundError: they are in no faction.
        """
        now = self.clock.now()
        return await self._change(guild_id, partial(rules.leave, member_id=member_id, now=now))

    async def get_own(self, guild_id: GuildId, member_id: MemberId) -> FactionMembers:
        """Return the faction of a member, with all its members.

        Raises:
            NotFoundError: they are in no faction.
        """
        for faction in await self.list_factions(guild_id):
            if faction.find(member_id) is not None:
                return faction
        raise NotFoundError(rules.NO_FACTION)

    async def find_id(self, guild_id: GuildId, member_id: MemberId) -> str | None:
        """Return the id of a member's faction; None without one."""
        periods = await self.store.list_members(guild_id)
        return next((one.faction_id for one in periods if one.member_id == member_id), None)

    async def get_led(self, guild_id: GuildId, member_id: MemberId) -> FactionMembers:
        """Return the faction that a member leads.

        Raises:
            NotFoundError, NotAllowedError: they are in no faction, or do not lead it.
        """
        found = await self.get_own(guild_id, member_id)
        own = found.find(member_id)
        if own is not None:
            rules.verify_leader(rules.Seat(found.faction, own, found.members))
        return found

    async def disband(self, guild_id: GuildId, member_id: MemberId) -> Faction:
        """Disband the faction that a member leads.

        Raises:
            NotFoundError, NotAllowedError: they are in no faction, or do not lead it.
        """
        now = self.clock.now()
        return await self._change(guild_id, partial(rules.disband, member_id=member_id, now=now))

    async def check_rank(
        self, guild_id: GuildId, actor_id: MemberId, member_id: MemberId, rank: FactionRank
    ) -> Faction:
        """Return the faction in which a member would get a rank, before anybody is asked.

        Raises:
            UserFacingError: with a sentence for each reason to refuse.
        """

        def check(unit: FactionUnit) -> Faction:
            seat = rules.take_seat(unit, actor_id)
            rules.verify_rank(seat, member_id, rank)
            return seat.faction

        return await self.store.in_transaction(guild_id, check)

    async def give_rank(
        self, guild_id: GuildId, actor_id: MemberId, member_id: MemberId, rank: FactionRank
    ) -> Faction:
        """Give a member another rank; with the leader's, the old leader becomes an officer.

        Raises:
            UserFacingError: with a sentence for each reason to refuse.
        """
        now = self.clock.now()
        return await self._change(
            guild_id, partial(rules.give_rank, actor_id=actor_id, member_id=member_id, rank=rank, now=now)
        )

    async def edit(self, guild_id: GuildId, member_id: MemberId, wanted: FactionEdit) -> Edited:
        """Edit the faction that a member leads, once a week; return it before and after.

        Raises:
            UserFacingError: with a sentence for each reason to refuse.
        """
        now = self.clock.now()
        return await self._audit(guild_id, partial(rules.edit, member_id=member_id, wanted=wanted, now=now))

    async def rename(
        self, guild_id: GuildId, actor_id: MemberId, faction_id: str, wanted: FactionEdit
    ) -> Edited:
        """Let an admin change name and tag; return the faction before and after.

        Raises:
            UserFacingError: with a sentence for each reason to refuse.
        """
        now = self.clock.now()
        work = partial(rules.rename, faction_id=faction_id, wanted=wanted, actor_id=actor_id, now=now)
        return await self._audit(guild_id, work)

    async def disband_by_hand(self, guild_id: GuildId, actor_id: MemberId, faction_id: str) -> Faction:
        """Let an admin disband a faction.

        Raises:
            NotFoundError: it is disbanded already.
        """
        now = self.clock.now()
        work = partial(rules.disband_by_hand, faction_id=faction_id, actor_id=actor_id, now=now)
        return await self._audit(guild_id, work)

    async def choose_leader(
        self, guild_id: GuildId, actor_id: MemberId, faction_id: str, member_id: MemberId
    ) -> Faction:
        """Let an admin give the lead to a present member.

        Raises:
            UserFacingError: with a sentence for each reason to refuse.
        """
        now = self.clock.now()
        work = partial(
            rules.choose_leader, faction_id=faction_id, member_id=member_id, actor_id=actor_id, now=now
        )
        return await self._audit(guild_id, work)

    async def list_factions(self, guild_id: GuildId) -> Sequence[FactionMembers]:
        """Return the active factions of a guild with their members, the oldest first."""
        factions = await self.store.list_active(guild_id)
        periods = await self.store.list_members(guild_id)
        return tuple(
            FactionMembers(
                faction, sort_members(one for one in periods if one.faction_id == faction.faction_id)
            )
            for faction in factions
        )

    async def rank(self, coverage: Coverage) -> Sequence[FactionFigures]:
        """Return all active factions with their figures, most kills first."""
        return await self.figures.rank(coverage)

    async def get_figures(self, coverage: Coverage, faction_id: str) -> FactionFigures:
        """Return an active faction with its figures and its place.

        Raises:
            NotFoundError: it was disbanded a moment ago.
        """
        return await self.figures.get(coverage, faction_id)

    async def resolve(self, guild_id: GuildId, typed: str) -> Faction:
        """Return the active faction of an id, a name or a tag, or of a unique part of a name.

        Raises:
            NotFoundError, AmbiguousError: the text fits no faction, or several.
        """
        factions = await self.store.list_active(guild_id)
        return choose_faction(factions, typed)

    async def list_choices(self, guild_id: GuildId) -> Sequence[Choice]:
        """Return all active factions, with tag and name."""
        return [_name_choice(faction) for faction in await self.store.list_active(guild_id)]

    async def list_joinable(self, guild_id: GuildId, member_id: MemberId) -> Sequence[Choice]:
        """Return the factions that a member may join: those with an invitation first, then open ones."""
        factions = await self.store.list_active(guild_id)
        invitations = await self.store.list_invitations(guild_id, member_id, now=self.clock.now())
        invited = {one.faction_id for one in invitations}
        ranked = sorted(factions, key=lambda one: (one.faction_id not in invited, one.founded_at))
        return [_name_choice(one) for one in ranked if one.is_open or one.faction_id in invited]

    async def _audit(self, guild_id: GuildId, work: Callable[[FactionUnit], Audited[T]]) -> T:
        """Carry out a change together with its entry of the audit."""

        def run(unit: FactionUnit) -> Audited[T]:
            done, entry = work(unit)
            unit.insert_entry(entry)
            return done, entry

        done, entry = await self._change(guild_id, run)
        log_entry(guild_id, entry)
        return done

    async def _change(self, guild_id: GuildId, work: Callable[[FactionUnit], T]) -> T:
        """Carry out a change, and tell it; also one that may have happened."""
        try:
            done = await self.store.in_transaction(guild_id, work)
        except StorageError:
            self.events.dispatch(FactionChanged(guild_id=guild_id))
            raise
        self.events.dispatch(FactionChanged(guild_id=guild_id))
        return done


def choose_faction(factions: Sequence[Faction], typed: str) -> Faction:
    """Return the faction that a text means: by id, tag, name, or a unique part of a name.

    Raises:
        NotFoundError, AmbiguousError: it means none, or several.
    """
    wanted, choices = fold_text(typed), [_name_choice(faction) for faction in factions]
    labelled = find_labelled(typed, choices)
    fitting = (
        [one for one in factions if one.faction_id == typed]
        or [one for one in factions if one.faction_id in labelled]
        or [one for one in factions if wanted in (one.tag.casefold(), fold_text(one.name))]
        or [one for one in factions if wanted and wanted in fold_text(one.name)]
    )
    if not fitting:
        raise NotFoundError(
            text("No faction is called “{name}”.", name=quote(typed)),
            hint=text("See {list}.", list=Command("faction list")),
        )
    if len(fitting) > 1:
        asked = text("Several factions fit “{name}”.", name=quote(typed))
        raise AmbiguousError(asked, typed=typed, choices=add_labels(list(map(_name_choice, fitting))))
    return fitting[0]


def _name_choice(faction: Faction) -> Choice:
    return faction.faction_id, f"[{faction.tag}] {faction.name}"
