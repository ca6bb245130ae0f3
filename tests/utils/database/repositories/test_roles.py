"""Stored role rules, and what the bot remembers of members' roles."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from utils.database.core.database import SafeDatabase
from utils.database.repositories.audit import AuditRepository
from utils.database.repositories.roles import RoleRepository
from utils.database.repositories.scope_index import ScopeIndexRepository
from utils.models.audit import AuditAction, AuditEntry, AuditFacts
from utils.models.roles import (
    UNDER_WAY,
    GrantState,
    RoleGrant,
    RoleId,
    RoleRule,
    RuleMatch,
    RuleState,
    RuleTerms,
)
from utils.models.scope import GuildId, MemberId, ServerId
from utils.models.sharding import Sharding
from utils.models.statistics import Board, Period
from utils.services.roles.rules import Key

NOW = datetime(2025, 4, 30, 12, tzinfo=UTC)
GUILD, OTHER = GuildId(42), GuildId(43)
ANNA, BERT = MemberId(1 << 62), MemberId(2)
HUNTER, KING = RoleId(1 << 61), RoleId(20)
ENTRY = AuditEntry(NOW, ANNA, AuditAction.ROLES_ADD, AuditFacts())
DUE = NOW - timedelta(minutes=5)
EVERYTHING = RuleTerms(
    role_id=HUNTER,
    kills=100,
    kd=2.35,
    longest=300,
    streak=5,
    rank=3,
    board=Board.STREAK,
    faction_id="f1",
    match=RuleMatch.ANY,
    server_id=ServerId("aaaaaaaa"),
    period=Period.WEEK,
    keep=0,
    ladder="ranks",
)


@pytest.fixture(name="roles")
def _roles(database: SafeDatabase) -> RoleRepository:
    return RoleRepository(database, fences=lambda _: None)


def build_rule(rule_id: str, terms: RuleTerms, *, minute: int = 0) -> RoleRule:
    """Return a rule."""
    created_at = NOW + timedelta(minutes=minute)
    return RoleRule(guild_id=GUILD, rule_id=rule_id, terms=terms, created_by=ANNA, created_at=created_at)


def build_grants(*states: GrantState, role_id: RoleId = HUNTER) -> dict[Key, RoleGrant]:
    """Return a grant of each state, of members 1, 2 and so on."""
    return {
        (role_id, MemberId(number)): RoleGrant(role_id, MemberId(number), state, NOW)
        for number, state in enumerate(states, 1)
    }


async def test_rules_come_back_as_they_were_and_change_once(
    roles: RoleRepository, database: SafeDatabase
) -> None:
    """Every term is kept; a change of a rule that was changed meanwhile is refused, with its entry."""
    first, second = build_rule("b", EVERYTHING), build_rule("a", RuleTerms(role_id=KING), minute=1)
    for rule in (second, first):
        await roles.insert_rule(GUILD, rule, entry=ENTRY)
    assert (await roles.list_rules(GUILD), await roles.list_rules(OTHER)) == ((first, second), ())
    changed = replace(first, terms=replace(EVERYTHING, kills=200, kd=None))
    assert await roles.replace_rule(GUILD, first, changed, entry=ENTRY)
    assert not await roles.replace_rule(GUILD, first, second, entry=ENTRY)
    assert await roles.list_rules(GUILD) == (changed, second)
    assert await roles.switch_off(GUILD, second, entry=ENTRY)
    assert not await roles.switch_off(GUILD, second, entry=ENTRY)
    assert await roles.list_rules(GUILD) == (changed, replace(second, state=RuleState.OFF))
    assert (await AuditRepository(database).list_entries(GUILD, limit=1))[1] == 4


async def test_decision_about_a_grant_that_changed_meanwhile_is_left_out(roles: RoleRepository) -> None:
    """All other decisions of the look are written; another guild is not touched."""
    before = build_grants(GrantState.GIVEN, GrantState.GIVING, GrantState.WAITING)
    for guild_id in (GUILD, OTHER):
        await roles.change_grants(guild_id, {}, before)
    one, two, three = before.values()
    assert await roles.change_grant(GUILD, two, replace(two, state=GrantState.GIVEN))
    assert not await roles.change_grant(GUILD, two, None)
    taking = replace(one, state=GrantState.TAKING, changed_at=NOW + timedelta(minutes=1))
    new = RoleGrant(KING, ANNA, GrantState.WAITING, NOW, due_since=NOW)
    after = {(HUNTER, one.member_id): taking, (HUNTER, two.member_id): None, (KING, ANNA): new}
    await roles.change_grants(GUILD, before, after | {(HUNTER, three.member_id): None})
    stored = {(grant.role_id, grant.member_id): grant for grant in await roles.list_grants(GUILD)}
    kept = replace(two, state=GrantState.GIVEN)
    assert stored == {(HUNTER, one.member_id): taking, (HUNTER, two.member_id): kept, (KING, ANNA): new}
    assert set(await roles.list_grants(OTHER)) == set(before.values())


async def test_roles_to_take_come_before_those_to_give(roles: RoleRepository) -> None:
    """The others are not under way; a member's own are found, and the withheld ones end by themselves."""
    states = (GrantState.GIVING, GrantState.WITHHELD, GrantState.TAKING, GrantState.GIVEN)
    grants = build_grants(*states)
    await roles.change_grants(GUILD, {}, grants)
    assert [one.member_id for one in await roles.list_under_way(GUILD)] == [3, 1]
    assert await roles.list_of_member(GUILD, BERT) == (grants[HUNTER, BERT],)
    assert (await roles.end_withheld(GUILD, BERT), await roles.end_withheld(GUILD, MemberId(1))) == (1, 0)
    assert await roles.list_of_member(GUILD, BERT) == ()


