"""Steps: long work on files and databases, done piece by piece in threads.

The work is a generator that blocks and yields after each piece, some megabytes at most. ``carry_out`` runs
each piece in a thread. Between two of them it shows the progress, lets commands go first, and can be
cancelled; the generator then ends where it is, and cleans up.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from utils.models.backups import BackupProgress
from utils.waiting import wait_until_done

T = TypeVar("T")
Steps = Generator[BackupProgress, None, T]
Pause = Callable[[], Awaitable[None]]
"""Waits as long as others go first."""

Show = Callable[[BackupProgress], None]
"""Gets each progress."""


async def do_not_pause() -> None:
    """Go on at once: nobody else needs the processor first."""


@dataclass(frozen=True, slots=True)
class _Ended(Generic[T]):
    result: T


async def carry_out(steps: Steps[T], *, show: Show, pause: Pause = do_not_pause) -> T:
    """Do the work piece by piece and return its result.

    Raises:
        Exception: the error of the work.
    """
    try:
        while True:
            outcome = await run_in_thread(partial(_advance, steps))
            if isinstance(outcome, _Ended):
                return outcome.result
            show(outcome)
            await pause()
    finally:
        await run_in_thread(steps.close)


async def run_in_thread(function: Callable[[], T]) -> T:
    """Carry out something that blocks; a caller that is cancelled waits for its end."""
    return await wait_until_done(asyncio.to_thread(function))


def _advance(steps: Steps[T]) -> BackupProgress | _Ended[T]:
    try:
        return next(steps)
    except StopIteration as end:
        return _Ended(end.value)
