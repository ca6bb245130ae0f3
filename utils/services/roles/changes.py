"""Changes of role rules by hand: each is previewed, saved after a yes, and written to the audit."""

import secrets
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from datetime import datetime
from functools import partial
from typing import Protocol

from utils.clock import Clock
from utils.errors import (
    AmbiguousError,
    DiscordAwayError,
    InvalidInputError,
    LimitReachedError,
    NotAllowedError,
    NotFoundError,
    PermissionMissingError,
)
from utils.locks import KeyedLocks
from utils.models.audit import AuditAction, AuditEntry
from utils.models.labels import find_labelled, label_choices
from utils.models.roles import (
    HELD,
    TAKEABLE,
    UNDER_WAY,
    GrantState,
    RoleFacts,
    RoleId,
    RoleObstacle,
    RoleRule,
    RuleState,
    RuleTerms,
    find_most_rules,
)
from utils.models.rule_plans import RuleOutcome, RulePlan, RuleReport, RuleRow
from utils.models.scope import GuildId, MemberId
from utils.models.statistics import Board
from utils.models.texts import Command, Mention, Number, Text, Value, join, text
from utils.models.typed_text import quote
from utils.services.guilds.audit import AuditLog
from utils.services.premium.tiers import PremiumService
from utils.services.roles.facts import describe_change
from utils.services.roles.looks import DISCORD_AWAY, GuildRoles, RoleLooks, RoleStore
from utils.services.roles.naming import RuleNaming
from utils.services.roles.rules import (
    DWELL,
    GuildFacts,
    RuleFigures,
    Wish,
    list_wishes,
)

RULE_ID_BYTES = 4


class RuleStore(RoleStore, Protocol):  # implemented by RoleRepository
    """Storage of rules; a change and its ``entry`` of the audit are stored both, or neither."""

    async def insert_rule(self, guild_id: GuildId, rule: RoleRule, *, entry: AuditEntry) -> None:
        """Store a new rule."""

    async def replace_rule(
        self, guild_id: GuildId, before: RoleRule, after: RoleRule, *, entry: AuditEntry
    ) -> bool:
        """Change a rule; tell whether it was still as it was before."""

    async def delete_rule(
        self,
        guild_id: GuildId,
        rule: RoleRule,
        *,
        keeps_roles: bool,
        due_since: datetime,
        entry: AuditEntry,
    ) -> bool:
        """Delete a rule; tell whether it was there.

        If the role is kept and no other rule is about it, nothing is remembered of it. If another rule is
        about it, a loss is due since ``due_since``, or its members have the role as if by hand.
        """


@dataclass(frozen=True, slots=True)
class RoleCaller:
    """The member who changes a rule.

    Attributes:
        role_ids: their roles.
        may_manage_roles: they have Manage Roles.
        is_owner: they own the Discord server.
    """

    member_id: MemberId
    role_ids: Collection[RoleId]
    may_manage_roles: bool
    is_owner: bool


