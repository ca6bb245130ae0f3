"""Work in forked processes that die or stand still; the process that forks them has no client of MongoDB."""

import asyncio
import os
import signal
import traceback
from collections.abc import Awaitable, Callable
from threading import Event, Thread

KILLED = -signal.SIGKILL


def fork(work: Callable[[], Awaitable[None]], *, is_quiet: bool = False) -> int:
    """Do some work in a child of this process, and return its id; it ends with 1 if the work fails."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        asyncio.run(_do(work))
        code = 0
    except BaseException:
        if not is_quiet:
            traceback.print_exc()
        raise
    finally:
        os._exit(code)


async def _do(work: Callable[[], Awaitable[None]]) -> None:
    await work()


def wait(child: int) -> int:
    """Return how a child ended; the signal that killed it is negative."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def expect(code: int, work: Callable[[], Awaitable[None]], what: object) -> None:
    """Do some work in a child that ends with a code.

    Raises:
        RuntimeError: it ended otherwise.
    """
    found = wait(fork(work))
    if found != code:
        raise RuntimeError(f"{what} ended with {found} and not with {code}")


def wait_until_stopped(child: int) -> None:
    """Wait until a child stands still."""
    os.waitpid(child, os.WUNTRACED)


def resume(child: int) -> None:
    """Wake a child that stands still, and wait for its end."""
    os.kill(child, signal.SIGCONT)
    wait(child)


def end_process(number: signal.Signals = signal.SIGKILL, *, delay: float = 0.0) -> None:
    """Send a signal to this process: now, or after some seconds while it goes on."""

    def act() -> None:
        Event().wait(delay)
        os.kill(os.getpid(), number)

    if delay:
        Thread(target=act, daemon=True).start()
    else:
        os.kill(os.getpid(), number)
