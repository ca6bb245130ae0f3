"""Plans and reports of role rules: what a rule means for each member, as it is shown."""

from dataclasses import dataclass
from enum import Enum, auto

from utils.models.roles import NamedTerms, RestReason, RoleId, RoleObstacle, RoleRule
from utils.models.scope import MemberId
from utils.models.statistics import KD_MINIMUM_KILLS, Period
from utils.models.texts import Text


@dataclass(frozen=True, slots=True)
class MemberFigures:
    """The figures of a member for one rule, summed over their linked players.

    Attributes:
        longest: metres.
        level: of all time, over all game servers.
        place: the best place of their players on the rule's board; None without one.
        faction_id: their faction now; None without one.
    """

    kills: int = 0
    deaths: int = 0
    longest: int = 0
    streak: int = 0
    level: int = 0
    place: int | None = None
    faction_id: str | None = None

    @property
    def ratio(self) -> float | None:
        """Kills for each death, two decimals; None with fewer kills than the board needs."""
        if self.kills < KD_MINIMUM_KILLS:
            return None
        return round(self.kills / max(self.deaths, 1), 2)


class RuleOutcome(Enum):
    """The meaning of a rule for a member."""

    GETS = auto()
    KEEPS = auto()
    LOSES = auto()
    WAITS = auto()
    BY_HAND = auto()
    WITHHELD = auto()
    LACKS = auto()
    LEFT = auto()


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A member in the preview of a rule: their figures, and what the rule means for them."""

    member_id: MemberId
    figures: MemberFigures
    outcome: RuleOutcome


@dataclass(frozen=True, slots=True)
class NextRole:
    """A role that a member does not hold yet.

    Attributes:
        lacking: the one condition that decides.
        where: the name of the game server that counts; None for all.
        period: the days that count; None for all time.
    """

    role_id: RoleId
    lacking: Text
    where: str | None = None
    period: Period | None = None


@dataclass(frozen=True, slots=True)
class MemberRoles:
    """The roles of a member.

    Attributes:
        held: those that rules gave.
        following: the one that a rule would give next; None without one.
    """

    held: tuple[RoleId, ...] = ()
    following: NextRole | None = None


@dataclass(frozen=True, slots=True)
class RulePlan:
    """A rule as it would be saved.

    Attributes:
        named: its terms with their names.
        before: the stored rule, and ``before_named`` its terms; None for a new one.
        rows: every linked member, and those who have the role by a rule.
        is_crown_unlinked: nobody gets the role of the first place, because its player is not linked.
        obstacle: why the role cannot be given now.
        rests: why the rule does nothing now.
    """

    rule: RoleRule
    named: NamedTerms
    before: RoleRule | None
    before_named: NamedTerms | None
    rows: tuple[RuleRow, ...]
    is_crown_unlinked: bool = False
    obstacle: RoleObstacle | None = None
    rests: RestReason | None = None

    def list_members(self, *outcomes: RuleOutcome) -> tuple[MemberId, ...]:
        """Return the members with one of these outcomes."""
        return tuple(row.member_id for row in self.rows if row.outcome in outcomes)


@dataclass(frozen=True, slots=True)
class RuleReport:
    """A rule as it is listed.

    Attributes:
        holders: how many members have its role from the bot.
        waiting: how many changes of the role are not made yet.
    """

    rule: RoleRule
    named: NamedTerms
    holders: int
    waiting: int
    obstacle: RoleObstacle | None
    rests: RestReason | None
