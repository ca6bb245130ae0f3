"""Replies to what went wrong: one place turns an error into an answer."""

from contextlib import suppress
from typing import Protocol

import discord
from structlog import get_logger

from utils.embeds.factory import EmbedFactory
from utils.errors import KillfeedError, RemoteError, StorageError, UserFacingError

logger = get_logger(__name__)

GONE_CODES = {10008, 10015, 10062, 50027}  # message, webhook or interaction is gone; token is too old


class ErrorReporter(Protocol):
    """Writes an unexpected error down."""

    def report(self, error: BaseException) -> str:
        """Return the reference code under which it is found again."""


class ErrorReplies:
    """Answers failed commands: a sentence, what to do next, and a reference code for what is our fault."""

    def __init__(self, embeds: EmbedFactory, reporter: ErrorReporter) -> None:
        self._embeds = embeds
        self._reporter = reporter

    async def answer(self, interaction: discord.Interaction, error: Exception, *, is_private: bool) -> None:
        """Tell whoever asked; never raises for an interaction that is over.

        ``is_private`` tells how the interaction was deferred, if it was.
        """
        embed = self.build(find_cause(error))
        try:
            await _send(interaction, embed, is_private=is_private)
        except discord.HTTPException as failure:
            log = logger.info if failure.code in GONE_CODES else logger.warning
            log("answer does not reach its member", problem=str(failure))

    def build(self, error: BaseException) -> discord.Embed:
        """Return the answer to an error."""
        if isinstance(error, UserFacingError):
            return self._embeds.build_refusal(str(error))
        if isinstance(error, RemoteError):
            return self._embeds.build_refusal(str(error))
        if isinstance(error, discord.CheckFailure):
            return self._embeds.build_refusal("You may not use this command here.")
        if isinstance(error, discord.Forbidden):
            return self._embeds.build_refusal("I lack a permission for that in this channel.")
        reference = self._reporter.report(error)
        if isinstance(error, StorageError):
            return self._embeds.build_error(
                what="The database does not answer",
                next_step="Nothing is lost. Try again in a minute.",
                reference=reference,
            )
        return self._embeds.build_error(
            what="Something went wrong",
            next_step="It is written down. Try again, and give this code to whoever runs the bot.",
            reference=reference,
        )


async def _send(interaction: discord.Interaction, embed: discord.Embed, *, is_private: bool) -> None:
    if not interaction.response.is_done():
        await interaction.response.send_message(embed=embed, ephemeral=True)
        return
    if not is_private:
        # a deferred public reply cannot turn private
        with suppress(discord.NotFound):
            await interaction.delete_original_response()
    await interaction.followup.send(embed=embed, ephemeral=True)


def find_cause(error: Exception) -> BaseException:
    """Return what really happened inside the library's wrapping."""
    cause: BaseException = error
    while isinstance(cause, discord.ApplicationCommandInvokeError):
        cause = cause.original
    if not isinstance(cause, KillfeedError) and isinstance(cause.__cause__, KillfeedError):
        return cause.__cause__
    return cause
