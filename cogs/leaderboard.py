"""Boards: ``/leaderboard``."""

import discord
from discord.ext import commands

from utils.interactions.access import GuildCog, access, get_guild_id
from utils.interactions.autocomplete import complete_server
from utils.interactions.context import KillfeedContext
from utils.interactions.limits import PAGE_COST
from utils.interactions.options import text_option
from utils.interactions.paging import count_pages, respond_with_pages
from utils.interactions.services import Services
from utils.interactions.views import PageBuilder
from utils.models.premium import Feature
from utils.models.scope import MemberId
from utils.models.statistics import Coverage, Period
from utils.services.players.statistics import BOARD_PAGE_ROWS, Board


class LeaderboardCog(GuildCog):
    """Ranks players or weapons, a page of ten at a time."""

    @commands.slash_command(name="leaderboard", description="The best and the worst of this community")
    @discord.option(
        "board",
        str,
        description="What to rank by",
        choices=[board.value for board in Board],
        default=Board.KILLS.value,
    )
    @text_option("server", description="One server alone", autocomplete=complete_server, default=None)
    @discord.option(
        "period",
        str,
        description="Which days count",
        choices=[period.value for period in Period],
        default=Period.ALL.value,
    )
    @access(feature=Feature.LEADERBOARD, cost=PAGE_COST)
    async def leaderboard(self, ctx: KillfeedContext, board: str, server: str | None, period: str) -> None:
        """Answer ``/leaderboard``."""
        coverage = await self.services.coverage.choose(get_guild_id(ctx), server, Period(period))
        if board == Board.WEAPONS:
            build = await self._rank_weapons(ctx, coverage)
        else:
            build = self._rank_players(ctx, coverage, Board(board))
        await respond_with_pages(ctx, self.services, build)

    def _rank_players(self, ctx: KillfeedContext, coverage: Coverage, board: Board) -> PageBuilder:
        asker_id = MemberId(ctx.author.id)

        async def build(page: int) -> tuple[discord.Embed, int]:
            if board is Board.BOUNTIES:  # at each page, because the tier may end in between
                await self.services.premium.verify_premium_for_feature(coverage.guild_id, Feature.BOUNTIES)
            found = await self.services.statistics.get_board(coverage, board, page=page, asker_id=asker_id)
            embed = ctx.embeds.build_board(board.value, found.rows, coverage, own=found.own)
            return embed, found.pages

        return build

    async def _rank_weapons(self, ctx: KillfeedContext, coverage: Coverage) -> PageBuilder:
        table, _ = await self.services.combat.get_weapons(coverage, None)

        async def build(page: int) -> tuple[discord.Embed, int]:
            first = page * BOARD_PAGE_ROWS
            rows = table.rows[first : first + BOARD_PAGE_ROWS]
            embed = ctx.embeds.build_weapon_board(rows, table, coverage, first=first + 1)
            return embed, count_pages(len(table.rows), BOARD_PAGE_ROWS)

        return build


def setup(bot: discord.Bot) -> None:
    """Add the cog."""
    services: Services = bot.services  # type: ignore[attr-defined]
    bot.add_cog(LeaderboardCog(services))
