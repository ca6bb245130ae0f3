"""Changes of role rules: what is refused, what a preview shows, and what is saved."""

from dataclasses import dataclass, field, replace

import pytest

from tests.fakes.clock import START, FakeClock
from tests.fakes.factions import FakeFactionStore
from tests.fakes.links import FakeLinkStore
from tests.fakes.premium import FakePremiumStore
from tests.fakes.roles import FakeRoleEditing, FakeRoleStore, FakeRuleFigures, KnownRoles
from tests.fakes.server_loops import FakeNotifier
from tests.fakes.storage import FakeServerStore, build_server
from utils.errors import (
    AmbiguousError,
    DiscordAwayError,
    InvalidInputError,
    LimitReachedError,
    NotAllowedError,
    NotFoundError,
    PermissionMissingError,
    UserFacingError,
)
from utils.models.links import Link, LinkState
from utils.models.roles import (
    GrantState,
    RestReason,
    RoleFacts,
    RoleGrant,
    RoleId,
    RoleObstacle,
    RuleState,
    RuleTerms,
)
from utils.models.rule_plans import MemberFigures, RuleOutcome
from utils.models.scope import GuildId, MemberId, PlayerId
from utils.models.statistics import Board
from utils.services.guilds.audit import AuditLog
from utils.services.premium.tiers import PremiumService
from utils.services.roles.changes import RoleCaller, RoleRuleService
from utils.services.roles.looks import (
    COMPARE_EVERY,
    SNOWFLAKE_BITS,
    RoleLooks,
    find_next_comparison,
)
from utils.services.roles.naming import RuleNaming
from utils.tasks import TaskManager

GUILD = GuildId(42)
HUNTER, KING, OTHER = RoleId(10), RoleId(20), RoleId(30)
OWNER = RoleCaller(MemberId(9), (), may_manage_roles=True, is_owner=True)
PEOPLE = [MemberId(number) for number in range(1, 8)]
GIVEN = {"kills": 100}
TERMS = RuleTerms(role_id=HUNTER, kills=100)


@dataclass
class Hall:
    """A guild with three roles and seven linked members, whose kills a test sets."""

    tier: int = 3
    store: FakeRoleStore = field(default_factory=FakeRoleStore)
    links: FakeLinkStore = field(default_factory=FakeLinkStore)
    figures: FakeRuleFigures = field(default_factory=FakeRuleFigures)
    edits: FakeRoleEditing = field(default_factory=FakeRoleEditing)
    servers: FakeServerStore = field(default_factory=FakeServerStore)
    clock: FakeClock = field(default_factory=FakeClock)
    roles: KnownRoles = field(default_factory=KnownRoles)

    def __post_init__(self) -> None:
        """Open the hall."""
        self.factions = FakeFactionStore(self.links)
        for place, (role_id, name) in enumerate(((HUNTER, "Hunter"), (KING, "King"), (OTHER, "Other")), 1):
            self.roles.roles[role_id] = RoleFacts(role_id, name, place)
        for member_id in PEOPLE:
            player_id = PlayerId(f"player {member_id}")
            link = Link(GUILD, member_id, player_id, "Wolf", START, state=LinkState.PROVEN)
            self.links.links[GUILD, member_id, player_id] = link
            self.roles.members[member_id] = frozenset()
        self.servers.servers = {one.scope: one for one in [build_server("North", guild_id=GUILD)]}
        self.naming = RuleNaming(self.servers, self.factions)
        premium = PremiumService(FakePremiumStore(), default_tier=self.tier, clock=self.clock)
        self.looks = RoleLooks(
            self.store,
            self.links,
            self.figures,  # type: ignore[arg-type] # only what a look reads
            roles=self.roles,
            naming=self.naming,
            edits=self.edits,
            premium=premium,
            notifier=FakeNotifier(),
            tasks=TaskManager(self.clock),
            clock=self.clock,
        )
        self.service = RoleRuleService(
            self.store,
            self.looks,
            roles=self.roles,
            naming=self.naming,
            premium=premium,
            audit=AuditLog(self.store.audit, clock=self.clock),
            clock=self.clock,
        )

    async def add(self, **given: object) -> str:
        """Save a rule for 100 kills and more, and return its id."""
        plan = await self.service.plan_rule(GUILD, HUNTER, {**GIVEN, **given}, OWNER)
        await self.service.save(plan, OWNER)
        return plan.rule.rule_id


