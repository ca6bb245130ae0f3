"""Boards: ``/leaderboard``, and the buttons of posted boards."""

import discord
from discord.ext import commands

from utils.errors import InvalidInputError
from utils.interactions.answer_views import Answer, Chosen
from utils.interactions.choosing import asks_which
from utils.interactions.context import KillfeedContext
from utils.interactions.declarations import Access
from utils.interactions.guild_cog import GuildCog
from utils.interactions.lasting_buttons import on_press
from utils.interactions.limits import PAGE_COST
from utils.interactions.options import name_choices, period_option, server_option
from utils.interactions.paging import cut_page, respond_with_answer
from utils.interactions.selections import BOARD, PERIOD, select_board, select_period
from utils.models.factions import list_rows
from utils.models.posted_boards import MY_PLACE, REFRESH_BOARD, BoardKey
from utils.models.premium import Feature
from utils.models.recaps import RECAP_PLACE
from utils.models.scope import GuildId
from utils.models.statistics import BOARD_CHOICES, Board, Coverage, Period
from utils.models.texts import Moment, text
from utils.services.recaps.schedule import read_span

NO_WEAPONS = text("Weapons aren't counted by season. Choose another board or other days.")


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
    @period_option(with_season=True)
    @asks_which
    @Access(feature=Feature.LEADERBOARD, cost=PAGE_COST)
    async def leaderboard(self, ctx: KillfeedContext, board: str, server: str | None, period: str) -> None:
        """Answer ``/leaderboard``."""

        async def build(chosen: Chosen, page: int) -> Answer:
            coverage = await self.services.coverage.choose(ctx.guild_id, server, Period(chosen[PERIOD]))
            return await self._build_page(ctx, coverage, Board(chosen[BOARD]), page)

        selections = (select_board(Board(board)), select_period(Period(period)))
        await respond_with_answer(ctx, build, selections=selections)

    async def _build_page(self, ctx: KillfeedContext, coverage: Coverage, board: Board, page: int) -> Answer:
        await self._verify_board(ctx.guild_id, board)
        if board is Board.WEAPONS:
            if coverage.period is Period.SEASON:
                raise InvalidInputError(NO_WEAPONS)
            table = await self.services.combat.get_weapons(coverage)
            shown = cut_page(table.rows, page)
            embed = ctx.embeds.build_weapon_board(shown.rows, table, coverage, first=shown.first)
            return Answer(embed, shown.count)
        if board is Board.FACTIONS:
            rows = list_rows(await self.services.factions.rank(coverage))
            own_id = await self.services.factions.find_id(ctx.guild_id, ctx.member_id)
            own = next((one for one in rows if one.faction_id == own_id), None)
            ranked = cut_page(rows, page)
            return Answer(ctx.embeds.build_faction_board(ranked.rows, coverage, own=own), ranked.count)
        found = await self.services.statistics.get_board(coverage, board, page=page, asker_id=ctx.member_id)
        return Answer(ctx.embeds.build_board(board.value, found.rows, coverage, own=found.own), found.pages)

    async def _verify_board(self, guild_id: GuildId, board: Board) -> None:
        """Refuse a board that opens with a higher tier than the others.

        Raises:
            TierRequiredError: the guild lacks that tier.
        """
        if board is Board.BOUNTIES:
            await self.services.premium.verify_premium_for_feature(guild_id, Feature.BOUNTIES)
        if board is Board.FACTIONS:
            await self.services.premium.verify_premium_for_feature(guild_id, Feature.FACTIONS)

    @on_press(MY_PLACE)
    @Access(is_private=True, feature=Feature.LEADERBOARD, cost=PAGE_COST)
    async def show_own_place(self, ctx: KillfeedContext, argument: str) -> None:
        """Answer *My place* of a posted board."""
        key = BoardKey.read(ctx.guild_id, argument)
        await self._verify_board(key.guild_id, Board(key.board))
        coverage = await self.services.coverage.choose(key.guild_id, key.server_id or None)
        places = await self.services.statistics.get_places(coverage, key.ranking, ctx.member_id)
        await ctx.respond(embed=ctx.embeds.build_places(places, coverage))

    @on_press(RECAP_PLACE)
    @Access(is_private=True, feature=Feature.LEADERBOARD, cost=PAGE_COST)
    async def show_place_of_recap(self, ctx: KillfeedContext, argument: str) -> None:
        """Answer *My place* of a recap, about its days."""
        span = read_span(argument, today=self.services.clock.now().date())
        coverage = await self.services.coverage.cover_days(ctx.guild_id, span.first_day, span.last_day)
        places = await self.services.statistics.get_places(coverage, Board.KILLS, ctx.member_id)
        await ctx.respond(embed=ctx.embeds.build_places(places, coverage))

    @on_press(REFRESH_BOARD)
    @Access(is_private=True, feature=Feature.POSTED_BOARDS)
    async def refresh_board(self, ctx: KillfeedContext, argument: str) -> None:
        """Answer *Refresh* of a posted board."""
        refreshed = await self.services.boards.refresh(BoardKey.read(ctx.guild_id, argument))
        title = text("Board refreshed") if refreshed.is_changed else text("Already up to date")
        said = text("You can refresh it again {at}.", at=Moment(refreshed.free_at))
        await ctx.respond(embed=ctx.embeds.build_success(title, said))


setup = LeaderboardCog.setup
