"""Answers that do not arrive: ended interactions, lost connections, Discord being away."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import aiohttp
import discord
from structlog import get_logger

ALREADY_ACKNOWLEDGED = 40060
OVER_CODES = frozenset({10008, 10015, 10062, 50027})
"""Codes for a message, webhook or interaction that is gone, or a token that is too old."""

UNREACHED = (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError)
"""The errors of sending an answer: Discord refuses it, or the connection fails."""

logger = get_logger(__name__)


def is_over(error: BaseException) -> bool:
    """Tell whether an interaction or its message is gone, so that no answer is possible."""
    return isinstance(error, discord.HTTPException) and error.code in OVER_CODES


def is_unreachable(error: BaseException) -> bool:
    """Tell whether Discord could not accept a request for a while: it is away, or the connection broke."""
    if isinstance(error, discord.HTTPException):
        return error.status >= 500 or error.status == 429
    return isinstance(error, aiohttp.ClientError | ConnectionError)


@contextmanager
def note_unreached(what: str) -> Iterator[None]:
    """Log that an answer does not reach its member instead of raising the error."""
    try:
        yield
    except UNREACHED as failure:
        log = logger.info if is_over(failure) else logger.warning
        log(what, problem=f"{type(failure).__name__}: {failure}")


async def send_again(send: Callable[[], Awaitable[None]]) -> None:
    """Send something, and once more if its connection fails.

    A connection that was kept open is often found broken at its next use.
    """
    try:
        return await send()
    except (aiohttp.ClientError, OSError) as failure:
        logger.info("answer is sent again", problem=f"{type(failure).__name__}: {failure}")
    return await send()
