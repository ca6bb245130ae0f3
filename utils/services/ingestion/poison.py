"""A line that cannot be stored must not block later lines.

If a failure repeats without a change, its cause is in the batch itself. Such a batch is halved, and its
halves again, until one line remains. The bot passes over that line and stores all others. Temporary
failures, for example an unreachable database, never count as poison.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol, Self, TypeVar

from structlog import get_logger

from utils.error_sink import ErrorSource, Where
from utils.errors import KillfeedError, RemoteError, StorageError, UserFacingError
from utils.models.rejections import RejectionReason
from utils.models.scope import ServerScope
from utils.models.texts import Text, Value
from utils.tasks import Failure, capture


class Divisible(Protocol):  # implemented by Chunk
    """Whole lines of a log."""

    @property
    def place(self) -> str:
        """The file, and where in it they begin."""

    def halve(self) -> tuple[Self, Self] | None:
        """Cut it behind half of its lines; None for a single one."""


T = TypeVar("T")
C = TypeVar("C", bound=Divisible)

FAILURES_BEFORE = 5
"""Number of equal failures before lines are skipped."""

logger = get_logger(__name__)


def is_poison(error: BaseException) -> bool:
    """Tell whether the data may be the cause of a failure; a cancellation does not count."""
    if isinstance(error, StorageError):
        return not error.may_pass
    return isinstance(error, Exception) and not isinstance(error, KillfeedError)


def describe_failure(error: BaseException) -> Value:
    """Return the failure's user text, or its class name. Never includes data."""
    return error.said if isinstance(error, UserFacingError | RemoteError) else type(error).__name__


def find_place(scope: ServerScope) -> Where:
    """Return the place of an error while rows of a server are stored."""
    return Where(source=ErrorSource.WATCH, guild_id=scope.guild_id, server_id=scope.server_id, name="store")


async def store_around_poison(
    chunk: C,
    *,
    store: Callable[[C], Awaitable[T]],
    pass_over: Callable[[C, Text], Awaitable[T]],
    report: Callable[[BaseException], object],
) -> list[T]:
    """Store a chunk, in parts if need be, and skip each line that cannot be stored.

    Args:
        chunk: the chunk.
        store: stores a chunk of any size, all or nothing.
        pass_over: moves the cursor behind a chunk of one line, for a reason with which it may keep the line.
        report: takes the error of a line that is skipped.
    """
    outcome = await capture(partial(store, chunk))
    if not isinstance(outcome, Failure):
        return [outcome]
    if not is_poison(outcome.error):
        raise outcome.error
    halves = chunk.halve()
    if halves is None:
        reason = RejectionReason.NOT_STORED.say(failure=describe_failure(outcome.error))
        logger.error("line is passed over", place=chunk.place)
        report(outcome.error)
        return [await pass_over(chunk, reason)]
    parts: list[T] = []
    for half in halves:
        parts += await store_around_poison(half, store=store, pass_over=pass_over, report=report)
    return parts
