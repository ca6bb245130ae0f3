"""Time on the game servers: ``/playtime``."""

import discord
from discord.ext import commands

from utils.interactions.choosing import asks_which
from utils.interactions.context import KillfeedContext
from utils.interactions.declarations import Access
from utils.interactions.guild_cog import GuildCog
from utils.interactions.options import period_option, player_option, server_option
from utils.models.premium import Feature
from utils.models.scope import MemberId
from utils.models.statistics import Period
from utils.services.players.coverage import StatisticsQuestion


class PlaytimeCog(GuildCog):
    """Shows how long players were on the game servers."""

    @commands.slash_command(name="playtime", description="How long a player was on the servers")
    @player_option(description="Start typing a name; leave out for your own players")
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
        question = StatisticsQuestion(
            guild_id=ctx.guild_id,
            asker_id=ctx.member_id,
            player=player,
            member_id=MemberId(member.id) if member else None,
            server=server,
            period=Period(period),
        )
        coverage, players, played = await self.services.playtimes.describe(question)
        await ctx.respond(embed=ctx.embeds.build_playtime(players, played, coverage))


setup = PlaytimeCog.setup
