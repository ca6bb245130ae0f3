"""Roles that are given and taken in Discord, from the figures of linked members."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import discord
import pytest
from discord.ext import commands
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from simulation.discord import Fault, Guild, Member, Permission, Role, SimulatedDiscord
from simulation.discord.clients import running_bot
from tests.fakes.clock import START, FakeClock
from tests.fakes.factions import FakeFactionStore
from tests.fakes.languages import FakeGuildLanguages
from tests.fakes.links import FakeLinkStore
from tests.fakes.own_bot import wait_until
from tests.fakes.premium import FakePremiumStore
from tests.fakes.pseudo_language import LANGUAGE
from tests.fakes.roles import FakeRoleStore, FakeRuleFigures
from tests.fakes.server_loops import FakeNotifier
from tests.fakes.storage import FakeServerStore
from utils.delivery.members import DiscordRoles
from utils.delivery.pace import MessagePace
from utils.delivery.roles import EDITS_A_SECOND, REFUSED_FOR, RoleEdits
from utils.delivery.sender import DiscordSender
from utils.errors import StorageUnavailableError
from utils.events import EventDispatcher, RolesChanged
from utils.models.incident_kinds import IncidentKind
from utils.models.links import Link, LinkState
from utils.models.notifications import DirectEvent
from utils.models.roles import (
    GrantState,
    RestReason,
    RoleGrant,
    RoleId,
    RoleObstacle,
    RoleRule,
    RuleState,
    RuleTerms,
)
from utils.models.rule_plans import MemberFigures
from utils.models.scope import GuildId, MemberId, PlayerId
from utils.services.premium.tiers import PremiumService
from utils.services.roles.looks import LOG_SYSTEM, RoleLooks, find_next_comparison
from utils.services.roles.naming import RuleNaming
from utils.services.roles.rules import DWELL
from utils.tasks import TaskManager

ROLE = "/guilds/{guild_id}/members/{user_id}/roles/{role_id}"
MANAGES = int(Permission.MANAGE_ROLES)
DANGEROUS_BITS = frozenset({1, 2, 3, 4, 5, 7, 13, 17, 27, 28, 29, 30, 33, 34, 40})
"""The permissions to moderate and to manage, as Discord numbers them."""


class QuickClock(FakeClock):
    """A clock without waits: a sleep moves it, and the clock of Discord."""

    def __init__(self, world: SimulatedDiscord) -> None:
        super().__init__()
        self.world = world

    async def sleep(self, seconds: float) -> None:
        """Move all clocks."""
        self.pass_time(seconds)

    def pass_time(self, seconds: float) -> None:
        """Let time pass here and at Discord."""
        self.move(seconds)
        self.world.clock.advance(seconds)


@dataclass
class Community:
    """Guilds with role rules, and the process of the bot that carries them out."""

    world: SimulatedDiscord
    bot: discord.Bot
    store: FakeRoleStore = field(default_factory=FakeRoleStore)
    links: FakeLinkStore = field(default_factory=FakeLinkStore)
    figures: FakeRuleFigures = field(default_factory=FakeRuleFigures)
    notifier: FakeNotifier = field(default_factory=FakeNotifier)
    servers: FakeServerStore = field(default_factory=FakeServerStore)
    grants: FakePremiumStore = field(default_factory=FakePremiumStore)
    languages: FakeGuildLanguages = field(default_factory=FakeGuildLanguages)
    tier: int = 3

    def __post_init__(self) -> None:
        """Start the first process."""
        self.clock = QuickClock(self.world)
        self.events = EventDispatcher()
        self.restart()

    def restart(self) -> None:
        """Begin another process with what is stored."""
        self.tasks = TaskManager(self.clock)
        sender = DiscordSender(self.bot, clock=self.clock)
        roles = DiscordRoles(self.bot, sender, clock=self.clock)
        naming = RuleNaming(self.servers, FakeFactionStore(self.links))
        premium = PremiumService(self.grants, default_tier=self.tier, clock=self.clock)
        self.edits = RoleEdits(
            sender,
            self.store,
            roles=roles,
            naming=naming,
            languages=self.languages,
            premium=premium,
            notifier=self.notifier,
            events=self.events,
            pace=MessagePace(self.clock, a_second=EDITS_A_SECOND),
            tasks=self.tasks,
            clock=self.clock,
        )
        self.looks = RoleLooks(
            self.store,
            self.links,
            self.figures,  # type: ignore[arg-type] # only what a look reads
            roles=roles,
            naming=naming,
            edits=self.edits,
            premium=premium,
            notifier=self.notifier,
            tasks=self.tasks,
            clock=self.clock,
        )

    async def change(self, make: Callable[[], None], role: Role) -> None:
        """Change a role in Discord, and wait until the bot knows it."""
        guild = self.bot.get_guild(role.guild.id)
        assert guild is not None
        make()

        def is_known() -> bool:
            known, real = guild.get_role(role.id), role.guild.roles.get(role.id)
            if known is None or real is None:
                return known is real
            return (known.position, known.permissions.value) == (real.position, int(real.permissions))

        await wait_until(is_known)

    async def add_rule(self, role: Role, **terms: object) -> RoleRule:
        """Store a rule about a role, which stands below the bot's own."""
        [own, *_] = role.guild.bot.roles
        await self.change(lambda: self.world.move_role(own, 50), own)
        granted = int(own.permissions) | MANAGES
        await self.change(lambda: self.world.set_role_permissions(own, granted), own)
        await self.change(lambda: self.world.move_role(role, 1), role)  # the library moves it by itself
        rule = RoleRule(
            guild_id=GuildId(role.guild.id),
            rule_id=f"{role.id}-{len(self.store.rules)}",
            terms=RuleTerms(role_id=RoleId(role.id), **terms),  # type: ignore[arg-type] # names of terms
            created_by=MemberId(1),
            created_at=START,
        )
        self.store.rules.setdefault(rule.guild_id, []).append(rule)
        return rule

    def link(self, guild: Guild, *members: Member, kills: int = 100) -> None:
        """Link members to a player each, with kills."""
        guild_id = GuildId(guild.id)
        for member in members:
            member_id, player_id = MemberId(member.id), PlayerId(f"player of {member.id}")
            link = Link(guild_id, member_id, player_id, "Wolf", START, state=LinkState.PROVEN)
            self.links.links[guild_id, member_id, player_id] = link
            self.figures.of[member_id] = MemberFigures(kills=kills)

    def put_grants(self, role: Role, state: GrantState, *members: Member) -> None:
        """Store the grants of a process that was killed, and no others."""
        grants = [RoleGrant(RoleId(role.id), MemberId(one.id), state, START) for one in members]
        self.store.grants[GuildId(role.guild.id)] = {(one.role_id, one.member_id): one for one in grants}

    def unlink(self, guild: Guild, member: Member) -> None:
        """End the links of a member."""
        kept = {key: link for key, link in self.links.links.items() if key[:2] != (guild.id, member.id)}
        self.links.links = kept

    async def look(self, guild: Guild, *, seconds: float = 0) -> None:
        """Look at a guild some seconds later, and carry everything out."""
        self.clock.pass_time(seconds)
        await self.looks.look(GuildId(guild.id), now=self.clock.now())
        await wait_until(lambda: not self.tasks.is_running(f"roles:edit:{guild.id}"))

    def count(self) -> tuple[int, int, int]:
        """Return how many roles were given and taken, and how often members were asked for."""
        journal = self.world.journal
        requests = len(journal.requests_to("PUT", ROLE)), len(journal.requests_to("DELETE", ROLE))
        return (*requests, len(journal.members_requests))


