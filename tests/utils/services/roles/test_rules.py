"""Decisions about roles: each condition at its edges, margin, dwell, ladders, and what others did."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.models.roles import GrantState, RestReason, RoleGrant, RoleId, RoleRule, RuleMatch, RuleTerms
from utils.models.rule_plans import MemberFigures
from utils.models.scope import GuildId, MemberId
from utils.services.roles.conditions import compute_last_place, is_met
from utils.services.roles.rules import (
    DWELL,
    GuildFacts,
    Key,
    RuleFigures,
    decide_all,
    list_asked,
)

NOW = datetime(2025, 4, 30, 12, tzinfo=UTC)
ANNA, BERT = MemberId(1), MemberId(2)
HUNTER, KING, VETERAN = RoleId(10), RoleId(20), RoleId(30)
ORDER = {HUNTER: 1, VETERAN: 2, KING: 3}


def build_rule(role_id: RoleId = HUNTER, **terms: object) -> RoleRule:
    """Return a rule about a role."""
    built = RuleTerms(role_id=role_id, **terms)  # type: ignore[arg-type] # names of terms
    rule_id = f"{role_id}-{sorted(terms)}"
    return RoleRule(guild_id=GuildId(42), rule_id=rule_id, terms=built, created_by=ANNA, created_at=NOW)


class Community:
    """The grants of a guild over several looks; requests to Discord succeed when a test says so."""

    def __init__(self, *rules: RoleRule) -> None:
        self.rules = [RuleFigures(rule) for rule in rules]
        self.grants: dict[Key, RoleGrant] = {}
        self.roles: dict[MemberId, set[RoleId]] = {ANNA: set(), BERT: set()}
        self.members = [ANNA, BERT]
        self.closed: set[RoleId] = set()
        self.now = NOW

    def set_figures(self, **figures: Mapping[MemberId, MemberFigures]) -> None:
        """Give all rules the same figures of the members."""
        of_all = {**dict.fromkeys(self.members, MemberFigures()), **figures["of"]}
        self.rules = [replace(one, figures=of_all) for one in self.rules]

    def look(self, minutes: float = 0, *, is_asked: bool = True) -> dict[Key, GrantState | None]:
        """Look some minutes later, and return the changes."""
        self.now += timedelta(minutes=minutes)
        answers = {member: frozenset(roles) for member, roles in self.roles.items()} if is_asked else {}
        facts = GuildFacts(
            rules=self.rules,
            members=self.members,
            grants=self.grants,
            answers=answers,
            order=ORDER,
            closed=self.closed,
            now=self.now,
        )
        changed = decide_all(facts)
        for key, grant in changed.items():
            self.grants.pop(key, None)
            self.grants |= {} if grant is None else {key: grant}
        return {key: None if grant is None else grant.state for key, grant in changed.items()}

    def carry_out(self) -> None:
        """Let every request to Discord succeed."""
        for key, grant in tuple(self.grants.items()):
            role_id, member_id = key
            if grant.state is GrantState.GIVING:
                self.roles[member_id].add(role_id)
                self.grants[key] = replace(grant, state=GrantState.GIVEN, changed_at=self.now)
            elif grant.state is GrantState.TAKING:
                self.roles[member_id].discard(role_id)
                self.grants[key] = replace(grant, state=GrantState.WAITING, changed_at=self.now)


@pytest.mark.parametrize(
    ("terms", "edge"),
    [
        ({"kills": 100}, [{"kills": 99}, {"kills": 100}, {"kills": 101}]),
        ({"longest": 300}, [{"longest": 299}, {"longest": 300}, {"longest": 301}]),
        ({"streak": 5}, [{"streak": 4}, {"streak": 5}, {"streak": 6}]),
        (
            {"kd": 2.35},
            [{"kills": 234, "deaths": 100}, {"kills": 235, "deaths": 100}, {"kills": 236, "deaths": 100}],
        ),
        ({"kd": 0.5}, [{"kills": 9, "deaths": 1}, {"kills": 10, "deaths": 20}, {"kills": 11, "deaths": 1}]),
        ({"level": 5}, [{"level": 4}, {"level": 5}, {"level": 6}]),
        ({"rank": 3}, [{"place": 4}, {"place": 3}, {"place": 2}]),
        ({"rank": 1}, [{"place": None}, {"place": 1}, {"place": 1}]),
        ({"faction_id": "f1"}, [{"faction_id": "f2"}, {"faction_id": "f1"}, {"faction_id": "f1"}]),
    ],
)
def test_condition_is_met_from_its_value_on(terms: dict[str, object], edge: list[dict[str, int]]) -> None:
    """Each condition means "at least that much", a place "at most"; K/D needs the kills of the board."""
    rule = build_rule(**terms)
    met = [is_met(rule.terms, MemberFigures(**figures), holds=False) for figures in edge]
    assert met == [False, True, True]


def test_conditions_are_joined_by_all_or_any() -> None:
    """All must be met, or one of them; a rule without a condition is about every linked member."""
    good, poor = MemberFigures(kills=100, streak=1), MemberFigures(kills=99, streak=4)
    both = build_rule(kills=100, streak=5).terms
    either = replace(both, match=RuleMatch.ANY)
    assert [is_met(both, one, holds=False) for one in (good, poor)] == [False, False]
    assert [is_met(either, one, holds=False) for one in (good, poor)] == [True, False]
    assert is_met(build_rule(match=RuleMatch.ANY).terms, MemberFigures(), holds=False)


def test_margin_keeps_a_role_a_little_below_its_value() -> None:
    """The floor is rounded down, K/D to two decimals; a place may fall, except the first."""
    terms = build_rule(kills=15, keep=10).terms
    assert [is_met(terms, MemberFigures(kills=kills), holds=True) for kills in (12, 13)] == [False, True]
    ratio = build_rule(kd=1.25, keep=10).terms
    kept = [is_met(ratio, MemberFigures(kills=kills, deaths=100), holds=True) for kills in (111, 112)]
    assert kept == [False, True]
    assert [compute_last_place(rank, 10) for rank in (1, 3, 10, 11, 100)] == [1, 4, 11, 13, 110]
    assert compute_last_place(10, 0) == 10
    level = build_rule(level=10).terms
    assert [is_met(level, MemberFigures(level=one), holds=True) for one in (9, 10)] == [False, True]
    faction = build_rule(faction_id="f1", keep=50).terms
    assert not is_met(faction, MemberFigures(faction_id="f2"), holds=True)


def test_gain_comes_at_once_and_a_loss_is_seen_twice() -> None:
    """The second look agrees at least five minutes after the first; a look in between changes nothing."""
    community = Community(build_rule(kills=100))
    community.set_figures(of={ANNA: MemberFigures(kills=100)})
    assert community.look() == {(HUNTER, ANNA): GrantState.GIVING}
    community.carry_out()
    assert community.look(1) == {}
    community.set_figures(of={ANNA: MemberFigures(kills=89)})
    assert community.look(1) == {(HUNTER, ANNA): GrantState.GIVEN}  # due from now on
    assert community.look(4) == {}
    assert community.look(1) == {(HUNTER, ANNA): GrantState.TAKING}
    community.carry_out()
    assert (community.roles[ANNA], community.look(1)) == (set(), {})
    assert community.look(4) == {(HUNTER, ANNA): None}


def test_loss_that_was_seen_once_is_forgotten_when_the_next_look_disagrees() -> None:
    """The figure is back within the margin, so the five minutes begin again later."""
    community = Community(build_rule(kills=100))
    for minutes, kills in ((0, 100), (1, 80), (3, 95), (3, 80), (4, 80)):
        community.set_figures(of={ANNA: MemberFigures(kills=kills)})
        community.look(minutes)
        community.carry_out()
    assert community.roles[ANNA] == {HUNTER}


@given(
    st.lists(st.tuples(st.integers(0, 130), st.integers(1, 6), st.floats(0.2, 4)), min_size=1, max_size=60)
)
def test_random_walk_changes_a_role_at_most_once_in_five_minutes(
    walk: list[tuple[int, int, float]],
) -> None:
    """Changes are five minutes apart for all figures, and inside the margin there is none."""
    community = Community(build_rule(kills=100), build_rule(KING, rank=2))
    changes: dict[RoleId, list[datetime]] = {HUNTER: [], KING: []}
    for kills, place, minutes in walk:
        before = set(community.roles[ANNA])
        community.set_figures(of={ANNA: MemberFigures(kills=kills, place=place)})
        community.look(minutes)
        community.carry_out()
        for role_id in before ^ community.roles[ANNA]:
            changes[role_id].append(community.now)
            assert place != 3 if role_id is KING else not 90 <= kills < 100
    for times in changes.values():
        assert all(later - earlier >= DWELL for earlier, later in pairwise(times))


def test_first_place_moves_from_the_old_holder_to_the_new_one() -> None:
    """A gain by a place waits like a loss, and the old holder loses the role first."""
    community = Community(build_rule(KING, rank=1))
    community.set_figures(of={ANNA: MemberFigures(place=1), BERT: MemberFigures(place=2)})
    assert community.look() == {(KING, ANNA): GrantState.WAITING}
    assert community.look(5) == {(KING, ANNA): GrantState.GIVING}
    community.carry_out()
    community.set_figures(of={ANNA: MemberFigures(place=2), BERT: MemberFigures(place=1)})
    assert community.look(1) == {(KING, ANNA): GrantState.GIVEN, (KING, BERT): GrantState.WAITING}
    community.grants[KING, BERT] = replace(
        community.grants[KING, BERT], due_since=NOW, changed_at=NOW
    )  # was seen long before
    assert community.look(1) == {}
    assert community.look(4) == {(KING, ANNA): GrantState.TAKING, (KING, BERT): GrantState.GIVING}


def test_stale_figures_and_a_rule_that_rests_take_nothing_away() -> None:
    """They count as met for the members who hold the role; stale figures still give."""
    community = Community(build_rule(kills=100))
    community.set_figures(of={ANNA: MemberFigures(kills=100)})
    community.look()
    community.carry_out()
    fallen = {ANNA: MemberFigures(), BERT: MemberFigures(kills=100)}
    [one] = community.rules
    community.rules = [replace(one, figures=fallen, is_stale=True)]
    assert community.look(10) == {(HUNTER, BERT): GrantState.GIVING}
    community.carry_out()
    community.rules = [replace(one, figures={}, rests=RestReason.TIER)]
    assert (community.look(10), community.look(10)) == ({}, {})
    community.members = [BERT]  # Anna has no linked player any more
    assert community.look() == {(HUNTER, ANNA): GrantState.TAKING}


def test_new_first_waits_while_stale_figures_keep_the_old_one() -> None:
    """There is never a second holder: the old one loses the role first, when the figures are fresh again."""
    community = Community(build_rule(KING, rank=1))
    community.set_figures(of={ANNA: MemberFigures(place=1)})
    for minutes in (0, 5):
        community.look(minutes)
    community.carry_out()
    [one] = community.rules
    overtaken = replace(one, figures={ANNA: MemberFigures(place=2), BERT: MemberFigures(place=1)})
    community.rules = [replace(overtaken, is_stale=True)]
    for _ in range(3):
        community.look(5)
        community.carry_out()
    assert community.roles == {ANNA: {KING}, BERT: set()}
    community.rules = [overtaken]
    for _ in range(3):
        community.look(5)
        community.carry_out()
    assert community.roles == {ANNA: set(), BERT: {KING}}
    community.rules = [
        replace(one, figures=dict.fromkeys((ANNA, BERT), MemberFigures(place=1)), is_stale=True)
    ]
    for _ in range(3):
        community.look(5)
        community.carry_out()
    assert community.roles == {ANNA: {KING}, BERT: {KING}}  # both are first


def test_ladder_leaves_the_highest_role_alone() -> None:
    """A member holds the highest role in Discord's list among the rules with one ladder."""
    community = Community(
        build_rule(VETERAN, kills=100, ladder="rank"),
        build_rule(HUNTER, kills=10, ladder="rank"),
        build_rule(KING, streak=3),
    )
    community.set_figures(of={ANNA: MemberFigures(kills=10, streak=3)})
    community.look()
    community.carry_out()
    assert community.roles[ANNA] == {HUNTER, KING}
    community.set_figures(of={ANNA: MemberFigures(kills=100, streak=3)})
    for _ in range(2):
        community.look(5)
        community.carry_out()
    assert community.roles[ANNA] == {VETERAN, KING}


