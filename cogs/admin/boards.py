"""Posted boards: ``/admin board``."""

import discord

from utils.interactions.access import get_guild_id
from utils.interactions.services import Services
from utils.services.statistics import Board

BOARDS = [board.value for board in Board]


async def post_board(
    services: Services, ctx: discord.ApplicationContext, board: str, server: str | None
) -> None:
    """Answer ``/admin board post``."""
    channel_id = await services.boards.post(get_guild_id(ctx), Board(board), server)
    text = f"The board stands in <#{channel_id}> and keeps itself up to date, every 30 minutes."
    await ctx.respond(embed=services.embeds.build_success("Board posted", text), ephemeral=True)


async def remove_board(
    services: Services, ctx: discord.ApplicationContext, board: str, server: str | None
) -> None:
    """Answer ``/admin board remove``."""
    await services.boards.remove(get_guild_id(ctx), Board(board), server)
    text = "Its message is deleted. /admin board post posts it again."
    await ctx.respond(embed=services.embeds.build_success("Board removed", text), ephemeral=True)
