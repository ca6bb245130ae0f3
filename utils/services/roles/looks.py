"""Looks at a guild's roles: reads the facts, decides, stores what is to be done, and wakes who does it.

Theory of operation: a look costs no request to Discord as long as nobody is to get a role. Before a member's
first edit Discord is asked for their roles; every six hours, after a start and when an admin asks for it, all
members with a grant or a right to a role are asked for (a *comparison*). Members who left have no grants and
are passed over until the next comparison, or until they use a command.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import KW_ONLY, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from structlog import get_logger

from utils.clock import Clock
from utils.error_sink import ErrorSource, Where
from utils.errors import DiscordAwayError
from utils.events import LinksChanged
from utils.locks import KeyedLocks
from utils.log_context import bind_log_context
from utils.models.audit import AuditAction, AuditEntry
from utils.models.incident_kinds import IncidentKind
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
    find_most_rules,
)
from utils.models.scope import GuildId, MemberId, PlayerId
from utils.models.texts import Command, Mention, Text, join, text
from utils.queues import WorkQueue
from utils.services.guilds.audit import log_entry
from utils.services.links.linking import LinkStore
from utils.services.ports import AdminNotifier
from utils.services.premium.tiers import PremiumService
from utils.services.roles.facts import describe_change
from utils.services.roles.figures import Players, RuleFigureService
from utils.services.roles.naming import RuleNaming
from utils.services.roles.rules import (
    Answers,
    Decisions,
    GuildFacts,
    Key,
    RuleFigures,
    decide_all,
    list_asked,
    list_paused,
    list_wishes,
)
from utils.tasks import TaskManager

LOOK_TASK = "roles:look"
LOG_SYSTEM = "role_connections"
COMPARE_EVERY = timedelta(hours=6)
SNOWFLAKE_BITS = 22  # below the time in an id of Discord

DISCORD_AWAY = text("Discord isn't answering right now. Try again in a minute.")
ROLE_DELETED = text(
    "The role of a role rule was deleted, so I switched the rule off. Remove it with {remove}.",
    remove=Command("roles remove"),
)

logger = get_logger(__name__)


class RoleStore(Protocol):  # implemented by RoleRepository
    """Storage of rules, and of what the bot did with roles."""

    async def list_rules(self, guild_id: GuildId) -> Sequence[RoleRule]:
        """Return the rules of a guild, oldest first."""

    async def list_grants(self, guild_id: GuildId) -> Sequence[RoleGrant]:
        """Return what the bot remembers of members' roles."""

    async def change_grants(
        self, guild_id: GuildId, before: Mapping[Key, RoleGrant], after: Mapping[Key, RoleGrant | None]
    ) -> None:
        """Write decisions; one about a grant that changed since it was read is left out."""

    async def switch_off(self, guild_id: GuildId, rule: RoleRule, *, entry: AuditEntry) -> bool:
        """Switch a rule off whose role was deleted, and forget the role; tell whether it was on."""

    async def end_withheld(self, guild_id: GuildId, member_id: MemberId) -> int:
        """Let the bot give a member the roles again that somebody took away; return their number."""


class GuildRoles(Protocol):  # implemented by DiscordRoles
    """The roles of a guild and of its members, as Discord knows them."""

    def list_roles(self, guild_id: GuildId) -> Mapping[RoleId, RoleFacts] | None:
        """Return the roles of a guild; None while Discord does not show the guild."""

    async def find_roles_of(self, guild_id: GuildId, member_ids: Collection[MemberId]) -> Answers:
        """Ask Discord for the roles of members; None for those who are no members.

        Raises:
            DiscordAwayError: it does not answer, which says nothing about anybody.
        """


class RoleEditing(Protocol):  # implemented by RoleEdits
    """Gives and takes the roles that are stored as under way."""

    def wake(self, guild_id: GuildId, *, paused: Collection[Key], rules: int) -> None:
        """Begin with a guild, if it is not being worked on.

        Args:
            guild_id: the guild.
            paused: the changes that are not to be made now, because their rules rest.
            rules: how many rules act by the tier of the guild; with a tier that allows fewer, all changes
                wait for the next look.
        """

    def list_refused(self, guild_id: GuildId) -> Mapping[RoleId, RoleObstacle]:
        """Return the roles that Discord refused a short while ago, and why."""

    async def take_all(self, guild_id: GuildId, member_id: MemberId) -> Sequence[RoleId]:
        """Take every role from a member that the bot gave; return those that could not be taken.

        Raises:
            StorageError: the database is away.
        """