@pytest.fixture(name="community")
async def _community(world: SimulatedDiscord, guild: Guild) -> AsyncIterator[Community]:
    """A bot that is online, in a Discord with rate limits whose clock the test moves.

    The guild was compared with Discord a second ago. Discord's clock is behind, so the library never waits
    for a limit by itself: only our own pace keeps it.
    """
    assert guild.has_bot
    world.rate_limits.is_enforced = True
    world.clock.hold()
    world.clock._held_at -= 86_400  # type: ignore[operator]
    bot = commands.Bot(
        intents=discord.Intents(guilds=True),
        cache_default_sounds=False,
        help_command=None,
        guild_ready_timeout=0.1,
        assume_unsync_clock=False,
    )
    async with running_bot(bot, world):
        await wait_until(lambda: bot.get_guild(guild.id) is not None)
        community = Community(world, bot)
        now = community.clock.now()
        community.clock.pass_time((find_next_comparison(GuildId(guild.id), now) - now).total_seconds() + 1)
        yield community
    assert (world.violations, world.rate_limits.hits) == ([], [])


async def test_role_comes_and_goes_with_the_figures(
    community: Community, world: SimulatedDiscord, guild: Guild, alice: Member
) -> None:
    """A member is asked for once, before the first edit; nothing is done or told while nothing changes."""
    role = world.create_role(guild, "hunters")
    await community.add_rule(role, kills=100)
    community.link(guild, alice)
    with capture_logs(processors=[merge_contextvars]) as entries:
        await community.look(guild)
    assert {entry["system"] for entry in entries} == {LOG_SYSTEM}
    assert (alice.membership.roles, community.count()) == ([role], (1, 0, 1))
    given = world.journal.requests_to("PUT", ROLE)[0]
    assert given.reason == "Rule: 100 kills or more · all game servers · All time"
    for _ in range(10):
        await community.look(guild, seconds=60)
    assert community.count() == (1, 0, 1)
    community.link(guild, alice, kills=50)
    await community.look(guild)
    assert alice.membership.roles == [role]
    community.languages.language = LANGUAGE  # the reason follows the language of the guild
    await community.look(guild, seconds=DWELL.total_seconds())
    assert (alice.membership.roles, community.count()) == ([], (1, 1, 1))
    assert world.journal.requests_to("DELETE", ROLE)[0].reason.startswith("⟦Rúlé: ")
    assert [(one.member_id, one.event, one.role_name) for one in community.store.told] == [
        (alice.id, DirectEvent.GIVEN, "hunters"),
        (alice.id, DirectEvent.TAKEN, "hunters"),
    ]
    await community.look(guild, seconds=DWELL.total_seconds())
    assert community.store.get_states(GuildId(guild.id)) == {}


