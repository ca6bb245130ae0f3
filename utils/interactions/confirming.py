"""Questions before commands that cannot be undone."""

import discord

from utils.interactions.context import KillfeedContext
from utils.interactions.views import ConfirmView
from utils.models.texts import Text


async def ask_first(ctx: KillfeedContext, question: discord.Embed, label: Text) -> KillfeedContext | None:
    """Ask before a command acts, and return the context of the yes; None for a no or no answer.

    A question is open for minutes, so the member must still be allowed to use the command.

    Raises:
        NotAllowedError, TierRequiredError: they are no longer allowed.
    """
    view = ConfirmView(label, ctx)
    await ctx.respond(embed=question, view=view)
    await view.wait()
    if not view.is_confirmed:
        return None
    confirmed = ctx.follow(view.shown_in)
    await confirmed.verify()
    return confirmed
