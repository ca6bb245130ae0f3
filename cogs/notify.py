"""Direct messages that a member asks for: ``/notify``."""

import discord
from discord.ext import commands

from utils.interactions.context import KillfeedContext
from utils.interactions.declarations import Access
from utils.interactions.guild_cog import GuildCog
from utils.interactions.lasting_buttons import on_press
from utils.interactions.options import name_choices
from utils.models.notifications import NOTIFY, TOPIC_CHOICES, Topic


class NotifyCog(GuildCog):
    """Lets members choose what the bot tells them by direct message."""

    @commands.slash_command(name="notify", description="What I tell you in direct messages; off at first")
    @discord.option(
        "event",
        str,
        description="What to tell you; leave it out for everything",
        choices=name_choices(TOPIC_CHOICES),
        default=None,
    )
    @discord.option("on", bool, description="Switch it on or off", default=None)
    @Access(is_private=True, is_change=True)
    async def notify(
        self,
        ctx: KillfeedContext,
        event: str | None,
        on: bool | None,  # noqa: FBT001 - a command option
    ) -> None:
        """Answer ``/notify``: the list, changed before if an option is given."""
        notifications = self.services.notifications
        if event is None and on is None:
            chosen = await notifications.describe(ctx.guild_id, ctx.member_id)
        else:
            chosen = await notifications.switch(
                ctx.guild_id,
                ctx.member_id,
                None if event is None else Topic(event),
                is_on=on is not False,
                locale=ctx.interaction.locale or "",
            )
        await ctx.respond(embed=ctx.embeds.build_notifications(chosen))

    @on_press(NOTIFY)
    @Access(is_private=True)
    async def show_choices(self, ctx: KillfeedContext, argument: str) -> None:
        """Answer *Tell me …* of a recap, like ``/notify`` without options."""
        del argument
        chosen = await self.services.notifications.describe(ctx.guild_id, ctx.member_id)
        await ctx.respond(embed=ctx.embeds.build_notifications(chosen))


setup = NotifyCog.setup