async def test_many_members_get_their_role_within_discords_limits(
    community: Community, world: SimulatedDiscord, guild: Guild
) -> None:
    """120 members need two requests; one role a second meets no limit of Discord, also for 500 of them."""
    role = world.create_role(guild, "hunters")
    await community.add_rule(role, kills=100)
    members = [world.add_member(guild, f"player {number}") for number in range(500)]
    community.link(guild, *members[:120])
    began = community.clock.monotonic()
    await community.look(guild)
    assert community.count() == (120, 0, 2)
    first, second = world.journal.members_requests
    assert (len(first.user_ids), len(second.user_ids), round(second.at - first.at)) == (100, 20, 1)
    community.link(guild, *members)
    await community.look(guild)
    assert community.count() == (500, 0, 6)
    assert [len(one.user_ids) for one in world.journal.members_requests[2:]] == [100, 100, 100, 80]
    assert all(member.membership.roles == [role] for member in members)
    assert 498 <= community.clock.monotonic() - began < 510


async def test_what_others_do_with_a_role_stays(
    community: Community, world: SimulatedDiscord, guild: Guild, alice: Member
) -> None:
    """A role by hand is never taken, and one that a moderator took is not given again until a sync."""
    role = world.create_role(guild, "hunters")
    await community.add_rule(role, kills=100)
    bob = world.add_member(guild, "bob", roles=[role])
    community.link(guild, alice, bob)
    await community.look(guild)
    world.set_roles(alice.membership, [])
    await community.look(guild, seconds=60)
    assert (alice.membership.roles, community.count()[0]) == ([], 1)
    guild_id, role_id = GuildId(guild.id), RoleId(role.id)
    await community.looks.compare(guild_id)
    assert community.store.get_states(guild_id) == {
        (role_id, bob.id): "by_hand",
        (role_id, alice.id): "withheld",
    }
    await community.look(guild, seconds=6 * 3600)  # a comparison of its own
    assert alice.membership.roles == []
    await community.looks.compare(guild_id, member_id=MemberId(alice.id))
    await community.look(guild)
    assert alice.membership.roles == [role]
    community.link(guild, alice, bob, kills=0)
    for _ in range(2):
        await community.look(guild, seconds=DWELL.total_seconds())
    assert (alice.membership.roles, bob.membership.roles) == ([], [role])


