"""Circuits: whether something that failed may be tried now, and when it is tried next. Pure.

*Theory of operation.* A circuit is **closed** while all is well. A failure **opens** it: nobody tries until
its time has come, and then one alone does (**half-open**). If that try succeeds the circuit is closed and
everybody goes on; if it fails the circuit is open again, for longer. What only a person can mend has no next
time: the circuit stays open until somebody changed something.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class CircuitState(StrEnum):
    """Who may try."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True)
class Circuit:
    """What is known of something that can fail.

    Attributes:
        failures: in a row, since it was well last.
        next_try_at: None while closed, while it is tried, and when only a person can mend it.
    """

    state: CircuitState = CircuitState.CLOSED
    failures: int = 0
    next_try_at: datetime | None = None

    @property
    def waits_for_person(self) -> bool:
        """Tell whether it stays open until somebody changed something."""
        return self.state is CircuitState.OPEN and self.next_try_at is None

    def fail(self, *, now: datetime, wait_seconds: float | None) -> "Circuit":
        """Return the circuit after a failure; without a wait only a person can mend it.

        Who fails while it waits for its next try had begun before: that changes nothing, or many who began
        together would count as many failures in a row.
        """
        if self.next_try_at is not None and wait_seconds is not None:
            return self
        next_try_at = None if wait_seconds is None else now + timedelta(seconds=wait_seconds)
        return Circuit(CircuitState.OPEN, self.failures + 1, next_try_at)

    def begin_try(self) -> "Circuit":
        """Return the circuit while the one try is under way."""
        return Circuit(CircuitState.HALF_OPEN, self.failures)
