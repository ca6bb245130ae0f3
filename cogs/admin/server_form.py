"""The modal that asks for a server's secret: the only place where people type one."""

from collections.abc import Awaitable, Callable

import discord

from utils.errors import InvalidInputError, NotAllowedError
from utils.interactions.context import KillfeedContext
from utils.interactions.limits import PRESS_COST
from utils.interactions.live_views import make_custom_id
from utils.interactions.views import ELSEWHERE
from utils.models.servers import Credentials
from utils.models.texts import Text, text
from utils.models.visible_text import cut

FORM_SECONDS = 15 * 60.0  # as long as an interaction can be answered
MAX_TITLE_CHARACTERS = 45  # Discord's limit of a form's title
MAX_SECRET_CHARACTERS = 4000  # Discord's limit of a text input

Submit = Callable[[KillfeedContext, Credentials], Awaitable[None]]
"""Handles a login, in the context of the sent form."""


class SecretModal(discord.ui.Modal):
    """Asks for a password or a private key, and hands them on; once, and within ``FORM_SECONDS``.

    Args:
        opened_in: the command that it answers; the form acts only in that guild.
    """

    def __init__(self, title: Text, submit: Submit, *, opened_in: KillfeedContext) -> None:
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
        self._password: discord.ui.InputText = discord.ui.InputText(
            label=words.write_plain(text("Password")),
            required=False,
            max_length=MAX_SECRET_CHARACTERS,
            placeholder=words.write_plain(text("SFTP password")),
        )
        self._private_key: discord.ui.InputText = discord.ui.InputText(
            label=words.write_plain(text("Private key")),
            required=False,
            style=discord.InputTextStyle.long,
            max_length=MAX_SECRET_CHARACTERS,
            placeholder=words.write_plain(text("Only if your host wants a key instead")),
        )
        self.add_item(self._password)
        self.add_item(self._private_key)

    async def callback(self, interaction: discord.Interaction) -> None:
        """Acknowledge, check the member again, then hand the secret on."""
        if self._services.views.is_repeated(interaction, "form"):
            return
        sent = self._opened_in.follow(interaction)
        await sent.acknowledge()
        self.stop()  # its timeout no longer matters: Discord has closed it
        if interaction.user is None:
            return
        self._services.limits.spend(interaction.user.id, PRESS_COST)
        with self._services.limits.working(interaction.user.id):
            await self._take(sent)

    async def _take(self, sent: KillfeedContext) -> None:
        if sent.guild_id != self._opened_in.guild_id:
            raise NotAllowedError(ELSEWHERE)
        await sent.verify()
        credentials = Credentials(self._password.value or None, self._private_key.value or None)
        if credentials == Credentials():
            raise InvalidInputError(text("Fill in the password or the private key."))
        await self._submit(sent, credentials)
        self._services.views.remove(self.custom_id)

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
