"""Builds the services about members: links, factions, levels, roles, and erasures."""

from utils.composition.surroundings import GuildServices, ServiceStores, Surroundings
from utils.services.factions.factions import FactionService
from utils.services.factions.figures import FactionFigureService
from utils.services.levels.ranks import RankService
from utils.services.levels.telling import LevelTeller
from utils.services.levels.xp_events import XpEventService
from utils.services.links.linking import LinkService
from utils.services.links.request_alerts import RequestAlerts
from utils.services.personal.erasure import ErasureService
from utils.services.personal.people import PersonFinder
from utils.services.players.coverage import CoverageService
from utils.services.roles.changes import RoleRuleService
from utils.services.roles.figures import RuleFigureService
from utils.services.roles.looks import RoleLooks
from utils.services.roles.member_roles import MemberRoleService
from utils.services.roles.naming import RuleNaming


def build_links(stores: ServiceStores, guild: GuildServices, around: Surroundings) -> LinkService:
    """Return the rules about links."""
    return LinkService(
        stores.links,
        players=guild.names,
        proofs=around.proofs,
        audit=guild.audit,
        notifier=around.notifier,
        alerts=RequestAlerts(stores.links, notifier=around.notifier, settings=guild.settings),
        events=around.events,
        clock=around.clock,
        rng=around.rng,
        requires_proof=around.requires_proof,
    )


def build_factions(stores: ServiceStores, around: Surroundings) -> FactionService:
    """Return the rules and the figures of factions."""
    figures = FactionFigureService(stores.factions, days=stores.faction_days, links=stores.links)
    return FactionService(stores.factions, figures=figures, events=around.events, clock=around.clock)


def build_levels(stores: ServiceStores, guild: GuildServices, around: Surroundings) -> LevelTeller:
    """Return the telling of new levels."""
    return LevelTeller(stores.levels, channels=guild.settings, premium=guild.premium, events=around.events)


def build_xp_events(stores: ServiceStores, guild: GuildServices, around: Surroundings) -> XpEventService:
    """Return the rules about times of more XP."""
    return XpEventService(
        stores.xp_events,
        channels=guild.settings,
        premium=guild.premium,
        events=around.events,
        clock=around.clock,
    )


def build_role_looks(
    stores: ServiceStores, guild: GuildServices, around: Surroundings, coverage: CoverageService
) -> RoleLooks:
    """Return the decisions about roles."""
    return RoleLooks(
        stores.roles,
        stores.links,
        RuleFigureService(
            stores.statistics, stores.hunters, coverage, stores.servers, around.readings, stores.factions
        ),
        roles=around.roles,
        naming=build_rule_naming(stores),
        edits=around.role_edits,
        premium=guild.premium,
        notifier=around.notifier,
        tasks=around.tasks,
        clock=around.clock,
    )


def build_role_rules(
    stores: ServiceStores, guild: GuildServices, around: Surroundings, looks: RoleLooks
) -> RoleRuleService:
    """Return the changes of role rules."""
    return RoleRuleService(
        stores.roles,
        looks,
        roles=around.roles,
        naming=build_rule_naming(stores),
        premium=guild.premium,
        audit=guild.audit,
        clock=around.clock,
    )


def build_ranks(
    stores: ServiceStores, around: Surroundings, coverage: CoverageService, looks: RoleLooks
) -> RankService:
    """Return the levels of players and the roles of members."""
    roles = MemberRoleService(stores.roles, looks, build_rule_naming(stores), around.clock)
    return RankService(stores.places, coverage, roles)


def build_rule_naming(stores: ServiceStores) -> RuleNaming:
    """Return the names of what role rules are about."""
    return RuleNaming(stores.servers, stores.factions)


def build_erasures(
    stores: ServiceStores,
    guild: GuildServices,
    around: Surroundings,
    people: PersonFinder,
    looks: RoleLooks,
) -> ErasureService:
    """Return the erasures of persons."""
    return ErasureService(
        stores.erasures,
        people,
        audit=guild.audit,
        events=around.events,
        memory=around.memory,
        roles=looks,
        log=around.erasure_log,
        clock=around.clock,
    )
