"""Choices instead of typing again: where a name fits several things, they are buttons or a select.

``@asks_which`` stands directly above the ``@Access`` of a command. The service raises an ``AmbiguousError``,
or a ``NotFoundError`` with close names. The member presses one, and the command runs again with its id in
place of what was typed. Its answer then replaces the question. Close names belong to a refusal, so they are
shown in private even below a public command; the answer after the press is public again.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial, wraps
from typing import Any

import discord

from utils.errors import AmbiguousError, NotFoundError
from utils.interactions.context import KillfeedContext
from utils.interactions.limits import resting
from utils.interactions.reaching import note_unreached
from utils.interactions.views import InvokerView
from utils.models.labels import LabelledChoice
from utils.models.texts import text

MOST_BUTTONS = 5  # a row; more choices are a select
MOST_CHOICES = 25  # Discord's limit of a select
SERVER_OPTION = "server"

Callback = Callable[..., Awaitable[None]]


class ChoiceView(InvokerView):
    """Buttons for up to five choices, or a select of up to 25.

    Attributes:
        chosen: the id of the pressed choice; None until a press counts.
        aside: the private message with the question below a public command; None if the question is the
            answer itself.
    """

    aside: discord.WebhookMessage | None = None

    def __init__(self, choices: Sequence[LabelledChoice], ctx: KillfeedContext) -> None:
        super().__init__(ctx)
        self.chosen: str | None = None
        if len(choices) > MOST_BUTTONS:
            self.add_select(text("Choose one"), choices[:MOST_CHOICES], self._choose)
            return
        for key, label in choices:
            self.add_button(label, discord.ButtonStyle.secondary, partial(self._choose, key))

    async def wait(self) -> bool:
        """Wait for a press; during the wait the command does not count as running."""
        with resting():
            return await super().wait()

    async def on_timeout(self) -> None:
        """Show that the buttons have ended."""
        if self.aside is None:
            await super().on_timeout()
            return
        self.end()
        with note_unreached("ended choices are not shown as such", self._services.errors):
            await self.aside.edit(view=self)

    async def take_press(self, interaction: discord.Interaction) -> None:
        """Acknowledge a press: the message changes, or a public answer follows."""
        if self.aside is None:
            await super().take_press(interaction)
            return
        await self._ctx.follow(interaction).acknowledge()
        if self.chosen is None:
            self.shown_in = interaction
        else:  # a second press at the same time
            await interaction.delete_original_response()

    async def _choose(self, key: str, interaction: discord.Interaction) -> None:
        if self.is_finished():
            return  # answered as a button that has ended
        await self.take_press(interaction)
        if self.chosen is None:
            self.chosen = key
            self.end()


async def choose_one(
    ctx: KillfeedContext, several: AmbiguousError | NotFoundError
) -> tuple[KillfeedContext, str] | None:
    """Ask which one is meant, and return the context of the press, and the pressed id; None without a press.

    The next answer takes the place of the question.
    """
    view = ChoiceView(several.choices, ctx)
    question = ctx.embeds.build_notice(several.title, several.asked)
    if isinstance(several, NotFoundError) and not ctx.access.is_private:
        view.aside = await ctx.respond_aside(question, view)
    else:
        await ctx.respond(embed=question, view=view)
    await view.wait()
    if view.chosen is None:
        return None
    if view.aside is not None:
        with note_unreached("answered question stays", ctx.services.errors):
            await view.aside.delete()
    return ctx.follow(view.shown_in, is_replacing=view.aside is None), view.chosen


def asks_which(function: Callback) -> Callback:
    """Let a command ask which one is meant, as often as a name fits several things, or nearly fits some.

    The chosen id goes into the option with the text that fits several, or into ``server`` if none was given.
    It cannot be used where the first reply is a form.
    """

    @wraps(function)
    async def ask_which(cog: Any, ctx: KillfeedContext, **options: Any) -> None:
        answer: Callable[[], Awaitable[None]] = partial(function, cog, ctx, **options)
        while True:
            try:
                return await answer()
            except (AmbiguousError, NotFoundError) as error:
                if not error.choices:
                    raise
                several = error
            pressed = await choose_one(ctx, several)
            if pressed is None:
                return None
            ctx, chosen = pressed
            options[_find_option(options, several.typed)] = chosen
            answer = partial(_answer_again, function, cog, ctx, **options)

    return ask_which


async def _answer_again(function: Callback, cog: Any, ctx: KillfeedContext, **options: Any) -> None:
    """Run a command again after a press, if the member may still use it.

    Without an answer, the sign that a public one follows goes.
    """
    try:
        await ctx.verify()
        await function(cog, ctx, **options)
    except Exception as error:
        is_asked_on = isinstance(error, AmbiguousError | NotFoundError) and error.choices
        if not (is_asked_on or ctx.is_replacing):
            await ctx.withdraw()
        raise


def _find_option(options: dict[str, Any], typed: str | None) -> str:
    """Return the name of the option that holds a text."""
    named = (name for name, value in options.items() if typed is not None and value == typed)
    return next(named, SERVER_OPTION)
