"""Forms: modals of a few lines that a member fills in, once and within some minutes."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import discord

from utils.errors import NotAllowedError
from utils.interactions.context import KillfeedContext
from utils.interactions.limits import PRESS_COST
from utils.interactions.live_views import make_custom_id
from utils.interactions.views import ELSEWHERE
from utils.models.texts import Text
from utils.models.visible_text import cut

FORM_SECONDS = 15 * 60.0  # as long as an interaction can be answered
MAX_TITLE_CHARACTERS = 45  # Discord's limit of a form's title


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a form that must be filled in."""

    label: Text
    max_characters: int
    placeholder: Text


Submit = Callable[[KillfeedContext, Sequence[str]], Awaitable[None]]
"""Handles the filled in lines, in the context of the sent form."""


class LineForm(discord.ui.Modal):
    """Asks for some lines of text, and hands them on.

    Args:
        opened_in: the command or the press that it answers; the form acts only in that guild.
    """

    def __init__(
        self, title: Text, lines: Sequence[Line], submit: Submit, *, opened_in: KillfeedContext
    ) -> None:
        words = opened_in.embeds.words
        super().__init__(
            title=cut(words.write_plain(title), MAX_TITLE_CHARACTERS),
            custom_id=make_custom_id(),
            timeout=FORM_SECONDS,
        )
        self._submit = submit
        self._services = opened_in.services
        self._opened_in = opened_in
        self._services.views.add(self.custom_id)
        self._inputs: list[discord.ui.InputText] = [
            discord.ui.InputText(
                label=words.write_plain(line.label),
                max_length=line.max_characters,
                placeholder=words.write_plain(line.placeholder),
            )
            for line in lines
        ]
        for line in self._inputs:
            self.add_item(line)

    async def callback(self, interaction: discord.Interaction) -> None:
        """Acknowledge, check the member again, then hand the lines on."""
        if self._services.views.is_repeated(interaction, "form"):
            return
        sent = self._opened_in.follow(interaction)
        await sent.acknowledge()
        self.stop()  # its timeout no longer matters: Discord has closed it
        self._services.views.remove(self.custom_id)
        self._services.limits.spend(sent.member_id, PRESS_COST)
        with self._services.limits.working(sent.member_id):
            if sent.guild_id != self._opened_in.guild_id:
                raise NotAllowedError(ELSEWHERE)
            await sent.verify()
            await self._submit(sent, [str(line.value or "").strip() for line in self._inputs])

    async def on_timeout(self) -> None:
        """Forget a form that was not sent; a later send is answered as ended."""
        self._services.views.remove(self.custom_id)
        if self._cancel_callback is not None:  # otherwise the library keeps an unsent form for good
            self._cancel_callback(self, self._opened_in.member_id)  # type: ignore[call-arg,arg-type] # a modal's

    async def on_error(self, error: Exception, interaction: discord.Interaction) -> None:
        """Answer a failure like that of any command."""
        await self._services.replies.answer(interaction, error, self._opened_in.access)
