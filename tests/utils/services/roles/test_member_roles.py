"""The next role of a member: which rule it is, and the one condition that is named."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.models.roles import RestReason, RoleId, RoleRule, RuleMatch, RuleTerms
from utils.models.rule_plans import MemberFigures
from utils.models.scope import GuildId, MemberId
from utils.models.statistics import Board
from utils.services.roles.conditions import find_met, is_met
from utils.services.roles.member_roles import choose_lack, choose_next, list_lacks
from utils.services.roles.rules import GuildFacts, RuleFigures

NOW = datetime(2025, 4, 30, 12, tzinfo=UTC)
ANNA = MemberId(1)
HUNTER, VETERAN, KING = RoleId(10), RoleId(20), RoleId(30)
ORDER = {HUNTER: 1, VETERAN: 2, KING: 3}
HALF = MemberFigures(kills=50, deaths=50, longest=150, streak=3, level=4, place=8, faction_id="f2")


def build_facts(*terms: RuleTerms, figures: MemberFigures = HALF) -> GuildFacts:
    """Return the facts of a guild with these rules, and one member."""
    rules = [
        RoleRule(guild_id=GuildId(42), rule_id=str(number), terms=one, created_by=ANNA, created_at=NOW)
        for number, one in enumerate(terms)
    ]
    return GuildFacts(
        rules=[RuleFigures(rule, {ANNA: figures}) for rule in rules],
        members=[ANNA],
        grants={},
        answers={},
        order=ORDER,
        closed=(),
        now=NOW,
    )


def name_next(facts: GuildFacts, *owned: RoleId) -> tuple[RoleId, str] | None:
    """Return the next role, and what lacks for it."""
    found = choose_next(ANNA, facts, owned)
    return None if found is None else (found[0].role_id, str(found[1].describe("Wolves")))


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"kills": 62}, "12 more kills"),
        ({"kills": 51}, "1 more kill"),
        ({"kd": 1.01}, "K/D of 1.01 or more"),
        ({"longest": 300}, "a kill from 300\u00a0m or more"),
        ({"streak": 5}, "a streak of 5 or more"),
        ({"level": 5}, "level 5 or more"),
        ({"rank": 7, "board": Board.XP}, "place 7 or better (XP and levels)"),
        ({"faction_id": "f1", "kills": 100}, "membership in Wolves"),
        ({"faction_id": "f2", "kills": 100}, "50 more kills"),
        ({"kills": 100, "longest": 300, "streak": 30}, "a streak of 30 or more"),
        ({"kills": 100, "longest": 200, "match": RuleMatch.ANY}, "a kill from 200\u00a0m or more"),
    ],
)
def test_condition_that_decides_is_named(terms: dict[str, object], words: str) -> None:
    """The furthest one decides; if any is enough, the nearest one does."""
    rule = RuleTerms(role_id=HUNTER, **terms)  # type: ignore[arg-type] # names of terms
    assert name_next(build_facts(rule)) == (HUNTER, words)


def test_ratio_without_enough_kills_lacks_kills() -> None:
    """A K/D counts from the kills on that the board needs; a place below the last one that counts is none."""
    few = MemberFigures(kills=7, deaths=1, place=None)
    assert name_next(build_facts(RuleTerms(role_id=HUNTER, kd=2), figures=few)) == (HUNTER, "3 more kills")
    ranked = RuleTerms(role_id=HUNTER, rank=1)
    assert name_next(build_facts(ranked, figures=few)) == (HUNTER, "place 1 or better (Kills)")


def test_nearest_role_is_next() -> None:
    """Roles that they have or are about to get are passed over, and those that no member can get now."""
    near, far = RuleTerms(role_id=HUNTER, kills=60), RuleTerms(role_id=KING, kills=100)
    met = RuleTerms(role_id=VETERAN, kills=50)
    facts = build_facts(far, near, met)
    assert name_next(facts) == (HUNTER, "10 more kills")
    assert name_next(facts, HUNTER) == (KING, "50 more kills")
    assert name_next(facts, HUNTER, KING) is None
    assert name_next(replace(facts, closed={HUNTER})) == (KING, "50 more kills")
    assert name_next(replace(facts, unsafe={HUNTER, KING})) is None
    resting = [replace(one, rests=RestReason.TIER) for one in facts.rules]
    assert name_next(replace(facts, rules=resting)) is None


def test_step_below_the_present_one_of_a_ladder_is_not_next() -> None:
    """A member never gets the lower role back as long as the higher one is theirs."""
    high, low = (
        RuleTerms(role_id=VETERAN, kills=50, ladder="steps"),
        RuleTerms(role_id=HUNTER, streak=4, ladder="steps"),
    )
    assert name_next(build_facts(high, low)) is None
    assert name_next(build_facts(replace(high, kills=500), low)) == (HUNTER, "a streak of 4 or more")
    assert name_next(build_facts(high, replace(low, role_id=KING))) == (KING, "a streak of 4 or more")


figures = st.builds(
    MemberFigures,
    kills=st.integers(0, 40),
    deaths=st.integers(0, 20),
    longest=st.integers(0, 300),
    streak=st.integers(0, 9),
    level=st.integers(0, 9),
    place=st.none() | st.integers(1, 9),
    faction_id=st.sampled_from((None, "f1", "f2")),
)


def maybe(values: st.SearchStrategy[int]) -> st.SearchStrategy[int | None]:
    """Return a condition that a rule may have."""
    return st.none() | values


terms = st.builds(
    RuleTerms,
    role_id=st.just(HUNTER),
    kills=maybe(st.integers(1, 40)),
    kd=st.none() | st.sampled_from((0.5, 1.0, 1.33, 2.0)),
    longest=maybe(st.integers(1, 300)),
    streak=maybe(st.integers(1, 9)),
    level=maybe(st.integers(1, 9)),
    rank=maybe(st.integers(1, 9)),
    faction_id=st.sampled_from((None, "f1", "f2")),
    match=st.sampled_from(RuleMatch),
)


@given(terms, figures)
def test_something_lacks_exactly_while_a_rule_is_not_met(terms: RuleTerms, figures: MemberFigures) -> None:
    """The condition that is named is one of the rule's, and its share is below the whole."""
    named = ("kills", "kd", "longest", "streak", "level", "rank", "faction_id")
    wanted = sum(getattr(terms, name) is not None for name in named)
    lacks = [*list_lacks(terms, figures)]
    is_met_by = len(lacks) < max(wanted, 1) if terms.match is RuleMatch.ANY else not lacks
    assert is_met_by == is_met(terms, figures, holds=False)
    assert all(0 <= one.share < 1 for one in lacks)
    assert (choose_lack(terms, figures) is None) == (not lacks)


@given(terms=terms, figures=st.lists(figures, max_size=9), holds=st.booleans())
def test_all_members_at_once_are_judged_like_each_alone(
    terms: RuleTerms, figures: list[MemberFigures], *, holds: bool
) -> None:
    """A look finds the members that meet a rule by sets; the conditions are those of one member."""
    of_members = {MemberId(number): one for number, one in enumerate(figures)}
    alone = {number for number, one in of_members.items() if is_met(terms, one, holds=holds)}
    assert find_met(terms, of_members, holds=holds) == alone
