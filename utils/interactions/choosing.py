"""Choices instead of typing again: where a name fits several things, they are buttons or a select.

``@asks_which`` stands directly above the ``@Access`` of a command. The service raises an ``AmbiguousError``,
or a ``NotFoundError`` with close names. The member presses one, and the command runs again with its id in
place of what was typed. Its answer then replaces the question.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial, wraps
from typing import Any

import discord

from utils.errors import AmbiguousError, NotFoundError
from utils.interactions.context import KillfeedContext
from utils.interactions.limits import resting
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
    """

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

    The next answer replaces the question. The member must still be allowed to use the command.

    Raises:
        NotAllowedError, TierRequiredError: they are no longer allowed.
    """
    view = ChoiceView(several.choices, ctx)
    question = ctx.embeds.build_notice(several.title, several.asked)
    await ctx.respond(embed=question, view=view)
    await view.wait()
    if view.chosen is None:
        return None
    chosen = ctx.follow(view.shown_in, is_replacing=True)
    await chosen.verify()
    return chosen, view.chosen


def asks_which(function: Callback) -> Callback:
    """Let a command ask which one is meant, as often as a name fits several things, or nearly fits some.

    The chosen id goes into the option with the text that fits several, or into ``server`` if none was given.
    It cannot be used where the first reply is a form.
    """

    @wraps(function)
    async def ask_which(cog: Any, ctx: KillfeedContext, **options: Any) -> None:
        while True:
            try:
                return await function(cog, ctx, **options)
            except (AmbiguousError, NotFoundError) as error:
                if not error.choices:
                    raise
                several = error
            pressed = await choose_one(ctx, several)
            if pressed is None:
                return None
            ctx, chosen = pressed
            options[_find_option(options, several.typed)] = chosen

    return ask_which


def _find_option(options: dict[str, Any], typed: str | None) -> str:
    """Return the name of the option that holds a text."""
    named = (name for name, value in options.items() if typed is not None and value == typed)
    return next(named, SERVER_OPTION)
