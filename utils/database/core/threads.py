"""Threads: pymongo waits for MongoDB's answers in threads, never in the event loop.

Going over to a thread and back costs as much CPU as an operation itself. So one thread call runs one read, or
one whole transaction: its fence, its unit of work and its commit are plain code that runs in one thread from
begin to end (``SafeDatabase.in_transaction``). That is why units of work are not coroutines: there is no
event loop in their thread, and MongoDB, the only thing they wait for, blocks them.

A unit shares the process with the loop. It works on values that it was given and on its transaction; it
neither reads nor changes the state of a service. A test checks both rules.

No cancellation reaches a thread. A cancelled caller waits until the thread has finished
(``wait_until_done``): a session that is lent to the next transaction must not be in use by the previous one.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")

THREAD_COUNT = 18  # a transaction in every session, and ten reads

_threads = ThreadPoolExecutor(THREAD_COUNT, thread_name_prefix="mongodb")  # started when first needed


def call_in_thread(function: Callable[[], T]) -> "asyncio.Future[T]":
    """Begin a blocking call; the log context is kept.

    ``run_in_executor`` would chain two futures in both directions, which costs as much as the change of
    threads.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def tell(ended: "Future[T]") -> None:
        with suppress(RuntimeError):  # the loop was closed, so there is no waiter any more
            loop.call_soon_threadsafe(_hand_over, answer, ended)

    _threads.submit(copy_context().run, function).add_done_callback(tell)
    return answer


def _hand_over(answer: "asyncio.Future[T]", ended: "Future[T]") -> None:
    if answer.done():  # there is no waiter any more
        return
    error = ended.exception()
    if error is None:
        answer.set_result(ended.result())
    else:
        answer.set_exception(error)
