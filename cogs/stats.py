"""Statistics: ``/stats``, ``/compare``, ``/servers``, ``/weapons``, ``/rivals`` and ``/activity``."""

from dataclasses import replace

import discord
from discord.ext import commands

from utils.interactions.answer_views import Answer, AnswerView, Chosen
from utils.interactions.choosing import asks_which
from utils.interactions.context import KillfeedContext
from utils.interactions.declarations import Access
from utils.interactions.guild_cog import GuildCog
from utils.interactions.limits import CHART_COST, PAGE_COST
from utils.interactions.member_menus import member_menu
from utils.interactions.options import period_option, player_option, read_question, server_option
from utils.interactions.paging import cut_page, respond_with_answer
from utils.interactions.selections import PERIOD, select_period
from utils.models.premium import Feature
from utils.models.scope import MemberId
from utils.models.statistics import Coverage, Period, Rivals, WeaponTable
from utils.models.texts import text
from utils.services.players.coverage import StatisticsQuestion
from utils.services.players.statistics import PlayerReport

MORE = "more"
FEW_RIVALS = 5


class StatsCog(GuildCog):
    """Shows the figures of players, on one server or summed over the guild's servers."""

    @commands.slash_command(name="stats", description="A player's kills, deaths, streaks and rivals")
    @player_option(description="Start typing a name; leave out for your own players")
    @discord.option("member", discord.Member, description="A member's linked players", default=None)
    @server_option()
    @period_option(with_season=True)
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
        question = read_question(ctx, player=player, member=member, server=server, period=period)
        await self._show_stats(ctx, question)

    @member_menu("Stats", said=text("A member's stats, for your eyes only"))
    @Access(is_private=True, feature=Feature.STATS, cost=CHART_COST)
    async def stats_of(self, ctx: KillfeedContext, member: discord.Member) -> None:
        """Answer the menu on a member like ``/stats member``, privately."""
        question = StatisticsQuestion(ctx.guild_id, ctx.member_id, member_id=MemberId(member.id))
        await self._show_stats(ctx, question)

    async def _show_stats(self, ctx: KillfeedContext, question: StatisticsQuestion) -> None:
        async def build(chosen: Chosen, _: int) -> Answer:
            asked = replace(question, period=Period(chosen[PERIOD]))
            return (await self._build_stats(ctx, asked))[1]

        report, first = await self._build_stats(ctx, question)
        selections = (select_period(question.period),)
        view = AnswerView(build, ctx, selections=selections, has_pictures=True, cost=CHART_COST)
        self._add_steps(view, question, report)
        await ctx.respond(**first.build_parts(), view=view)

    async def _build_stats(
        self, ctx: KillfeedContext, question: StatisticsQuestion
    ) -> tuple[PlayerReport, Answer]:
        """Return the figures of a period, and their answer, which has no chart if nothing happened."""
        report = await self.services.statistics.get_stats(question)
        charts, picture = ctx.embeds.charts, None
        if report.hours:
            picture = await charts.draw_today(report.hours)
        elif report.days:
            picture = await charts.draw_days(report.days, last=report.coverage.today, count=report.shown_days)
        embed = ctx.embeds.build_stats(report.stats, report.coverage)
        return report, Answer(embed, picture=picture)

    def _add_steps(self, view: AnswerView, question: StatisticsQuestion, report: PlayerReport) -> None:
        """Add what else there is about a player who has killed or died."""
        stats = report.stats
        asked = replace(question, period=Period.ALL)

        async def show_rivals(later: KillfeedContext) -> None:
            await self._show_rivals(later, asked)

        async def show_weapons(later: KillfeedContext) -> None:
            await self._show_weapons_of(later, asked)

        async def compare(later: KillfeedContext) -> None:
            await self._show_comparison(later, str(report.own_id), stats.player_id, question.server)

        if stats.counters.kills or stats.counters.deaths:
            view.add_step(text("Rivals"), self.rivals, show_rivals)
        if stats.counters.kills:
            view.add_step(text("Weapons"), self.weapons, show_weapons)
        if report.own_id is not None and not report.is_own:
            view.add_step(text("Compare with me"), self.compare, compare)

    @commands.slash_command(name="compare", description="Two players side by side, and against each other")
    @player_option("first", description="The first player", is_required=True)
    @player_option("second", description="The second player", is_required=True)
    @server_option()
    @asks_which
    @Access(feature=Feature.COMPARE, cost=PAGE_COST)
    async def compare(self, ctx: KillfeedContext, first: str, second: str, server: str | None) -> None:
        """Answer ``/compare``."""
        await self._show_comparison(ctx, first, second, server)

    async def _show_comparison(
        self, ctx: KillfeedContext, first: str, second: str, server: str | None
    ) -> None:
        coverage, comparison = await self.services.statistics.compare(
            ctx.guild_id, first, second, server=server
        )
        await ctx.respond(embed=ctx.embeds.build_comparison(comparison, coverage))

    @commands.slash_command(name="servers", description="Your game servers side by side")
    @period_option(with_season=True)
    @Access(feature=Feature.SERVERS, cost=PAGE_COST)
    async def servers(self, ctx: KillfeedContext, period: str) -> None:
        """Answer ``/servers``."""

        async def build(chosen: Chosen, _: int) -> Answer:
            asked = Period(chosen[PERIOD])
            figures = await self.services.server_comparisons.compare(ctx.guild_id, asked)
            return Answer(ctx.embeds.build_servers(figures, asked))

        await respond_with_answer(ctx, build, selections=(select_period(Period(period)),))

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
        question = StatisticsQuestion(
            ctx.guild_id, ctx.member_id, player=player, server=server, period=Period(period)
        )
        if player is not None:
            await self._show_weapons_of(ctx, question)
            return
        coverage = await self.services.coverage.choose(ctx.guild_id, server, question.period)
        await self._show_weapons(ctx, coverage, await self.services.combat.get_weapons(coverage))

    async def _show_weapons_of(self, ctx: KillfeedContext, question: StatisticsQuestion) -> None:
        coverage, table, name = await self.services.combat.get_weapons_of(question)
        await self._show_weapons(ctx, coverage, table, name)

    async def _show_weapons(
        self, ctx: KillfeedContext, coverage: Coverage, table: WeaponTable, name: str = ""
    ) -> None:
        """Show a picture a page; the weapons of all players have their best users."""

        async def build(_: Chosen, page: int) -> Answer:
            shown = cut_page(table.rows, page)
            rows = shown.rows if name else await self.services.combat.add_best_users(coverage, shown.rows)
            picture = await ctx.embeds.charts.draw_weapons(rows, table) if rows else None
            return Answer(ctx.embeds.build_weapons(table, coverage, name=name), shown.count, picture)

        await respond_with_answer(ctx, build, has_pictures=True, cost=CHART_COST)

    @commands.slash_command(name="rivals", description="Who kills a player most, and who they kill most")
    @player_option(description="Start typing a name; leave out for your own player")
    @server_option()
    @asks_which
    @Access(feature=Feature.RIVALS)
    async def rivals(self, ctx: KillfeedContext, player: str | None, server: str | None) -> None:
        """Answer ``/rivals``."""
        await self._show_rivals(
            ctx, StatisticsQuestion(ctx.guild_id, ctx.member_id, player=player, server=server)
        )

    async def _show_rivals(self, ctx: KillfeedContext, question: StatisticsQuestion) -> None:
        async def build(chosen: Chosen, _: int) -> Answer:
            coverage, rivals = await self.services.combat.get_rivals(question)
            shown = rivals if MORE in chosen else cut_rivals(rivals)
            return Answer(ctx.embeds.build_rivals(shown, coverage))

        coverage, rivals = await self.services.combat.get_rivals(question)
        few = cut_rivals(rivals)
        embed = ctx.embeds.build_rivals(few, coverage)
        if few == rivals:
            await ctx.respond(embed=embed)
            return
        view = AnswerView(build, ctx)
        view.add_once(text("More"), MORE, MORE)
        await ctx.respond(embed=embed, view=view)

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
        answer = Answer(ctx.embeds.build_activity(activity, coverage), picture=picture)
        await ctx.respond(**answer.build_parts())


def cut_rivals(rivals: Rivals) -> Rivals:
    """Return the first few rivals of each kind."""
    return replace(rivals, nemeses=rivals.nemeses[:FEW_RIVALS], prey=rivals.prey[:FEW_RIVALS])


setup = StatsCog.setup
