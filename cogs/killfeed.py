"""The killfeed: ``/killfeed recent`` and ``/killfeed status``. The feed itself is posted by delivery."""

from dataclasses import replace

import discord

from utils.embeds.servers import ServerStatus
from utils.interactions.access import is_admin_member
from utils.interactions.choosing import asks_which
from utils.interactions.context import KillfeedContext
from utils.interactions.declarations import Access
from utils.interactions.guild_cog import GuildCog
from utils.interactions.options import player_option, server_option
from utils.interactions.paging import cut_page, respond_with_pages
from utils.models.guilds import ChannelKind
from utils.models.premium import Feature
from utils.models.servers import ConnectionState, GameServer, ServerHealth


class KillfeedCog(GuildCog):
    """Shows the latest deaths, and the state of reading and posting."""

    killfeed = discord.SlashCommandGroup("killfeed", "The live feed of deaths")

    @killfeed.command(name="recent", description="The latest deaths, one line each")
    @server_option()
    @player_option(description="One player's alone")
    @discord.option(
        "count", int, description="How many, 10 when left out", min_value=1, max_value=25, default=10
    )
    @asks_which
    @Access(feature=Feature.KILLFEED)
    async def recent(self, ctx: KillfeedContext, server: str | None, player: str | None, count: int) -> None:
        """Answer ``/killfeed recent``."""
        services = self.services
        coverage = await services.coverage.choose(ctx.guild_id, server)
        deaths = await services.combat.list_recent(coverage, player, limit=count)

        async def build(page: int) -> tuple[discord.Embed, int]:
            shown = cut_page(deaths, page)
            return ctx.embeds.build_recent(shown.rows, coverage), shown.count

        await respond_with_pages(ctx, build)

    @killfeed.command(name="status", description="How the killfeed of each game server is doing")
    @server_option()
    @asks_which
    @Access(is_private=True, feature=Feature.KILLFEED)
    async def status(self, ctx: KillfeedContext, server: str | None) -> None:
        """Answer ``/killfeed status``."""
        guild_id = ctx.guild_id
        servers = await self.services.servers.list_servers(guild_id)
        if server is not None:
            servers = (await self.services.servers.resolve(guild_id, server),)
        health = await self.services.readings.get_health(guild_id)
        statuses = [
            ServerStatus(
                name=each.name,
                channel_id=await self.services.settings.find_channel(each.scope, ChannelKind.KILLFEED),
                health=_show_pause(each, health.get(each.scope, ServerHealth(each.scope))),
            )
            for each in servers
        ]
        embed = ctx.embeds.build_status(
            statuses,
            connections=self.services.readings.count_connections(guild_id),
            limit=(await self.services.premium.get_tier(guild_id)).servers,
            posting_problem=self.services.deliveries.find_problem(guild_id),
            is_for_admins=await is_admin_member(self.services, ctx.interaction),
        )
        await ctx.respond(embed=embed)


def _show_pause(server: GameServer, health: ServerHealth) -> ServerHealth:
    """Return the health of a server; a pause is shown at once, before its loop has noticed it."""
    if not server.is_paused:
        return health
    return replace(health, state=ConnectionState.PAUSED, problem=None, others=())


setup = KillfeedCog.setup
