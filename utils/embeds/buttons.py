"""The buttons below messages that work for ever (``utils/models/lasting_buttons.py``)."""

from collections.abc import Sequence

import discord

from utils.localization.localizer import Localizer
from utils.models.lasting_buttons import LastingButton
from utils.models.visible_text import cut

MAX_LABEL_CHARACTERS = 80  # Discord's limit


class LastingView(discord.ui.View):
    """Buttons that the library does not answer: ``KillfeedBot`` hands their presses to the cogs."""

    def __init__(self) -> None:
        super().__init__(timeout=None)

    def is_dispatchable(self) -> bool:
        """Return False, so that the library keeps nothing for a message."""
        return False


def build_lasting_view(buttons: Sequence[LastingButton], words: Localizer) -> LastingView:
    """Return the buttons in rows of five."""
    view = LastingView()
    for button in buttons:
        view.add_item(
            discord.ui.Button(
                custom_id=button.kind.make_custom_id(button.argument),
                label=cut(words.write_plain(button.label), MAX_LABEL_CHARACTERS),
                style=discord.ButtonStyle(button.style.value),
                emoji=button.emoji,
            )
        )
    return view
