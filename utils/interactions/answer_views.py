"""Answers that a member can change: other pages, another choice in a select, a step to another command.

Every press builds the answer again, so it shows what is stored now, and the member must still be allowed to
use the command. A refusal is answered privately, and the answer stays as it is.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import discord

from utils.embeds.pictures import Picture, build_file
from utils.interactions.context import KillfeedContext
from utils.interactions.declarations import Access, get_access
from utils.interactions.replies import PRESSED
from utils.interactions.views import VIEW_SECONDS, InvokerView
from utils.models.labels import LabelledChoice
from utils.models.texts import Text, text


@dataclass(frozen=True, slots=True)
class Answer:
    """One state of an answer: its embed, its picture, and how many pages there are."""

    embed: discord.Embed
    pages: int = 1
    picture: Picture | None = None

    def build_parts(self) -> dict[str, Any]:
        """Return the parts of a message."""
        if self.picture is None:
            return {"embed": self.embed}
        self.embed.set_image(url=f"attachment://{self.picture.name}")
        return {"embed": self.embed, "file": build_file(self.picture)}


GREY = discord.ButtonStyle.secondary

Chosen = Mapping[str, str]
"""The chosen id of each select, by the select's name."""

AnswerBuilder = Callable[[Chosen, int], Awaitable[Answer]]
"""Builds the answer for what is chosen, and for a page (from 0)."""


@dataclass(frozen=True, slots=True)
class Selection:
    """A select below an answer.

    Attributes:
        name: its key in ``Chosen``.
        chosen: the id that is chosen at first.
    """

    name: str
    placeholder: Text
    choices: Sequence[LabelledChoice]
    chosen: str


class AnswerView(InvokerView):
    """The controls below an answer: selects, previous and next, and steps to other commands.

    Args:
        build: builds the answer again.
        ctx: the command that it answers.
        pages: how many pages the first answer has; None if it never has several.
        selections: the selects, in their order.
        has_pictures: some of its states have a picture.
        cost: the work of building it again, beside that of a press.
        seconds: how long the controls work after the last press.
    """

    def __init__(
        self,
        build: AnswerBuilder,
        ctx: KillfeedContext,
        *,
        pages: int | None = None,
        selections: Sequence[Selection] = (),
        has_pictures: bool = False,
        cost: float = 0,
        seconds: float = VIEW_SECONDS,
    ) -> None:
        super().__init__(ctx, seconds=seconds)
        self._build = build
        self._chosen = {selection.name: selection.chosen for selection in selections}
        self._page = 0
        self._has_pictures = has_pictures
        self._cost = cost
        self._granted: dict[object, Access] = {}
        self._selects = {each.name: self._add_selection(each) for each in selections}
        self._turns: dict[int, discord.ui.Button[discord.ui.View]] = {}
        if pages is not None:
            for step, label in ((-1, text("Previous")), (1, text("Next"))):
                self._turns[step] = self.add_button(label, GREY, partial(self._turn, step))
            self._show_ends(pages)

    def add_step(
        self, label: Text, command: object, run: Callable[[KillfeedContext], Awaitable[None]]
    ) -> None:
        """Add a button that answers as another command would, to whom it would answer.

        Only the access, the tier and the cost of that command count.
        """

        async def press(interaction: discord.Interaction) -> None:
            later = self._ctx.step_to(interaction, command)
            with self._services.limits.working(self._ctx.member_id):
                await later.begin(self._services, cost=later.access.cost)
                await run(later)

        self._granted[self.add_button(label, GREY, press)] = get_access(command)

    def add_once(self, label: Text, name: str, key: str) -> None:
        """Add a button that chooses something, and is gone then."""

        async def press(interaction: discord.Interaction) -> None:
            await self._show({**self._chosen, name: key}, 0, interaction, gone=button)

        button = self.add_button(label, GREY, press)

    async def on_error(
        self, error: Exception, item: discord.ui.ViewItem[Any], interaction: discord.Interaction
    ) -> None:
        """Answer a press that failed, like the command that it stepped to; this answer stays."""
        await self._services.replies.answer(interaction, error, self._granted.get(item, PRESSED))

    async def _turn(self, step: int, interaction: discord.Interaction) -> None:
        await self._show(self._chosen, max(0, self._page + step), interaction)

    async def _choose(self, name: str, key: str, interaction: discord.Interaction) -> None:
        await self._show({**self._chosen, name: key}, 0, interaction)

    async def _show(
        self,
        chosen: dict[str, str],
        page: int,
        interaction: discord.Interaction,
        *,
        gone: discord.ui.Button[discord.ui.View] | None = None,
    ) -> None:
        """Show another state, without a button that is ``gone``; a choice counts once it is shown."""
        await self.take_press(interaction)
        with self._services.limits.working(self._ctx.member_id):
            await self._ctx.follow(interaction).verify()
            self._services.limits.spend(self._ctx.member_id, self._cost)
            answer = await self._build(chosen, page)
            if page >= answer.pages:
                page = answer.pages - 1
                answer = await self._build(chosen, page)
        self._chosen, self._page = chosen, page
        self._show_chosen()
        self._show_ends(answer.pages)
        if gone is not None:
            self.remove_item(gone)
        if not self.children:
            self.end()  # nothing is left to end visibly
        cleared: dict[str, Any] = {"attachments": []} if self._has_pictures else {}
        await interaction.edit_original_response(**answer.build_parts(), **cleared, view=self)

    def _add_selection(self, selection: Selection) -> discord.ui.Select[discord.ui.View]:
        choose = partial(self._choose, selection.name)
        return self.add_select(selection.placeholder, selection.choices, choose, chosen=selection.chosen)

    def _show_chosen(self) -> None:
        for name, select in self._selects.items():
            for option in select.options:
                option.default = option.value == self._chosen[name]

    def _show_ends(self, pages: int) -> None:
        """Show the buttons of pages if there are several, enabled where they lead until their time ends."""
        for step, button in self._turns.items():
            if (pages > 1) is not (button in self.children):
                toggle = self.add_item if pages > 1 else self.remove_item
                toggle(button)
            button.disabled = self.is_finished() or not 0 <= self._page + step < pages
