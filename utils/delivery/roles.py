"""Gives and takes roles of Discord.

Theory of operation: a look (``services/roles/looks.py``) stores a grant as *giving* or *taking*. Here one
request for one role of one member follows, and then the new state. Both requests may be repeated, so a
process that was killed in between has lost nothing: the next one finds the state and repeats the request.
The whole list of a member's roles is never sent, because that would undo what others change at that moment.

A guild has one task, with one request a second; five a second are for all guilds together. So 500 new holders
take 8 minutes, and no guild waits for another. Roles to take come first: the new holder of a first place gets
the role when the old one has lost it. The look says which changes are paused, because their rules rest; when
the tier falls in the middle of a queue, the rest of the queue waits for the next look. While Discord refuses
a role, it rests for half an hour, or until roles of the guild change; the admins are told once.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Protocol

from structlog import get_logger

from utils.backoff import Backoff
from utils.clock import Clock
from utils.delivery.languages import GuildSpeaker
from utils.delivery.pace import MessagePace
from utils.delivery.sender import DiscordSender
from utils.error_sink import ErrorSource, Where
from utils.errors import DeliveryError, StorageError
from utils.events import EventDispatcher, RolesChanged
from utils.locks import KeyedLocks
from utils.log_context import bind_log_context
from utils.models.incident_kinds import IncidentKind
from utils.models.notifications import DirectMessage, tell_role
from utils.models.roles import (
    HELD,
    REASON_CHARACTERS,
    TAKEABLE,
    GrantState,
    RoleGrant,
    RoleId,
    RoleObstacle,
    RoleRule,
    find_most_rules,
)
from utils.models.scope import GuildId, MemberId
from utils.models.texts import Text, text
from utils.models.visible_text import cut
from utils.queues import WorkQueue
from utils.services.ports import AdminNotifier
from utils.services.premium.tiers import PremiumService
from utils.services.roles.looks import LOG_SYSTEM, GuildRoles, describe_waiting, name_matter
from utils.services.roles.naming import RuleNaming
from utils.services.roles.rules import Key
from utils.tasks import TaskManager

EDITS_A_SECOND = 5.0  # of the whole bot
EDITS_OF_A_GUILD_A_SECOND = 1.0  # Discord takes ten in about ten seconds
REFUSED_FOR = timedelta(minutes=30)
EDIT_TASK = "roles:edit"
AGAIN = Backoff(first_seconds=2, longest_seconds=120)

logger = get_logger(__name__)


class _Fate(Enum):
    """The outcome of a request to Discord."""

    DONE = auto()
    REFUSED = auto()
    ROLE_GONE = auto()
    MEMBER_GONE = auto()


_FATES = {
    None: _Fate.DONE,
    10007: _Fate.MEMBER_GONE,
    10011: _Fate.ROLE_GONE,
    10013: _Fate.MEMBER_GONE,
}
"""By Discord's code of the error; with any other code it is refused."""


class RoleEditStore(Protocol):  # implemented by RoleRepository
    """Storage of what the bot does with roles.

    Raises:
        StorageError: from any method.
    """

    async def list_rules(self, guild_id: GuildId) -> Sequence[RoleRule]:
        """Return the rules of a guild."""

    async def list_under_way(self, guild_id: GuildId) -> Sequence[RoleGrant]:
        """Return the roles to give and to take: those to take first, then by time."""

    async def list_of_member(self, guild_id: GuildId, member_id: MemberId) -> Sequence[RoleGrant]:
        """Return what the bot remembers of a member's roles."""

    async def change_grant(
        self,
        guild_id: GuildId,
        before: RoleGrant,
        after: RoleGrant | None,
        *,
        told: Sequence[DirectMessage] = (),
    ) -> bool:
        """Change one grant and store what its member is told; tell whether it was still as it was before."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why Discord refused a role, and until when it is not tried again."""

    obstacle: RoleObstacle
    until: datetime


@dataclass(frozen=True, slots=True)
class _Limits:
    """The changes of a guild that are paused, and how many rules act by its tier, as the last look found."""

    paused: Collection[Key] = ()
    rules: int = 0


