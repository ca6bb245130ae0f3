"""Backoff: how long to wait before the next try; the wait grows with the failures in a row."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

SHORTEST_WAIT_SECONDS = 0.25  # with full jitter the wait could be 0, and the loop would spin
_MOST_GROWTH = 64  # more failures do not make a wait longer, or the numbers would overflow


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that grow with each failure in a row, up to the longest.

    Attributes:
        first_seconds: the wait after the first failure.
        longest_seconds: no wait is longer.
        factor: how much longer each wait is than the one before.
        jitter: the share of a wait that is random, from 0 (none) to 1 (all). Tasks that failed together then
            do not try again together.
    """

    first_seconds: float
    longest_seconds: float
    factor: float = 2.0
    jitter: float = 0.0

    def compute_seconds(self, failures: int, draw: Callable[[], float] = random.random) -> float:
        """Return the wait after ``failures`` in a row (from 1); ``draw`` returns a number from 0 to 1."""
        growth = self.factor ** min(max(failures - 1, 0), _MOST_GROWTH)
        bound = min(self.first_seconds * growth, self.longest_seconds)
        if not self.jitter:
            return bound
        return max(bound * (1 - self.jitter * (1 - draw())), min(SHORTEST_WAIT_SECONDS, bound / 2))

    def generate_seconds(self) -> Iterator[float]:
        """Yield the waits after the first failure, the second, and so on without end."""
        return (self.compute_seconds(failures) for failures in count(1))
