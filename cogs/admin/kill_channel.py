"""The choice of a killfeed channel, below the answer that misses one."""

import discord

from cogs.admin.channels import set_channel
from utils.errors import NotFoundError
from utils.interactions.context import KillfeedContext
from utils.interactions.kill_channels import KillChannels
from utils.interactions.views import InvokerView
from utils.models.guilds import ChannelKind
from utils.models.scope import ServerScope
from utils.models.texts import Text, text

SELECT_SECONDS = 10 * 60.0


async def describe_kill_channel(
    ctx: KillfeedContext, scope: ServerScope
) -> tuple[Text, discord.ui.View | None]:
    """Return where the kills of a server appear, and a select of a channel if there is none yet."""
    channels = KillChannels(ctx.bot, ctx.services.settings)
    select = None if await channels.has_channel(scope) else KillChannelSelect(ctx)
    return await channels.describe(scope), select


class KillChannelSelect(InvokerView):
    """Chooses the killfeed channel of the community, with the checks of ``/admin channel set``."""

    def __init__(self, ctx: KillfeedContext) -> None:
        super().__init__(ctx, seconds=SELECT_SECONDS)
        self.add_channel_select(text("Choose the killfeed channel"), self._choose)

    async def _choose(self, channel_id: int, interaction: discord.Interaction) -> None:
        await self.take_press(interaction)
        ctx = self._ctx.follow(interaction)
        with self._services.limits.working(ctx.member_id):
            await ctx.verify()
            guild = ctx.bot.get_guild(ctx.guild_id)
            channel = None if guild is None else guild.get_channel(channel_id)
            if channel is None:
                raise NotFoundError(text("That channel is gone. Choose another one."))
            said = await set_channel(ctx, ChannelKind.KILLFEED, channel, server=None)
        self.end()
        await interaction.edit_original_response(view=None)
        await ctx.respond(embed=ctx.embeds.build_success(text("Channel set"), said))