@pytest.mark.parametrize("cut", ["before", "after"])
async def test_member_is_told_of_a_role_once_when_discords_answer_is_lost(
    community: Community, world: SimulatedDiscord, guild: Guild, alice: Member, cut: str
) -> None:
    """The request is repeated until its outcome is known, and the message comes with the outcome."""
    role = world.create_role(guild, "hunters")
    await community.add_rule(role, kills=100)
    community.link(guild, alice)
    world.faults.add(Fault("PUT", ROLE, cut=cut))
    await community.look(guild)
    assert (alice.membership.roles, community.count()[0]) == ([role], 2)
    assert [one.event for one in community.store.told] == [DirectEvent.GIVEN]


@pytest.mark.parametrize(("hours", "told"), [(0, []), (23, []), (25, [DirectEvent.TAKEN])])
async def test_role_that_is_given_again_after_a_restore_is_not_told_again(
    community: Community, world: SimulatedDiscord, guild: Guild, alice: Member, hours: int, told: list[str]
) -> None:
    """Its loss on the day after the restore may be an old one as well; a later loss is news."""
    role = world.create_role(guild, "hunters")
    await community.add_rule(role, kills=100)
    community.link(guild, alice)
    guild_id, key = GuildId(guild.id), (RoleId(role.id), MemberId(alice.id))
    doubted = RoleGrant(*key, GrantState.GIVING, START, is_silent=True)
    community.store.grants[guild_id] = {key: doubted}
    await community.look(guild)
    given = community.store.grants[guild_id][key]
    assert (given.state, given.is_silent, community.store.told) == (GrantState.GIVEN, True, [])
    await community.look(guild, seconds=hours * 3600)
    assert community.store.grants[guild_id][key].is_silent == (told == [])
    community.link(guild, alice, kills=0)
    for _ in range(2):
        await community.look(guild, seconds=DWELL.total_seconds())
    assert (alice.membership.roles, [one.event for one in community.store.told]) == ([], told)
    community.link(guild, alice)
    for _ in range(2):
        await community.look(guild, seconds=DWELL.total_seconds())
    assert [one.event for one in community.store.told] == [*told, DirectEvent.GIVEN]


@pytest.mark.parametrize("has_role", [False, True])
@pytest.mark.parametrize("is_wanted", [False, True])
@pytest.mark.parametrize("state", [GrantState.GIVING, GrantState.TAKING])
async def test_killed_process_leaves_exactly_the_wanted_roles_in_the_end(
    community: Community,
    world: SimulatedDiscord,
    guild: Guild,
    alice: Member,
    *,
    state: GrantState,
    is_wanted: bool,
    has_role: bool,
) -> None:
    """The next process finds the state, with its request made or not, and repeats the request."""
    role = world.create_role(guild, "hunters")
    await community.add_rule(role, kills=100)
    community.link(guild, alice, kills=100 if is_wanted else 0)
    world.set_roles(alice.membership, [role] if has_role else [])
    community.put_grants(role, state, alice)
    for _ in range(3):
        await community.look(guild, seconds=DWELL.total_seconds())
    assert alice.membership.roles == ([role] if is_wanted else [])


async def test_role_above_the_bot_or_a_lost_permission_waits_and_is_told_once(
    community: Community, world: SimulatedDiscord, guild: Guild, alice: Member
) -> None:
    """The rule goes on when the roles of the guild have changed."""
    role = world.create_role(guild, "hunters")
    await community.add_rule(role, kills=100)
    community.link(guild, alice)
    await community.change(lambda: world.move_role(role, 60), role)
    for _ in range(2):
        await community.look(guild, seconds=60)
    assert (alice.membership.roles, community.count()) == ([], (0, 0, 1))
    reason = "That role isn't below my highest role. Move my role above it in the server settings."
    waits = f"A role rule waits: I can't give or take <@&{role.id}>. {reason}"
    assert community.notifier.told == [waits]
    assert community.notifier.kinds == [IncidentKind.ROLE_UNUSABLE]
    [own, *_] = guild.bot.roles
    await community.change(lambda: world.move_role(role, 1), role)
    own.permissions &= ~MANAGES  # so that the bot learns it by the refusal alone
    await community.look(guild, seconds=60)
    assert (community.count()[0], len(community.notifier.told)) == (1, 2)
    await community.look(guild, seconds=60)
    assert community.count()[0] == 1
    world.set_role_permissions(own, int(own.permissions) | MANAGES)
    community.edits.on_roles_changed(RolesChanged(guild_id=GuildId(guild.id)))
    await community.look(guild, seconds=60)
    assert alice.membership.roles == [role]
    own.permissions &= ~MANAGES
    community.link(guild, alice, kills=0)
    for _ in range(2):
        await community.look(guild, seconds=DWELL.total_seconds())
    assert alice.membership.roles == [role]
    own.permissions |= MANAGES
    await community.look(guild, seconds=REFUSED_FOR.total_seconds())
    assert alice.membership.roles == []


