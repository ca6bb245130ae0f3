"""The modal that asks for a server's login: the only place where people type a secret."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import discord

from utils.errors import NotAllowedError
from utils.interactions.context import KillfeedContext
from utils.interactions.limits import PRESS_COST
from utils.interactions.live_views import make_custom_id
from utils.interactions.views import ELSEWHERE
from utils.models.servers import Credentials
from utils.models.texts import Text, text
from utils.models.visible_text import cut
from utils.services.servers.typed_servers import LoginFields

FORM_SECONDS = 15 * 60.0  # as long as an interaction can be answered
MAX_TITLE_CHARACTERS = 45  # Discord's limit of a form's title
MAX_FIELD_CHARACTERS = 400  # the longest base path
MAX_SECRET_CHARACTERS = 4000  # Discord's limit of a text input


@dataclass(frozen=True, slots=True)
class TypedLogin:
    """A login as it was typed; ``fields`` is None if the form asked for the secret alone."""

    credentials: Credentials
    fields: LoginFields | None


Submit = Callable[[KillfeedContext, TypedLogin], Awaitable[None]]
"""Handles a login, in the context of the sent form."""


class LoginForm(discord.ui.Modal):
    """Asks for a password or a private key, and hands them on; once, and within ``FORM_SECONDS``.

    Discord allows five fields: a form that asks for the name as well has none for a private key.

    Args:
        fields: filled in, so that only the secret is typed again; None: the form has no other fields.
        opened_in: the command or press that it answers; the form acts only in that guild.
    """

    def __init__(
        self, title: Text, submit: Submit, *, fields: LoginFields | None, opened_in: KillfeedContext
    ) -> None:
        self._words = opened_in.embeds.words
        super().__init__(
            title=cut(self._words.write_plain(title), MAX_TITLE_CHARACTERS),
            custom_id=make_custom_id(),
            timeout=FORM_SECONDS,
        )
        self._submit = submit
        self._services = opened_in.services
        self._opened_in = opened_in
        self._services.views.add(self.custom_id)
        self._name = self._private_key = None
        if fields is not None and fields.name is not None:
            self._name = self._add_field(text("Name"), fields.name, hint=text("What to call it"))
        self._fields = () if fields is None else self._add_fields(fields)
        self._password = self._add_secret(text("Password"), text("SFTP password"))
        if self._name is None:
            self._private_key = self._add_secret(
                text("Private key"), text("Only if your host wants a key instead"), is_long=True
            )

    def _add_fields(self, fields: LoginFields) -> tuple[discord.ui.InputText, ...]:
        return (
            self._add_field(text("Host and port"), fields.address, hint=text("Like 192.0.2.10:8822")),
            self._add_field(text("User name"), fields.username),
            self._add_field(text("Server number or log folder"), fields.place, is_required=False),
        )

    def _add_field(
        self, label: Text, value: str, *, hint: Text | None = None, is_required: bool = True
    ) -> discord.ui.InputText:
        field = discord.ui.InputText(
            label=self._words.write_plain(label),
            placeholder=None if hint is None else self._words.write_plain(hint),
            value=value[:MAX_FIELD_CHARACTERS] or None,
            required=is_required,
            max_length=MAX_FIELD_CHARACTERS,
        )
        self.add_item(field)
        return field

    def _add_secret(self, label: Text, hint: Text, *, is_long: bool = False) -> discord.ui.InputText:
        field = discord.ui.InputText(
            label=self._words.write_plain(label),
            required=False,
            style=discord.InputTextStyle.long if is_long else discord.InputTextStyle.short,
            max_length=MAX_SECRET_CHARACTERS,
            placeholder=self._words.write_plain(hint),
        )
        self.add_item(field)
        return field

    async def callback(self, interaction: discord.Interaction) -> None:
        """Acknowledge, check the member again, then hand the login on."""
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
        private_key = None if self._private_key is None else self._private_key.value
        credentials = Credentials(self._password.value or None, private_key or None)
        await self._submit(sent, TypedLogin(credentials, self._read_fields()))
        self._services.views.remove(self.custom_id)

    def _read_fields(self) -> LoginFields | None:
        if not self._fields:
            return None
        address, username, place = (field.value or "" for field in self._fields)
        return LoginFields(address, username, place, None if self._name is None else self._name.value)

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
