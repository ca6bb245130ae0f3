"""The context of a command, or of a press of a lasting button: member and guild, and the one way to answer.

The declaration of a command says whether its answers are private (``Access.is_private``). The
acknowledgement, later answers, a form and the answers to the form follow it.
"""

from dataclasses import replace
from typing import Any, Self

import discord

from utils.embeds.factory import EmbedFactory
from utils.interactions.access import get_guild_id, get_member_id, verify_caller
from utils.interactions.command_journal import CommandLine
from utils.interactions.declarations import Access, get_access
from utils.interactions.reaching import note_unreached
from utils.interactions.services import Services
from utils.models.scope import GuildId, MemberId


class KillfeedContext(discord.ApplicationContext):
    """A command as it was used, or a lasting button as it was pressed.

    Attributes:
        services: the services; set by ``begin`` before the command runs.
        embeds: the factory in the language of the answer; set by ``begin`` as well.
        line: its line in the log of commands; None for a later form or press.
        is_replacing: it follows a press, and its answer replaces the message that was pressed.
        is_secret: it follows a private answer, so its answers are private as well.
    """

    services: Services
    embeds: EmbedFactory
    line: CommandLine | None = None
    is_replacing = False
    is_secret = False

    @property
    def access(self) -> Access:
        """Return the declaration of the command."""
        granted = get_access(self.command)
        return replace(granted, is_private=True) if self.is_secret else granted

    @property
    def guild_id(self) -> GuildId:
        """Return the guild in which it was used.

        Raises:
            NotAllowedError: it was used outside one.
        """
        return get_guild_id(self.interaction)

    @property
    def member_id(self) -> MemberId:
        """Return the member who used it."""
        return get_member_id(self.interaction)

    @property
    def is_modal_first(self) -> bool:
        """Tell whether the first reply to it is a modal."""
        return self.access.is_modal_first(self.interaction.data or {})

    def follow(self, interaction: discord.Interaction, *, is_replacing: bool = False) -> Self:
        """Return the context of a later form or press of the same member."""
        later = type(self)(self.bot, interaction)
        later.command = self.command
        later.services, later.embeds = self.services, self.embeds
        later.is_replacing = is_replacing
        return later

    def step_to(self, interaction: discord.Interaction, command: object) -> Self:
        """Return the context of a press that another command answers; below a private answer, privately.

        ``begin`` acknowledges and checks it.
        """
        later = type(self)(self.bot, interaction)
        later.command = command  # type: ignore[assignment] # asked for its access alone
        later.is_secret = self.access.is_private
        return later

    async def begin(self, services: Services, *, cost: float) -> None:
        """Refuse a member who asks for too much, then acknowledge, then check.

        Raises:
            TooMuchAtOnceError, NotAllowedError, TierRequiredError: the sentence for the caller.
        """
        self.services = services
        services.limits.spend(self.member_id, cost)
        if not self.is_modal_first:
            await self.acknowledge()
        self.embeds = await services.languages.speak(self.interaction, is_private=self.access.is_private)
        await self.verify()

    async def verify(self) -> None:
        """Check guild, member and tier again.

        Raises:
            NotAllowedError, TierRequiredError: the sentence for the caller.
        """
        await verify_caller(self.services, self.interaction, self.access)

    async def acknowledge(self) -> None:
        """Tell Discord that an answer follows, or that the pressed message changes."""
        await self.response.defer(ephemeral=self.access.is_private, invisible=self.access.is_update)
        if self.line is not None:
            self.line.note_acknowledged()

    async def respond(self, *args: Any, **kwargs: Any) -> discord.Interaction | discord.WebhookMessage:
        """Answer, publicly or privately by the command's declaration."""
        if self.is_replacing:
            answer = {"view": None, "attachments": []} | kwargs
            return await self.interaction.edit_original_response(*args, **answer)  # type: ignore[return-value]
        reply = await super().respond(*args, **kwargs | {"ephemeral": self.access.is_private})
        if self.line is not None:
            self.line.note_answered()
        return reply

    async def respond_aside(self, embed: discord.Embed, view: discord.ui.View) -> discord.WebhookMessage:
        """Answer privately, in place of the public reply."""
        await self.withdraw()
        return await self.interaction.followup.send(embed=embed, view=view, ephemeral=True, wait=True)

    async def withdraw(self) -> None:
        """Remove the public reply, or the sign that one follows."""
        with note_unreached("public reply stays", self.services.errors):
            await self.interaction.delete_original_response()
