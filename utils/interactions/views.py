"""Buttons for one member, and questions. Only the invoker may press them, and their end is visible."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import discord
from structlog import get_logger

from utils.errors import DiscordAwayError, TooMuchAtOnceError
from utils.interactions.command_journal import enter_interaction
from utils.interactions.context import KillfeedContext
from utils.interactions.limits import PRESS_COST, resting
from utils.interactions.live_views import make_custom_id
from utils.interactions.reaching import (
    ALREADY_ACKNOWLEDGED,
    UNREACHED,
    is_over,
    is_unreachable,
    note_unreached,
    send_again,
)
from utils.interactions.services import Services
from utils.models.labels import LABEL_CHARACTERS, LabelledChoice
from utils.models.texts import Text, Value, text
from utils.models.visible_text import cut

VIEW_SECONDS = 180.0  # after the last press
BUTTON_CHARACTERS = 80  # Discord's limit of a label

ENDED = {
    discord.InteractionType.component: text("These buttons have expired. Run the command again."),
    discord.InteractionType.modal_submit: text(
        "This form has expired, and nothing was saved. Run the command again."
    ),
}
"""The sentence about buttons and forms from before a restart."""

ELSEWHERE = text("This belongs to another Discord server. Run the command in this one.")
"""The sentence about buttons and forms that are used in another guild than their own."""

NOT_YOURS = text("Someone else ran this command. Run it yourself to get your own buttons.")

LOST_PRESS = text(
    "Discord didn't get your press in time, so nothing happened. Press again, or run the command again."
)

Press = Callable[[discord.Interaction], Awaitable[None]]
"""Handles the press of a button."""

logger = get_logger(__name__)


class InvokerView(discord.ui.View):
    """Buttons for one member.

    Args:
        ctx: the command they answer. The presses of its user alone count, in the guild it was used in.
        seconds: how long the buttons work after the last press.

    Attributes:
        shown_in: the command, or the newest acknowledged press: its token is valid longest. A press that was
            not acknowledged cannot edit the message.
    """

    def __init__(self, ctx: KillfeedContext, *, seconds: float = VIEW_SECONDS) -> None:
        super().__init__(timeout=seconds, disable_on_timeout=False)
        self._ctx = ctx
        self._services = ctx.services
        self._custom_ids: list[str] = []
        self.shown_in = ctx.interaction

    def add_button(
        self, label: Value, style: discord.ButtonStyle, press: Press
    ) -> discord.ui.Button[discord.ui.View]:
        """Add a button that calls ``press``."""
        custom_id = make_custom_id()
        button: discord.ui.Button[discord.ui.View] = discord.ui.Button(
            label=cut(self._ctx.embeds.words.write_plain(label), BUTTON_CHARACTERS),
            style=style,
            custom_id=custom_id,
        )
        button.callback = press  # type: ignore[method-assign,assignment] # the library's way to set it
        self._keep(custom_id, button)
        return button

    def add_select(
        self,
        placeholder: Text,
        choices: Sequence[LabelledChoice],
        choose: Callable[[str, discord.Interaction], Awaitable[None]],
        *,
        chosen: str = "",
    ) -> discord.ui.Select[discord.ui.View]:
        """Add a select of at most 25 choices, which calls ``choose`` with the id of the chosen one."""
        write = self._ctx.embeds.words.write_plain
        custom_id = make_custom_id()
        select: discord.ui.Select[discord.ui.View] = discord.ui.Select(
            custom_id=custom_id,
            placeholder=write(placeholder),
            options=[
                discord.SelectOption(
                    label=cut(write(label), LABEL_CHARACTERS), value=key, default=key == chosen
                )
                for key, label in choices
            ],
        )

        async def pick(interaction: discord.Interaction) -> None:
            data: Any = interaction.data  # of this press: the select's own values may be of a newer one
            [key] = data["values"]
            await choose(key, interaction)

        select.callback = pick  # type: ignore[method-assign] # the library's way to set it
        self._keep(custom_id, select)
        return select

    def add_channel_select(
        self, placeholder: Text, choose: Callable[[int, discord.Interaction], Awaitable[None]]
    ) -> discord.ui.Select[discord.ui.View]:
        """Add a select of the guild's text and announcement channels; it calls ``choose`` with the id."""
        custom_id = make_custom_id()
        select: discord.ui.Select[discord.ui.View] = discord.ui.Select(
            discord.ComponentType.channel_select,
            custom_id=custom_id,
            placeholder=self._ctx.embeds.words.write_plain(placeholder),
            channel_types=[discord.ChannelType.text, discord.ChannelType.news],
        )

        async def pick(interaction: discord.Interaction) -> None:
            data: Any = interaction.data
            [channel_id] = data["values"]
            await choose(int(channel_id), interaction)

        select.callback = pick  # type: ignore[method-assign] # the library's way to set it
        self._keep(custom_id, select)
        return select

    async def take_press(self, interaction: discord.Interaction) -> None:
        """Acknowledge a press that changes the message."""
        await interaction.response.defer()
        self.shown_in = interaction

    def _keep(self, custom_id: str, item: discord.ui.ViewItem[discord.ui.View]) -> None:
        self._custom_ids.append(custom_id)
        self._services.views.add(custom_id)
        self.add_item(item)

    async def interaction_check(self, interaction: discord.Interaction) -> bool:
        """Refuse presses of other members, or from another guild, with a sentence."""
        enter_interaction(interaction, self._ctx.command)
        if self._services.views.is_repeated(interaction, "press"):
            return False
        if not await may_press(interaction, self._services):
            return False
        if interaction.guild_id != self._ctx.guild_id:
            refusal = ELSEWHERE
        elif interaction.user is None or interaction.user.id != self._ctx.member_id:
            refusal = NOT_YOURS
        else:
            return True
        await self._services.replies.tell(interaction, refusal)
        return False

    async def on_timeout(self) -> None:
        """Show that the buttons have ended."""
        self.end()
        with note_unreached("ended buttons are not shown as such", self._services.errors):
            await self.shown_in.edit_original_response(view=self)

    async def on_error(
        self,
        error: Exception,
        item: discord.ui.ViewItem[Any],  # noqa: ARG002 - the library's signature
        interaction: discord.Interaction,
    ) -> None:
        """Answer a press that failed; its list stays."""
        await self._services.replies.answer(interaction, error)

    def end(self) -> None:
        """Disable every button."""
        self.disable_all_items()
        self.stop()
        self._forget_items()

    def drop_items(self) -> None:
        """Remove every button and select; a late press of one is answered as ended."""
        self._forget_items()
        self.clear_items()

    def _forget_items(self) -> None:
        for custom_id in self._custom_ids:
            self._services.views.remove(custom_id)
        self._custom_ids.clear()


