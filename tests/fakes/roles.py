"""Role rules in memory, and the roles of a guild where no Discord is needed."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from tests.fakes.storage import FakeAuditStore, Outage
from utils.models.audit import AuditEntry
from utils.models.notifications import DirectMessage
from utils.models.roles import (
    UNDER_WAY,
    GrantState,
    RestReason,
    RoleFacts,
    RoleGrant,
    RoleId,
    RoleObstacle,
    RoleRule,
    RuleState,
)
from utils.models.rule_plans import MemberFigures
from utils.models.scope import GuildId, MemberId, PlayerId
from utils.services.roles.looks import GuildRoles
from utils.services.roles.rules import Answers, Key, RuleFigures


class FakeRoleStore(Outage):
    """The rules of any guild, and the roles that the bot gave.

    Attributes:
        rules: the rules of each guild, oldest first.
        grants: the grants of each guild, with role and member as key.
        written: the number of writes of grants.
        told: the messages to members, asked for or not.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rules: dict[GuildId, list[RoleRule]] = {}
        self.grants: dict[GuildId, dict[Key, RoleGrant]] = {}
        self.audit = FakeAuditStore()
        self.written = 0
        self.told: list[DirectMessage] = []

    async def list_rules(self, guild_id: GuildId) -> Sequence[RoleRule]:
        """Return the rules."""
        self.note("list_rules")
        return await self.answer(tuple(self.rules.get(guild_id, ())))

    async def insert_rule(self, guild_id: GuildId, rule: RoleRule, *, entry: AuditEntry) -> None:
        """Store a rule."""
        self.audit.add(guild_id, entry)
        self.rules.setdefault(guild_id, []).append(rule)

    async def replace_rule(
        self, guild_id: GuildId, before: RoleRule, after: RoleRule, *, entry: AuditEntry
    ) -> bool:
        """Change a rule."""
        rules = self.rules.get(guild_id, [])
        if before not in rules:
            return False
        self.audit.add(guild_id, entry)
        rules[rules.index(before)] = after
        return True

    async def delete_rule(
        self,
        guild_id: GuildId,
        rule: RoleRule,
        *,
        keeps_roles: bool,
        due_since: datetime,
        entry: AuditEntry,
    ) -> bool:
        """Delete a rule; no test needs a second one of its role here."""
        del due_since
        rules = self.rules.get(guild_id, [])
        if rule not in rules:
            return False
        self.audit.add(guild_id, entry)
        rules.remove(rule)
        if keeps_roles:
            self._forget_role(guild_id, rule.terms.role_id)
        return True

    async def switch_off(self, guild_id: GuildId, rule: RoleRule, *, entry: AuditEntry) -> bool:
        """Switch a rule off."""
        rules = self.rules.get(guild_id, [])
        if rule not in rules:
            return False
        self.audit.add(guild_id, entry)
        rules[rules.index(rule)] = replace(rule, state=RuleState.OFF)
        self._forget_role(guild_id, rule.terms.role_id)
        return True

    async def list_grants(self, guild_id: GuildId) -> Sequence[RoleGrant]:
        """Return all grants."""
        return await self.answer(tuple(self.grants.get(guild_id, {}).values()))

    async def list_under_way(self, guild_id: GuildId) -> Sequence[RoleGrant]:
        """Return those with a request to make, those to take first."""
        found = [one for one in self.grants.get(guild_id, {}).values() if one.state in UNDER_WAY]
        return await self.answer(
            sorted(found, key=lambda one: (one.state is GrantState.GIVING, one.changed_at))
        )

    async def list_of_member(self, guild_id: GuildId, member_id: MemberId) -> Sequence[RoleGrant]:
        """Return a member's grants."""
        found = self.grants.get(guild_id, {}).values()
        return await self.answer(tuple(one for one in found if one.member_id == member_id))

    async def change_grants(
        self, guild_id: GuildId, before: Mapping[Key, RoleGrant], after: Mapping[Key, RoleGrant | None]
    ) -> None:
        """Write decisions."""
        await self.answer(None)
        self.written += 1
        stored = self.grants.setdefault(guild_id, {})
        for key, grant in after.items():
            if stored.get(key) == before.get(key):
                stored.pop(key, None)
                stored.update({} if grant is None else {key: cut_times(grant)})

    async def change_grant(
        self,
        guild_id: GuildId,
        before: RoleGrant,
        after: RoleGrant | None,
        *,
        told: Sequence[DirectMessage] = (),
    ) -> bool:
        """Change one grant."""
        await self.answer(None)
        key, stored = (before.role_id, before.member_id), self.grants.setdefault(guild_id, {})
        if stored.get(key) != before:
            return False
        stored.pop(key)
        stored.update({} if after is None else {key: cut_times(after)})
        self.told += told
        return True

    async def end_withheld(self, guild_id: GuildId, member_id: MemberId) -> int:
        """Delete a member's withheld roles."""
        stored = self.grants.get(guild_id, {})
        ended = [
            key for key, one in stored.items() if key[1] == member_id and one.state is GrantState.WITHHELD
        ]
        for key in ended:
            del stored[key]
        return len(ended)

    def get_states(self, guild_id: GuildId) -> dict[Key, str]:
        """Return the state of every grant of a guild."""
        return {key: one.state.value for key, one in self.grants.get(guild_id, {}).items()}

    def _forget_role(self, guild_id: GuildId, role_id: RoleId) -> None:
        stored = self.grants.get(guild_id, {})
        self.grants[guild_id] = {key: one for key, one in stored.items() if key[0] != role_id}


