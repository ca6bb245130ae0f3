"""Decisions about roles: facts, rules and what members have become who gets what. No I/O.

Theory of operation: a *look* at a guild has the figures of every linked member for each rule, the grants that
are stored, and what Discord said about members' roles, as far as it was asked. ``decide_all`` returns the
grants that change. A change to ``giving`` or ``taking`` is a request that is to be made; who has asked for it
and whether it was made is not decided here.

* **Margin.** A bit less than a condition asks is enough to keep a role (``conditions.py``).
* **Dwell.** A loss, and a gain by a place on a board, needs two looks at least five minutes apart that agree.
  ``due_since`` is stored, so a restart forgets nothing. After a loss the next gain waits as long.
* **Nothing old is told.** A role that is given again after a restore stays silent for a day, because its loss
  may be one of before the restore as well.
* **Nothing is taken without knowledge.** A rule that rests, or whose figures are stale, counts as met for the
  members who hold its role.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from utils.models.roles import (
    HELD,
    GrantState,
    RestReason,
    RoleGrant,
    RoleId,
    RoleRule,
    RuleTerms,
)
from utils.models.rule_plans import MemberFigures
from utils.models.scope import MemberId
from utils.services.roles.conditions import depends_on_place, find_met, is_met

DWELL = timedelta(minutes=5)
SILENT_FOR = timedelta(hours=24)
"""So long after a restore the loss of a role may be one of before it, because the logs are read again."""

Key = tuple[RoleId, MemberId]
Grants = Mapping[Key, RoleGrant]
Decisions = Mapping[Key, RoleGrant | None]
"""The grants that change; None: they go."""

Holders = Mapping[RoleId, Collection[MemberId]]
"""The members who hold each role from the bot."""

Answers = Mapping[MemberId, frozenset[RoleId] | None]
"""The roles of the members that Discord was asked for; None: no member of the guild."""

NO_FIGURES = MemberFigures()


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """A rule, and the figures of every linked member.

    Attributes:
        figures: none for a rule without its server, season or faction.
        rests: why it neither gives nor takes; None if it acts.
        is_stale: its figures are too old to take anything away.
    """

    rule: RoleRule
    figures: Mapping[MemberId, MemberFigures] = field(default_factory=dict)
    rests: RestReason | None = None
    is_stale: bool = False

    @property
    def terms(self) -> RuleTerms:
        """The conditions of the rule."""
        return self.rule.terms

    def find(self, member_id: MemberId) -> MemberFigures:
        """Return the figures of a member, who may have none yet."""
        return self.figures.get(member_id, NO_FIGURES)


@dataclass(frozen=True, slots=True)
class Wish:
    """The result of the rules about one role of one member.

    Attributes:
        is_slow: a gain has to be seen twice, because it depends on a place.
        is_final: a loss does not wait: the member has no linked player, or no rule is about the role.
    """

    is_wanted: bool
    is_slow: bool = False
    is_final: bool = False


_WANTED = Wish(is_wanted=True)
_WANTED_SLOWLY = Wish(is_wanted=True, is_slow=True)
_UNWANTED = Wish(is_wanted=False)
_UNWANTED_AT_ONCE = Wish(is_wanted=False, is_final=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuildFacts:
    """Everything that a decision needs.

    Attributes:
        members: those with a linked player.
        order: where each role stands; a higher number stands above.
        closed: roles that the bot cannot give or take at the moment.
        unsafe: roles that it does not give, but takes.
    """

    rules: Sequence[RuleFigures]
    members: Collection[MemberId]
    grants: Grants
    answers: Answers
    order: Mapping[RoleId, int]
    closed: Collection[RoleId]
    unsafe: Collection[RoleId] = ()
    now: datetime


def choose_wishes(facts: GuildFacts, held: Holders) -> dict[Key, Wish]:
    """Return the roles that the rules want for linked members; all others are unwanted."""
    linked = frozenset(facts.members)
    satisfied = [(one, linked & _find_satisfied(one, held.get(one.terms.role_id, ()))) for one in facts.rules]
    highest = _find_highest(satisfied, facts.order)
    wishes: dict[Key, Wish] = {}
    for one, satisfied_by in satisfied:
        terms, role_id, ladder = one.terms, one.terms.role_id, one.terms.ladder
        for member_id in satisfied_by:
            if ladder is not None and highest[ladder, member_id] != role_id:
                continue
            key = (role_id, member_id)
            if terms.rank is None or not depends_on_place(terms, one.find(member_id)):
                wishes[key] = _WANTED
            else:
                wishes.setdefault(key, _WANTED_SLOWLY)
    return wishes


def _find_satisfied(one: RuleFigures, holders: Collection[MemberId]) -> set[MemberId]:
    """Return the members for whom a rule counts as met."""
    if one.rests is not None:
        return set(holders)
    reached = find_met(one.terms, one.figures, holds=False)
    if one.is_stale:
        return reached.union(holders)
    of_holders = {member_id: one.find(member_id) for member_id in holders}
    return reached | find_met(one.terms, of_holders, holds=True)


def _find_highest(
    satisfied: Sequence[tuple[RuleFigures, Collection[MemberId]]], order: Mapping[RoleId, int]
) -> Mapping[tuple[str, MemberId], RoleId]:
    """Return the role of each member that stands highest on a ladder."""
    highest: dict[tuple[str, MemberId], RoleId] = {}
    for terms, members in ((one.terms, members) for one, members in satisfied):
        if terms.ladder is None:
            continue
        for step in [(terms.ladder, member_id) for member_id in members]:
            known = highest.get(step, terms.role_id)
            highest[step] = max(known, terms.role_id, key=lambda role: (order.get(role, -1), role))
    return highest


def decide(
    grant: RoleGrant | None,
    wish: Wish,
    key: Key,
    *,
    has: bool | None,
    now: datetime,
    is_open: bool = True,
) -> RoleGrant | None:
    """Return what becomes of a grant; None: nothing is to be remembered.

    Args:
        grant: what is stored.
        wish: what the rules say.
        key: role and member.
        has: whether the member has the role in Discord; None: Discord was not asked.
        now: the moment of the look.
        is_open: the bot can give and take the role.
    """
    state = None if grant is None else grant.state
    if grant is None or state is GrantState.WAITING:
        return _decide_gain(grant, wish, key, has=bool(has), now=now, is_open=is_open)
    if state is GrantState.TAKING:
        return replace(grant, state=GrantState.WAITING, changed_at=now) if has is False else grant
    if state in HELD:
        return _decide_held(grant, wish, has=has, now=now, is_open=is_open)
    if not wish.is_wanted:  # others gave or took it, which is forgotten now
        return None
    by_others = {None: grant.state, True: GrantState.BY_HAND, False: GrantState.WITHHELD}[has]
    return grant if by_others is grant.state else replace(grant, state=by_others, changed_at=now)


def _decide_gain(
    grant: RoleGrant | None, wish: Wish, key: Key, *, has: bool, now: datetime, is_open: bool
) -> RoleGrant | None:
    """Decide about a role that the member does not have from the bot."""
    # a role that was taken a moment ago leaves its time behind, so that it does not come back at once
    was_taken = grant is not None and grant.due_since != grant.changed_at
    is_cool = grant is None or not was_taken or now - grant.changed_at >= DWELL
    if not wish.is_wanted:
        return None if grant is None or is_cool else replace(grant, due_since=None)
    role_id, member_id = key
    if has:
        return RoleGrant(role_id, member_id, GrantState.BY_HAND, now)
    waiting = grant or RoleGrant(role_id, member_id, GrantState.WAITING, now, due_since=now)
    due_since = waiting.due_since or now
    is_seen_twice = not wish.is_slow or now - due_since >= DWELL
    if is_open and is_cool and is_seen_twice:
        return RoleGrant(role_id, member_id, GrantState.GIVING, now)
    return replace(waiting, due_since=due_since)


def _decide_held(
    grant: RoleGrant, wish: Wish, *, has: bool | None, now: datetime, is_open: bool
) -> RoleGrant | None:
    """Decide about a role that the member has from the bot, or is about to get."""
    if has is False and not wish.is_wanted:
        return None
    if has is False and grant.state is GrantState.GIVEN:
        return RoleGrant(grant.role_id, grant.member_id, GrantState.WITHHELD, now)
    if wish.is_wanted and grant.due_since is None and not grant.is_silent:
        return grant  # as nearly always
    if wish.is_wanted:
        is_silent = grant.is_silent and now - grant.changed_at < SILENT_FOR
        return replace(grant, due_since=None, is_silent=is_silent)
    due_since = grant.due_since or now
    if is_open and (wish.is_final or now - due_since >= DWELL):
        return replace(grant, state=GrantState.TAKING, changed_at=now, due_since=None)
    return replace(grant, due_since=due_since)


def decide_all(facts: GuildFacts) -> Decisions:
    """Return the grants of a guild that change; None: they go."""
    decided = dict(_decide_each(facts))
    _hold_crowns(facts, decided)
    pairs = [(key, grant, facts.grants.get(key)) for key, grant in decided.items()]
    return {key: grant for key, grant, before in pairs if grant is not before and grant != before}


def list_asked(facts: GuildFacts, decided: Decisions) -> frozenset[MemberId]:
    """Return the members whose roles have to be known before their first edit."""
    begins = {
        key[1] for key, grant in decided.items() if grant is not None and grant.state is GrantState.GIVING
    }
    return frozenset(begins - facts.answers.keys())


def list_wishes(facts: GuildFacts) -> dict[Key, Wish]:
    """Return the wish about each role of each member who has a grant, or should have the role."""
    held: dict[RoleId, list[MemberId]] = {}
    for (role_id, member_id), grant in facts.grants.items():
        if grant.state in HELD:
            held.setdefault(role_id, []).append(member_id)
    wishes = choose_wishes(facts, held)
    ruled = {one.terms.role_id for one in facts.rules}
    for role_id, member_id in facts.grants.keys() - wishes.keys():
        is_final = member_id not in facts.members or role_id not in ruled
        wishes[role_id, member_id] = _UNWANTED_AT_ONCE if is_final else _UNWANTED
    return wishes


def _decide_each(facts: GuildFacts) -> Iterator[tuple[Key, RoleGrant | None]]:
    for key, wish in list_wishes(facts).items():
        role_id, member_id = key
        answer = facts.answers.get(member_id, frozenset())
        if answer is None:  # they left, and their roles with them
            yield key, None
            continue
        has = role_id in answer if member_id in facts.answers else None
        grant = facts.grants.get(key)
        is_taken = grant is not None and grant.state in HELD
        is_open = role_id not in facts.closed and (is_taken or role_id not in facts.unsafe)
        yield key, decide(grant, wish, key, has=has, now=facts.now, is_open=is_open)


def _hold_crowns(facts: GuildFacts, decided: dict[Key, RoleGrant | None]) -> None:
    """Let the new holder of a first place wait until the old one loses the role."""
    crowns = {one.terms.role_id for one in facts.rules if one.terms.is_crown}
    if not crowns:
        return
    of_crowns = [(key, grant) for key, grant in decided.items() if key[0] in crowns]
    left_over = {
        key[0]
        for key, grant in of_crowns
        if grant is not None and grant.state in HELD and _is_left_over(grant, facts)
    }
    for key, grant in of_crowns:
        is_new = grant is not None and grant.state is GrantState.GIVING
        before = facts.grants.get(key)
        if is_new and key[0] in left_over and (before is None or before.state not in HELD):
            due_since = facts.now if before is None or before.due_since is None else before.due_since
            waiting = before or RoleGrant(*key, GrantState.WAITING, facts.now)
            decided[key] = replace(waiting, due_since=due_since)


def _is_left_over(grant: RoleGrant, facts: GuildFacts) -> bool:
    """Tell whether a member holds a role that their figures do not give them any more.

    Either its loss is due, or it is kept only because the figures are stale.
    """
    if grant.due_since is not None:
        return True
    own = [one for one in facts.rules if one.terms.role_id == grant.role_id]
    return any(one.is_stale for one in own) and not any(
        is_met(one.terms, one.find(grant.member_id), holds=True) for one in own
    )


def list_paused(facts: GuildFacts) -> frozenset[Key]:
    """Return the requests that are not to be made while a rule rests.

    A rule that rests gives no role and takes none. The loss of a role after the last link depends on no rule.
    """
    resting = {one.terms.role_id for one in facts.rules if one.rests is not None}
    return frozenset(
        (role_id, member_id)
        for (role_id, member_id), grant in facts.grants.items()
        if role_id in resting and member_id in facts.members and _is_paused(grant, facts)
    )


def _is_paused(grant: RoleGrant, facts: GuildFacts) -> bool:
    if grant.state is not GrantState.GIVING:
        return grant.state is GrantState.TAKING
    acting = [one for one in facts.rules if one.terms.role_id == grant.role_id and one.rests is None]
    return not any(one.is_stale or is_met(one.terms, one.find(grant.member_id), holds=True) for one in acting)