@dataclass(eq=False, repr=False)
class RoleLooks:
    """Decides about the roles of guilds."""

    store: RoleStore
    links: LinkStore
    figures: RuleFigureService
    _: KW_ONLY
    roles: GuildRoles
    naming: RuleNaming
    edits: RoleEditing
    premium: PremiumService
    notifier: AdminNotifier
    tasks: TaskManager
    clock: Clock

    def __post_init__(self) -> None:
        self._locks = KeyedLocks[GuildId]()
        self._compare_at: dict[GuildId, datetime] = {}
        self._gone: dict[GuildId, frozenset[MemberId]] = {}
        self._left_out: set[tuple[GuildId, MemberId]] = set()  # they are being erased
        self._well: set[tuple[GuildId, RoleId]] = set()  # roles whose alert is closed
        self._wanted = WorkQueue(LOOK_TASK, self._look_soon, tasks=self.tasks)

    async def look(self, guild_id: GuildId, *, now: datetime) -> None:
        """Look at a guild, and compare with Discord if that is due.

        Raises:
            StorageError: the database is away; nothing is decided.
        """
        is_compared = now >= self._compare_at.get(guild_id, now)
        await self._look(guild_id, now=now, is_compared=is_compared)

    def on_links_changed(self, event: LinksChanged) -> None:
        """Look at once, because a role does not outlast its link."""
        self.want_look(event.guild_id)

    def want_look(self, guild_id: GuildId) -> None:
        """Look at a guild as soon as possible."""
        self._wanted.put(guild_id, guild_id=guild_id)

    def note_seen(self, guild_id: GuildId, member_id: MemberId) -> None:
        """Note that a member used a command: one who had left is back."""
        gone = self._gone.get(guild_id, frozenset())
        if member_id in gone:
            self._gone[guild_id] = gone - {member_id}
            self.want_look(guild_id)

    async def compare(self, guild_id: GuildId, *, member_id: MemberId | None = None) -> None:
        """Compare with Discord now, because an admin asks for it; give a member again what was withheld.

        Raises:
            DiscordAwayError: Discord does not answer.
        """
        if member_id is not None:
            await self.store.end_withheld(guild_id, member_id)
        if not await self._look(guild_id, now=self.clock.now(), is_compared=True):
            raise DiscordAwayError(DISCORD_AWAY)

    async def survey(self, guild_id: GuildId, rules: Sequence[RoleRule], *, now: datetime) -> GuildFacts:
        """Return the facts for these rules, whether they are stored or not, with Discord's answers.

        Raises:
            DiscordAwayError: Discord does not answer.
        """
        facts = await self.read(guild_id, rules, now=now)
        wanted = {
            key[1] for key, wish in list_wishes(facts).items() if wish.is_wanted and key not in facts.grants
        }
        return await self._ask(guild_id, facts, wanted - facts.answers.keys())

    async def read(
        self,
        guild_id: GuildId,
        rules: Sequence[RoleRule],
        *,
        now: datetime,
        players: Players | None = None,
    ) -> GuildFacts:
        """Return the facts for these rules without asking for members.

        Args:
            guild_id: the guild.
            rules: stored or not.
            now: the moment.
            players: those of the members that matter; None: of everyone with a proven link.

        Raises:
            DiscordAwayError: Discord does not show the guild.
        """
        roles = self.roles.list_roles(guild_id)
        if roles is None:
            raise DiscordAwayError(DISCORD_AWAY)
        if players is None:
            players = await self._list_players(guild_id)
        return await self._read(guild_id, rules, roles, players, now)

    @asynccontextmanager
    async def taking_all(self, guild_id: GuildId, member_id: MemberId) -> AsyncIterator[Sequence[RoleId]]:
        """Take every role from a member that the bot gave, and give them none during a block.

        Yields:
            the roles that could not be taken.

        Raises:
            StorageError: the database is away.
        """
        async with self._locks.hold(guild_id):  # a look that began before is over
            self._left_out.add((guild_id, member_id))
        try:
            yield await self.edits.take_all(guild_id, member_id)
        finally:
            self._left_out.discard((guild_id, member_id))

    async def close_alert(self, guild_id: GuildId, role_id: RoleId) -> None:
        """Close the alert about a role that a rule is not about any more."""
        self._well.discard((guild_id, role_id))
        await self.notifier.clear(guild_id, name_matter(role_id))

    def forget_guild(self, guild_id: GuildId) -> None:
        """Forget who had left a guild, and when it was compared."""
        self._compare_at.pop(guild_id, None)
        self._gone.pop(guild_id, None)
        self._well = {key for key in self._well if key[0] != guild_id}

    async def _look_soon(self, guild_id: GuildId) -> None:
        await self.look(guild_id, now=self.clock.now())

    async def _look(self, guild_id: GuildId, *, now: datetime, is_compared: bool) -> bool:
        """Decide and store; tell whether Discord answered everything that was asked."""
        with bind_log_context(guild_id, system=LOG_SYSTEM):
            async with self._locks.hold(guild_id):
                return await self._decide(guild_id, now=now, is_compared=is_compared)

    async def _decide(self, guild_id: GuildId, *, now: datetime, is_compared: bool) -> bool:
        roles = self.roles.list_roles(guild_id)
        if roles is None:
            return False
        rules = await self._list_acting(guild_id, roles, now)
        if not rules and not await self.store.list_grants(guild_id):
            return True
        facts = await self._read(guild_id, rules, roles, await self._list_players(guild_id), now)
        decided, is_answered = decide_all(facts), True
        try:
            answered = await self._answer(guild_id, facts, decided, is_compared=is_compared)
            if answered is not facts:
                facts, decided = answered, decide_all(answered)
        except DiscordAwayError as failure:
            self._note_away(guild_id, failure)
            is_answered = False
        changes = {key: one for key, one in decided.items() if _is_known(key, one, facts)}
        if changes:
            await self.store.change_grants(guild_id, facts.grants, changes)
        await self._tell_obstacles(guild_id, facts, roles)
        known = {key: one for key, one in {**facts.grants, **changes}.items() if one is not None}
        if any(one.state in UNDER_WAY for one in known.values()):
            allowed = sum(one.rests not in (RestReason.TIER, RestReason.LIMIT) for one in facts.rules)
            self.edits.wake(guild_id, paused=list_paused(replace(facts, grants=known)), rules=allowed)
        return is_answered

    async def _answer(
        self, guild_id: GuildId, facts: GuildFacts, decided: Decisions, *, is_compared: bool
    ) -> GuildFacts:
        """Return the facts with what Discord says about members; the same facts if nobody is asked for."""
        if not is_compared:
            return await self._ask(guild_id, facts, list_asked(facts, decided))
        again = replace(facts, answers={})
        asked = {key[1] for key, wish in list_wishes(again).items() if wish.is_wanted or key in facts.grants}
        answered = await self._ask(guild_id, again, asked)
        self._compare_at[guild_id] = find_next_comparison(guild_id, facts.now)
        self._gone[guild_id] = _list_gone(answered.answers)
        return answered

    async def _ask(
        self, guild_id: GuildId, facts: GuildFacts, member_ids: Collection[MemberId]
    ) -> GuildFacts:
        if not member_ids:
            return facts
        answers = await self.roles.find_roles_of(guild_id, member_ids)
        self._gone[guild_id] = self._gone.get(guild_id, frozenset()) | _list_gone(answers)
        return replace(facts, answers={**facts.answers, **answers})

    def _note_away(self, guild_id: GuildId, failure: DiscordAwayError) -> None:
        logger.info("members are asked for later", guild_id=guild_id, problem=str(failure))
        where = Where(source=ErrorSource.GATEWAY, guild_id=guild_id, name=LOOK_TASK)
        self.tasks.errors.report(failure, where=where)

    async def _list_players(self, guild_id: GuildId) -> Players:
        """Return the linked players of every member who is not being erased."""
        players: dict[MemberId, list[PlayerId]] = {}
        for link in await self.links.list_all_proven(guild_id):
            if (guild_id, link.member_id) not in self._left_out:
                players.setdefault(link.member_id, []).append(link.player_id)
        return players

    async def _read(
        self,
        guild_id: GuildId,
        rules: Sequence[RoleRule],
        roles: Mapping[RoleId, RoleFacts],
        players: Players,
        now: datetime,
    ) -> GuildFacts:
        figures = await self.figures.read(guild_id, rules, players, now=now)
        obstacles = {role_id: role.obstacle for role_id, role in roles.items() if role.obstacle is not None}
        unsafe = {role_id for role_id, one in obstacles.items() if one is RoleObstacle.DANGEROUS}
        return GuildFacts(
            rules=await self._let_rest(guild_id, figures),
            members=players.keys(),
            grants={(one.role_id, one.member_id): one for one in await self.store.list_grants(guild_id)},
            answers=dict.fromkeys(self._gone.get(guild_id, ()), None),
            order={role_id: role.place for role_id, role in roles.items()},
            closed=(obstacles.keys() - unsafe) | self.edits.list_refused(guild_id).keys(),
            unsafe=unsafe,
            now=now,
        )

    async def _let_rest(self, guild_id: GuildId, rules: Sequence[RuleFigures]) -> tuple[RuleFigures, ...]:
        """Let all rules rest without the tier, and the newest ones over its limit."""
        most = find_most_rules((await self.premium.get_tier(guild_id)).level)
        reason = RestReason.LIMIT if most else RestReason.TIER
        return (*rules[:most], *(replace(one, rests=reason) for one in rules[most:]))

    async def _list_acting(
        self, guild_id: GuildId, roles: Mapping[RoleId, RoleFacts], now: datetime
    ) -> tuple[RoleRule, ...]:
        """Return the rules that are on; one whose role was deleted is switched off."""
        refused = self.edits.list_refused(guild_id)
        acting: list[RoleRule] = []
        for rule in await self.store.list_rules(guild_id):
            role_id = rule.terms.role_id
            if rule.state is RuleState.OFF:
                continue
            if role_id in roles and refused.get(role_id) is not RoleObstacle.DELETED:
                acting.append(rule)
                continue
            facts = describe_change(await self.naming.name(guild_id, rule.terms), None)
            entry = AuditEntry(now, None, AuditAction.ROLES_OFF, facts)
            if await self.store.switch_off(guild_id, rule, entry=entry):
                log_entry(guild_id, entry)
            await self.close_alert(guild_id, role_id)
            await self.notifier.notify(guild_id, ROLE_DELETED, f"{name_matter(role_id)}:deleted")
        return tuple(acting)

    async def _tell_obstacles(
        self, guild_id: GuildId, facts: GuildFacts, roles: Mapping[RoleId, RoleFacts]
    ) -> None:
        """Tell the admins once of each role that cannot be given, and close the alert afterwards."""
        refused = self.edits.list_refused(guild_id)
        for role_id in {one.terms.role_id for one in facts.rules if one.rests is None}:
            obstacle = refused.get(role_id) or roles[role_id].obstacle
            key = (guild_id, role_id)
            if obstacle is not None:
                self._well.discard(key)
                said = describe_waiting(role_id, obstacle)
                kind = IncidentKind.ROLE_UNUSABLE
                await self.notifier.notify(guild_id, said, name_matter(role_id), kind=kind)
            elif key not in self._well:
                self._well.add(key)
                await self.notifier.clear(guild_id, name_matter(role_id))


