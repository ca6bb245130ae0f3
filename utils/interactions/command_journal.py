"""The log of commands: one line for each, with the names of its options and never their values."""

from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Any

import discord
from structlog import get_logger

from utils.clock import Clock
from utils.errors import RemoteError, UserFacingError
from utils.interactions.failing import GROUPS, find_where
from utils.interactions.replies import find_cause
from utils.log_context import bind_log_context, enter_log_context
from utils.models.scope import GuildId
from utils.tallies import CommandTally

REFUSALS = (UserFacingError, RemoteError, discord.CheckFailure, discord.Forbidden)

logger = get_logger(__name__)


class Outcome(StrEnum):
    """How a command ended for its member."""

    ANSWERED = "answered"
    REFUSED = "refused"
    FAILED = "failed"


class CommandLine:
    """The line of one command; written once, at its end.

    Args:
        interaction: the command, or the press of a lasting button.
        name: the full name of the command.
        clock: measures the milliseconds, from now on.
        tally: counts the command at its end.
    """

    def __init__(
        self, interaction: discord.Interaction, name: str | None, *, clock: Clock, tally: CommandTally
    ) -> None:
        self._interaction = interaction
        self._name = name
        self._clock = clock
        self._tally = tally
        self._began = clock.monotonic()
        self._acknowledged: float | None = None
        self._answered: float | None = None

    def bind(self) -> AbstractContextManager[None]:
        """Return the block of the command: its records name guild, member, command and interaction."""
        return bind_interaction(self._interaction, self._name)

    def note_acknowledged(self) -> None:
        """Note that Discord knows that an answer follows."""
        if self._acknowledged is None:
            self._acknowledged = self._measure()

    def note_answered(self) -> None:
        """Note the first answer."""
        self.note_acknowledged()
        if self._answered is None:
            self._answered = self._measure()

    def end(self, error: Exception | None = None) -> None:
        """Write the line of a command that was answered, or of one that ended with an error."""
        if error is None:
            self.note_answered()
        cause = None if error is None else find_cause(error)
        self._count(_find_outcome(cause))
        with self.bind():
            logger.info(
                "command used",
                options=list_option_names(self._interaction.data),
                acknowledged_ms=self._acknowledged,
                answered_ms=self._answered,
                outcome=str(_find_outcome(cause)),
                **({} if cause is None else {"error": type(cause).__name__}),
            )

    def _count(self, outcome: Outcome) -> None:
        """Count the command; one that ended well without ever being acknowledged has failed."""
        if outcome is Outcome.ANSWERED and not self._interaction.response.is_done():
            outcome = Outcome.FAILED
        self._tally.durations.note(self._clock.monotonic() - self._began)
        guild_id = GuildId(self._interaction.guild_id or 0)
        hour = int(self._clock.monotonic() // 3600)
        self._tally.note(self._name or "", outcome, guild_id=guild_id, hour=hour)

    def _measure(self) -> float:
        return round((self._clock.monotonic() - self._began) * 1000, 1)


def bind_interaction(
    interaction: discord.Interaction, command: str | None = None
) -> AbstractContextManager[None]:
    """Return a block whose log records name guild and member, the command, and the interaction."""
    where = find_where(interaction)
    return bind_log_context(
        where.guild_id, member_id=where.member_id, command=command, correlation_id=f"c-{interaction.id}"
    )


def enter_interaction(interaction: discord.Interaction, command: object) -> None:
    """Do the same until the end of the task that runs now; the library makes one for each press and form."""
    where = find_where(interaction)
    name = getattr(command, "qualified_name", None)  # a lasting button is answered by a plain function
    enter_log_context(
        where.guild_id, member_id=where.member_id, command=name, correlation_id=f"c-{interaction.id}"
    )


def _find_outcome(cause: BaseException | None) -> Outcome:
    if cause is None:
        return Outcome.ANSWERED
    return Outcome.REFUSED if isinstance(cause, REFUSALS) else Outcome.FAILED


def list_option_names(data: Any) -> list[str]:
    """Return the names of the options that were filled in, without their values."""
    names: list[str] = []
    for option in (data or {}).get("options", ()):
        names += list_option_names(option) if option["type"] in GROUPS else [option["name"]]
    return names