def cut_times(grant: RoleGrant) -> RoleGrant:
    """Return a grant with its times in whole milliseconds, as MongoDB stores them."""
    due_since = None if grant.due_since is None else _cut(grant.due_since)
    return replace(grant, changed_at=_cut(grant.changed_at), due_since=due_since)


def _cut(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


@dataclass
class FakeRuleFigures:
    """The figures of all members, the same for every rule.

    Attributes:
        of: the figures, which a test sets.
        rests: why all rules rest; None while they act.
    """

    of: dict[MemberId, MemberFigures] = field(default_factory=dict)
    rests: RestReason | None = None

    async def read(
        self,
        guild_id: GuildId,
        rules: Sequence[RoleRule],
        players: Mapping[MemberId, Sequence[PlayerId]],
        *,
        now: datetime,
    ) -> tuple[RuleFigures, ...]:
        """Return the figures of the linked members."""
        del guild_id, now
        linked = {member: self.of.get(member, MemberFigures()) for member in players}
        return tuple(RuleFigures(rule, linked, rests=self.rests) for rule in rules)


@dataclass
class FakeGuildRoles:
    """The roles of guilds: those of another source, or none.

    Attributes:
        source: knows the roles; a test sets it.
    """

    source: GuildRoles | None = None

    def list_roles(self, guild_id: GuildId) -> Mapping[RoleId, RoleFacts] | None:
        """Return the roles."""
        return None if self.source is None else self.source.list_roles(guild_id)

    async def find_roles_of(self, guild_id: GuildId, member_ids: Collection[MemberId]) -> Answers:
        """Return the roles of members."""
        assert self.source is not None
        return await self.source.find_roles_of(guild_id, member_ids)


@dataclass
class FakeRoleEditing:
    """Gives and takes nothing.

    Attributes:
        woken: the guilds with something to do.
        kept: the roles that cannot be taken.
    """

    woken: list[GuildId] = field(default_factory=list)
    kept: tuple[RoleId, ...] = ()

    def wake(self, guild_id: GuildId, *, paused: Collection[Key], rules: int) -> None:
        """Note the guild."""
        del paused, rules
        self.woken.append(guild_id)

    def list_refused(self, guild_id: GuildId) -> Mapping[RoleId, RoleObstacle]:
        """Return none."""
        del guild_id
        return {}

    async def take_all(self, guild_id: GuildId, member_id: MemberId) -> Sequence[RoleId]:
        """Take none."""
        del guild_id, member_id
        return self.kept


class FakeMemberRoles:
    """Takes every role from members, except those that a test keeps.

    Attributes:
        kept: the roles that cannot be taken.
        taken_from: the members who lost their roles.
    """

    def __init__(self, *kept: RoleId) -> None:
        self.kept = kept
        self.taken_from: list[MemberId] = []

    @asynccontextmanager
    async def taking_all(self, guild_id: GuildId, member_id: MemberId) -> AsyncIterator[Sequence[RoleId]]:
        """Take the roles."""
        del guild_id
        self.taken_from.append(member_id)
        yield self.kept


@dataclass
class KnownRoles:
    """The roles of one guild and of its members, which a test sets.

    Attributes:
        roles: the roles by their id; the highest has the highest place.
        members: the roles of each member.
        is_shown: False while Discord does not show the guild.
    """

    roles: dict[RoleId, RoleFacts] = field(default_factory=dict)
    members: dict[MemberId, frozenset[RoleId]] = field(default_factory=dict)
    is_shown: bool = True

    def list_roles(self, guild_id: GuildId) -> Mapping[RoleId, RoleFacts] | None:
        """Return the roles."""
        del guild_id
        return self.roles if self.is_shown else None

    async def find_roles_of(self, guild_id: GuildId, member_ids: Collection[MemberId]) -> Answers:
        """Return the roles of members."""
        del guild_id
        return {member_id: self.members.get(member_id) for member_id in member_ids}
