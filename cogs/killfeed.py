"""The killfeed's state: ``/killfeed status``. The feed itself needs no command; delivery posts it."""

from dataclasses import replace

import discord

from utils.embeds.servers import ServerStatus
from utils.interactions.access import GuildCog, access, get_guild_id
from utils.interactions.autocomplete import complete_server
from utils.interactions.services import Services
from utils.models.guilds import ChannelKind
from utils.models.premium import Feature
from utils.models.servers import ConnectionState, GameServer, ServerHealth


class KillfeedCog(GuildCog):
    """Shows how reading and posting goes."""

    killfeed = discord.SlashCommandGroup("killfeed", "The live feed of deaths")

    @killfeed.command(name="status", description="How the killfeed of each game server is doing")
    @discord.option("server", str, description="One server alone", autocomplete=complete_server, default=None)
    @access(is_private=True, feature=Feature.KILLFEED)
    async def status(self, ctx: discord.ApplicationContext, server: str | None) -> None:
        """Answer ``/killfeed status``."""
        guild_id = get_guild_id(ctx)
        servers = await self.services.servers.list_servers(guild_id)
        if server is not None:
            servers = (await self.services.servers.resolve(guild_id, server),)
        health = await self.services.health.get_health(guild_id)
        statuses = [
            ServerStatus(
                name=each.name,
                channel_id=await self.services.settings.find_channel(each.scope, ChannelKind.KILLFEED),
                health=_show_pause(each, health.get(each.scope, ServerHealth(each.scope))),
            )
            for each in servers
        ]
        await ctx.respond(embed=self.services.embeds.build_status(statuses), ephemeral=True)


def _show_pause(server: GameServer, health: ServerHealth) -> ServerHealth:
    """Return the health of a server; a pause counts at once, before its loop has noticed."""
    if not server.is_paused:
        return health
    return replace(health, state=ConnectionState.PAUSED, problem=None)


def setup(bot: discord.Bot) -> None:
    """Add the cog."""
    services: Services = bot.services  # type: ignore[attr-defined]
    bot.add_cog(KillfeedCog(services))
