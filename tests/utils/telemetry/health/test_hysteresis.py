"""The rules of opening, escalating and ending incidents, over any sequence of results."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.models.incident_kinds import IncidentKind
from utils.models.incidents import (
    REMINDED_AFTER,
    WHOLE_BOT,
    CheckState,
    Incident,
    IncidentKey,
    Stage,
)
from utils.telemetry.health.hysteresis import Change, Streak

OK, WARN, CRITICAL = CheckState
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
KEY = IncidentKey(WHOLE_BOT, IncidentKind.DATABASE_SLOW)
RESULTS = st.lists(st.sampled_from(CheckState), max_size=60)


def conclude(results: list[CheckState], *, rounds_before_open: int = 3) -> list[Change | None]:
    """Return the conclusion of each round."""
    streak, changes = Streak(), []
    for found in results:
        streak, change = streak.follow(found, rounds_before_open=rounds_before_open)
        changes.append(change)
    return changes


def list_told(results: list[CheckState], *, reaches: list[bool] | None = None) -> list[Stage]:
    """Return the messages to people, with a round a minute; ``reaches`` says which messages arrive."""
    streak, incident, told = Streak(), None, []
    arrivals = iter(reaches or ())
    for minute, found in enumerate(results):
        now = NOW + timedelta(minutes=minute)
        streak, change = streak.follow(found)
        if change is Change.OPENED:
            incident = Incident(KEY, streak.concluded, now)
        elif change is Change.ESCALATED and incident is not None:
            incident = incident.escalate(now)
        elif change is Change.ENDED and incident is not None:
            incident = incident.end(now)
        if incident is not None and (stage := incident.find_due_stage(now)) and next(arrivals, True):
            told.append(stage)
            incident = None if stage is Stage.ENDED else incident.note_told(now)
    return told


@pytest.mark.parametrize(
    ("results", "changes"),
    [
        ([WARN] * 3, [None, None, Change.OPENED]),
        ([WARN, WARN, OK, WARN, WARN], [None] * 5),
        ([CRITICAL] * 4, [None, None, Change.OPENED, None]),
        ([WARN, WARN, CRITICAL, CRITICAL], [None, None, Change.OPENED, Change.ESCALATED]),
        ([WARN, WARN, WARN, CRITICAL, WARN, CRITICAL], [None, None, Change.OPENED, None, None, None]),
        ([WARN] * 3 + [OK] * 5, [None, None, Change.OPENED, *[None] * 4, Change.ENDED]),
        ([WARN] * 3 + [OK] * 4 + [WARN] + [OK] * 4, [None, None, Change.OPENED, *[None] * 9]),
    ],
)
def test_rounds_in_a_row_lead_to_a_conclusion(
    results: list[CheckState], changes: list[Change | None]
) -> None:
    """Three bad rounds open an incident, two critical ones escalate it, five good ones end it."""
    assert conclude(results) == changes


def test_two_bad_rounds_open_an_incident_of_the_database() -> None:
    """A kind with two rounds opens one round earlier."""
    assert conclude([WARN, CRITICAL], rounds_before_open=2) == [None, Change.OPENED]


def test_nothing_is_concluded_in_the_first_minutes_but_the_results_count() -> None:
    """A trouble that began in the first minutes opens with the first conclusion that is allowed."""
    streak, changes = Streak(), []
    for minute in range(5):
        streak, change = streak.follow(CRITICAL, may_conclude=minute >= 3)
        changes.append(change)
    assert changes == [None, None, None, Change.OPENED, None]
    assert streak.concluded is CRITICAL


@given(RESULTS)
def test_flapping_tells_nothing(results: list[CheckState]) -> None:
    """People learn of a trouble only if three rounds in a row were bad."""
    longest = max((len(list(run)) for is_bad, run in groupby(results, bool) if is_bad), default=0)
    assert bool(list_told(results)) == (longest >= 3)


@given(RESULTS, st.lists(st.booleans(), max_size=60))
def test_people_learn_each_thing_once_and_of_the_end_only_after_the_beginning(
    results: list[CheckState], reaches: list[bool]
) -> None:
    """People learn of an incident once, perhaps once more when it escalates, and once of its end."""
    told = list_told(results, reaches=reaches)
    incidents = "".join(stage.name[1] for stage in told)  # oPened, eScalated, eNded
    for one in incidents.split("N")[:-1]:
        assert one in ("P", "PS")
    assert incidents.split("N")[-1] in ("", "P", "PS")


@given(RESULTS)
def test_each_opening_has_one_end_at_most(results: list[CheckState]) -> None:
    """Conclusions alternate: opened, perhaps escalated, ended."""
    changes = [change for change in conclude(results) if change]
    for before, after in pairwise(changes):
        allowed = {
            Change.OPENED: {Change.ESCALATED, Change.ENDED},
            Change.ESCALATED: {Change.ENDED},
            Change.ENDED: {Change.OPENED},
        }
        assert after in allowed[before]


def test_critical_incident_is_told_again_every_day_and_a_warning_is_not() -> None:
    """A critical incident is told again 24 hours after the last message; a warning never."""
    critical = Incident(KEY, CRITICAL, NOW).note_told(NOW)
    assert critical.find_due_stage(NOW + REMINDED_AFTER - timedelta(seconds=1)) is None
    assert critical.find_due_stage(NOW + REMINDED_AFTER) is Stage.REMINDED
    again = critical.note_told(NOW + REMINDED_AFTER)
    assert again.find_due_stage(NOW + REMINDED_AFTER + timedelta(hours=1)) is None
    warned = replace(critical, state=WARN, told_state=WARN)
    assert warned.find_due_stage(NOW + 10 * REMINDED_AFTER) is None


def test_end_of_an_incident_that_reached_nobody_is_not_told() -> None:
    """People who did not learn of the beginning do not learn of the end."""
    assert Incident(KEY, WARN, NOW).end(NOW).find_due_stage(NOW) is None