@dataclass(eq=False, repr=False)
class RoleEdits:
    """Carries out the stored changes of roles."""

    sender: DiscordSender
    store: RoleEditStore
    _: KW_ONLY
    roles: GuildRoles
    naming: RuleNaming
    languages: GuildSpeaker
    premium: PremiumService
    notifier: AdminNotifier
    events: EventDispatcher
    pace: MessagePace
    tasks: TaskManager
    clock: Clock

    def __post_init__(self) -> None:
        self._locks = KeyedLocks[GuildId]()
        self._paces: dict[GuildId, MessagePace] = {}
        self._refused: dict[GuildId, dict[RoleId, _Refusal]] = {}
        self._limits: dict[GuildId, _Limits] = {}
        self._queue = WorkQueue(EDIT_TASK, self._work, tasks=self.tasks)

    def wake(self, guild_id: GuildId, *, paused: Collection[Key], rules: int) -> None:
        """Begin with a guild, if it is not being worked on, and leave out what is paused."""
        self._limits[guild_id] = _Limits(paused, rules)
        self._queue.put(guild_id, guild_id=guild_id)

    def list_refused(self, guild_id: GuildId) -> Mapping[RoleId, RoleObstacle]:
        """Return the roles that Discord refused a short while ago, and why."""
        now = self.clock.now()
        refused = self._refused.get(guild_id, {})
        return {role_id: one.obstacle for role_id, one in refused.items() if one.until > now}

    def on_roles_changed(self, event: RolesChanged) -> None:
        """Try again what Discord refused, unless the role is gone."""
        refused = self._refused.get(event.guild_id, {})
        gone = {key: one for key, one in refused.items() if one.obstacle is RoleObstacle.DELETED}
        self._refused[event.guild_id] = gone

    def forget_guild(self, guild_id: GuildId) -> None:
        """Forget what Discord refused in a guild."""
        self._refused.pop(guild_id, None)
        self._paces.pop(guild_id, None)
        self._limits.pop(guild_id, None)

    async def take_all(self, guild_id: GuildId, member_id: MemberId) -> tuple[RoleId, ...]:
        """Take every role from a member that the bot gave; return those that could not be taken.

        Raises:
            StorageError: the database is away.
        """
        kept: list[RoleId] = []
        for grant in await self.store.list_of_member(guild_id, member_id):
            if grant.state not in HELD | {GrantState.TAKING}:
                continue
            now = self.clock.now()
            now = now.replace(microsecond=now.microsecond // 1000 * 1000)  # MongoDB stores milliseconds
            taking = replace(grant, state=GrantState.TAKING, changed_at=now, due_since=None)
            if not await self.store.change_grant(guild_id, grant, taking):
                continue
            try:
                fate = await self._edit(guild_id, taking, ERASED)
            except DeliveryError as failure:
                self._report(guild_id, failure)
                fate = _Fate.REFUSED
            if fate is _Fate.REFUSED:
                kept.append(grant.role_id)
        return tuple(kept)

    async def _work(self, guild_id: GuildId) -> None:
        """Carry out everything that is under way, however long Discord or the database is away."""
        for seconds in AGAIN.generate_seconds():
            try:
                with bind_log_context(guild_id, system=LOG_SYSTEM):
                    is_over = await self._make_round(guild_id)
            except StorageError as failure:
                if not failure.may_pass:
                    raise
                self._report(guild_id, failure)
                is_over = False
            if is_over:
                return
            await self.clock.sleep(seconds)

    async def _make_round(self, guild_id: GuildId) -> bool:
        """Try each change once; tell whether nothing is left to be tried again soon."""
        if self.roles.list_roles(guild_id) is None:
            return False
        under_way = await self.store.list_under_way(guild_id)
        rules = await self.store.list_rules(guild_id)
        crowns = {rule.terms.role_id for rule in rules if rule.terms.is_crown}
        unfinished, is_over = set[RoleId](), True
        for grant in under_way:
            if await self._has_tier_fallen(guild_id):
                break
            is_giving = grant.state is GrantState.GIVING
            if not self._may_edit(guild_id, grant) or (is_giving and grant.role_id in crowns & unfinished):
                unfinished.add(grant.role_id)
                continue
            try:
                await self._carry_out(guild_id, grant, await self._write_reason(guild_id, rules, grant))
            except DeliveryError as failure:
                self._report(guild_id, failure)
                unfinished.add(grant.role_id)
                is_over = False
        return is_over

    def _may_edit(self, guild_id: GuildId, grant: RoleGrant) -> bool:
        """Tell whether the change is not paused, and Discord shows the role as one to give or take now."""
        roles = self.roles.list_roles(guild_id)
        if roles is None or grant.role_id in self.list_refused(guild_id):
            return False
        if (grant.role_id, grant.member_id) in self._limits.get(guild_id, _Limits()).paused:
            return False
        role = roles.get(grant.role_id)
        obstacle = RoleObstacle.DELETED if role is None else role.obstacle
        return obstacle is None if grant.state is GrantState.GIVING else obstacle in TAKEABLE

    async def _has_tier_fallen(self, guild_id: GuildId) -> bool:
        """Tell whether the tier allows fewer rules than at the last look."""
        most = find_most_rules((await self.premium.get_tier(guild_id)).level)
        return most < self._limits.get(guild_id, _Limits()).rules

    async def _carry_out(self, guild_id: GuildId, grant: RoleGrant, reason: Text) -> None:
        """Give or take one role, and store what became of it.

        Raises:
            DeliveryError: nobody knows, or Discord is away; it is tried again.
        """
        fate = await self._edit(guild_id, grant, reason)
        if fate is None:
            return
        if fate is _Fate.DONE:
            state = GrantState.GIVEN if grant.state is GrantState.GIVING else GrantState.WAITING
            is_silent = grant.is_silent and state is GrantState.GIVEN
            done = replace(
                grant, state=state, changed_at=self.clock.now(), due_since=None, is_silent=is_silent
            )
            told = () if grant.is_silent else self._tell(guild_id, done)
            await self.store.change_grant(guild_id, grant, done, told=told)
            is_given = state is GrantState.GIVEN
            logger.info("a role is given" if is_given else "a role is taken", role=grant.role_id)
        elif fate is _Fate.MEMBER_GONE:
            await self.store.change_grant(guild_id, grant, None)
        else:
            await self._note_refused(guild_id, grant.role_id, fate)

    async def _edit(self, guild_id: GuildId, grant: RoleGrant, reason: Text) -> _Fate | None:
        """Make one request; None if the grant has changed since it was read."""
        await self._wait_for_turn(guild_id)
        async with self._locks.hold(guild_id):
            if grant not in await self.store.list_of_member(guild_id, grant.member_id):
                return None
            embeds = await self.languages.speak(guild_id)
            written = cut(embeds.words.write_plain(reason), REASON_CHARACTERS)
            code = await self.sender.edit_role(
                guild_id,
                grant.member_id,
                grant.role_id,
                is_given=grant.state is GrantState.GIVING,
                reason=written,
            )
            return _FATES.get(code, _Fate.REFUSED)

    def _tell(self, guild_id: GuildId, done: RoleGrant) -> Sequence[DirectMessage]:
        """Return the message to the member, unless the role was deleted a moment ago."""
        role = (self.roles.list_roles(guild_id) or {}).get(done.role_id)
        return () if role is None else tell_role(done, role.name)

    async def _wait_for_turn(self, guild_id: GuildId) -> None:
        if guild_id not in self._paces:
            self._paces[guild_id] = MessagePace(self.clock, a_second=EDITS_OF_A_GUILD_A_SECOND)
        await self._paces[guild_id].wait_for_turn()
        await self.pace.wait_for_turn()

    async def _note_refused(self, guild_id: GuildId, role_id: RoleId, fate: _Fate) -> None:
        """Rest with a role, and tell the admins once, or let the next look switch its rule off."""
        roles = self.roles.list_roles(guild_id) or {}
        known = roles[role_id].obstacle if role_id in roles else None
        obstacle = RoleObstacle.DELETED if fate is _Fate.ROLE_GONE else known or RoleObstacle.FORBIDDEN
        until = self.clock.now() + REFUSED_FOR
        self._refused.setdefault(guild_id, {})[role_id] = _Refusal(obstacle, until)
        if obstacle is RoleObstacle.DELETED:
            self.events.dispatch(RolesChanged(guild_id=guild_id))
            return
        said, kind = describe_waiting(role_id, obstacle), IncidentKind.ROLE_UNUSABLE
        await self.notifier.notify(guild_id, said, name_matter(role_id), kind=kind)

    async def _write_reason(self, guild_id: GuildId, rules: Sequence[RoleRule], grant: RoleGrant) -> Text:
        """Return the reason for Discord's audit log."""
        rule = next((one for one in rules if one.terms.role_id == grant.role_id), None)
        if rule is None:
            return text("Rule: removed")
        named = await self.naming.name(guild_id, rule.terms)
        return text("Rule: {rule}", rule=named.describe())

    def _report(self, guild_id: GuildId, failure: DeliveryError | StorageError) -> None:
        logger.info("a role waits", guild_id=guild_id, problem=str(failure))
        where = Where(source=ErrorSource.MESSAGE, guild_id=guild_id, name=EDIT_TASK)
        self.tasks.errors.report(failure, where=where)


ERASED = text("Their data is erased")