class ConfirmView(InvokerView):
    """Yes and no; ``is_confirmed`` is None until a press counts.

    A yes counts when Discord has taken its acknowledgement. Without one the person reads "This interaction
    failed" and believes that nothing happened, so nothing does: the buttons stay, and the next press counts.
    A no counts at once, acknowledged or not, and also wins over a yes that is not acknowledged yet.
    """

    def __init__(self, label: Text, ctx: KillfeedContext, *, seconds: float = VIEW_SECONDS) -> None:
        super().__init__(ctx, seconds=seconds)
        self.is_confirmed: bool | None = None
        self._on_their_way = 0  # acknowledgements
        self.add_button(label, discord.ButtonStyle.danger, self._confirm)
        self.add_button(text("Cancel"), discord.ButtonStyle.secondary, self._cancel)

    async def wait(self) -> bool:
        """Wait for a press; during the wait the command does not count as running."""
        with resting():
            return await super().wait()

    async def _confirm(self, interaction: discord.Interaction) -> None:
        if self.is_finished():
            return  # answered as a button that has ended
        try:
            await self._acknowledge(interaction)
        except UNREACHED as failure:
            logger.info("press does not count", problem=f"{type(failure).__name__}: {failure}")
            if self._is_open and not self._on_their_way:
                await self._keep_buttons(failure)
                raise
        else:
            if self._is_open:
                self.is_confirmed = True
                self.end()  # after the answer, so that an ended button is answered as ended

    async def _cancel(self, interaction: discord.Interaction) -> None:
        if self.is_finished():
            return  # answered as a button that has ended
        self.is_confirmed = False
        with note_unreached("a no is not acknowledged", self._services.errors):
            await self._acknowledge(interaction)
        self.end()

    @property
    def _is_open(self) -> bool:
        return self.is_confirmed is None and not self.is_finished()

    async def _acknowledge(self, interaction: discord.Interaction) -> None:
        """Answer a press; a second try shows whether the first one arrived over a broken connection."""
        is_first = not self._on_their_way
        self._on_their_way += 1
        try:
            await send_again(lambda: self._answer(interaction, is_first=is_first))
        except discord.HTTPException as failure:
            if failure.code != ALREADY_ACKNOWLEDGED:
                raise
        finally:
            self._on_their_way -= 1
        self.shown_in = interaction

    async def _answer(self, interaction: discord.Interaction, *, is_first: bool) -> None:
        if is_first:
            self.disable_all_items()
            await interaction.response.edit_message(view=self)
        else:
            await interaction.response.defer()

    async def _keep_buttons(self, failure: BaseException) -> None:
        """Allow the buttons to be pressed again.

        Raises:
            DiscordAwayError: if Discord does not tell the person itself that the press failed.
        """
        self.enable_all_items()
        if is_over(failure):
            return
        with note_unreached("buttons that stay are not shown as such", self._services.errors):
            await self.shown_in.edit_original_response(view=self)
        if is_unreachable(failure):
            raise DiscordAwayError(LOST_PRESS) from failure


async def may_press(interaction: discord.Interaction, services: Services) -> bool:
    """Count a press; if there are too many, it is answered and does nothing else."""
    if interaction.user is None:
        return False
    try:
        services.limits.spend(interaction.user.id, PRESS_COST)
    except TooMuchAtOnceError as refusal:
        await services.replies.answer(interaction, refusal)
        return False
    return True


async def answer_ended(interaction: discord.Interaction, services: Services) -> None:
    """Answer a press of a button or a form that has ended, for example by a restart of the bot."""
    said = ENDED.get(interaction.type)
    if said is None or not interaction.data:
        return
    is_ended = services.views.is_ended(str(interaction.data.get("custom_id", "")))
    if services.views.is_repeated(interaction, "ended") or not is_ended:
        return
    if await may_press(interaction, services):
        with note_unreached("press of an ended button is not answered", services.errors):
            await services.replies.tell(interaction, said)