def test_role_of_two_rules_is_held_while_either_wants_it() -> None:
    """A place alone makes a gain slow; another condition that is met makes it quick."""
    community = Community(build_rule(kills=100), build_rule(rank=3))
    community.set_figures(of={ANNA: MemberFigures(kills=1, place=3)})
    assert community.look() == {(HUNTER, ANNA): GrantState.WAITING}
    community.set_figures(of={ANNA: MemberFigures(kills=100, place=3)})
    assert community.look(1) == {(HUNTER, ANNA): GrantState.GIVING}
    community.carry_out()
    community.set_figures(of={ANNA: MemberFigures(kills=1, place=4)})  # within the margin of the place
    assert (community.look(1), community.look(6)) == ({}, {})


def test_role_from_a_moderator_is_never_taken() -> None:
    """A member who has it without the bot keeps it; nothing is remembered once no rule wants it."""
    community = Community(build_rule(kills=100))
    community.roles[ANNA] = {HUNTER}
    community.set_figures(of={ANNA: MemberFigures(kills=100)})
    assert community.look() == {(HUNTER, ANNA): GrantState.BY_HAND}
    community.set_figures(of={})
    assert community.look(10) == {(HUNTER, ANNA): None}
    assert community.roles[ANNA] == {HUNTER}


def test_role_that_a_moderator_took_stays_away_until_the_condition_has_failed_once() -> None:
    """The bot does not fight a moderator; one who gives it back makes it a role by hand."""
    community = Community(build_rule(kills=100))
    community.set_figures(of={ANNA: MemberFigures(kills=100), BERT: MemberFigures(kills=100)})
    community.look()
    community.carry_out()
    community.roles = {ANNA: set(), BERT: set()}
    withheld = {(HUNTER, ANNA): GrantState.WITHHELD, (HUNTER, BERT): GrantState.WITHHELD}
    assert (community.look(1), community.look(10)) == (withheld, {})
    community.roles[BERT] = {HUNTER}
    community.set_figures(of={ANNA: MemberFigures(kills=99), BERT: MemberFigures(kills=100)})
    assert community.look(1) == {(HUNTER, ANNA): None, (HUNTER, BERT): GrantState.BY_HAND}
    community.set_figures(of={ANNA: MemberFigures(kills=100), BERT: MemberFigures(kills=100)})
    assert community.look(1) == {(HUNTER, ANNA): GrantState.GIVING}


