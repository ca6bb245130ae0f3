"""Reader state: the state of reading one log of a game server.

Theory of operation
-------------------
Each log has a reader (``LogReader``), a loop that calls it (``ReaderLoop``) and a ``ReaderState`` that both
hold. Only these two write the fields, and two logs share none:

* ``status``, the result of the last visit. The reader sets it once from the stored health, and when an import
  begins; the loop sets it after each visit and in a pause. It is never cleared.
* ``fault``, the failures since the last visit that went well. The loop sets it with each failure, and clears
  it when a visit went well or the server is paused.
* ``told``, the open alerts about these failures. The loop adds to it, and clears it with ``fault``. If a loop
  is stopped for good, ``ServerScheduler.clear_told`` closes the alerts.

Other values that change between visits belong to one of the two:

* The loop's ``_look``, the server as it was read. It expires after some minutes or after ``refresh``.
  ``refresh`` is called after a change, a failure, an import and a pause. Each lookup also sets ``_name``.
  Setting ``_woken`` ends a pause. The loop clears it after each pause.
* The death log's ``_known``, the cursors after a successful poll. Each poll clears it first and sets it after
  success. It belongs to one ``_look``, so after the next lookup the cursors are read from the database.
* The death log's ``_times``: the last read and the last row. They decide what is news, so they are stored: at
  once when the status changes, else every few minutes (``_saved_at``). They are never cleared.
* The death log's ``_is_full_told``: the admins were told that posts are left out. It is cleared when there is
  room.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from utils.models.servers import ConnectionState
from utils.models.texts import Text
from utils.services.ingestion.poison import FAILURES_BEFORE, is_poison

LOG_SECONDS = 600.0  # an unchanged fault is logged again after this time


@dataclass(frozen=True, slots=True)
class ReaderStatus:
    """The result of the last visit of a log.

    Attributes:
        problem: the failure, or the problem with skipped files or lines; None if all is well.
        next_try_at: time of the next try; None when the loop waits for an obstacle or a person.
    """

    state: ConnectionState = ConnectionState.UNKNOWN
    problem: Text | None = None
    next_try_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """The failures of a log since its last successful read.

    Attributes:
        last: the status of the last failure.
        failures: the number of failures, of any kind.
        repeats: how many equal failures in a row.
        may_be_poison: the last failure may be caused by the data.
        logged_at: when it was last logged, in monotonic seconds.
    """

    last: ReaderStatus
    failures: int
    repeats: int
    may_be_poison: bool
    logged_at: float

    @property
    def vain_tries(self) -> int:
        """Return how many tries failed although lines were skipped."""
        return max(0, self.repeats - FAILURES_BEFORE) if self.may_be_poison else 0


class ReaderState:
    """The state of reading one log; the head of this file says who writes which field."""

    def __init__(self) -> None:
        self.status = ReaderStatus()
        self.fault: Fault | None = None
        self.told: set[str] = set()

    @property
    def passes_over(self) -> bool:
        """Tell whether to skip lines that cannot be stored."""
        fault = self.fault
        return fault is not None and fault.may_be_poison and fault.repeats >= FAILURES_BEFORE

    def fail(self, error: BaseException, status: ReaderStatus, *, now: float) -> tuple[Fault, bool, bool]:
        """Note a failure.

        Args:
            error: the error.
            status: its status.
            now: in monotonic seconds.

        Returns:
            the fault now, whether the status changed, and whether to log it.
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