async def test_each_role_that_may_not_be_given_is_known(
    community: Community, world: SimulatedDiscord, guild: Guild
) -> None:
    """One permission to moderate or to manage is enough; all others may be given away."""
    harmless, high = world.create_role(guild, "hunters"), world.create_role(guild, "staff")
    await community.add_rule(harmless)
    await community.change(lambda: world.move_role(high, 60), high)
    bits = {world.create_role(guild, str(bit), permissions=1 << bit).id: bit for bit in range(53)}
    await wait_until(lambda: len(community.looks.roles.list_roles(GuildId(guild.id)) or ()) == 53 + 4)
    known = community.looks.roles.list_roles(GuildId(guild.id))
    assert known is not None
    obstacles = {int(role_id): role.obstacle for role_id, role in known.items()}
    dangerous = {bit for role_id, bit in bits.items() if obstacles[role_id] is RoleObstacle.DANGEROUS}
    assert dangerous == DANGEROUS_BITS
    [own, *_] = guild.bot.roles
    others = {role_id: found for role_id, found in obstacles.items() if bits.get(role_id) not in dangerous}
    assert {role_id: found for role_id, found in others.items() if found is not None} == {
        guild.id: RoleObstacle.EVERYONE,
        own.id: RoleObstacle.MANAGED,
        high.id: RoleObstacle.ABOVE,
    }
    await community.change(lambda: world.set_role_permissions(own, 0), own)
    known = community.looks.roles.list_roles(GuildId(guild.id))
    assert known is not None
    assert known[RoleId(harmless.id)].obstacle is RoleObstacle.FORBIDDEN


async def test_dangerous_role_is_not_given_but_taken(
    community: Community, world: SimulatedDiscord, guild: Guild, alice: Member
) -> None:
    """A role that got a permission to moderate since its rule was made is looked at before each gift."""
    role = world.create_role(guild, "hunters")
    await community.add_rule(role, kills=100)
    bob = world.add_member(guild, "bob")
    community.link(guild, alice)
    await community.look(guild)
    powers = int(Permission.BAN_MEMBERS)
    await community.change(lambda: world.set_role_permissions(role, powers), role)
    community.link(guild, bob)
    community.unlink(guild, alice)
    await community.look(guild)
    assert (alice.membership.roles, bob.membership.roles) == ([], [])


async def test_rule_ends_with_its_role(
    community: Community, world: SimulatedDiscord, guild: Guild, alice: Member
) -> None:
    """A deleted role switches its rule off, by the event or by the refusal; the admins are told once."""
    guild_id = GuildId(guild.id)
    role, other = world.create_role(guild, "hunters"), world.create_role(guild, "snipers")
    await community.add_rule(role, kills=100)
    community.link(guild, alice)
    await community.look(guild)
    await community.change(lambda: world.delete_role(role), role)
    await community.look(guild)
    await community.look(guild)
    assert [rule.state for rule in community.store.rules[guild_id]] == [RuleState.OFF]
    assert (community.store.get_states(guild_id), len(community.notifier.told)) == ({}, 1)
    assert [action for _, action, _ in community.store.audit.lines] == ["roles off"]
    await community.add_rule(other, kills=100)
    del guild.roles[other.id]  # and the event is lost
    await community.look(guild)
    await community.look(guild)
    assert community.store.rules[guild_id][1].state is RuleState.OFF


async def test_member_who_left_is_forgotten_and_found_again(
    community: Community, world: SimulatedDiscord, guild: Guild, alice: Member
) -> None:
    """Their link stays; they get the role after the next comparison, or when they use a command."""
    guild_id = GuildId(guild.id)
    role = world.create_role(guild, "hunters")
    await community.add_rule(role, kills=100)
    community.link(guild, alice)
    await community.look(guild)
    world.leave(alice.membership)
    await community.looks.compare(guild_id)
    assert community.store.get_states(guild_id) == {}
    asked = community.count()
    await community.look(guild, seconds=60)
    assert community.count() == asked
    world.join(guild, alice.user)
    await community.look(guild, seconds=60)
    assert community.count() == asked
    community.looks.note_seen(guild_id, MemberId(alice.id))
    await wait_until(lambda: guild.members[alice.id].roles == [role])
    world.leave(guild.members[alice.id])
    grant = replace(
        community.store.grants[guild_id][RoleId(role.id), MemberId(alice.id)], state=GrantState.TAKING
    )
    community.store.grants[guild_id] = {(grant.role_id, grant.member_id): grant}
    await community.look(guild)
    assert community.store.get_states(guild_id) == {}


