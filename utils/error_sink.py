"""The way of an error: one Protocol for every place that handles an error last, and the facts it adds.

A place that handles an error last reports it, once. A place that raises it again, or hands it to a caller,
does not.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from structlog import get_logger

from utils.errors import KillfeedError, UserFacingError
from utils.models.scope import GuildId, MemberId, ServerId

logger = get_logger(__name__)


class ErrorSource(StrEnum):
    """The kinds of places that report errors; the value is the event of the log record."""

    COMMAND = "command failed"
    AUTOCOMPLETE = "autocomplete failed"
    VIEW = "press failed"
    MODAL = "form failed"
    GATEWAY = "event of Discord failed"
    TASK = "background task failed"
    TURN = "turn failed"
    HANDLER = "event handler failed"
    WATCH = "reading failed"
    CONNECTING = "trying to connect failed"
    DELIVERY = "delivery failed"
    MESSAGE = "message failed"
    DISCORD = "request to Discord failed"
    DATABASE = "database operation failed"
    EVENT_LOOP = "event loop noticed an error"
    THREAD = "thread failed"
    UNRAISABLE = "error that cannot be raised"
    LAST_WORDS = "the process before ended by an error"


TELLS_ITSELF = frozenset(
    {
        *(ErrorSource.TURN, ErrorSource.WATCH, ErrorSource.CONNECTING),
        *(ErrorSource.DELIVERY, ErrorSource.MESSAGE, ErrorSource.DISCORD, ErrorSource.DATABASE),
    }
)
"""Sources with log records of their own, which say what goes on; only a traceback is missing there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """The place of an error; facts that are not known there stay empty.

    Attributes:
        task: the full name of the background task.
        name: the name of the handler, of the event, or of what was done.
        host: the game host, for example ``host.example:22``; it is never stored.
    """

    source: ErrorSource
    guild_id: GuildId | None = None
    server_id: ServerId | None = None
    member_id: MemberId | None = None
    command: str | None = None
    task: str | None = None
    name: str | None = None
    host: str | None = None

    def list_fields(self) -> dict[str, object]:
        """Return the known facts under the names of log records."""
        named = {
            "guild": self.guild_id,
            "server": self.server_id,
            "member": self.member_id,
            "command": self.command,
            "task": self.task,
            "name": self.name,
        }
        return {name: fact for name, fact in named.items() if fact is not None}


class ErrorSink(Protocol):  # implemented by ErrorTelemetry
    """Takes every error that was handled."""

    def report(self, error: BaseException, *, where: Where) -> str:
        """Count and log an error, and return its reference code for people; never raises."""


class LoggedErrors:
    """Only logs errors: for a process that runs without telemetry, as ``bot.py check`` does."""

    def report(self, error: BaseException, *, where: Where) -> str:
        """Log the error; there is no reference, because nothing keeps it."""
        write_error_record(error, where)
        return ""


def write_error_record(error: BaseException, where: Where, **facts: object) -> None:
    """Write the log record of an error, with the traceback if its text does not say all."""
    is_known = isinstance(error, KillfeedError)
    if is_known and (where.source in TELLS_ITSELF or isinstance(error, UserFacingError)):
        return
    logger.error(
        where.source.value,
        **{**where.list_fields(), **facts},
        problem=f"{type(error).__name__}: {error}",
        exc_info=None if is_known else error,
    )
