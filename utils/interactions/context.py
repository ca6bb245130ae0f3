"""The context of a command: who used it where, and the factory in the language of its answer."""

import discord

from utils.embeds.factory import EmbedFactory


class KillfeedContext(discord.ApplicationContext):
    """A command as somebody used it.

    Attributes:
        embeds: speaks the language of the answer; set by ``GuildCog`` before the command runs.
    """

    embeds: EmbedFactory
