"""Answers that do not arrive: ended interactions, lost connections, Discord being away."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager

import aiohttp
import discord
from structlog import get_logger

from utils.error_sink import ErrorSink, ErrorSource, Where

ALREADY_ACKNOWLEDGED = 40060
OVER_CODES = frozenset({10008, 10015, 10062, 50027})
"""Codes for a message, webhook or interaction that is gone, or a token that is too old."""

UNREACHED = (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError)
"""The errors of sending an answer: Discord refuses it, or the connection fails."""

ROUTE_WORDS = frozenset(
    {
        *("applications", "bot", "bulk-delete", "callback", "channels", "commands", "emojis", "entitlements"),
        *("followers", "gateway", "guilds", "interactions", "members", "messages", "oauth2", "permissions"),
        *("reactions", "roles", "threads", "typing", "users", "webhooks", "@me", "@original"),
    }
)
"""The parts of the API's paths that are neither an id nor a token; a part that is not here is not told."""

LIBRARIES = ("discord", "aiohttp")
BELOW = frozenset({"aiohappyeyeballs", "asyncio", "concurrent", "socket", "ssl", "uvloop"})
"""Packages that the libraries call to make a request."""

SESSION_CLOSED = RuntimeError("Session is closed")
"""aiohttp raises it for a request that begins while the bot stops."""

logger = get_logger(__name__)


def is_cut_by_stop(error: BaseException) -> bool:
    """Tell whether a request was not made because the bot stops."""
    return isinstance(error, RuntimeError) and error.args == SESSION_CLOSED.args


def is_over(error: BaseException) -> bool:
    """Tell whether an interaction or its message is gone, so that no answer is possible."""
    return isinstance(error, discord.HTTPException) and error.code in OVER_CODES


def is_refused(error: BaseException) -> bool:
    """Tell whether the library, or Discord, does not permit something."""
    return isinstance(error, discord.CheckFailure | discord.Forbidden)


def is_trouble(error: BaseException) -> bool:
    """Tell whether Discord, or the way to it, could not take a request for a while, or was left by a stop."""
    if isinstance(error, discord.ConnectionClosed | discord.GatewayNotFound):
        return True  # the library comes back from it by itself; every other close ends the bot
    if is_cut_by_stop(error):
        return True
    return is_unreachable(error) or (isinstance(error, OSError) and _is_of_request(error))


def _is_of_request(error: BaseException) -> bool:
    """Tell whether an error came out of a request: its innermost code is that of a library."""
    is_below, step = False, error.__traceback__
    while step is not None:
        package = step.tb_frame.f_globals.get("__name__", "").partition(".")[0]
        is_below = package in LIBRARIES or (is_below and package in BELOW)
        step = step.tb_next
    return is_below


def read_discord_facts(error: BaseException) -> Sequence[str]:
    """Return status, code and route of an answer of Discord; nothing for other errors."""
    if not isinstance(error, discord.HTTPException):
        return ()
    facts = [f"discord {error.status} {error.code}"]
    method, url = getattr(error.response, "method", None), getattr(error.response, "url", None)
    if method is not None and url is not None:
        facts.append(f"{method} {describe_route(url.path)}")
    return facts


def describe_route(path: str) -> str:
    """Return a path of Discord's API without ids and tokens: ``/channels/#/messages``."""
    parts = (part if part in ROUTE_WORDS else "#" for part in path.split("/") if part not in ("", "api"))
    return "/" + "/".join(part for part in parts if not part.startswith("v1"))


def is_unreachable(error: BaseException) -> bool:
    """Tell whether Discord could not accept a request for a while: it is away, or the connection broke."""
    if isinstance(error, discord.HTTPException):
        return error.status >= 500 or error.status == 429
    return isinstance(error, aiohttp.ClientError | ConnectionError)


@contextmanager
def note_unreached(what: str, errors: ErrorSink) -> Iterator[None]:
    """Log and report that an answer does not reach its member instead of raising the error.

    A request that a stop cuts short is logged alone.
    """
    try:
        yield
    except UNREACHED as failure:
        report_unreached(what, failure, errors)
    except RuntimeError as failure:
        if not is_cut_by_stop(failure):
            raise
        logger.info(what, problem=str(failure))


def report_unreached(what: str, failure: Exception, errors: ErrorSink) -> None:
    """Log a request that Discord did not take, and report it unless it came too late."""
    log = logger.info if is_over(failure) else logger.warning
    log(what, problem=f"{type(failure).__name__}: {failure}")
    if not is_over(failure):
        errors.report(failure, where=Where(source=ErrorSource.DISCORD, name=what))


async def send_again(send: Callable[[], Awaitable[None]]) -> None:
    """Send something, and once more if its connection fails.

    A connection that was kept open is often found broken at its next use.
    """
    try:
        return await send()
    except (aiohttp.ClientError, OSError) as failure:
        logger.info("answer is sent again", problem=f"{type(failure).__name__}: {failure}")
    return await send()
