"""The lines of the doctor: the worst first, each with the document that helps."""

from datetime import timedelta
from pathlib import Path

import pytest

from simulation.starts import PROJECT
from tests.fakes.clock import START
from utils.commandline.doctor import diagnoses
from utils.commandline.doctor.diagnoses import Diagnosis, Rank, diagnose_checks, list_lines
from utils.commandline.doctor.status_file import (
    Trouble,
    diagnose_errors_of_status,
    diagnose_process,
    diagnose_troubles,
    is_fresh,
    list_start_checks,
    list_troubles,
)
from utils.composition.start_checks import Mark, SelfCheck
from utils.models.incidents import CheckState

WARN, CRITICAL = CheckState.WARN, CheckState.CRITICAL
HOUR = timedelta(hours=1)
STATUS = {
    "written_at": START.isoformat(),
    "pid": 7,
    "version": "killfeed 1.0",
    "state": "running",
    "checks": {"memory": {"state": "ok", "said": "Much."}},
    "startup": [{"name": "Data", "outcome": "ok", "detail": "of version 3"}],
    "incidents": [
        {"kind": "server-unread", "guild": 42, "state": "critical", "since": START.isoformat()},
        {"kind": "memory", "guild": None, "state": "warn", "since": START.isoformat()},
    ],
    "counts": {"errors": 1234},
}
FRESH = (
    "It is running: version killfeed 1.0, process 7, status 15 s old; its first health checks come within a"
    " minute."
)


def test_lines_come_worst_first_and_name_their_help() -> None:
    """Lines of one rank keep their order; a line that is well needs no help."""
    found = [
        Diagnosis(Rank.WELL, "Disk", "Free."),
        Diagnosis(Rank.WARNING, "Errors", "One.", diagnoses.ERRORS),
        Diagnosis(Rank.UNKNOWN, "Clock", "Who knows."),
        Diagnosis(Rank.CRITICAL, "memory", "Full.", diagnoses.find_runbook("memory")),
    ]
    assert list_lines(found) == [
        "CRIT  memory             Full.  [docs/RUNBOOKS.md#memory]",
        "warn  Errors             One.  [docs/ERRORS.md]",
        "?     Clock              Who knows.  [docs/TROUBLESHOOTING.md]",
        "ok    Disk               Free.",
    ]


@pytest.mark.parametrize(
    "name", [diagnoses.RUNBOOKS, diagnoses.TROUBLESHOOTING, diagnoses.BACKUPS, diagnoses.ERRORS]
)
def test_documents_that_help_exist(name: str) -> None:
    """A person can open what a line names."""
    assert (PROJECT / Path(name)).is_file()


def test_checks_that_are_well_share_a_line() -> None:
    """A check that the doctor knows better is left out, even a bad one."""
    checks = [
        SelfCheck("MongoDB", Mark.FAILED, "away"),
        SelfCheck("Disk", Mark.FAILED, "full"),
        SelfCheck("Discord", Mark.UNCHECKED, "not reached"),
        SelfCheck("Alerts", Mark.OK, "to each owner"),
        SelfCheck("Commands", Mark.OK, "61"),
    ]
    assert list_lines(diagnose_checks(checks, without=["Disk"])) == [
        "CRIT  MongoDB            away  [docs/RUNBOOKS.md#database-away]",
        "?     Discord            not reached  [docs/TROUBLESHOOTING.md]",
        "ok    Check              well: Alerts, Commands.",
    ]
    assert diagnose_checks([]) == []


@pytest.mark.parametrize(
    ("change", "seconds", "is_alive", "rank", "begin"),
    [
        ({}, 15, True, Rank.WELL, "It is running: version killfeed 1.0, process 7, status 15 s old."),
        ({}, 61, True, Rank.CRITICAL, "It hangs"),
        ({"checks": {}}, 15, True, Rank.WELL, FRESH),
        ({}, 15, False, Rank.CRITICAL, "It ended without a stop while it was running"),
        ({"state": "stopped"}, 90_000, False, Rank.WARNING, "It was stopped: version"),
        ({"state": "standby"}, 15, True, Rank.WELL, "It is standby"),
    ],
)
def test_process_is_told_by_its_status(
    *, change: dict[str, object], seconds: float, is_alive: bool, rank: Rank, begin: str
) -> None:
    """Only a bot that runs, does not hang and was not killed is well, and only its checks are true now."""
    status, now = STATUS | change, START + timedelta(seconds=seconds)
    found = diagnose_process(status, now=now, is_alive=is_alive)
    assert (found.rank, found.said.startswith(begin)) == (rank, True), found
    assert is_fresh(status, now=now, is_alive=is_alive) == (rank is Rank.WELL)


def test_folder_without_a_status_is_a_warning() -> None:
    """A new installation has none, and neither has one whose folder is configured wrongly."""
    assert diagnose_process(None, now=START, is_alive=False).rank is Rank.WARNING
    assert list_troubles(None) == []
    unknown = "Not known while MongoDB is away."
    assert diagnose_errors_of_status(None).said == unknown
    assert diagnose_errors_of_status(STATUS).said == f"{unknown} The bot has counted 1,234 since its start."
    assert list_start_checks(STATUS) == [SelfCheck("Data", Mark.OK, "of version 3")]


def test_check_and_incidents_of_a_kind_are_one_line() -> None:
    """The worse of both decides; the communities are counted, and a kind of another version is shown."""
    checks = {
        "memory": {"state": "warn", "said": "The bot uses 845 MB of 1,000 MB."},
        "event-loop": {"state": "ok", "said": "In time."},
        "disk-space": {"state": "ok", "said": "Free."},
    }
    troubles = [
        Trouble("server-unread", 42, WARN, START),
        Trouble("server-unread", 43, CRITICAL, START - HOUR),
        Trouble("memory", 0, WARN, START),
        Trouble("of-later", 0, WARN, START),
    ]
    assert list_lines(diagnose_troubles(checks, troubles, now=START + HOUR)) == [
        (
            "CRIT  server-unread      A game server's log isn't being read. Open for 2 h, in 2 communities."
            "  [docs/RUNBOOKS.md#server-unread]"
        ),
        "warn  memory             The bot uses 845 MB of 1,000 MB. Open for 1 h.  [docs/RUNBOOKS.md#memory]",
        "warn  of-later           Open for 1 h.  [docs/RUNBOOKS.md#of-later]",
        "ok    Health             2 checks well.",
    ]
    assert diagnose_troubles({}, list_troubles(STATUS), now=START)[0].rank is Rank.CRITICAL
