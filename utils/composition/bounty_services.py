"""Builds the services about bounties."""

from utils.composition.surroundings import GuildServices, ServiceStores, Surroundings
from utils.services.links.linking import LinkService
from utils.services.money.bounties.endings import BountyEndings
from utils.services.money.bounties.placing import BountyService
from utils.services.servers.game_servers import GameServerService


def build_bounties(
    stores: ServiceStores,
    guild: GuildServices,
    around: Surroundings,
    servers: GameServerService,
    links: LinkService,
) -> BountyService:
    """Return the rules about placing bounties."""
    return BountyService(
        stores.bounties,
        guilds=guild.settings,
        servers=servers,
        links=links,
        players=guild.names,
        events=around.events,
        clock=around.clock,
    )


def build_bounty_endings(
    stores: ServiceStores, guild: GuildServices, around: Surroundings, servers: GameServerService
) -> BountyEndings:
    """Return the endings of unclaimed bounties."""
    return BountyEndings(
        stores.bounties,
        stores.due_bounties,
        guilds=guild.settings,
        servers=servers,
        events=around.events,
        tasks=around.tasks,
        clock=around.clock,
    )