@pytest.fixture(name="hall")
def _hall() -> Hall:
    return Hall()


@pytest.mark.parametrize(
    ("obstacle", "error"),
    [
        (RoleObstacle.EVERYONE, InvalidInputError),
        (RoleObstacle.MANAGED, InvalidInputError),
        (RoleObstacle.DANGEROUS, InvalidInputError),
        (RoleObstacle.ABOVE, PermissionMissingError),
        (RoleObstacle.FORBIDDEN, PermissionMissingError),
    ],
)
async def test_role_that_may_not_be_given_is_refused(
    hall: Hall, obstacle: RoleObstacle, error: type[UserFacingError]
) -> None:
    """The refusal says what is in the way; it is checked again when the rule is saved."""
    plan = await hall.service.plan_rule(GUILD, HUNTER, GIVEN, OWNER)
    hall.roles.roles[HUNTER] = replace(hall.roles.roles[HUNTER], obstacle=obstacle)
    with pytest.raises(error) as refused:
        await hall.service.plan_rule(GUILD, HUNTER, GIVEN, OWNER)
    assert str(refused.value) == str(obstacle.describe())
    with pytest.raises(error):
        await hall.service.save(plan, OWNER)
    assert hall.store.rules == {}


@pytest.mark.parametrize(
    ("role_ids", "may_manage_roles", "is_owner", "is_allowed"),
    [
        ((), True, False, False),
        ((KING,), True, False, True),
        ((HUNTER,), True, False, False),
        ((KING,), False, False, False),
        ((), False, True, True),
    ],
)
async def test_caller_must_be_able_to_give_the_role_by_hand(
    hall: Hall, role_ids: tuple[RoleId, ...], *, may_manage_roles: bool, is_owner: bool, is_allowed: bool
) -> None:
    """Manage Roles and a role above, or the guild itself; the admin role of the bot is not enough."""
    caller = RoleCaller(MemberId(8), role_ids, may_manage_roles=may_manage_roles, is_owner=is_owner)
    if is_allowed:
        await hall.service.plan_rule(GUILD, HUNTER, GIVEN, caller)
        return
    with pytest.raises(NotAllowedError):
        await hall.service.plan_rule(GUILD, HUNTER, GIVEN, caller)


async def test_tier_limits_the_rules_and_the_newest_rest_after_it_fell(hall: Hall) -> None:
    """Ten rules at tier 3; without the tier all rest, and a role without its rule is not missed."""
    for number in range(10):
        await hall.add(kills=number + 1)
    with pytest.raises(LimitReachedError, match="allows 10 role rules"):
        await hall.service.plan_rule(GUILD, HUNTER, GIVEN, OWNER)
    one_more = replace(hall.store.rules[GUILD][0], rule_id="eleven", created_at=START.replace(year=2030))
    hall.store.rules[GUILD].append(one_more)
    assert [one.rests for one in await hall.service.list_reports(GUILD)] == [None] * 10 + [RestReason.LIMIT]
    poor = Hall(tier=2, store=hall.store)
    assert {one.rests for one in await poor.service.list_reports(GUILD)} == {RestReason.TIER}


