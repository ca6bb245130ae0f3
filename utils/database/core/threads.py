"""Threads: pymongo waits for MongoDB's answers in one, never in the event loop.

Going over to a thread and back costs as much as an operation itself. So a transaction goes over as a whole:
it waits for nothing but its own operations, so its coroutine is driven to its end within the thread
(``complete``), where each operation is a plain call that gives no control away.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar, cast

T = TypeVar("T")

THREAD_COUNT = 18  # every session's transaction, and ten reads beside them

_threads = ThreadPoolExecutor(THREAD_COUNT, thread_name_prefix="mongodb")  # started when first needed


def call_in_thread(function: Callable[[], T]) -> "asyncio.Future[T]":
    """Begin a blocking call; what is bound to the log stays bound."""
    return asyncio.get_running_loop().run_in_executor(_threads, copy_context().run, function)


def complete(work: Coroutine[object, None, T]) -> T:
    """Run a coroutine that never gives control away to its end, without an event loop.

    Raises:
        RuntimeError: it waits for the event loop.
    """
    try:
        work.send(None)
    except StopIteration as end:
        return cast("T", end.value)
    work.close()
    raise RuntimeError("A transaction within a thread may wait for MongoDB alone.")
