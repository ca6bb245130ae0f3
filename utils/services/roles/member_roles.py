"""The roles of one member: those that they hold by rules, and the next one with what lacks for it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from utils.clock import Clock
from utils.errors import DiscordAwayError
from utils.models.roles import HELD, RoleId, RuleMatch, RuleState, RuleTerms, list_conditions
from utils.models.rule_plans import MemberFigures, MemberRoles, NextRole
from utils.models.scope import GuildId, MemberId, PlayerId
from utils.models.statistics import KD_MINIMUM_KILLS, Period
from utils.models.texts import Text, plural
from utils.services.roles.looks import RoleLooks, RoleStore
from utils.services.roles.naming import RuleNaming
from utils.services.roles.rules import GuildFacts, choose_wishes


@dataclass(frozen=True, slots=True)
class Lack:
    """A condition that a member does not meet.

    Attributes:
        share: how much of it they have, 0 to 1.
        alone: terms with this condition alone.
        kills: how many more it takes, if they decide.
    """

    share: float
    alone: RuleTerms
    kills: int = 0

    def describe(self, faction_name: str | None) -> Text:
        """Return the condition in words."""
        if self.kills:
            return plural("{count} more kill", "{count} more kills", self.kills)
        return list_conditions(self.alone, faction_name)[0]


@dataclass(eq=False, repr=False)
class MemberRoleService:
    """Tells which roles a member has by rules, and which one is next."""

    store: RoleStore
    looks: RoleLooks
    naming: RuleNaming
    clock: Clock

    async def describe(
        self,
        guild_id: GuildId,
        member_id: MemberId,
        player_ids: Sequence[PlayerId],
        owned: Collection[RoleId],
    ) -> MemberRoles:
        """Return a member's roles by rules; ``owned`` are all of their roles as Discord sent them.

        There are none while Discord does not show the guild.
        """
        acting = [one for one in await self.store.list_rules(guild_id) if one.state is RuleState.ON]
        try:
            facts = await self.looks.read(
                guild_id, acting, now=self.clock.now(), players={member_id: player_ids}
            )
        except DiscordAwayError:
            return MemberRoles()
        grants = facts.grants.values()
        held = [one.role_id for one in grants if one.member_id == member_id and one.state in HELD]
        following = choose_next(member_id, facts, {*held, *owned})
        if following is None:
            return MemberRoles(tuple(held))
        terms, lack = following
        named = await self.naming.name(guild_id, terms)
        period = None if terms.period is Period.ALL else terms.period
        lacking = lack.describe(named.faction_name)
        return MemberRoles(tuple(held), NextRole(terms.role_id, lacking, named.server_name, period))


def choose_next(
    member_id: MemberId, facts: GuildFacts, owned: Collection[RoleId]
) -> tuple[RuleTerms, Lack] | None:
    """Return the rule that a member misses by the least, and the condition that decides; None without one."""
    own = choose_wishes(facts, {role_id: [member_id] for role_id in owned})
    wanted = {role_id for role_id, one in own if one == member_id}
    steps = _find_steps(facts, {*wanted, *owned})
    found = []
    for one in facts.rules:
        role_id, terms = one.terms.role_id, one.terms
        is_open = one.rests is None and role_id not in facts.closed and role_id not in facts.unsafe
        is_below = terms.ladder is not None and facts.order.get(role_id, -1) < steps.get(terms.ladder, -1)
        if is_open and not is_below and role_id not in wanted and role_id not in owned:
            lack = choose_lack(terms, one.find(member_id))
            found += [] if lack is None else [(terms, lack)]
    return max(found, key=lambda each: each[1].share, default=None)


def _find_steps(facts: GuildFacts, roles: Collection[RoleId]) -> Mapping[str, int]:
    """Return how high a member stands on each ladder."""
    steps: dict[str, int] = {}
    for one in facts.rules:
        ladder, role_id = one.terms.ladder, one.terms.role_id
        if ladder is not None and role_id in roles:
            steps[ladder] = max(steps.get(ladder, -1), facts.order.get(role_id, -1))
    return steps


def choose_lack(terms: RuleTerms, figures: MemberFigures) -> Lack | None:
    """Return the condition that decides: the furthest one if all must be met, else the nearest one.

    None if the conditions are met.
    """
    choose = max if terms.match is RuleMatch.ANY else min
    return choose(list_lacks(terms, figures), key=lambda one: one.share, default=None)


def list_lacks(terms: RuleTerms, figures: MemberFigures) -> Iterator[Lack]:
    """Yield each condition that is not met."""
    if terms.kills is not None and figures.kills < terms.kills:
        yield _lack_kills(terms, terms.kills, figures)
    if terms.kd is not None and figures.ratio is None:
        yield _lack_kills(terms, KD_MINIMUM_KILLS, figures)
    for name, reached in (
        ("kd", figures.ratio),
        ("longest", figures.longest),
        ("streak", figures.streak),
        ("level", figures.level),
    ):
        needed = getattr(terms, name)
        if needed is not None and reached is not None and reached < needed:
            yield Lack(reached / needed, _keep_alone(terms, name))
    if terms.rank is not None and (figures.place is None or figures.place > terms.rank):
        yield Lack(0 if figures.place is None else terms.rank / figures.place, _keep_alone(terms, "rank"))
    if terms.faction_id not in (None, figures.faction_id):
        yield Lack(0, _keep_alone(terms, "faction_id"))


def _lack_kills(terms: RuleTerms, needed: int, figures: MemberFigures) -> Lack:
    return Lack(figures.kills / needed, _keep_alone(terms, "kills"), needed - figures.kills)


def _keep_alone(terms: RuleTerms, name: str) -> RuleTerms:
    """Return terms with one of their conditions alone."""
    alone = RuleTerms(role_id=terms.role_id, board=terms.board)
    return replace(alone, **{name: getattr(terms, name)})