@dataclass(eq=False, repr=False)
class RoleRuleService:
    """Adds, changes, lists and removes the rules of a guild."""

    store: RuleStore
    looks: RoleLooks
    _: KW_ONLY
    roles: GuildRoles
    naming: RuleNaming
    premium: PremiumService
    audit: AuditLog
    clock: Clock

    def __post_init__(self) -> None:
        self._locks = KeyedLocks[GuildId]()

    async def plan_rule(
        self, guild_id: GuildId, role_id: RoleId, given: Mapping[str, object], caller: RoleCaller
    ) -> RulePlan:
        """Return what a new rule about a role would do, with the given terms.

        Raises:
            InvalidInputError, NotAllowedError, PermissionMissingError: the role may not be given, or not by
            this member.
            LimitReachedError: the tier allows no more rules.
            DiscordAwayError: Discord does not answer.
        """
        terms = _change_terms(RuleTerms(role_id=role_id), given)
        await self._verify_role(guild_id, role_id, caller)
        await self._verify_free(guild_id)
        rule = RoleRule(
            guild_id=guild_id,
            rule_id=secrets.token_hex(RULE_ID_BYTES),
            terms=terms,
            created_by=caller.member_id,
            created_at=self.clock.now(),
        )
        return await self._plan(rule, None)

    async def plan_edit(
        self, guild_id: GuildId, typed: str, changed: Mapping[str, object], caller: RoleCaller
    ) -> RulePlan:
        """Return what a rule would do after a change of some of its terms.

        Raises:
            NotFoundError, AmbiguousError: there is no such rule.
            InvalidInputError, NotAllowedError, PermissionMissingError: as from ``plan_rule``.
            DiscordAwayError: Discord does not answer.
        """
        before = await self.find_rule(guild_id, typed)
        terms = _change_terms(before.terms, changed)
        if terms == before.terms:
            raise InvalidInputError(text("That changes nothing. Choose something to change."))
        await self._verify_role(guild_id, terms.role_id, caller)
        return await self._plan(replace(before, terms=terms, state=RuleState.ON), before)

    async def save(self, plan: RulePlan, caller: RoleCaller) -> None:
        """Save a planned rule, and look at the guild.

        Raises:
            InvalidInputError, NotAllowedError, PermissionMissingError, LimitReachedError: as when planned.
            NotFoundError: the rule was changed or removed since.
        """
        rule, before = plan.rule, plan.before
        guild_id = rule.guild_id
        await self._verify_role(guild_id, rule.terms.role_id, caller)
        facts = describe_change(plan.before_named, plan.named)
        async with self._locks.hold(guild_id):
            if before is None:
                await self._verify_free(guild_id)
                insert = partial(self.store.insert_rule, guild_id, rule)
                await self.audit.carry_out(guild_id, caller.member_id, AuditAction.ROLES_ADD, facts, insert)
            else:
                change = partial(self.store.replace_rule, guild_id, before, rule)
                is_done = await self.audit.carry_out(
                    guild_id, caller.member_id, AuditAction.ROLES_EDIT, facts, change
                )
                if not is_done:
                    raise NotFoundError(RULE_CHANGED)
                if before.terms.role_id != rule.terms.role_id:
                    await self.looks.close_alert(guild_id, before.terms.role_id)
        self.looks.want_look(guild_id)

    async def remove(
        self, guild_id: GuildId, rule: RoleRule, *, keeps_roles: bool, actor_id: MemberId
    ) -> None:
        """Remove a rule; the role is taken from those who have it from the bot, unless it is kept.

        Raises:
            NotFoundError: it was removed since.
        """
        facts = describe_change(await self.naming.name(guild_id, rule.terms), None)
        delete = partial(
            self.store.delete_rule,
            guild_id,
            rule,
            keeps_roles=keeps_roles,
            due_since=self.clock.now() - DWELL,
        )
        if not await self.audit.carry_out(guild_id, actor_id, AuditAction.ROLES_REMOVE, facts, delete):
            raise NotFoundError(RULE_CHANGED)
        await self.looks.close_alert(guild_id, rule.terms.role_id)
        self.looks.want_look(guild_id)

    async def describe_removal(self, rule: RoleRule, *, keeps_roles: bool) -> Text:
        """Return what becomes of a role when a rule about it is removed."""
        role_id, obstacle = rule.terms.role_id, self._find_obstacle(rule.guild_id, rule)
        if obstacle is RoleObstacle.DELETED:
            return obstacle.describe()
        role = Mention("@&", role_id)
        if keeps_roles:
            return text("Members keep the role {role}.", role=role)
        rules = await self.store.list_rules(rule.guild_id)
        if any(one.terms.role_id == role_id and one.rule_id != rule.rule_id for one in rules):
            said = text("I take the role {role} from everyone who has it by no other rule.", role=role)
        else:
            said = text("I take the role {role} from everyone who has it from me.", role=role)
        return said if obstacle is None or obstacle in TAKEABLE else join([said, obstacle.describe()])

    async def list_reports(self, guild_id: GuildId) -> tuple[RuleReport, ...]:
        """Return every rule, with what is in its way.

        Raises:
            DiscordAwayError: Discord does not show the guild.
        """
        rules = await self.store.list_rules(guild_id)
        acting = [one for one in rules if one.state is RuleState.ON]
        facts = await self.looks.read(guild_id, acting, now=self.clock.now())
        rests = {one.rule.rule_id: one.rests for one in facts.rules}
        held, waiting = Counter[RoleId](), Counter[RoleId]()
        for grant in facts.grants.values():
            held[grant.role_id] += grant.state in HELD
            waiting[grant.role_id] += grant.due_since is not None or grant.state in UNDER_WAY
        return tuple(
            [
                RuleReport(
                    rule,
                    await self.naming.name(guild_id, rule.terms),
                    held[rule.terms.role_id],
                    waiting[rule.terms.role_id],
                    self._find_obstacle(guild_id, rule),
                    rests.get(rule.rule_id),
                )
                for rule in rules
            ]
        )

    async def preview(self, guild_id: GuildId, typed: str) -> RulePlan:
        """Return what a stored rule means for every linked member.

        Raises:
            NotFoundError, AmbiguousError: there is no such rule.
            DiscordAwayError: Discord does not answer.
        """
        rule = await self.find_rule(guild_id, typed)
        return await self._plan(rule, rule)

    async def list_rules(self, guild_id: GuildId) -> Sequence[tuple[RoleRule, Text]]:
        """Return the rules, each in words with the name of its role."""
        roles, named = self.roles.list_roles(guild_id) or {}, list[tuple[RoleRule, Text]]()
        for rule in await self.store.list_rules(guild_id):
            role = roles.get(rule.terms.role_id)
            name: Value = DELETED_ROLE if role is None else role.name
            words = (await self.naming.name(guild_id, rule.terms)).describe()
            named.append((rule, join([name, words], " · ")))
        return named

    async def find_rule(self, guild_id: GuildId, typed: str) -> RoleRule:
        """Return the rule with this id, or about the role with this name.

        Raises:
            NotFoundError, AmbiguousError: there is none, or several.
        """
        named = await self.list_rules(guild_id)
        choices = [(rule.rule_id, str(words)) for rule, words in named]
        labels = tuple(label_choices(choices))
        found = [rule for rule, _ in named if rule.rule_id == typed]
        if not found:
            wanted = find_labelled(typed, choices) or [key for key, name in choices if name.startswith(typed)]
            found = [rule for rule, _ in named if rule.rule_id in wanted]
        if not found:
            raise NotFoundError(
                text("No role rule is called “{name}”.", name=quote(typed)), suggestions=labels
            )
        if len(found) > 1:
            raise AmbiguousError(
                text("Several role rules fit “{name}”.", name=quote(typed)), typed=typed, choices=choices
            )
        return found[0]

    async def _plan(self, rule: RoleRule, before: RoleRule | None) -> RulePlan:
        """Return what a rule would do among the other rules of its guild."""
        guild_id = rule.guild_id
        stored = await self.store.list_rules(guild_id)
        acting = [one for one in stored if one.state is RuleState.ON and one.rule_id != rule.rule_id]
        is_kept = before is not None and any(one.rule_id == rule.rule_id for one in stored)
        rules = sorted([*acting, rule], key=lambda one: one.created_at) if is_kept else [*acting, rule]
        facts = await self.looks.survey(guild_id, rules, now=self.clock.now())
        own = next(one for one in facts.rules if one.rule.rule_id == rule.rule_id)
        places = {one.place for one in own.figures.values()}
        return RulePlan(
            rule,
            await self.naming.name(guild_id, rule.terms),
            before,
            None if before is None else await self.naming.name(guild_id, before.terms),
            tuple(_list_rows(own, facts)),
            is_crown_unlinked=rule.terms.is_crown and 1 not in places,
            obstacle=self._find_obstacle(guild_id, rule),
            rests=own.rests,
        )

    async def _verify_role(self, guild_id: GuildId, role_id: RoleId, caller: RoleCaller) -> None:
        """Refuse a role that the bot or the caller may not give."""
        roles = self.roles.list_roles(guild_id)
        if roles is None:
            raise DiscordAwayError(DISCORD_AWAY)
        if role_id not in roles:
            raise NotFoundError(RoleObstacle.DELETED.describe())
        role = roles[role_id]
        if role.obstacle in (RoleObstacle.FORBIDDEN, RoleObstacle.ABOVE):
            raise PermissionMissingError(role.obstacle.describe())
        if role.obstacle is not None:
            raise InvalidInputError(role.obstacle.describe())
        if not may_hand_out(role, roles, caller):
            raise NotAllowedError(
                text(
                    "You need Manage Roles and a role above that one. Ask someone who can give it by hand to "
                    "add the rule."
                )
            )

    async def _verify_free(self, guild_id: GuildId) -> None:
        tier = await self.premium.get_tier(guild_id)
        most = find_most_rules(tier.level)
        if len(await self.store.list_rules(guild_id)) >= most:
            raise LimitReachedError(
                text(
                    "Tier {level} ({name}) allows {most} role rules. Remove one with {remove} first.",
                    level=Number(tier.level),
                    name=tier.name,
                    most=Number(most),
                    remove=Command("roles remove"),
                )
            )

    def _find_obstacle(self, guild_id: GuildId, rule: RoleRule) -> RoleObstacle | None:
        if rule.state is RuleState.OFF:
            return RoleObstacle.DELETED
        roles, role_id = self.roles.list_roles(guild_id) or {}, rule.terms.role_id
        refused = self.looks.edits.list_refused(guild_id).get(role_id)
        return refused or (roles[role_id].obstacle if role_id in roles else RoleObstacle.DELETED)


