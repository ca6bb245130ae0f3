"""Statistics of players: ``/stats``."""

import discord
from discord.ext import commands

from utils.errors import InvalidInputError
from utils.interactions.access import GuildCog, access, get_guild_id
from utils.interactions.autocomplete import complete_player, complete_server
from utils.interactions.services import Services
from utils.interactions.text import describe_where
from utils.models.premium import Feature


class StatsCog(GuildCog):
    """Shows what is counted of a player, on one server or summed over the guild's."""

    @commands.slash_command(name="stats", description="Kills, deaths, streaks and rivals of a player")
    @discord.option(
        "player",
        str,
        description="Whose figures; start typing a name",
        autocomplete=complete_player,
        default=None,
    )
    @discord.option("server", str, description="One server alone", autocomplete=complete_server, default=None)
    @access(feature=Feature.STATS)
    async def stats(self, ctx: discord.ApplicationContext, player: str | None, server: str | None) -> None:
        """Answer ``/stats``."""
        guild_id = get_guild_id(ctx)
        if player is None:
            raise InvalidInputError("Name a player: /stats player. Start typing, and names are offered.")
        servers = self.services.servers
        server_ids = await servers.choose_server_ids(guild_id, server)
        stats = await self.services.statistics.get_stats(guild_id, player, server_ids=server_ids)
        where = describe_where(await servers.list_servers(guild_id), server_ids)
        embed = self.services.embeds.build_stats(stats, where=where, period="all time")
        await ctx.respond(embed=embed)


def setup(bot: discord.Bot) -> None:
    """Add the cog."""
    services: Services = bot.services  # type: ignore[attr-defined]
    bot.add_cog(StatsCog(services))
