"""Forms: modals that a member fills in, once and within some minutes."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import discord

from utils.errors import NotAllowedError
from utils.interactions.command_journal import enter_interaction
from utils.interactions.context import KillfeedContext
from utils.interactions.limits import PRESS_COST
from utils.interactions.live_views import make_custom_id
from utils.interactions.views import ELSEWHERE
from utils.models.texts import Text
from utils.models.visible_text import cut

FORM_SECONDS = 15 * 60.0  # as long as an interaction can be answered
MAX_TITLE_CHARACTERS = 45  # Discord's limit of a form's title


class MemberForm(discord.ui.Modal, ABC):
    """A form of one member, which acts once, within ``FORM_SECONDS``, in the guild where it was opened.

    Args:
        opened_in: the command or press that it answers.
    """

    def __init__(self, title: Text, *, opened_in: KillfeedContext) -> None:
        self._words = opened_in.embeds.words
        super().__init__(
            title=cut(self._words.write_plain(title), MAX_TITLE_CHARACTERS),
            custom_id=make_custom_id(),
            timeout=FORM_SECONDS,
        )
        self._services = opened_in.services
        self._opened_in = opened_in
        self._services.views.add(self.custom_id)

    @abstractmethod
    async def take(self, sent: KillfeedContext) -> None:
        """Handle what was filled in, in the context of the sent form; the member was checked again."""

    async def callback(self, interaction: discord.Interaction) -> None:
        """Acknowledge, check the member again, then handle the form."""
        enter_interaction(interaction, self._opened_in.command)
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
            await self.take(sent)

    async def on_timeout(self) -> None:
        """Forget a form that was not sent; a later send is answered as ended."""
        self._forget()

    async def on_error(self, error: Exception, interaction: discord.Interaction) -> None:
        """Answer a failure like that of any command; Discord closes a form that it has taken."""
        if interaction.response.is_done():
            self._forget()
        await self._services.replies.answer(interaction, error, self._opened_in.access)

    def _forget(self) -> None:
        """Drop the form here and in the library, which otherwise keeps an unsent form for good."""
        self._services.views.remove(self.custom_id)
        if self._cancel_callback is not None:
            self._cancel_callback(self, self._opened_in.member_id)  # type: ignore[call-arg,arg-type] # a modal's


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a form that must be filled in."""

    label: Text
    max_characters: int
    placeholder: Text


Submit = Callable[[KillfeedContext, Sequence[str]], Awaitable[None]]
"""Handles the filled in lines, in the context of the sent form."""


class LineForm(MemberForm):
    """Asks for some lines of text, and hands them on."""

    def __init__(
        self, title: Text, lines: Sequence[Line], submit: Submit, *, opened_in: KillfeedContext
    ) -> None:
        super().__init__(title, opened_in=opened_in)
        self._submit = submit
        self._inputs: list[discord.ui.InputText] = [
            discord.ui.InputText(
                label=self._words.write_plain(line.label),
                max_length=line.max_characters,
                placeholder=self._words.write_plain(line.placeholder),
            )
            for line in lines
        ]
        for line in self._inputs:
            self.add_item(line)

    async def take(self, sent: KillfeedContext) -> None:
        """Hand the lines on."""
        await self._submit(sent, [str(line.value or "").strip() for line in self._inputs])
