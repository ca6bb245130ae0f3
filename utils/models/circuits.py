"""Circuits: whether a thing that failed may be tried now, and when it is tried next. No I/O.

*Theory of operation.* A circuit is **closed** while all is well. A failure **opens** it: nothing is tried
until the time of the next try, and then there is a single try (**half-open**). If the try succeeds, the
circuit is closed and all waiters go on. If it fails, the circuit is open again, for a longer time. If only a
person can repair the fault, there is no next try: the circuit stays open until somebody changes something.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class CircuitState(StrEnum):
    """The states of a circuit: who may try."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True)
class Circuit:
    """The state of a thing that can fail.

    Attributes:
        failures: the number of failures in a row.
        next_try_at: None while closed, while it is tried, and when only a person can repair it.
    """

    state: CircuitState = CircuitState.CLOSED
    failures: int = 0
    next_try_at: datetime | None = None

    @property
    def waits_for_person(self) -> bool:
        """Tell whether it stays open until somebody changes something."""
        return self.state is CircuitState.OPEN and self.next_try_at is None

    def fail(self, *, now: datetime, wait_seconds: float | None) -> "Circuit":
        """Return the circuit after a failure; ``wait`` is None if only a person can repair it.

        A failure while the circuit waits for its next try is of an attempt that began before. It changes
        nothing, because many attempts that began together are not many failures in a row.
        """
        if self.next_try_at is not None and wait_seconds is not None:
            return self
        next_try_at = None if wait_seconds is None else now + timedelta(seconds=wait_seconds)
        return Circuit(CircuitState.OPEN, self.failures + 1, next_try_at)

    def begin_try(self) -> "Circuit":
        """Return the circuit while the one try is under way."""
        return Circuit(CircuitState.HALF_OPEN, self.failures)