async def test_given_roles_are_doubted_after_a_restore(roles: RoleRepository, database: SafeDatabase) -> None:
    """They may have been taken since the backup, so they are given once more, without a message."""
    grants = build_grants(*GrantState)
    for guild_id in (GUILD, OTHER):
        await roles.change_grants(guild_id, {}, grants)
    assert await ScopeIndexRepository(database, Sharding()).list_guilds_with_role_grants() == (GUILD, OTHER)
    now = NOW + timedelta(hours=1)
    await roles.doubt_grants(GUILD, at=now)
    changed = {one.member_id: one for one in await roles.list_grants(GUILD)}
    number = MemberId(list(GrantState).index(GrantState.GIVEN) + 1)
    expected = {one.member_id: one for one in grants.values()}
    expected[number] = replace(expected[number], state=GrantState.GIVING, changed_at=now)
    assert changed == {key: replace(one, is_silent=one.state in UNDER_WAY) for key, one in expected.items()}
    assert set(await roles.list_grants(OTHER)) == set(grants.values())


@pytest.mark.parametrize("keeps_roles", [False, True])
async def test_rule_that_is_removed_leaves_its_role_or_a_loss_that_is_due(
    roles: RoleRepository, *, keeps_roles: bool
) -> None:
    """While another rule is about the role, it decides what is not kept; the last one's removal takes it."""
    first, second = build_rule("a", EVERYTHING), build_rule("b", RuleTerms(role_id=HUNTER), minute=1)
    for rule in (first, second):
        await roles.insert_rule(GUILD, rule, entry=ENTRY)
    grants = build_grants(GrantState.GIVEN, GrantState.BY_HAND)
    await roles.change_grants(GUILD, {}, grants)

    async def delete(rule: RoleRule) -> bool:
        return await roles.delete_rule(GUILD, rule, keeps_roles=keeps_roles, due_since=DUE, entry=ENTRY)

    assert await delete(first)
    assert not await delete(first)
    left = {one.member_id: (one.state, one.due_since) for one in await roles.list_grants(GUILD)}
    given = (GrantState.BY_HAND, None) if keeps_roles else (GrantState.GIVEN, DUE)
    assert left == {MemberId(1): given, BERT: (GrantState.BY_HAND, None)}
    assert await delete(second)
    assert (await roles.list_rules(GUILD), len(await roles.list_grants(GUILD))) == (
        (),
        0 if keeps_roles else 2,
    )
