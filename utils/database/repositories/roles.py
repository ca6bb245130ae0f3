"""Role rules, and what the bot did with the roles of members."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from utils.database.core.blocking import Deletion, Replacement, Write
from utils.database.core.transaction import Transaction
from utils.database.documents.role_documents import ROLE_GRANTS, ROLE_RULES, build_grant_key, read_grant
from utils.database.repositories.repository import FencedRepository
from utils.database.units.audit_unit import insert_entry
from utils.database.units.direct_unit import append_direct_messages
from utils.models.audit import AuditEntry
from utils.models.notifications import DirectMessage
from utils.models.roles import UNDER_WAY, GrantState, RoleGrant, RoleId, RoleRule, RuleState
from utils.models.scope import GuildId, MemberId

CHANGES_AT_ONCE = 500

Key = tuple[RoleId, MemberId]

_UNDER_WAY = {"state": {"$in": sorted(UNDER_WAY)}}


class RoleRepository(FencedRepository):
    """The rules of guilds, and a document for each role of a member that the bot has to remember.

    Where a change takes an ``entry`` of the audit, both are stored or neither.
    """

    async def list_rules(self, guild_id: GuildId) -> tuple[RoleRule, ...]:
        """Return the rules of a guild, oldest first."""
        found = await self._of_guild("role_rules", guild_id).find({}, hint="rule")
        rules = [ROLE_RULES.read(one, guild_id=guild_id) for one in found]
        return tuple(sorted(rules, key=lambda rule: (rule.created_at, rule.rule_id)))

    async def insert_rule(self, guild_id: GuildId, rule: RoleRule, *, entry: AuditEntry) -> None:
        """Store a new rule."""

        def insert(transaction: Transaction) -> None:
            transaction.of_guild("role_rules", guild_id).insert_one(ROLE_RULES.build(rule))
            insert_entry(transaction, guild_id, entry)

        await self._in_transaction(guild_id, insert)

    async def replace_rule(
        self, guild_id: GuildId, before: RoleRule, after: RoleRule, *, entry: AuditEntry
    ) -> bool:
        """Change a rule; tell whether it was still as it was before."""
        changed = ROLE_RULES.build(after)
        stored = ROLE_RULES.build(before)

        def replace(transaction: Transaction) -> bool:
            query = {"rule_id": before.rule_id, "terms": stored["terms"], "state": stored["state"]}
            is_changed = transaction.of_guild("role_rules", guild_id).update_one(query, {"$set": changed})
            if is_changed:
                insert_entry(transaction, guild_id, entry)
            return is_changed

        return await self._in_transaction(guild_id, replace)

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

        If it was the last one of its role and the role is kept, nothing is remembered of the role. If another
        rule is about the role, a loss is due since ``due_since``, or its members have the role as if by hand.
        """

        def delete(transaction: Transaction) -> bool:
            rules = transaction.of_guild("role_rules", guild_id)
            grants = transaction.of_guild("role_grants", guild_id)
            if not rules.delete({"rule_id": rule.rule_id}):
                return False
            insert_entry(transaction, guild_id, entry)
            of_role = {"role_id": int(rule.terms.role_id)}
            is_ruled = any(one["terms"]["role_id"] == rule.terms.role_id for one in rules.find({}))
            if is_ruled:
                held = {**of_role, "state": GrantState.GIVEN.value}
                by_hand = {"state": GrantState.BY_HAND.value, "due_since": None}
                grants.update_many(held, {"$set": by_hand if keeps_roles else {"due_since": due_since}})
            elif keeps_roles:
                grants.delete(of_role)
            return True

        return await self._in_transaction(guild_id, delete)

    async def switch_off(self, guild_id: GuildId, rule: RoleRule, *, entry: AuditEntry) -> bool:
        """Switch a rule off whose role was deleted, and forget the role; tell whether it was on."""

        def switch_off(transaction: Transaction) -> bool:
            query = {"rule_id": rule.rule_id, "state": RuleState.ON.value}
            off = {"$set": {"state": RuleState.OFF.value}}
            if not transaction.of_guild("role_rules", guild_id).update_one(query, off):
                return False
            transaction.of_guild("role_grants", guild_id).delete({"role_id": int(rule.terms.role_id)})
            insert_entry(transaction, guild_id, entry)
            return True

        return await self._in_transaction(guild_id, switch_off)

    async def list_grants(self, guild_id: GuildId) -> tuple[RoleGrant, ...]:
        """Return what the bot remembers of members' roles."""
        found = await self._of_guild("role_grants", guild_id).find({}, hint="grant")
        return tuple(map(read_grant, found))

    async def list_under_way(self, guild_id: GuildId) -> tuple[RoleGrant, ...]:
        """Return the roles to give and to take: those to take first, then by time."""
        found = await self._of_guild("role_grants", guild_id).find(_UNDER_WAY, hint="grant")
        return tuple(sorted(map(read_grant, found), key=_get_turn))

    async def list_of_member(self, guild_id: GuildId, member_id: MemberId) -> tuple[RoleGrant, ...]:
        """Return what the bot remembers of a member's roles."""
        query = {"member_id": int(member_id)}
        found = await self._of_guild("role_grants", guild_id).find(query, hint="member")
        return tuple(map(read_grant, found))

    async def change_grants(
        self, guild_id: GuildId, before: Mapping[Key, RoleGrant], after: Mapping[Key, RoleGrant | None]
    ) -> None:
        """Write decisions; one about a grant that changed since it was read is left out."""
        keys = sorted(after)
        for start in range(0, len(keys), CHANGES_AT_ONCE):
            piece = keys[start : start + CHANGES_AT_ONCE]

            def change(transaction: Transaction, piece: Sequence[Key] = piece) -> None:
                grants = transaction.of_guild("role_grants", guild_id)
                members = [int(member_id) for _, member_id in piece]
                found = map(read_grant, grants.find({"member_id": {"$in": members}}, hint="member"))
                stored = {(one.role_id, one.member_id): one for one in found}
                same = [key for key in piece if stored.get(key) == before.get(key)]
                grants.bulk_write(_list_writes(same, before, after))

            await self._in_transaction(guild_id, change)

    async def change_grant(
        self,
        guild_id: GuildId,
        before: RoleGrant,
        after: RoleGrant | None,
        *,
        told: Sequence[DirectMessage] = (),
    ) -> bool:
        """Change one grant and store what its member is told; tell whether it was still as it was before."""

        def change(transaction: Transaction) -> bool:
            grants = transaction.of_guild("role_grants", guild_id)
            query = {**build_grant_key(before), "state": before.state.value, "changed_at": before.changed_at}
            if after is None:
                return bool(grants.delete(query))
            is_changed = grants.update_one(query, {"$set": ROLE_GRANTS.build(after)})
            if is_changed:
                append_direct_messages(transaction, guild_id, told)
            return is_changed

        return await self._in_transaction(guild_id, change)

    async def doubt_grants(self, guild_id: GuildId, *, at: datetime) -> None:
        """Note that nobody knows whether the given roles are still held, so that they are given once more.

        Members are told neither of these nor of the edits that were under way.
        """

        def doubt(transaction: Transaction) -> None:
            given = {"state": GrantState.GIVEN.value}
            changed = {"$set": {"state": GrantState.GIVING.value, "changed_at": at}}
            grants = transaction.of_guild("role_grants", guild_id)
            grants.update_many(given, changed)
            grants.update_many(_UNDER_WAY, {"$set": {"is_silent": True}})

        await self._in_transaction(guild_id, doubt)

    async def end_withheld(self, guild_id: GuildId, member_id: MemberId) -> int:
        """Let the bot give a member the roles again that somebody took away; return their number."""

        def end(transaction: Transaction) -> int:
            query = {"member_id": int(member_id), "state": GrantState.WITHHELD.value}
            return transaction.of_guild("role_grants", guild_id).delete(query)

        return await self._in_transaction(guild_id, end)


def _list_writes(
    keys: Collection[Key], before: Mapping[Key, RoleGrant], after: Mapping[Key, RoleGrant | None]
) -> Iterator[Write]:
    for key in keys:
        grant = after[key]
        if grant is not None:
            yield Replacement(build_grant_key(grant), ROLE_GRANTS.build(grant))
        elif key in before:
            yield Deletion(build_grant_key(before[key]))


def _get_turn(grant: RoleGrant) -> tuple[bool, datetime, int]:
    return grant.state is not GrantState.TAKING, grant.changed_at, int(grant.member_id)
