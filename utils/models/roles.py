"""Role rules: which members hold a role of Discord, and what the bot did with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from utils.models.scope import GuildId, MemberId, ServerId
from utils.models.statistics import BOARD_CHOICES, SEASON_PERIOD_CHOICES, Board, Period
from utils.models.texts import Metres, Number, Text, Value, join, plural, text, text_in

RoleId = NewType("RoleId", int)
"""A role of a Discord guild (snowflake)."""

DEFAULT_KEEP = 10  # per cent
MOST_KEEP = 50
LADDER_CHARACTERS = 20
REASON_CHARACTERS = 512  # Discord's limit
_MOST_RULES: Mapping[int, int] = {3: 10, 4: 25}

RULE_PERIOD_CHOICES: Mapping[Period, Text] = {
    period: SEASON_PERIOD_CHOICES[period] for period in (Period.ALL, Period.WEEK, Period.MONTH, Period.SEASON)
}

RULE_BOARDS: Mapping[Board, Text] = {
    board: BOARD_CHOICES[board]
    for board in (Board.KILLS, Board.KD, Board.STREAK, Board.LONGEST, Board.XP, Board.BOUNTIES)
}
"""The boards on which a place can be a condition."""


_ALL_SERVERS = text("all game servers")
_REMOVED_SERVER = text("a removed game server")
DISBANDED_FACTION = text("a disbanded faction")


def find_most_rules(level: int) -> int:
    """Return how many rules a tier allows; the lower tiers allow none."""
    return _MOST_RULES.get(level, 0)


class RuleMatch(StrEnum):
    """How the conditions of a rule are joined."""

    ALL = "all"
    ANY = "any"


MATCH_CHOICES: Mapping[RuleMatch, Text] = {
    RuleMatch.ALL: text_in("a choice", "All conditions"),
    RuleMatch.ANY: text_in("a choice", "Any condition"),
}


class RuleState(StrEnum):
    """Whether a rule acts; it is off for good once its role is deleted."""

    ON = "on"
    OFF = "off"


class GrantState(StrEnum):
    """The state of one role of one member.

    ``waiting`` is a gain that is not due or not possible yet, or a role that was taken a moment ago.
    ``giving`` and ``taking`` are stored before the request, so its outcome may be unknown. ``by_hand``: the
    member has it from somebody else, and the bot never takes it. ``withheld``: somebody took it away.
    """

    WAITING = "waiting"
    GIVING = "giving"
    GIVEN = "given"
    TAKING = "taking"
    BY_HAND = "by_hand"
    WITHHELD = "withheld"


HELD = frozenset({GrantState.GIVING, GrantState.GIVEN})
"""The states of a role that a member has from the bot."""

UNDER_WAY = frozenset({GrantState.GIVING, GrantState.TAKING})
"""The states in which a request to Discord is to be made."""


class RoleObstacle(StrEnum):
    """Why the bot does not give or take a role."""

    EVERYONE = "everyone"
    MANAGED = "managed"
    DANGEROUS = "dangerous"
    ABOVE = "above"
    FORBIDDEN = "forbidden"
    DELETED = "deleted"

    def describe(self) -> Text:
        """Return what is in the way, and what to do."""
        return _OBSTACLES[self]


TAKEABLE = frozenset({None, RoleObstacle.DANGEROUS})
"""With these obstacles, and with none, the bot takes a role."""

_OBSTACLES: Mapping[RoleObstacle, Text] = {
    RoleObstacle.EVERYONE: text("Everyone has that role already. Choose another one."),
    RoleObstacle.MANAGED: text(
        "Discord, a bot or a subscription manages that role, so I can't give it. Choose another one."
    ),
    RoleObstacle.DANGEROUS: text(
        "That role can moderate or manage this Discord server, so I don't give it away by itself. Choose a "
        "role without such permissions."
    ),
    RoleObstacle.ABOVE: text(
        "That role isn't below my highest role. Move my role above it in the server settings."
    ),
    RoleObstacle.FORBIDDEN: text(
        "I need the permission Manage Roles. Give it to my role in the server settings."
    ),
    RoleObstacle.DELETED: text("That role was deleted."),
}


class RestReason(StrEnum):
    """Why a rule neither gives nor takes."""

    TIER = "tier"
    LIMIT = "limit"
    SERVER = "server"
    SEASON = "season"
    FACTION = "faction"

    def describe(self) -> Text:
        """Return the reason."""
        return _RESTS[self]


_RESTS: Mapping[RestReason, Text] = {
    RestReason.TIER: text("It rests until this Discord server has tier 3 again."),
    RestReason.LIMIT: text("It rests, because the tier allows fewer rules."),
    RestReason.SERVER: text("It rests, because its game server was removed."),
    RestReason.SEASON: text("It rests until a season runs."),
    RestReason.FACTION: text("It rests, because its faction was disbanded."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTerms:
    """The conditions of a rule, and what they cover. Each condition means "at least that much".

    Attributes:
        kd: kills for each death, two decimals; it needs the kills that the board needs.
        longest: metres.
        level: of all time, over all game servers.
        rank: the last place on ``board`` that is good enough.
        faction_id: the faction to which a member has to belong.
        server_id: None: all game servers, summed.
        keep: by how many per cent a figure may fall before the role is taken.
        ladder: of the rules with one ladder, a member holds the role that stands highest.
    """

    role_id: RoleId
    kills: int | None = None
    kd: float | None = None
    longest: int | None = None
    streak: int | None = None
    level: int | None = None
    rank: int | None = None
    board: Board = Board.KILLS
    faction_id: str | None = None
    match: RuleMatch = RuleMatch.ALL
    server_id: ServerId | None = None
    period: Period = Period.ALL
    keep: int = DEFAULT_KEEP
    ladder: str | None = None

    @property
    def is_crown(self) -> bool:
        """Tell whether only the first place is good enough."""
        return self.rank == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleRule:
    """A rule of a guild: who gets a role.

    Attributes:
        rule_id: the bot's own id.
        created_by: the member who made it.
    """

    guild_id: GuildId
    rule_id: str
    terms: RuleTerms
    state: RuleState = RuleState.ON
    created_by: MemberId
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RoleGrant:
    """One role of one member, as the bot has to remember it.

    Attributes:
        due_since: since when a gain or a loss is due; None while nothing is.
        changed_at: the time of the last change of the state.
        is_silent: the member may have been told of it, or of its loss, before a restore.
    """

    role_id: RoleId
    member_id: MemberId
    state: GrantState
    changed_at: datetime
    due_since: datetime | None = None
    is_silent: bool = False


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """A role as Discord shows it.

    Attributes:
        place: where it stands in the list; a higher number stands above.
        obstacle: why the bot may not give it; None if it may.
    """

    role_id: RoleId
    name: str
    place: int
    obstacle: RoleObstacle | None = None


@dataclass(frozen=True, slots=True)
class NamedTerms:
    """The terms of a rule, with the names of what they are about.

    Attributes:
        server_name: None for all servers, or a removed one.
        faction_name: None without a faction, or for a disbanded one.
    """

    terms: RuleTerms
    server_name: str | None = None
    faction_name: str | None = None

    def describe(self) -> Text:
        """Return a rule in words, without its role."""
        terms, conditions = self.terms, list_conditions(self.terms, self.faction_name)
        where: Value = self.server_name or _ALL_SERVERS
        if self.server_name is None and terms.server_id is not None:
            where = _REMOVED_SERVER
        facts: list[Value] = [*conditions, where, RULE_PERIOD_CHOICES[terms.period]]
        if len(conditions) > 1:
            facts.insert(0, MATCH_CHOICES[terms.match])
        if terms.keep != DEFAULT_KEEP and conditions:
            facts.append(text("margin {keep} %", keep=Number(terms.keep)))
        if terms.ladder is not None:
            facts.append(text("ladder {name}", name=terms.ladder))
        return join(facts, " · ")


def list_conditions(terms: RuleTerms, faction_name: str | None) -> tuple[Text, ...]:
    """Return each condition in words; a rule without one is about every linked member."""
    found: list[Text] = []
    if terms.kills is not None:
        found.append(plural("{count} kill or more", "{count} kills or more", terms.kills))
    if terms.kd is not None:
        found.append(text("K/D of {ratio} or more", ratio=Number(terms.kd, 2)))
    if terms.longest is not None:
        found.append(text("a kill from {distance} or more", distance=Metres(terms.longest)))
    if terms.streak is not None:
        found.append(text("a streak of {number} or more", number=Number(terms.streak)))
    if terms.level is not None:
        found.append(text("level {number} or more", number=Number(terms.level)))
    if terms.rank is not None:
        board = RULE_BOARDS[terms.board]
        found.append(text("place {place} or better ({board})", place=Number(terms.rank), board=board))
    if terms.faction_id is not None:
        found.append(text("membership in {faction}", faction=faction_name or DISBANDED_FACTION))
    return tuple(found) or (text("every member with a linked player"),)
