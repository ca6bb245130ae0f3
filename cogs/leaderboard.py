"""Boards: ``/leaderboard``."""

import discord
from discord.ext import commands

from utils.interactions.choosing import asks_which
from utils.interactions.context import KillfeedContext
from utils.interactions.declarations import Access
from utils.interactions.guild_cog import GuildCog
from utils.interactions.limits import PAGE_COST
from utils.interactions.options import name_choices, period_option, server_option
from utils.interactions.paging import cut_page, respond_with_pages
from utils.interactions.views import PageBuilder
from utils.models.premium import Feature
from utils.models.statistics import BOARD_CHOICES, Board, Coverage, Period


class LeaderboardCog(GuildCog):
    """Ranks players or weapons, a page of ten at a time."""

    @commands.slash_command(name="leaderboard", description="Leaderboards: kills, K/D, streaks and more")
    @discord.option(
        "board",
        str,
        description="Which board",
        choices=name_choices(BOARD_CHOICES),
        default=Board.KILLS.value,
    )
    @server_option()
    @period_option()
    @asks_which
    @Access(feature=Feature.LEADERBOARD, cost=PAGE_COST)
    async def leaderboard(self, ctx: KillfeedContext, board: str, server: str | None, period: str) -> None:
        """Answer ``/leaderboard``."""
        coverage = await self.services.coverage.choose(ctx.guild_id, server, Period(period))
        if board == Board.WEAPONS:
            build = await self._rank_weapons(ctx, coverage)
        else:
            build = self._rank_players(ctx, coverage, Board(board))
        await respond_with_pages(ctx, build)

    def _rank_players(self, ctx: KillfeedContext, coverage: Coverage, board: Board) -> PageBuilder:
        asker_id = ctx.member_id

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
            shown = cut_page(table.rows, page)
            embed = ctx.embeds.build_weapon_board(shown.rows, table, coverage, first=shown.first)
            return embed, shown.count

        return build


setup = LeaderboardCog.setup