async def test_preview_equals_what_then_happens(hall: Hall) -> None:
    """Each member is told apart: who gets, keeps, loses, lacks it, has it by hand, or left."""
    gets, keeps, loses, by_hand, withheld, lacks, left = PEOPLE
    enough = [gets, keeps, by_hand, withheld, left]
    hall.figures.of = {one: MemberFigures(kills=100 if one in enough else 0) for one in PEOPLE}
    hall.roles.members[by_hand] = frozenset({HUNTER})
    del hall.roles.members[left]
    states = {keeps: GrantState.GIVEN, loses: GrantState.GIVEN, withheld: GrantState.WITHHELD}
    grants = {(HUNTER, one): RoleGrant(HUNTER, one, state, START) for one, state in states.items()}
    hall.store.grants[GUILD] = grants
    for member_id in (keeps, loses):
        hall.roles.members[member_id] = frozenset({HUNTER})
    plan = await hall.service.plan_rule(GUILD, HUNTER, GIVEN, OWNER)
    assert {row.member_id: row.outcome for row in plan.rows} == {
        gets: RuleOutcome.GETS,
        keeps: RuleOutcome.KEEPS,
        loses: RuleOutcome.LOSES,
        by_hand: RuleOutcome.BY_HAND,
        withheld: RuleOutcome.WITHHELD,
        lacks: RuleOutcome.LACKS,
        left: RuleOutcome.LEFT,
    }
    assert hall.store.rules == {}
    await hall.service.save(plan, OWNER)
    for _ in range(2):
        await hall.looks.look(GUILD, now=hall.clock.now())
        hall.clock.move(300)
    assert hall.store.get_states(GUILD) == {
        (HUNTER, gets): "giving",
        (HUNTER, keeps): "given",
        (HUNTER, loses): "taking",
        (HUNTER, by_hand): "by_hand",
        (HUNTER, withheld): "withheld",
    }
    again = await hall.service.preview(GUILD, plan.rule.rule_id)
    assert again.list_members(RuleOutcome.KEEPS) == (gets, keeps)


@pytest.mark.parametrize("board", [Board.KILLS, Board.KD])
async def test_board_needs_a_place_and_goes_with_it(hall: Hall, board: Board) -> None:
    """A rule without a place has the first board, so that it shows no other one; it takes no other."""
    with pytest.raises(InvalidInputError, match="needs a place"):
        await hall.service.plan_rule(GUILD, HUNTER, {**GIVEN, "board": board}, OWNER)
    rule_id = await hall.add(board=board, rank=3)
    assert hall.store.rules[GUILD][0].terms == replace(TERMS, board=board, rank=3)
    with pytest.raises(InvalidInputError, match="needs a place"):
        await hall.service.plan_edit(GUILD, rule_id, {"rank": None, "board": board}, OWNER)
    plan = await hall.service.plan_edit(GUILD, rule_id, {"rank": None}, OWNER)
    assert plan.rule.terms == TERMS
    await hall.service.save(plan, OWNER)
    with pytest.raises(InvalidInputError, match="needs a place"):
        await hall.service.plan_edit(GUILD, rule_id, {"kills": 50, "board": board}, OWNER)


async def test_guilds_are_compared_at_different_times() -> None:
    """Within six hours from any moment, each guild has a time of its own."""
    guilds = [GuildId(number << SNOWFLAKE_BITS) for number in (1, 3_000, 20_000, 21_601)]
    times = [find_next_comparison(guild_id, START) for guild_id in guilds]
    assert all(START < one <= START + COMPARE_EVERY for one in times)
    assert (len(set(times)), times[0]) == (3, times[3])
    assert find_next_comparison(guilds[0], times[0]) == times[0] + COMPARE_EVERY


async def test_preview_of_a_first_place_says_whose_it_is(hall: Hall) -> None:
    """No member gets the role while the first of the board is not linked."""
    crown = {"rank": 1}
    hall.figures.of = {PEOPLE[0]: MemberFigures(place=2)}
    assert (await hall.service.plan_rule(GUILD, KING, crown, OWNER)).is_crown_unlinked
    hall.figures.of = {PEOPLE[0]: MemberFigures(place=1)}
    assert not (await hall.service.plan_rule(GUILD, KING, crown, OWNER)).is_crown_unlinked


