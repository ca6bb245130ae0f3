"""The buttons and selects below messages that work for ever (``utils/models/lasting_buttons.py``)."""

from collections.abc import Sequence

import discord

from utils.localization.localizer import Localizer
from utils.models.lasting_buttons import Control, LastingSelect
from utils.models.visible_text import cut

MAX_LABEL_CHARACTERS = 80  # Discord's limits
MAX_CHOICE_CHARACTERS = 100
MAX_PLACEHOLDER_CHARACTERS = 150


class LastingView(discord.ui.View):
    """Controls that the library does not answer: ``KillfeedBot`` hands their presses to the cogs."""

    def __init__(self) -> None:
        super().__init__(timeout=None)

    def is_dispatchable(self) -> bool:
        """Return False, so that the library keeps nothing for a message."""
        return False


def build_lasting_view(controls: Sequence[Control], words: Localizer) -> LastingView:
    """Return the controls in rows: five buttons each, a select alone."""
    view = LastingView()
    for control in controls:
        view.add_item(_build_item(control, words))
    return view


def _build_item(
    control: Control, words: Localizer
) -> discord.ui.Button[LastingView] | discord.ui.Select[LastingView]:
    custom_id = control.kind.make_custom_id(control.argument)
    if isinstance(control, LastingSelect):
        return discord.ui.Select(
            custom_id=custom_id,
            placeholder=cut(words.write_plain(control.placeholder), MAX_PLACEHOLDER_CHARACTERS),
            options=[
                discord.SelectOption(
                    value=each.value, label=cut(words.write_plain(each.label), MAX_CHOICE_CHARACTERS)
                )
                for each in control.choices
            ],
        )
    return discord.ui.Button(
        custom_id=custom_id,
        label=cut(words.write_plain(control.label), MAX_LABEL_CHARACTERS),
        style=discord.ButtonStyle(control.style.value),
        emoji=control.emoji,
    )
