"""The modal that asks for a server's login: the only place where people type a secret."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import discord

from utils.interactions.context import KillfeedContext
from utils.interactions.forms import MemberForm
from utils.models.servers import Credentials
from utils.models.texts import Text, text
from utils.services.servers.typed_servers import LoginFields

MAX_FIELD_CHARACTERS = 400  # the longest base path
MAX_SECRET_CHARACTERS = 4000  # Discord's limit of a text input


@dataclass(frozen=True, slots=True)
class TypedLogin:
    """A login as it was typed; ``fields`` is None if the form asked for the secret alone."""

    credentials: Credentials
    fields: LoginFields | None


Submit = Callable[[KillfeedContext, TypedLogin], Awaitable[None]]
"""Handles a login, in the context of the sent form."""


class LoginForm(MemberForm):
    """Asks for a password or a private key, and hands them on.

    Discord allows five fields: a form that asks for the name as well has none for a private key.

    Args:
        fields: filled in, so that only the secret is typed again; None: the form has no other fields.
    """

    def __init__(
        self, title: Text, submit: Submit, *, fields: LoginFields | None, opened_in: KillfeedContext
    ) -> None:
        super().__init__(title, opened_in=opened_in)
        self._submit = submit
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

    async def take(self, sent: KillfeedContext) -> None:
        """Hand the login on."""
        private_key = None if self._private_key is None else self._private_key.value
        credentials = Credentials(self._password.value or None, private_key or None)
        await self._submit(sent, TypedLogin(credentials, self._read_fields()))

    def _read_fields(self) -> LoginFields | None:
        if not self._fields:
            return None
        address, username, place = (field.value or "" for field in self._fields)
        return LoginFields(address, username, place, None if self._name is None else self._name.value)
