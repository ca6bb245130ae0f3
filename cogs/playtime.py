"""Time on the game servers: ``/playtime``."""

import discord
from discord.ext import commands

from utils.interactions.choosing import asks_which
from utils.interactions.context import KillfeedContext
from utils.interactions.declarations import Access
from utils.interactions.guild_cog import GuildCog
from utils.interactions.options import period_option, player_option, read_question, server_option
from utils.models.premium import Feature


class PlaytimeCog(GuildCog):
    """Shows how long players were on the game servers."""

    @commands.slash_command(name="playtime", description="How long a player was on the servers")
    @player_option(description="Start typing a name; leave out for your own players", with_seen=True)
    @discord.option("member", discord.Member, description="A member's linked players", default=None)
    @server_option()
    @period_option()
    @asks_which
    @Access(feature=Feature.PLAYTIME)
    async def playtime(
        self,
        ctx: KillfeedContext,
        player: str | None,
        member: discord.Member | None,
        server: str | None,
        period: str,
    ) -> None:
        """Answer ``/playtime``."""
        question = read_question(ctx, player=player, member=member, server=server, period=period)
        coverage, players, played = await self.services.playtimes.describe(question)
        await ctx.respond(embed=ctx.embeds.build_playtime(players, played, coverage))


setup = PlaytimeCog.setup
