"""``/setup``, and the button **Set up**: the checklist, privately, for admins."""

import discord
from discord.ext import commands

from cogs.setup.creation import ChannelCreator
from cogs.setup.view import SetupView
from utils.interactions.context import KillfeedContext
from utils.interactions.declarations import Access
from utils.interactions.guild_cog import GuildCog
from utils.interactions.lasting_buttons import on_press
from utils.interactions.services import Services
from utils.models.setup import SET_UP


class SetupCog(GuildCog):
    """Leads an admin from joining to the first posted kill."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._creator = ChannelCreator()

    @commands.slash_command(
        name="setup",
        description="Set up this bot: channels, game server, and what's missing",
        default_member_permissions=discord.Permissions(manage_guild=True),
    )
    @Access(is_admin=True, is_private=True, is_change=True)
    async def setup_command(self, ctx: KillfeedContext) -> None:
        """Answer ``/setup``."""
        await SetupView(ctx, self._creator).open()

    @on_press(SET_UP)
    @Access(is_admin=True, is_private=True, is_change=True)
    async def press_set_up(self, ctx: KillfeedContext, argument: str) -> None:
        """Answer the button of the message after joining."""
        del argument
        await SetupView(ctx, self._creator).open()