DELETED_ROLE = text("a deleted role")
RULE_CHANGED = text("Someone changed or removed this rule. Run the command again.")


def may_hand_out(role: RoleFacts, roles: Mapping[RoleId, RoleFacts], caller: RoleCaller) -> bool:
    """Tell whether a member could give a role by hand."""
    if caller.is_owner:
        return True
    highest = max((roles[one].place for one in caller.role_ids if one in roles), default=0)
    return caller.may_manage_roles and highest > role.place


def _change_terms(before: RuleTerms, changed: Mapping[str, object]) -> RuleTerms:
    """Return terms with the changed ones, in their stored form.

    Raises:
        InvalidInputError: the ladder has no name, or a board was chosen without a place on it.
    """
    terms = replace(before, **changed)  # type: ignore[arg-type] # names of terms
    if terms.rank is None and "board" in changed:
        raise InvalidInputError(text("A board needs a place on it. Choose “rank” as well."))
    ladder = terms.ladder
    if ladder is not None:
        ladder = " ".join(ladder.split()).casefold()
        if not ladder:
            raise InvalidInputError(text("Give the ladder a name of 1 to 20 characters."))
    kd = None if terms.kd is None else round(terms.kd, 2)
    board = Board.KILLS if terms.rank is None else terms.board
    return replace(terms, kd=kd, board=board, ladder=ladder)


