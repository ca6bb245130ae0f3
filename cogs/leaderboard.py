"""Boards: ``/leaderboard``."""

import discord
from discord.ext import commands

from utils.interactions.access import GuildCog, access, get_guild_id
from utils.interactions.autocomplete import complete_server
from utils.interactions.services import Services
from utils.interactions.text import describe_where
from utils.interactions.views import PagedView
from utils.models.premium import Feature
from utils.services.statistics import Board


class LeaderboardCog(GuildCog):
    """Ranks players, a page of ten at a time."""

    @commands.slash_command(name="leaderboard", description="The best and the worst of this community")
    @discord.option(
        "board",
        str,
        description="What to rank by",
        choices=[board.value for board in Board],
        default=Board.KILLS.value,
    )
    @discord.option("server", str, description="One server alone", autocomplete=complete_server, default=None)
    @access(feature=Feature.LEADERBOARD)
    async def leaderboard(self, ctx: discord.ApplicationContext, board: str, server: str | None) -> None:
        """Answer ``/leaderboard``."""
        guild_id = get_guild_id(ctx)
        servers, chosen = self.services.servers, Board(board)
        server_ids = await servers.choose_server_ids(guild_id, server)
        where = describe_where(await servers.list_servers(guild_id), server_ids)

        async def build(page: int) -> tuple[discord.Embed, int]:
            found = await self.services.statistics.get_board(
                guild_id, chosen, server_ids=server_ids, page=page
            )
            embed = self.services.embeds.build_board(board, found.rows, where=where, period="all time")
            if found.pages > 1:
                embed.set_footer(text=f"Page {page + 1} of {found.pages}")
            return embed, found.pages

        embed, pages = await build(0)
        if pages == 1:
            await ctx.respond(embed=embed)
            return
        view = PagedView(
            build,
            pages=pages,
            invoker_id=ctx.author.id,
            live=self.services.views,
            replies=self.services.replies,
        )
        view.shown_in = ctx.interaction
        await ctx.respond(embed=embed, view=view)


def setup(bot: discord.Bot) -> None:
    """Add the cog."""
    services: Services = bot.services  # type: ignore[attr-defined]
    bot.add_cog(LeaderboardCog(services))
