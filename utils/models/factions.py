"""Factions: groups of members of one guild, and the times in which members belonged to them.

A faction has one leader as long as it is active. Days of membership are dates in UTC, and each game server
counts such a date in its own calendar, as all figures over several servers do.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from utils.models.players import Counters
from utils.models.scope import GuildId, MemberId, PlayerId
from utils.models.texts import Text, text_in

MOST_MEMBERS = 25
MOST_OFFICERS = 5
MOST_FACTIONS = 50  # active ones of a guild
MOST_INVITATIONS = 25  # open ones of a faction
INVITATION_TIME = timedelta(hours=72)
FOUNDING_PAUSE = timedelta(days=7)  # between two foundings by one member
JOINING_PAUSE = timedelta(hours=24)  # between leaving a faction and joining another
EDIT_PAUSE = timedelta(days=7)
NAME_PAUSE = timedelta(days=30)  # until the name and the tag of a disbanded faction are free
KEPT_DISBANDED = timedelta(days=90)


class FactionRank(StrEnum):
    """The rank of a member; an active faction has exactly one leader."""

    MEMBER = "member"
    OFFICER = "officer"
    LEADER = "leader"

    @property
    def may_invite(self) -> bool:
        """Tell whether the rank may invite members, and take back an invitation."""
        return self is not FactionRank.MEMBER

    def may_kick(self, other: "FactionRank") -> bool:
        """Tell whether the rank may kick a member of another rank."""
        return self.may_invite and (other is FactionRank.MEMBER or self is FactionRank.LEADER)


RANK_CHOICES: Mapping[FactionRank, Text] = {
    FactionRank.MEMBER: text_in("a choice", "Member"),
    FactionRank.OFFICER: text_in("a choice", "Officer"),
    FactionRank.LEADER: text_in("a choice", "Leader"),
}
"""The names of ranks in lists of choices."""


class FactionAction(StrEnum):
    """The actions of an admin on a faction."""

    RENAME = "rename"
    DISBAND = "disband"
    LEADER = "leader"


ACTION_CHOICES: Mapping[FactionAction, Text] = {
    FactionAction.RENAME: text_in("a choice", "Rename"),
    FactionAction.DISBAND: text_in("a choice", "Disband"),
    FactionAction.LEADER: text_in("a choice", "New leader"),
}
"""The names of these actions in lists of choices."""


@dataclass(frozen=True, slots=True)
class Faction:
    """A faction of a guild.

    Attributes:
        name_key: what its name must not share with another one (``services/factions/names.py``).
        is_open: members may join without an invitation.
        edited_at: when its leader edited it last.
        disbanded_at: None while it is active.
    """

    guild_id: GuildId
    faction_id: str
    name: str
    name_key: str
    tag: str
    is_open: bool
    founded_at: datetime
    edited_at: datetime | None = None
    disbanded_at: datetime | None = None

    def list_settings(self) -> dict[str, str | bool]:
        """Return what its leader may edit, by name."""
        return {"name": self.name, "tag": self.tag, "is_open": self.is_open}

    def holds_name(self, now: datetime) -> bool:
        """Tell whether no other faction may take its name and its tag."""
        return self.disbanded_at is None or now < self.disbanded_at + NAME_PAUSE


@dataclass(frozen=True, slots=True)
class FactionMark:
    """The faction of a player's member, as their proven link has it."""

    faction_id: str
    tag: str


@dataclass(frozen=True, slots=True)
class FactionPeriod:
    """The time of a member in a faction.

    Attributes:
        rank: the present one, or the last one.
        joined_at: the moment (UTC) of joining; it ranks the members of a faction by age.
        left_at: the moment of leaving; None while the member belongs to it.
        is_founder: the member founded the faction when the period began.
    """

    faction_id: str
    member_id: MemberId
    joined_at: datetime
    rank: FactionRank = FactionRank.MEMBER
    left_at: datetime | None = None
    is_founder: bool = False

    @property
    def is_current(self) -> bool:
        """Tell whether the member belongs to the faction."""
        return self.left_at is None

    @property
    def joined_day(self) -> date:
        """The first day of membership."""
        return self.joined_at.astimezone(UTC).date()

    def find_last_day(self) -> date | None:
        """Return the last day that counts; None while the member belongs to it.

        A day counts for the faction in which a member is at its end, so the day of leaving does not count.
        """
        return None if self.left_at is None else self.left_at.astimezone(UTC).date() - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class FactionInvitation:
    """An invitation to a faction, which is checked when the member joins."""

    faction_id: str
    member_id: MemberId
    expires_at: datetime

    def is_open(self, now: datetime) -> bool:
        """Tell whether it may still be used."""
        return now < self.expires_at


