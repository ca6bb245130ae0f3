"""Hooks: errors that no code of ours handles, of the event loop, of threads, and of clean-ups."""

import asyncio
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from structlog import get_logger

from utils.error_sink import ErrorSink, ErrorSource, Where

_log = get_logger(__name__)


@contextmanager
def report_unhandled(errors: ErrorSink) -> Iterator[None]:
    """Report the unhandled errors of this process during a block; the event loop must be running."""
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler(), threading.excepthook, sys.unraisablehook

    def on_loop_error(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        _report(errors, context.get("exception"), ErrorSource.EVENT_LOOP, context.get("message", ""))

    def on_thread_error(context: threading.ExceptHookArgs) -> None:
        _report(errors, context.exc_value, ErrorSource.THREAD, "")

    def on_unraisable(context: "sys.UnraisableHookArgs") -> None:
        _report(errors, context.exc_value, ErrorSource.UNRAISABLE, context.err_msg or "")

    loop.set_exception_handler(on_loop_error)
    threading.excepthook = on_thread_error
    sys.unraisablehook = on_unraisable
    try:
        yield
    finally:
        loop.set_exception_handler(before[0])
        threading.excepthook = before[1]
        sys.unraisablehook = before[2]


def _report(errors: ErrorSink, error: BaseException | None, source: ErrorSource, message: str) -> None:
    if error is None:  # the loop warns of something, for example of a task that was destroyed
        _log.warning(source.value, problem=message)
    elif not isinstance(error, SystemExit):  # a thread that ends itself
        errors.report(error, where=Where(source=source))