def test_role_that_cannot_be_given_waits() -> None:
    """The bot asks for no member while it cannot give or take a role, and goes on afterwards."""
    community = Community(build_rule(kills=100))
    community.closed = {HUNTER}
    community.set_figures(of={ANNA: MemberFigures(kills=100)})
    assert (community.look(), community.look(10)) == ({(HUNTER, ANNA): GrantState.WAITING}, {})
    community.closed = set()
    assert community.look(1) == {(HUNTER, ANNA): GrantState.GIVING}
    community.carry_out()
    community.closed = {HUNTER}
    community.set_figures(of={})
    assert (community.look(1), community.look(10)) == ({(HUNTER, ANNA): GrantState.GIVEN}, {})


def test_members_are_asked_for_before_their_first_edit_alone() -> None:
    """Only a member who would get a role is asked for; a member who left has no grants."""
    community = Community(build_rule(kills=100))
    community.set_figures(of={ANNA: MemberFigures(kills=100)})
    facts = GuildFacts(
        rules=community.rules,
        members=[ANNA, BERT],
        grants={},
        answers={},
        order=ORDER,
        closed=(),
        now=NOW,
    )
    assert list_asked(facts, decide_all(facts)) == {ANNA}
    given = RoleGrant(HUNTER, ANNA, GrantState.GIVEN, NOW)
    for known in (replace(facts, grants={(HUNTER, ANNA): given}), replace(facts, answers={ANNA: None})):
        assert list_asked(known, decide_all(known)) == frozenset()
    gone = replace(facts, answers={ANNA: None}, grants={(HUNTER, ANNA): given})
    assert decide_all(gone) == {(HUNTER, ANNA): None}