@dataclass(frozen=True, slots=True)
class EndedMembership:
    """The result of the end of a membership.

    Attributes:
        successor_id: the member who leads the faction now, if the leader went.
        is_disbanded: the last member went.
    """

    faction: Faction
    successor_id: MemberId | None = None
    is_disbanded: bool = False


@dataclass(frozen=True, slots=True)
class FactionMembers:
    """An active faction with its present members: the leader, officers, then members, each by age."""

    faction: Faction
    members: tuple[FactionPeriod, ...]

    @property
    def leader_id(self) -> MemberId | None:
        """The member who leads it; None only if an erasure is under way."""
        leaders = (one.member_id for one in self.members if one.rank is FactionRank.LEADER)
        return next(leaders, None)

    def find(self, member_id: MemberId) -> FactionPeriod | None:
        """Return the period of a present member."""
        return next((one for one in self.members if one.member_id == member_id), None)


@dataclass(frozen=True, slots=True)
class FactionSpan:
    """Days (both included) in which a member's player counts for a faction."""

    faction_id: str
    member_id: MemberId
    player_id: PlayerId
    first: date
    last: date

    @property
    def key(self) -> tuple[str, MemberId]:
        """The faction and the member."""
        return self.faction_id, self.member_id


@dataclass(frozen=True, slots=True)
class FactionFigures:
    """A faction with its figures.

    Attributes:
        counters: the sums of its members, without kills inside the faction.
        by_member: those of each member, former ones included.
        place: its place among the factions with a kill; None without one.
        places: the number of factions with a kill.
    """

    shown: FactionMembers
    counters: Counters
    by_member: Mapping[MemberId, Counters]
    place: int | None = None
    places: int = 0


@dataclass(frozen=True, slots=True)
class FactionRow:
    """One line of the board of factions, as it is shown and as the results of a season keep it."""

    rank: int
    faction_id: str
    name: str
    tag: str
    kills: int


def list_rows(ranked: Iterable[FactionFigures]) -> tuple[FactionRow, ...]:
    """Return the board of factions; one without a place is not on it."""
    placed = [(one.place, one.shown.faction, one.counters.kills) for one in ranked]
    return tuple(
        FactionRow(place, faction.faction_id, faction.name, faction.tag, kills)
        for place, faction, kills in placed
        if place is not None
    )


def sort_members(periods: Iterable[FactionPeriod]) -> tuple[FactionPeriod, ...]:
    """Return members by rank and then by age; equal ages are ordered by their ids."""
    ranks = tuple(reversed(FactionRank))
    return tuple(sorted(periods, key=lambda one: (ranks.index(one.rank), one.joined_at, one.member_id)))


def choose_successor(left: Sequence[FactionPeriod]) -> FactionPeriod | None:
    """Return the officer, else the member, who is longest in a faction whose leader went.

    None if a leader is left, or nobody.
    """
    ranked = sort_members(left)
    return None if not ranked or ranked[0].rank is FactionRank.LEADER else ranked[0]


def begin_period(former: Iterable[FactionPeriod], wanted: FactionPeriod) -> FactionPeriod:
    """Return the period with which a member begins: on the day of leaving, the one that just ended.

    ``former`` are the member's earlier periods in that faction.
    """
    for one in former:
        if one.left_at is not None and one.left_at.astimezone(UTC).date() == wanted.joined_day:
            return replace(one, left_at=None, rank=wanted.rank)
    return wanted
