"""Poison: what cannot be stored must not stop what comes behind it.

A failure that comes back again and again lies in the batch itself. Such a batch is halved, and its halves
again, until the line is found that does it: that one is kept, shown and counted as rejected, and all others
are stored. What may pass by itself, such as a database that is away, is never taken for poison.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from structlog import get_logger

from utils.errors import KillfeedError, RemoteError, StorageError, UserFacingError
from utils.models.reading import Chunk
from utils.models.rejections import RejectionReason
from utils.models.texts import Text, Value
from utils.tasks import Failure, capture

T = TypeVar("T")

FAILURES_BEFORE = 5
"""A batch has to fail so often, each time in the same way."""

logger = get_logger(__name__)


def is_poison(error: BaseException) -> bool:
    """Tell whether a failure may lie in what was to be stored; a cancelled wait says nothing of it."""
    if isinstance(error, StorageError):
        return not error.may_pass
    return isinstance(error, Exception) and not isinstance(error, KillfeedError)


def describe_failure(error: BaseException) -> Value:
    """Return what a failure is, without any of the data that it met: what is for people, else its kind."""
    return error.said if isinstance(error, UserFacingError | RemoteError) else type(error).__name__


async def store_around_poison(
    chunk: Chunk, *, store: Callable[[Chunk], Awaitable[T]], pass_over: Callable[[Chunk, Text], Awaitable[T]]
) -> list[T]:
    """Store a chunk, in parts if need be, and pass over each line that cannot be stored.

    Args:
        chunk: what was read.
        store: stores a chunk of any size, all of it or nothing.
        pass_over: keeps a chunk of one line as rejected, for a reason, and moves the cursor behind it.
    """
    outcome = await capture(partial(store, chunk))
    if not isinstance(outcome, Failure):
        return [outcome]
    if not is_poison(outcome.error):
        raise outcome.error
    halves = chunk.halve()
    if halves is None:
        reason = RejectionReason.NOT_STORED.say(failure=describe_failure(outcome.error))
        logger.error(
            "line is passed over", file=chunk.after.file.name, offset=chunk.start, exc_info=outcome.error
        )
        return [await pass_over(chunk, reason)]
    parts = [await store_around_poison(half, store=store, pass_over=pass_over) for half in halves]
    return [*parts[0], *parts[1]]
