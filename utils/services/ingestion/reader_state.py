"""Reader state: how the reading of one log of a game server goes.

Theory of operation
-------------------
Each log has a reader (``LogReader``), a loop that calls it (``ReaderLoop``) and a ``ReaderState`` that both
hold. Nobody else writes one of these fields, and two logs share none:

* ``status``, how the last visit went. The reader sets it once from what is stored, and when an import begins;
  the loop sets it after each visit and in a pause. It is never cleared.
* ``fault``, the failures since the last visit that went well. The loop sets it with each failure, and clears
  it when a visit went well or the server is paused.
* ``told``, what admins were told of these failures. The loop adds to it, and clears it with ``fault``. Where
  a loop is stopped for good, ``ServerScheduler.clear_told`` lets them be told again.

What else changes from visit to visit belongs to one of the two alone:

* The loop's ``_look``, the server as it was looked up. It is over after minutes, and after ``refresh``: by
  a person's change, a failure, an import, a pause (``_changes`` counts them, so one in the middle of a visit
  is noticed). Its ``_name`` goes with each look. The loop's ``_woken`` ends a pause, and ends with it.
* The death log's ``_known``, the cursors behind a poll that went well. Each poll takes it away and sets it
  anew. It belongs to one look, so after another one the cursors are read from the database.
* The death log's ``_times``: when it was read and what came last. They decide what is news, so they are
  stored: at once when the status changes, else every few minutes (``_saved_at``). They are never cleared.
* The death log's ``_is_full_told``: admins know that posts are left out. It is cleared when there is room.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from utils.models.servers import ConnectionState
from utils.models.texts import Text
from utils.services.ingestion.poison import FAILURES_BEFORE, is_poison

LOG_SECONDS = 600.0  # a fault that stays the same is logged again after so long


@dataclass(frozen=True, slots=True)
class ReaderStatus:
    """How the last visit of a log went.

    Attributes:
        problem: the failure, or what was passed over; None while all is well.
        next_try_at: while it fails: when it is tried next; None while that hangs on somebody else.
    """

    state: ConnectionState = ConnectionState.UNKNOWN
    problem: Text | str | None = None
    next_try_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """The failures of a log since it was read last.

    Attributes:
        last: how the last one is shown.
        failures: how many there were, of any kind.
        repeats: how many of the last ones were alike.
        may_be_poison: the last one may lie in what was to be stored.
        logged_at: when it was logged, in monotonic seconds.
    """

    last: ReaderStatus
    failures: int
    repeats: int
    may_be_poison: bool
    logged_at: float

    @property
    def vain_tries(self) -> int:
        """Return how often passing over what cannot be stored was of no use."""
        return max(0, self.repeats - FAILURES_BEFORE) if self.may_be_poison else 0


class ReaderState:
    """How the reading of one log goes; the head of this file says who writes what."""

    def __init__(self) -> None:
        self.status = ReaderStatus()
        self.fault: Fault | None = None
        self.told: set[str] = set()

    @property
    def passes_over(self) -> bool:
        """Tell whether a line that cannot be stored is to be passed over."""
        fault = self.fault
        return fault is not None and fault.may_be_poison and fault.repeats >= FAILURES_BEFORE

    def fail(self, error: BaseException, status: ReaderStatus, *, now: float) -> tuple[Fault, bool, bool]:
        """Take in a failure.

        Args:
            error: what failed.
            status: how it is shown.
            now: in monotonic seconds.

        Returns:
            what is wrong now, whether the status says something new, and whether to log it.
        """
        before = self.fault
        is_repeated = before is not None and before.last == status
        is_logged = before is None or not is_repeated or now - before.logged_at >= LOG_SECONDS
        fault = Fault(
            last=status,
            failures=before.failures + 1 if before else 1,
            repeats=before.repeats + 1 if before and is_repeated else 1,
            may_be_poison=is_poison(error),
            logged_at=now if before is None or is_logged else before.logged_at,
        )
        is_new = replace(self.status, next_try_at=None) != status
        self.fault, self.status = fault, status
        return fault, is_new, is_logged
