"""Backoff: how long to wait before the next try."""

from collections.abc import Iterator
from random import SystemRandom

_RANDOM = SystemRandom()


def generate_pauses(*, first_seconds: float, longest_seconds: float) -> Iterator[float]:
    """Yield pauses without end: doubling up to the longest, each drawn from its upper half.

    The draw keeps those who failed together from trying again together.
    """
    pause = first_seconds
    while True:
        yield _RANDOM.uniform(pause / 2, pause)
        pause = min(pause * 2, longest_seconds)
