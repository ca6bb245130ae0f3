"""Statistics of players: ``/stats``, ``/compare``, ``/weapons``, ``/rivals`` and ``/activity``."""

from datetime import timedelta

import discord
from discord.ext import commands

from utils.interactions.access import GuildCog, access, get_guild_id
from utils.interactions.autocomplete import complete_player, complete_server
from utils.interactions.context import KillfeedContext
from utils.interactions.limits import CHART_COST, PAGE_COST
from utils.interactions.options import text_option
from utils.interactions.paging import count_pages, respond_with_pages, respond_with_picture
from utils.interactions.services import Services
from utils.models.premium import Feature
from utils.models.scope import MemberId
from utils.models.statistics import Period
from utils.services.players.coverage import StatisticsQuestion
from utils.services.players.statistics import CHART_DAYS

PERIODS = [period.value for period in Period]
ROWS_PER_PAGE = 10


class StatsCog(GuildCog):
    """Shows what is counted of players, on one server or summed over the guild's."""

    @commands.slash_command(name="stats", description="Kills, deaths, streaks and rivals of a player")
    @text_option(
        "player",
        description="Whose figures; start typing a name",
        autocomplete=complete_player,
        default=None,
    )
    @discord.option("member", discord.Member, description="Whose linked players", default=None)
    @text_option("server", description="One server alone", autocomplete=complete_server, default=None)
    @discord.option("period", str, description="Which days count", choices=PERIODS, default=Period.ALL.value)
    @access(feature=Feature.STATS, cost=CHART_COST)
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
            guild_id=get_guild_id(ctx),
            asker_id=MemberId(ctx.author.id),
            player=player,
            member_id=MemberId(member.id) if member else None,
            server=server,
            period=Period(period),
        )
        report = await self.services.statistics.get_stats(question)
        embeds = ctx.embeds
        first = report.coverage.today - timedelta(days=CHART_DAYS - 1)
        picture = await embeds.charts.draw_days(report.days, first=first, count=CHART_DAYS)
        await respond_with_picture(ctx, embeds.build_stats(report.stats, report.coverage), picture)

    @commands.slash_command(name="compare", description="Two players side by side, and against each other")
    @text_option("first", description="The one player", autocomplete=complete_player)
    @text_option("second", description="The other player", autocomplete=complete_player)
    @text_option("server", description="One server alone", autocomplete=complete_server, default=None)
    @access(feature=Feature.COMPARE, cost=PAGE_COST)
    async def compare(self, ctx: KillfeedContext, first: str, second: str, server: str | None) -> None:
        """Answer ``/compare``."""
        coverage, comparison = await self.services.statistics.compare(
            get_guild_id(ctx), first, second, server=server
        )
        await ctx.respond(embed=ctx.embeds.build_comparison(comparison, coverage))

    @commands.slash_command(name="weapons", description="Kills by weapon, and who is best with each")
    @text_option("player", description="One player's weapons", autocomplete=complete_player, default=None)
    @text_option("server", description="One server alone", autocomplete=complete_server, default=None)
    @discord.option("period", str, description="Which days count", choices=PERIODS, default=Period.ALL.value)
    @access(feature=Feature.WEAPONS, cost=CHART_COST)
    async def weapons(
        self, ctx: KillfeedContext, player: str | None, server: str | None, period: str
    ) -> None:
        """Answer ``/weapons``."""
        services = self.services
        coverage = await services.coverage.choose(get_guild_id(ctx), server, Period(period))
        table, name = await services.combat.get_weapons(coverage, player)

        async def build(page: int) -> tuple[discord.Embed, int]:
            first = page * ROWS_PER_PAGE
            rows = table.rows[first : first + ROWS_PER_PAGE]
            if not name:
                rows = await services.combat.add_best_users(coverage, rows)
            embed = ctx.embeds.build_weapons(rows, table, coverage, first=first + 1, name=name)
            return embed, count_pages(len(table.rows), ROWS_PER_PAGE)

        picture = await ctx.embeds.charts.draw_weapons(table.rows) if table.rows else None
        await respond_with_pages(ctx, services, build, picture=picture)

    @commands.slash_command(name="rivals", description="Who kills a player most, and whom they kill most")
    @text_option(
        "player",
        description="Whose rivals; yours when you are linked",
        autocomplete=complete_player,
        default=None,
    )
    @text_option("server", description="One server alone", autocomplete=complete_server, default=None)
    @access(feature=Feature.RIVALS)
    async def rivals(self, ctx: KillfeedContext, player: str | None, server: str | None) -> None:
        """Answer ``/rivals``."""
        question = StatisticsQuestion(
            get_guild_id(ctx), MemberId(ctx.author.id), player=player, server=server
        )
        coverage, rivals = await self.services.combat.get_rivals(question)
        await ctx.respond(embed=ctx.embeds.build_rivals(rivals, coverage))

    @commands.slash_command(name="activity", description="When people kill: by weekday and hour")
    @text_option("server", description="One server alone", autocomplete=complete_server, default=None)
    @text_option("player", description="One player's kills", autocomplete=complete_player, default=None)
    @access(feature=Feature.ACTIVITY, cost=CHART_COST)
    async def activity(self, ctx: KillfeedContext, server: str | None, player: str | None) -> None:
        """Answer ``/activity``."""
        services = self.services
        coverage = await services.coverage.choose(get_guild_id(ctx), server)
        activity = await services.combat.get_activity(coverage, player)
        picture = await ctx.embeds.charts.draw_hours(activity.hours) if activity.kills else None
        await respond_with_picture(ctx, ctx.embeds.build_activity(activity, coverage), picture)


def setup(bot: discord.Bot) -> None:
    """Add the cog."""
    services: Services = bot.services  # type: ignore[attr-defined]
    bot.add_cog(StatsCog(services))
