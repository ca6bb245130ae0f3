"""``/admin board``: boards that are posted in a channel."""

import discord

from cogs.admin.groups import BOARD, admin_access
from utils.interactions.context import KillfeedContext
from utils.interactions.options import name_choices, server_option
from utils.interactions.services import Services
from utils.models.posted_boards import LIVE_CHOICES, LiveBoard, find_board
from utils.models.premium import Feature
from utils.models.statistics import BOARD_CHOICES, Board
from utils.models.texts import Command, Mention, text

RANKINGS = {board: name for board, name in BOARD_CHOICES.items() if board is not Board.FACTIONS}
BOARDS = [*name_choices(RANKINGS), *name_choices(LIVE_CHOICES)]


class BoardCommands:
    """Posting and removing boards."""

    services: Services
    board = BOARD

    @board.command(name="post", description="Post a board that updates itself")
    @discord.option("board", str, description="Which board", choices=BOARDS)
    @server_option()
    @admin_access(feature=Feature.POSTED_BOARDS, is_change=True)
    async def board_post(self, ctx: KillfeedContext, board: str, server: str | None) -> None:
        """Answer ``/admin board post``."""
        chosen = find_board(board)
        channel_id = await self.services.boards.post(ctx.guild_id, chosen, server, actor_id=ctx.member_id)
        channel = Mention("#", channel_id)
        if isinstance(chosen, LiveBoard):
            said = text("Posted in {channel}. It updates within a minute of a change.", channel=channel)
        else:
            said = text("Posted in {channel}. It updates every 30 minutes.", channel=channel)
        await ctx.respond(embed=ctx.embeds.build_success(text("Board posted"), said))

    @board.command(name="remove", description="Remove a posted board and its message")
    @discord.option("board", str, description="Which board", choices=BOARDS)
    @server_option()
    @admin_access(feature=Feature.POSTED_BOARDS, is_change=True)
    async def board_remove(self, ctx: KillfeedContext, board: str, server: str | None) -> None:
        """Answer ``/admin board remove``."""
        await self.services.boards.remove(ctx.guild_id, find_board(board), server, actor_id=ctx.member_id)
        said = text("I deleted its message. {post} posts it again.", post=Command("admin board post"))
        await ctx.respond(embed=ctx.embeds.build_success(text("Board removed"), said))
