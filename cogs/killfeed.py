"""The killfeed: ``/killfeed recent`` and ``/killfeed status``. The feed itself is posted by delivery."""

from dataclasses import replace

import discord

from utils.embeds.server_status import ServerStatus
from utils.interactions.access import is_admin_member
from utils.interactions.choosing import asks_which
from utils.interactions.context import KillfeedContext
from utils.interactions.declarations import Access
from utils.interactions.guild_cog import GuildCog
from utils.interactions.invitation import find_missing_permissions
from utils.interactions.options import player_option, server_option
from utils.interactions.paging import respond_with_rows
from utils.models.guilds import ChannelKind
from utils.models.premium import Feature
from utils.models.scope import ChannelId
from utils.models.servers import ConnectionState, GameServer, ServerHealth
from utils.models.texts import Command, Mention, Names, Text, text


class KillfeedCog(GuildCog):
    """Shows the latest deaths, and the state of reading and posting."""

    killfeed = discord.SlashCommandGroup("killfeed", "The live feed of deaths")

    @killfeed.command(name="recent", description="The latest deaths, one line each")
    @server_option()
    @player_option(description="Only this player's deaths and kills")
    @discord.option(
        "count", int, description="How many (10 by default)", min_value=1, max_value=25, default=10
    )
    @asks_which
    @Access(feature=Feature.KILLFEED)
    async def recent(self, ctx: KillfeedContext, server: str | None, player: str | None, count: int) -> None:
        """Answer ``/killfeed recent``."""
        services = self.services
        coverage = await services.coverage.choose(ctx.guild_id, server)
        deaths = await services.combat.list_recent(coverage, player, limit=count)
        await respond_with_rows(ctx, deaths, lambda shown: ctx.embeds.build_recent(shown, coverage))

    @killfeed.command(name="status", description="Is the killfeed of each game server working?")
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
            await self._describe(ctx.guild, each, health.get(each.scope, ServerHealth(each.scope)))
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

    async def _describe(
        self, guild: discord.Guild | None, server: GameServer, health: ServerHealth
    ) -> ServerStatus:
        channel_id = await self.services.settings.find_channel(server.scope, ChannelKind.KILLFEED)
        return ServerStatus(
            name=server.name,
            channel_id=channel_id,
            health=_show_pause(server, health),
            newest_at=await self.services.combat.find_newest(server.scope),
            obstacle=find_channel_obstacle(guild, channel_id),
        )


def find_channel_obstacle(guild: discord.Guild | None, channel_id: ChannelId | None) -> Text | None:
    """Return why nothing can be posted to a killfeed channel; None if it can be, as far as the bot sees."""
    choose = Command("admin channel set")
    if channel_id is None:
        return text(
            "No killfeed channel yet, so nothing is posted. Admins: choose one with {choose}.", choose=choose
        )
    if guild is None:
        return None
    channel = guild.get_channel(channel_id)
    if channel is None:
        return text("The killfeed channel is gone. Admins: choose another with {choose}.", choose=choose)
    if missing := find_missing_permissions(channel):
        return text(
            "I can't post in {channel}: give me {permissions} there.",
            channel=Mention("#", channel_id),
            permissions=Names(tuple(missing)),
        )
    return None


def _show_pause(server: GameServer, health: ServerHealth) -> ServerHealth:
    """Return the health of a server; a pause is shown at once, before its loop has noticed it."""
    if not server.is_paused:
        return health
    return replace(health, state=ConnectionState.PAUSED, problem=None, others=())


setup = KillfeedCog.setup
