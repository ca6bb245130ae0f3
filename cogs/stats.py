"""Statistics of players: ``/stats``, ``/compare``, ``/weapons``, ``/rivals`` and ``/activity``."""

from datetime import timedelta

import discord
from discord.ext import commands

from utils.interactions.choosing import asks_which
from utils.interactions.context import KillfeedContext
from utils.interactions.declarations import Access
from utils.interactions.guild_cog import GuildCog
from utils.interactions.limits import CHART_COST, PAGE_COST
from utils.interactions.member_menus import member_menu
from utils.interactions.options import period_option, player_option, server_option
from utils.interactions.paging import cut_page, respond_with_pages, respond_with_picture
from utils.models.premium import Feature
from utils.models.scope import MemberId
from utils.models.statistics import Period
from utils.models.texts import text
from utils.services.players.coverage import StatisticsQuestion
from utils.services.players.statistics import CHART_DAYS

PERIODS = [period.value for period in Period]


class StatsCog(GuildCog):
    """Shows the figures of players, on one server or summed over the guild's servers."""

    @commands.slash_command(name="stats", description="A player's kills, deaths, streaks and rivals")
    @player_option(description="Start typing a name; leave out for your own players")
    @discord.option("member", discord.Member, description="A member's linked players", default=None)
    @server_option()
    @period_option()
    @asks_which
    @Access(feature=Feature.STATS, cost=CHART_COST)
    async def stats(
        self,
        ctx: KillfeedContext,
        player: str | None,
        member: discord.Member | None,
        server: str | None,
        period: str,
    ) -> None:
        """Answer ``/stats``."""
        question = StatisticsQuestion(
            guild_id=ctx.guild_id,
            asker_id=ctx.member_id,
            player=player,
            member_id=MemberId(member.id) if member else None,
            server=server,
            period=Period(period),
        )
        await self._show_stats(ctx, question)

    @member_menu("Stats", said=text("A member's figures, for your eyes only"))
    @Access(is_private=True, feature=Feature.STATS, cost=CHART_COST)
    async def stats_of(self, ctx: KillfeedContext, member: discord.Member) -> None:
        """Answer the menu on a member like ``/stats member``, privately."""
        await self._show_stats(
            ctx, StatisticsQuestion(ctx.guild_id, ctx.member_id, member_id=MemberId(member.id))
        )

    async def _show_stats(self, ctx: KillfeedContext, question: StatisticsQuestion) -> None:
        report = await self.services.statistics.get_stats(question)
        embeds = ctx.embeds
        first = report.coverage.today - timedelta(days=CHART_DAYS - 1)
        picture = await embeds.charts.draw_days(report.days, first=first, count=CHART_DAYS)
        await respond_with_picture(ctx, embeds.build_stats(report.stats, report.coverage), picture)

    @commands.slash_command(name="compare", description="Two players side by side, and against each other")
    @player_option("first", description="The first player", is_required=True)
    @player_option("second", description="The second player", is_required=True)
    @server_option()
    @asks_which
    @Access(feature=Feature.COMPARE, cost=PAGE_COST)
    async def compare(self, ctx: KillfeedContext, first: str, second: str, server: str | None) -> None:
        """Answer ``/compare``."""
        coverage, comparison = await self.services.statistics.compare(
            ctx.guild_id, first, second, server=server
        )
        await ctx.respond(embed=ctx.embeds.build_comparison(comparison, coverage))

    @commands.slash_command(name="weapons", description="Kills by weapon, and the best player with each")
    @player_option(description="Only this player's weapons")
    @server_option()
    @period_option()
    @asks_which
    @Access(feature=Feature.WEAPONS, cost=CHART_COST)
    async def weapons(
        self, ctx: KillfeedContext, player: str | None, server: str | None, period: str
    ) -> None:
        """Answer ``/weapons``."""
        services = self.services
        coverage = await services.coverage.choose(ctx.guild_id, server, Period(period))
        table, name = await services.combat.get_weapons(coverage, player)

        async def build(page: int) -> tuple[discord.Embed, int]:
            shown = cut_page(table.rows, page)
            rows = shown.rows if name else await services.combat.add_best_users(coverage, shown.rows)
            embed = ctx.embeds.build_weapons(rows, table, coverage, first=shown.first, name=name)
            return embed, shown.count

        picture = await ctx.embeds.charts.draw_weapons(table.rows) if table.rows else None
        await respond_with_pages(ctx, build, picture=picture)

    @commands.slash_command(name="rivals", description="Who kills a player most, and who they kill most")
    @player_option(description="Start typing a name; leave out for your own player")
    @server_option()
    @asks_which
    @Access(feature=Feature.RIVALS)
    async def rivals(self, ctx: KillfeedContext, player: str | None, server: str | None) -> None:
        """Answer ``/rivals``."""
        question = StatisticsQuestion(ctx.guild_id, ctx.member_id, player=player, server=server)
        coverage, rivals = await self.services.combat.get_rivals(question)
        await ctx.respond(embed=ctx.embeds.build_rivals(rivals, coverage))

    @commands.slash_command(name="activity", description="When kills happen, by weekday and hour")
    @server_option()
    @player_option(description="Only this player's kills")
    @asks_which
    @Access(feature=Feature.ACTIVITY, cost=CHART_COST)
    async def activity(self, ctx: KillfeedContext, server: str | None, player: str | None) -> None:
        """Answer ``/activity``."""
        services = self.services
        coverage = await services.coverage.choose(ctx.guild_id, server)
        activity = await services.combat.get_activity(coverage, player)
        picture = await ctx.embeds.charts.draw_hours(activity.hours) if activity.kills else None
        await respond_with_picture(ctx, ctx.embeds.build_activity(activity, coverage), picture)


setup = StatsCog.setup
