"""The context of a command: who used it where, and the one way to answer it.

Whether an answer is private is said once, where the command is declared (``Access.is_private``). The
acknowledgement, every answer after it, a form and what follows the form take it from there.
"""

from typing import Any, Self

import discord

from utils.embeds.factory import EmbedFactory
from utils.interactions.access import get_guild_id, get_member_id, verify_caller
from utils.interactions.declarations import Access, get_access
from utils.interactions.services import Services
from utils.models.scope import GuildId, MemberId


class KillfeedContext(discord.ApplicationContext):
    """A command as it was used.

    Attributes:
        services: what it works with; set by ``GuildCog`` before the command runs.
        embeds: speaks the language of the answer; set likewise.
    """

    services: Services
    embeds: EmbedFactory

    @property
    def access(self) -> Access:
        """Return what the command declares of itself."""
        return get_access(self.command)

    @property
    def guild_id(self) -> GuildId:
        """Return the guild it was used in.

        Raises:
            NotAllowedError: it was used outside one.
        """
        return get_guild_id(self.interaction)

    @property
    def member_id(self) -> MemberId:
        """Return who used it."""
        return get_member_id(self.interaction)

    @property
    def is_modal_first(self) -> bool:
        """Tell whether the first reply to it is a modal."""
        return self.access.is_modal_first(self.interaction.data or {})

    def follow(self, interaction: discord.Interaction) -> Self:
        """Return the context of what its user did later: a form they sent, or a button they pressed."""
        later = type(self)(self.bot, interaction)
        later.command = self.command
        later.services, later.embeds = self.services, self.embeds
        return later

    async def verify(self) -> None:
        """Check guild, member and tier as they are now.

        Raises:
            NotAllowedError, TierRequiredError: the sentence for the caller.
        """
        await verify_caller(self.services, self.interaction, self.access)

    async def acknowledge(self) -> None:
        """Tell Discord that an answer follows."""
        await self.response.defer(ephemeral=self.access.is_private, invisible=False)

    async def respond(self, *args: Any, **kwargs: Any) -> discord.Interaction | discord.WebhookMessage:
        """Answer those who may see it by the command's declaration."""
        return await super().respond(*args, **kwargs | {"ephemeral": self.access.is_private})
