"""Levels: ``/rank``."""

import discord
from discord.ext import commands

from utils.interactions.answer_views import Answer
from utils.interactions.choosing import asks_which
from utils.interactions.context import KillfeedContext
from utils.interactions.declarations import Access
from utils.interactions.guild_cog import GuildCog
from utils.interactions.limits import CHART_COST
from utils.interactions.options import player_option
from utils.models.premium import Feature
from utils.models.roles import RoleId
from utils.models.scope import MemberId
from utils.services.players.coverage import StatisticsQuestion


class LevelCog(GuildCog):
    """Shows the XP and the level of players."""

    @commands.slash_command(name="rank", description="A player's XP and level")
    @player_option(description="Start typing a name; leave out for your own players")
    @discord.option("member", discord.Member, description="A member's linked players", default=None)
    @asks_which
    @Access(feature=Feature.LEVELS, cost=CHART_COST)
    async def rank(self, ctx: KillfeedContext, player: str | None, member: discord.Member | None) -> None:
        """Answer ``/rank``."""
        member_id = None if member is None else MemberId(member.id)
        question = StatisticsQuestion(ctx.guild_id, ctx.member_id, player=player, member_id=member_id)
        report = await self.services.ranks.describe(question, list_roles(member or ctx.author))
        picture = await ctx.embeds.charts.draw_rank(report)
        await ctx.respond(**Answer(ctx.embeds.build_rank(report), picture=picture).build_parts())


def list_roles(member: discord.Member | discord.User) -> list[RoleId]:
    """Return the roles of a member, as Discord sent them with the command."""
    return [RoleId(role.id) for role in member.roles] if isinstance(member, discord.Member) else []


setup = LevelCog.setup
