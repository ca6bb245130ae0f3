"""Hysteresis: the rules of opening, escalating and ending an incident. Pure.

Bad in some rounds in a row opens an incident, good in some rounds in a row ends it, critical in some rounds
in a row makes it critical. So a check that changes at every round opens and ends nothing.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from utils.models.incident_kinds import (
    ROUNDS_BEFORE_END,
    ROUNDS_BEFORE_ESCALATION,
    ROUNDS_BEFORE_OPEN,
)
from utils.models.incidents import CheckState

QUIET_SECONDS = 180.0
"""Nothing is concluded in so many seconds after the start: connections and caches come up first."""


class Change(StrEnum):
    """The conclusions about an incident."""

    OPENED = "opened"
    ESCALATED = "escalated"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Streak:
    """The latest results of a check, and what they led to.

    Attributes:
        bad: bad rounds in a row.
        critical: critical rounds in a row.
        good: good rounds in a row.
        concluded: the state of the open incident; ``OK``: there is none.
    """

    bad: int = 0
    critical: int = 0
    good: int = 0
    concluded: CheckState = CheckState.OK

    @property
    def is_idle(self) -> bool:
        """Tell whether there is nothing to remember."""
        return not self.bad and self.concluded is CheckState.OK

    def follow(
        self,
        found: CheckState,
        *,
        rounds_before_open: int = ROUNDS_BEFORE_OPEN,
        may_conclude: bool = True,
    ) -> tuple["Streak", Change | None]:
        """Return the streak after one more result, and the conclusion from it.

        Without ``may_conclude`` the result counts, and a later one may lead to the conclusion.
        """
        is_bad, is_critical = found is not CheckState.OK, found is CheckState.CRITICAL
        streak = replace(
            self,
            bad=self.bad + 1 if is_bad else 0,
            critical=self.critical + 1 if is_critical else 0,
            good=0 if is_bad else self.good + 1,
        )
        if not may_conclude:
            return streak, None
        change = _find_change(streak, rounds_before_open)
        return replace(streak, concluded=_find_concluded(streak, change)), change


def _find_change(streak: Streak, rounds_before_open: int) -> Change | None:
    if streak.concluded is CheckState.OK:
        return Change.OPENED if streak.bad >= rounds_before_open else None
    if streak.good >= ROUNDS_BEFORE_END:
        return Change.ENDED
    is_worse = streak.concluded < CheckState.CRITICAL and streak.critical >= ROUNDS_BEFORE_ESCALATION
    return Change.ESCALATED if is_worse else None


def _find_concluded(streak: Streak, change: Change | None) -> CheckState:
    match change:
        case Change.OPENED:
            has_lasted = streak.critical >= ROUNDS_BEFORE_ESCALATION
            return CheckState.CRITICAL if has_lasted else CheckState.WARN
        case Change.ESCALATED:
            return CheckState.CRITICAL
        case Change.ENDED:
            return CheckState.OK
        case None:
            return streak.concluded
