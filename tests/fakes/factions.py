"""Factions in memory: their storage, and its transactions."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TypeVar

from tests.fakes.links import FakeLinkStore
from tests.fakes.storage import FakeAuditStore
from utils.models.audit import AuditEntry
from utils.models.factions import (
    EndedMembership,
    Faction,
    FactionInvitation,
    FactionPeriod,
    FactionRank,
    FactionSpan,
    begin_period,
    choose_successor,
    sort_members,
)
from utils.models.notifications import DirectMessage
from utils.models.players import Counters, PlayerDay, sum_counters
from utils.models.scope import GuildId, MemberId, PlayerId
from utils.models.statistics import CoveredDeaths

T = TypeVar("T")


class FakeFactionUnit:
    """One transaction over the factions of a guild."""

    def __init__(self, store: "FakeFactionStore", guild_id: GuildId) -> None:
        self._store = store
        self._guild_id = guild_id

    def hold_guild(self) -> None:
        """Do nothing: nothing runs beside it."""

    def hold(self, faction_id: str) -> Faction | None:
        """Return an active faction."""
        found = self._store.factions.get(faction_id)
        is_own = found is not None and found.guild_id == self._guild_id
        return found if found is not None and is_own and found.disbanded_at is None else None

    def count_active(self) -> int:
        """Return the number of active factions."""
        return sum(self.hold(key) is not None for key in self._store.factions)

    def find_holder(self, field: str, value: str) -> Faction | None:
        """Return the faction that holds a name or a tag."""
        held = (one for key, one in self._store.factions.items() if key not in self._store.released)
        own = (one for one in held if one.guild_id == self._guild_id)
        return next((one for one in own if getattr(one, field) == value), None)

    def release_name(self, faction: Faction) -> None:
        """Let others take its name."""
        self._store.released.add(faction.faction_id)

    def insert_faction(self, faction: Faction) -> None:
        """Store a faction."""
        self._store.factions[faction.faction_id] = faction

    def change_faction(self, faction: Faction) -> None:
        """Store a changed faction."""
        self._store.factions[faction.faction_id] = faction

    def list_members(self, faction_id: str) -> Sequence[FactionPeriod]:
        """Return its present members."""
        found = (one for one in self._store.periods if one.faction_id == faction_id and one.is_current)
        return sort_members(found)

    def list_periods_of(self, member_id: MemberId) -> Sequence[FactionPeriod]:
        """Return a member's periods."""
        own = [one for one in self._store.periods if one.member_id == member_id]
        return [one for one in own if self._store.factions[one.faction_id].guild_id == self._guild_id]

    def open_period(self, period: FactionPeriod, faction: Faction) -> bool:
        """Let a member with a proven player belong to it."""
        if not self._store.is_linked(self._guild_id, period.member_id):
            return False
        former = [
            one for one in self.list_periods_of(period.member_id) if one.faction_id == faction.faction_id
        ]
        begun = begin_period(former, period)
        kept = [one for one in self._store.periods if one not in former or one.joined_at != begun.joined_at]
        self._store.periods = [*kept, begun]
        self.delete_invitation(faction.faction_id, period.member_id)
        return True

    def set_rank(self, period: FactionPeriod, rank: FactionRank) -> None:
        """Give a member another rank."""
        self._replace(period, replace(period, rank=rank))

    def end_membership(self, member_id: MemberId, *, at: datetime) -> EndedMembership | None:
        """End a membership."""
        current = next((one for one in self.list_periods_of(member_id) if one.is_current), None)
        faction = None if current is None else self.hold(current.faction_id)
        if current is None or faction is None:
            return None
        self._replace(current, replace(current, left_at=at))
        left = self.list_members(faction.faction_id)
        successor = choose_successor(left)
        if successor is not None:
            self.set_rank(successor, FactionRank.LEADER)
        if left:
            return EndedMembership(faction, None if successor is None else successor.member_id)
        self.disband(faction, at=at)
        return EndedMembership(replace(faction, disbanded_at=at), is_disbanded=True)

    def disband(self, faction: Faction, *, at: datetime) -> None:
        """Disband a faction."""
        for one in self.list_members(faction.faction_id):
            self._replace(one, replace(one, left_at=at))
        self._store.factions[faction.faction_id] = replace(faction, disbanded_at=at)

    def find_invitation(self, faction_id: str, member_id: MemberId) -> FactionInvitation | None:
        """Return an invitation."""
        return self._store.invitations.get((faction_id, member_id))

    def count_invitations(self, faction_id: str, *, now: datetime) -> int:
        """Return the number of open invitations."""
        found = self._store.invitations.items()
        return sum(key[0] == faction_id and one.is_open(now) for key, one in found)

    def put_invitation(self, invitation: FactionInvitation) -> None:
        """Store an invitation."""
        self._store.invitations[invitation.faction_id, invitation.member_id] = invitation

    def delete_invitation(self, faction_id: str, member_id: MemberId) -> bool:
        """Take an invitation back."""
        return self._store.invitations.pop((faction_id, member_id), None) is not None

    def tell(self, messages: Sequence[DirectMessage]) -> None:
        """Pass them over: the tests on a real mongod look at them."""

    def insert_entry(self, entry: AuditEntry) -> None:
        """Keep the entry."""
        self._store.audit.add(self._guild_id, entry)

    def _replace(self, old: FactionPeriod, new: FactionPeriod) -> None:
        self._store.periods = [new if one == old else one for one in self._store.periods]