async def test_edit_changes_what_is_given_and_loses_a_race(hall: Hall) -> None:
    """Terms that are left out stay; a rule that was changed or removed meanwhile is not saved."""
    await hall.add(ladder="  Ranks   of all ")
    changed = {"kills": None, "kd": 1.234, "role_id": KING}
    plan = await hall.service.plan_edit(GUILD, "Hunter", changed, OWNER)
    late = await hall.service.plan_edit(GUILD, plan.rule.rule_id, {"kills": 7}, OWNER)
    await hall.service.save(plan, OWNER)
    [stored] = hall.store.rules[GUILD]
    assert stored.terms == RuleTerms(role_id=KING, kd=1.23, ladder="ranks of all")
    with pytest.raises(NotFoundError, match="changed or removed"):
        await hall.service.save(late, OWNER)
    for typed, wish in ((stored.rule_id, {"kd": 1.23}), (stored.rule_id, {"ladder": "  "})):
        with pytest.raises(InvalidInputError):
            await hall.service.plan_edit(GUILD, typed, wish, OWNER)
    assert [action for _, action, _ in hall.store.audit.lines] == ["roles add", "roles edit"]


async def test_rule_is_found_by_its_role_and_removed_once(hall: Hall) -> None:
    """Two rules of one role are told apart by their words; the list says what is in the way."""
    first, second = await hall.add(), await hall.add(kills=200)
    with pytest.raises(AmbiguousError):
        await hall.service.find_rule(GUILD, "Hunter")
    rule = await hall.service.find_rule(GUILD, "Hunter · 200 kills or more · all game servers · All time")
    assert rule.rule_id == second
    with pytest.raises(NotFoundError, match="No role rule is called “nothing”"):
        await hall.service.find_rule(GUILD, "nothing")
    hall.store.rules[GUILD][0] = replace(hall.store.rules[GUILD][0], state=RuleState.OFF)
    hall.roles.roles[HUNTER] = replace(hall.roles.roles[HUNTER], obstacle=RoleObstacle.ABOVE)
    obstacles = {one.rule.rule_id: one.obstacle for one in await hall.service.list_reports(GUILD)}
    assert obstacles == {first: RoleObstacle.DELETED, second: RoleObstacle.ABOVE}
    await hall.service.remove(GUILD, rule, keeps_roles=True, actor_id=OWNER.member_id)
    with pytest.raises(NotFoundError):
        await hall.service.remove(GUILD, rule, keeps_roles=True, actor_id=OWNER.member_id)


async def test_nothing_is_promised_while_discord_does_not_show_the_guild(hall: Hall) -> None:
    """A preview without Discord would guess."""
    hall.roles.is_shown = False
    for attempt in (
        hall.service.plan_rule(GUILD, HUNTER, GIVEN, OWNER),
        hall.service.list_reports(GUILD),
        hall.looks.compare(GUILD),
    ):
        with pytest.raises(DiscordAwayError):
            await attempt


@pytest.mark.parametrize(
    ("keeps_roles", "is_shared", "obstacle", "said"),
    [
        (True, False, RoleObstacle.ABOVE, "Members keep the role <@&10>."),
        (True, True, None, "Members keep the role <@&10>."),
        (False, False, None, "I take the role <@&10> from everyone who has it from me."),
        (False, True, None, "I take the role <@&10> from everyone who has it by no other rule."),
        (
            False,
            False,
            RoleObstacle.ABOVE,
            f"I take the role <@&10> from everyone who has it from me. {RoleObstacle.ABOVE.describe()}",
        ),
        (False, False, RoleObstacle.DELETED, "That role was deleted."),
    ],
)
async def test_removal_says_what_becomes_of_the_role(
    hall: Hall, *, keeps_roles: bool, is_shared: bool, obstacle: RoleObstacle | None, said: str
) -> None:
    """Another rule of the role lets its members keep it, and an obstacle has to go before a role is taken."""
    await hall.add()
    if is_shared:
        await hall.add(kills=200)
    if obstacle is not None:
        hall.roles.roles[HUNTER] = replace(hall.roles.roles[HUNTER], obstacle=obstacle)
    if obstacle is RoleObstacle.DELETED:
        del hall.roles.roles[HUNTER]
    rule = hall.store.rules[GUILD][0]
    assert str(await hall.service.describe_removal(rule, keeps_roles=keeps_roles)) == said
    await hall.service.remove(GUILD, rule, keeps_roles=keeps_roles, actor_id=OWNER.member_id)
    assert str(await hall.service.describe_removal(rule, keeps_roles=keeps_roles)) == said