async def test_link_that_ends_takes_the_role_at_once_and_an_ended_tier_takes_none(
    community: Community, world: SimulatedDiscord, guild: Guild, alice: Member
) -> None:
    """So does a rule that is removed; without the tier all rules rest."""
    guild_id = GuildId(guild.id)
    role = world.create_role(guild, "hunters")
    rule = await community.add_rule(role, kills=100)
    bob, carl = world.add_member(guild, "bob"), world.add_member(guild, "carl")
    community.link(guild, alice, bob, carl)
    await community.look(guild)
    community.tier = 2
    community.restart()
    community.link(guild, bob, kills=0)
    community.unlink(guild, carl)
    for _ in range(2):
        await community.look(guild, seconds=DWELL.total_seconds())
    held = [member.membership.roles for member in (alice, bob, carl)]
    assert held == [[role], [role], []]
    community.store.rules[guild_id].remove(rule)
    await community.look(guild)
    assert [member.membership.roles for member in (alice, bob)] == [[], []]


def count_roles(members: Sequence[Member]) -> Counter[str]:
    """Return how many members have each role."""
    return Counter(one.name for member in members for one in member.membership.roles)


@pytest.mark.parametrize("after", [2, 3])
async def test_queue_stops_when_the_tier_ends(
    community: Community, world: SimulatedDiscord, guild: Guild, after: int
) -> None:
    """A rule that rests gives and takes no role any more; a rule that acts goes on."""
    role, late = world.create_role(guild, "hunters"), world.create_role(guild, "snipers")
    for one in (*[role] * 10, late):
        await community.add_rule(one, kills=100)
    members = [world.add_member(guild, f"player {number}") for number in range(10)]
    community.tier = after
    community.grants.give(GuildId(guild.id), 4, community.clock.now() + timedelta(seconds=5.5))
    community.restart()
    community.link(guild, *members)
    await community.look(guild)
    begun = count_roles(members)
    assert 0 < begun.total() < 10
    community.link(guild, *members[:5], kills=0)
    for _ in range(3):
        await community.look(guild, seconds=DWELL.total_seconds())
    assert count_roles(members) == (begun if after == 2 else {**begun, "hunters": 5})
    community.grants.give(GuildId(guild.id), 4)
    community.restart()
    for _ in range(3):
        await community.look(guild, seconds=DWELL.total_seconds())
    assert all(member.membership.roles == [] for member in members[:5])
    assert all(set(member.membership.roles) == {role, late} for member in members[5:])


@pytest.mark.parametrize("state", [GrantState.GIVING, GrantState.TAKING])
@pytest.mark.parametrize("reason", list(RestReason))
async def test_request_that_was_queued_waits_while_its_rule_rests(
    community: Community,
    world: SimulatedDiscord,
    guild: Guild,
    alice: Member,
    reason: RestReason,
    state: GrantState,
) -> None:
    """The next process makes no request; a member without a link loses the role."""
    role = world.create_role(guild, "hunters")
    await community.add_rule(role, kills=100)
    bob = world.add_member(guild, "bob", roles=[role])
    community.link(guild, alice, kills=100 if state is GrantState.GIVING else 0)
    if state is GrantState.TAKING:
        world.set_roles(alice.membership, [role])
    community.put_grants(role, state, alice, bob)
    community.figures.rests = reason
    for _ in range(2):
        await community.look(guild, seconds=DWELL.total_seconds())
    assert (community.count()[:2], bob.membership.roles) == ((0, 1), [])
    community.figures.rests = None
    await community.look(guild, seconds=DWELL.total_seconds())
    assert alice.membership.roles == ([role] if state is GrantState.GIVING else [])