class FakeFactionStore:
    """The factions of any guild; a refused change leaves everything as it was.

    Attributes:
        links: tells which members have a proven player; without it all have.
    """

    def __init__(self, links: FakeLinkStore | None = None) -> None:
        self.factions: dict[str, Faction] = {}
        self.released: set[str] = set()
        self.periods: list[FactionPeriod] = []
        self.invitations: dict[tuple[str, MemberId], FactionInvitation] = {}
        self.audit = FakeAuditStore()
        self.links = links

    def is_linked(self, guild_id: GuildId, member_id: MemberId) -> bool:
        """Tell whether a member has a proven player."""
        if self.links is None:
            return True
        links = self.links.links.items()
        return any(key[:2] == (guild_id, member_id) and link.is_proven for key, link in links)

    async def in_transaction(self, guild_id: GuildId, work: Callable[[FakeFactionUnit], T]) -> T:
        """Run the work, and take its changes back if it refuses."""
        before = dict(self.factions), set(self.released), list(self.periods), dict(self.invitations)
        try:
            done = work(FakeFactionUnit(self, guild_id))
        except BaseException:
            self.factions, self.released, self.periods, self.invitations = before
            raise
        return done

    async def list_active(self, guild_id: GuildId) -> Sequence[Faction]:
        """Return the active factions, the oldest first."""
        own = [one for one in self.factions.values() if one.guild_id == guild_id and not one.disbanded_at]
        return sorted(own, key=lambda one: one.founded_at)

    async def list_members(self, guild_id: GuildId) -> Sequence[FactionPeriod]:
        """Return all present members of a guild."""
        own = {key for key, one in self.factions.items() if one.guild_id == guild_id}
        return [one for one in self.periods if one.is_current and one.faction_id in own]

    async def list_periods(self, guild_id: GuildId) -> Sequence[FactionPeriod]:
        """Return all periods of a guild."""
        own = {key for key, one in self.factions.items() if one.guild_id == guild_id}
        return [one for one in self.periods if one.faction_id in own]

    async def list_invitations(
        self, guild_id: GuildId, member_id: MemberId, *, now: datetime
    ) -> Sequence[FactionInvitation]:
        """Return the open invitations of a member."""
        open_ones = [one for key, one in self.invitations.items() if key[1] == member_id and one.is_open(now)]
        return [one for one in open_ones if self.factions[one.faction_id].guild_id == guild_id]


@dataclass(frozen=True)
class MemberKill:
    """A kill of a player by another one."""

    killer_id: PlayerId
    victim_id: PlayerId
    day: date


@dataclass
class FakeFactionDays:
    """The days and kills of players, on every server."""

    days: list[PlayerDay] = field(default_factory=list)
    kills: list[MemberKill] = field(default_factory=list)

    async def sum_spans(
        self, covered: CoveredDeaths, spans: Collection[FactionSpan]
    ) -> Mapping[FactionSpan, Counters]:
        """Return the sums of the days in spans."""
        del covered
        days = {
            span: [
                replace(one.counters, metres=0, suicides=0)
                for one in self.days
                if one.player_id == span.player_id and span.first <= one.day <= span.last
            ]
            for span in spans
        }
        return {span: sum_counters(counters) for span, counters in days.items() if counters}

    async def count_kills_inside(
        self, covered: CoveredDeaths, spans: Collection[FactionSpan]
    ) -> Mapping[FactionSpan, int]:
        """Return the kills of players in a span by players in another of the same faction."""
        del covered

        def find(player_id: PlayerId, day: date) -> FactionSpan | None:
            found = (one for one in spans if one.player_id == player_id and one.first <= day <= one.last)
            return next(found, None)

        inside = Counter[FactionSpan]()
        for kill in self.kills:
            own, other = find(kill.killer_id, kill.day), find(kill.victim_id, kill.day)
            if own is not None and other is not None and own.faction_id == other.faction_id:
                inside[own] += 1
        return inside