def _list_rows(own: RuleFigures, facts: GuildFacts) -> list[RuleRow]:
    """Return what a rule means for every linked member, and for those who have its role."""
    role_id, rows = own.terms.role_id, list[RuleRow]()
    wishes = {key[1]: wish for key, wish in list_wishes(facts).items() if key[0] == role_id}
    for member_id in sorted(facts.members | wishes.keys()):
        wish = wishes.get(member_id, Wish(is_wanted=False))
        figures = own.find(member_id)
        rows.append(RuleRow(member_id, figures, _find_outcome(member_id, role_id, wish, facts)))
    return rows


def _find_outcome(member_id: MemberId, role_id: RoleId, wish: Wish, facts: GuildFacts) -> RuleOutcome:
    answer = facts.answers.get(member_id, frozenset())
    if answer is None:
        return RuleOutcome.LEFT
    grant = facts.grants.get((role_id, member_id))
    state = None if grant is None else grant.state
    if state in HELD:
        return RuleOutcome.KEEPS if wish.is_wanted else RuleOutcome.LOSES
    if not wish.is_wanted:
        return RuleOutcome.LACKS
    if state is GrantState.BY_HAND or role_id in answer:
        return RuleOutcome.BY_HAND
    if state is GrantState.WITHHELD:
        return RuleOutcome.WITHHELD
    is_closed = role_id in facts.closed or role_id in facts.unsafe
    return RuleOutcome.WAITS if is_closed else RuleOutcome.GETS