async def test_nothing_is_decided_without_the_database_or_without_an_answer(
    community: Community,
    world: SimulatedDiscord,
    guild: Guild,
    alice: Member,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The next look goes on; an answer that does not come says nothing about the members."""
    role = world.create_role(guild, "hunters")
    await community.add_rule(role, kills=100)
    community.link(guild, alice)
    community.store.failures = [StorageUnavailableError("away")]
    with pytest.raises(StorageUnavailableError):
        await community.look(guild)

    async def ask(*_: object, **__: object) -> None:
        raise TimeoutError

    with monkeypatch.context() as patch:
        patch.setattr(discord.Guild, "query_members", ask)
        await community.look(guild)
    assert (alice.membership.roles, community.store.written) == ([], 0)
    await community.look(guild)
    assert alice.membership.roles == [role]


async def test_request_that_is_cut_or_fails_is_made_again(
    community: Community, world: SimulatedDiscord, guild: Guild, alice: Member
) -> None:
    """A lost answer, a limit of all requests and an error of Discord delay the role, and nothing else."""
    role = world.create_role(guild, "hunters")
    await community.add_rule(role, kills=100)
    community.link(guild, alice)
    for fault in (
        Fault(route=ROLE, cut="after"),
        Fault(route=ROLE, cut="before"),
        Fault(route=ROLE, status=520),
        Fault(route=ROLE, status=429, body="error code: 1015"),
        Fault(route=ROLE, status=429, retry_after=0.01),
    ):
        world.faults.add(fault)
    await community.look(guild)
    assert (alice.membership.roles, community.count()[0]) == ([role], 6)
    assert community.store.get_states(GuildId(guild.id)) == {(role.id, alice.id): "given"}


async def test_guild_whose_requests_fail_holds_up_no_other(
    community: Community, world: SimulatedDiscord, guild: Guild, alice: Member
) -> None:
    """Its role comes when Discord answers again."""
    other = world.create_guild("Neighbours")
    await wait_until(lambda: community.bot.get_guild(other.id) is not None)
    member = world.add_member(other, "bob")
    role, theirs = world.create_role(guild, "hunters"), world.create_role(other, "hunters")
    for one, linked in ((role, alice), (theirs, member)):
        await community.add_rule(one, kills=100)
        community.link(one.guild, linked)
    of_guild = f"/guilds/{guild.id}/"
    world.faults.add(Fault(route=ROLE, status=520, times=None, only_if=lambda one: of_guild in one.path))
    await community.looks.look(GuildId(guild.id), now=community.clock.now())
    await community.look(other)
    assert (alice.membership.roles, member.membership.roles) == ([], [theirs])
    world.faults.clear()
    await wait_until(lambda: alice.membership.roles == [role])


async def test_erasure_takes_every_role_and_names_those_that_stay(
    community: Community, world: SimulatedDiscord, guild: Guild, alice: Member
) -> None:
    """No look gives a role again while its member is being erased."""
    guild_id, member_id = GuildId(guild.id), MemberId(alice.id)
    role, high = world.create_role(guild, "hunters"), world.create_role(guild, "snipers")
    for one in (role, high):
        await community.add_rule(one, kills=100)
    community.link(guild, alice)
    await community.look(guild)
    high.position = 99
    community.clock.pass_time(0.123456)
    async with community.looks.taking_all(guild_id, member_id) as kept:
        await community.look(guild, seconds=DWELL.total_seconds())
    assert (kept, alice.membership.roles) == ((high.id,), [high])


async def test_two_guilds_with_one_member_know_nothing_of_each_other(
    community: Community, world: SimulatedDiscord, guild: Guild, alice: Member
) -> None:
    """Each has its rule, its link and its role."""
    other = world.create_guild("Neighbours")
    await wait_until(lambda: community.bot.get_guild(other.id) is not None)
    member = world.add_member(other, alice.user)
    role, theirs = world.create_role(guild, "hunters"), world.create_role(other, "hunters")
    await community.add_rule(role, kills=100)
    await community.add_rule(theirs, kills=200)
    community.link(guild, alice)
    community.link(other, member)
    for one in (guild, other):
        await community.look(one)
    assert (alice.membership.roles, member.membership.roles) == ([role], [])
    community.unlink(guild, alice)
    community.link(other, member, kills=200)
    for one in (guild, other):
        await community.look(one)
    assert (alice.membership.roles, member.membership.roles) == ([], [theirs])
    assert community.store.get_states(GuildId(other.id)) == {(theirs.id, alice.id): "given"}
