"""Replies to errors: one place turns an error into an answer."""

from collections.abc import Callable

import discord
from structlog import get_logger

from utils.embeds.factory import EmbedFactory
from utils.error_sink import ErrorSink
from utils.errors import (
    DiscordAwayError,
    KillfeedError,
    NotAllowedError,
    PermissionMissingError,
    RemoteError,
    StorageError,
    UserFacingError,
)
from utils.interactions.declarations import Access
from utils.interactions.failing import find_where
from utils.interactions.languages import AnswerLanguages
from utils.interactions.reaching import (
    ALREADY_ACKNOWLEDGED,
    is_cut_by_stop,
    is_over,
    is_refused,
    is_unreachable,
    note_unreached,
    send_again,
)
from utils.models.texts import Text, join, text

logger = get_logger(__name__)

LOST_ANSWER = text(
    "The answer got lost on its way to Discord. What you asked for may be done already, so check before "
    "you try again."
)
PRESSED = Access(is_private=True)
PERHAPS_DONE = text("Some of it may be done already, so check before you try again.")


class ErrorReplies:
    """Answers failed commands: a sentence, what to do next, and a reference code if the fault is ours."""

    def __init__(
        self,
        languages: AnswerLanguages,
        errors: ErrorSink,
        *,
        advise: Callable[[BaseException], Text | None],
    ) -> None:
        self._languages = languages
        self._advise = advise
        self._errors = errors

    async def answer(
        self, interaction: discord.Interaction, error: Exception, granted: Access = PRESSED
    ) -> None:
        """Answer the member privately; do not raise for a failing connection.

        ``granted`` is the declaration of the command that failed, or whose form failed. Without one a press
        failed, and the answer with the button stays.
        """
        cause = find_cause(error)
        if is_over(cause) or is_cut_by_stop(cause):
            logger.info("interaction is over before its answer", problem=str(cause))
            return
        reference = self.report(interaction, cause)
        embeds = await self._languages.speak(interaction, is_private=True)
        embed = self.build(cause, embeds, reference=reference, is_change=granted.is_change)
        keeps_reply = granted.is_private or granted.is_update
        with note_unreached("answer does not reach its member", self._errors):
            await send_again(lambda: _send(interaction, embed, keeps_reply=keeps_reply))

    async def tell(self, interaction: discord.Interaction, said: Text) -> None:
        """Answer a press with a private sentence."""
        embeds = await self._languages.speak(interaction, is_private=True)
        await interaction.response.send_message(embeds.words.write(said), ephemeral=True)

    def report(self, interaction: discord.Interaction, error: BaseException) -> str:
        """Report an error of an interaction, unless it is a refusal, and return its reference code."""
        if isinstance(error, UserFacingError) or is_refused(error):
            return ""
        return self._errors.report(error, where=find_where(interaction))

    def build(
        self, error: BaseException, embeds: EmbedFactory, *, reference: str = "", is_change: bool = False
    ) -> discord.Embed:
        """Return the answer to an error; a change may be stored in part, so it promises nothing."""
        refusal = find_refusal(error)
        if refusal is not None:
            return embeds.build_refusal(refusal)
        if isinstance(error, StorageError):
            unchanged = text("Nothing is lost. Try again in a minute.")
            return embeds.build_error(
                what=text("The database isn't answering"),
                next_step=PERHAPS_DONE if is_change else unchanged,
                reference=reference,
            )
        unchanged = text(
            "That was my mistake. Try again; if it keeps happening, send the bot's owner this code."
        )
        changed = text("That was my mistake. If it keeps happening, send the bot's owner this code.")
        if (advice := self._advise(error)) is not None:
            unchanged = changed = join(
                [advice, text("If it keeps happening, send the bot's owner this code.")]
            )
        return embeds.build_error(
            what=text("Something went wrong"),
            next_step=join([PERHAPS_DONE, changed]) if is_change else unchanged,
            reference=reference,
        )


async def _send(interaction: discord.Interaction, embed: discord.Embed, *, keeps_reply: bool) -> None:
    if not interaction.response.is_done():
        try:
            await interaction.response.send_message(embed=embed, ephemeral=True)
        except discord.HTTPException as failure:
            # an acknowledgement with a lost answer has still arrived
            if failure.code != ALREADY_ACKNOWLEDGED:
                raise
        else:
            return
    if not keeps_reply:
        # a deferred public reply cannot turn private
        try:
            await interaction.delete_original_response()
        except discord.NotFound as failure:
            logger.info("public reply is gone already", problem=str(failure))
    await interaction.followup.send(embed=embed, ephemeral=True)


def find_refusal(error: BaseException) -> UserFacingError | RemoteError | None:
    """Return the refusal for an error that is not the bot's fault; None for other errors."""
    if isinstance(error, UserFacingError | RemoteError):
        return error
    if isinstance(error, discord.CheckFailure):
        return NotAllowedError(text("You can't use this command. Ask an admin for access."))
    if isinstance(error, discord.Forbidden):
        return PermissionMissingError(
            text("I can't do that in this channel. Ask an admin to check my permissions.")
        )
    if is_unreachable(error):
        return DiscordAwayError(LOST_ANSWER)
    return None


def find_cause(error: Exception) -> BaseException:
    """Return the original error inside the library's wrapper."""
    cause: BaseException = error
    while isinstance(cause, discord.ApplicationCommandInvokeError):
        cause = cause.original
    if not isinstance(cause, KillfeedError) and isinstance(cause.__cause__, KillfeedError):
        return cause.__cause__
    return cause
