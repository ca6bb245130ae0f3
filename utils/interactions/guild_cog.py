"""The base of every cog: acknowledges and checks every command before it runs."""

import aiohttp
import discord
from discord.ext import commands

from utils.errors import KillfeedError
from utils.interactions.context import KillfeedContext
from utils.interactions.ownership import verify_options
from utils.interactions.services import Services


class GuildCog(commands.Cog):
    """Acknowledges and checks its commands before they run.

    Discord waits three seconds. So a command is acknowledged first, unless its answer is a modal, which must
    be the first reply. Then role and tier are checked, and that the options name only things of the guild.
    """

    def __init__(self, services: Services) -> None:
        self.services = services

    @classmethod
    def setup(cls, bot: discord.Bot) -> None:
        """Add the cog to the bot that loads its module."""
        bot.add_cog(cls(bot.services))  # type: ignore[attr-defined] # the library's bot; ours has services

    async def cog_before_invoke(self, ctx: KillfeedContext) -> None:  # type: ignore[override] # ours alone
        """Acknowledge a command and check it."""
        try:
            await ctx.begin(self.services, cost=ctx.access.cost)
            verify_options(ctx, may_have_left=ctx.access.may_have_left)
        except (KillfeedError, aiohttp.ClientError, OSError, TimeoutError) as error:
            # from here the library hands only errors of its own classes to the error handler
            raise discord.ApplicationCommandInvokeError(error) from error