def name_matter(role_id: RoleId) -> str:
    """Return the key of the alert about a role."""
    return f"roles:{role_id}"


def describe_waiting(role_id: RoleId, obstacle: RoleObstacle) -> Text:
    """Return the alert that a role cannot be given or taken."""
    waits = text("A role rule waits: I can't give or take {role}.", role=Mention("@&", role_id))
    return join([waits, obstacle.describe()])


def find_next_comparison(guild_id: GuildId, now: datetime) -> datetime:
    """Return when a guild is compared with Discord again; guilds are spread over the six hours."""
    period = COMPARE_EVERY.total_seconds()
    offset = (guild_id >> SNOWFLAKE_BITS) % period
    rounds = (now.timestamp() - offset) // period + 1
    return datetime.fromtimestamp(rounds * period + offset, UTC)


def _list_gone(answers: Answers) -> frozenset[MemberId]:
    return frozenset(member_id for member_id, roles in answers.items() if roles is None)


def _is_known(key: Key, grant: RoleGrant | None, facts: GuildFacts) -> bool:
    """Tell whether a change may be made: nobody gets a role whose roles are not known."""
    before = facts.grants.get(key)
    if grant is None or grant.state is not GrantState.GIVING:
        return True
    return key[1] in facts.answers or (before is not None and before.state is GrantState.GIVING)
