"""``/setup``, and the button **Set up**: the checklist, privately, for admins."""

import discord
from discord.ext import commands

from cogs.setup.creation import ChannelCreator, list_missing_kinds
from cogs.setup.view import SetupView, build_setup
from utils.errors import NotFoundError
from utils.interactions.context import KillfeedContext
from utils.interactions.declarations import Access
from utils.interactions.guild_cog import GuildCog
from utils.interactions.lasting_buttons import on_press
from utils.interactions.services import Services
from utils.models.setup import SET_UP, SETUP_KINDS
from utils.models.texts import text


class SetupCog(GuildCog):
    """Leads an admin from joining to the first posted kill."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._creator = ChannelCreator()

    @commands.slash_command(
        name="setup",
        description="Set me up: channels, game server, and what's still missing",
        default_member_permissions=discord.Permissions(manage_guild=True),
    )
    @Access(is_admin=True, is_private=True)
    async def setup_command(self, ctx: KillfeedContext) -> None:
        """Answer ``/setup``."""
        await self._show(ctx)

    @on_press(SET_UP)
    @Access(is_admin=True, is_private=True)
    async def press_set_up(self, ctx: KillfeedContext, argument: str) -> None:
        """Answer the button of the message after joining."""
        del argument
        await self._show(ctx)

    async def _show(self, ctx: KillfeedContext) -> None:
        guild = ctx.bot.get_guild(ctx.guild_id)
        if guild is None:
            raise NotFoundError(text("Discord hasn't told me about this server yet. Try again in a minute."))
        premium = self.services.premium
        kinds = [kind for kind in SETUP_KINDS if await premium.find_missing_tier(ctx.guild_id, kind) is None]
        missing = await list_missing_kinds(ctx, guild)
        view = SetupView(ctx, self._creator, guild=guild, kinds=kinds, lacks_channels=bool(missing))
        await ctx.respond(embed=await build_setup(ctx, guild), view=view)
