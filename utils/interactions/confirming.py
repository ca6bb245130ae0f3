"""Questions before commands that cannot be undone."""

import discord

from utils.interactions.context import KillfeedContext
from utils.interactions.views import ConfirmView
from utils.models.texts import Text


async def ask_first(ctx: KillfeedContext, question: discord.Embed, label: Text) -> KillfeedContext | None:
    """Ask before a command does what it is for, and return the context of the yes; None for a no or silence.

    A question stands for minutes, so who says yes must still be allowed to use the command.

    Raises:
        NotAllowedError, TierRequiredError: they no longer are.
    """
    view = ConfirmView(label, ctx)
    await ctx.respond(embed=question, view=view)
    await view.wait()
    if not view.is_confirmed:
        return None
    confirmed = ctx.follow(view.shown_in)
    await confirmed.verify()
    return confirmed
