"""Diagnoses: one line each, with a rank and the part of the documents that helps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum

from utils.composition.start_checks import Mark, SelfCheck
from utils.models.incident_kinds import IncidentKind
from utils.models.incidents import CheckState, Finding
from utils.models.texts import Span

RUNBOOKS = "docs/RUNBOOKS.md"
TROUBLESHOOTING = "docs/TROUBLESHOOTING.md"
BACKUPS = "docs/BACKUP.md"
ERRORS = "docs/ERRORS.md"

RUNBOOKS_OF_CHECKS = {
    "MongoDB": IncidentKind.DATABASE_AWAY,
    "Write test": IncidentKind.DATABASE_AWAY,
    "Disk": IncidentKind.DISK_SPACE,
    "Clock": IncidentKind.CLOCK_SKEW,
    "Secret key": IncidentKind.SECRET_KEY,
    "Logins": IncidentKind.SECRET_KEY,
    "Backup places": IncidentKind.BACKUP_SAME_DISK,
    "Last backup": IncidentKind.BACKUP_OLD,
}
"""The runbooks of the checks of a start; for the others there is docs/TROUBLESHOOTING.md."""


class Rank(IntEnum):
    """How bad a diagnosis is; the worse one is the greater one."""

    WELL = 0
    UNKNOWN = 1
    WARNING = 2
    CRITICAL = 3


_MARKS = {Rank.WELL: "ok", Rank.UNKNOWN: "?", Rank.WARNING: "warn", Rank.CRITICAL: "CRIT"}
_OF_CHECKS = {
    Mark.OK: Rank.WELL,
    Mark.UNCHECKED: Rank.UNKNOWN,
    Mark.WARNING: Rank.WARNING,
    Mark.FAILED: Rank.CRITICAL,
}
RANKS = {CheckState.OK: Rank.WELL, CheckState.WARN: Rank.WARNING, CheckState.CRITICAL: Rank.CRITICAL}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One line of the doctor.

    Attributes:
        name: what it is about, in a word or two.
        said: one sentence in English.
        help: the document that says what to do, for everything that is not well.
    """

    rank: Rank
    name: str
    said: str
    help: str = TROUBLESHOOTING

    def __str__(self) -> str:
        """Return the line."""
        line = f"{_MARKS[self.rank]:<4}  {self.name:<18} {self.said}"
        return line if self.rank is Rank.WELL else f"{line}  [{self.help}]"


def list_lines(diagnoses: Iterable[Diagnosis]) -> list[str]:
    """Return the lines, the worst first."""
    return [str(one) for one in sorted(diagnoses, key=lambda one: -one.rank)]


def find_runbook(kind: str) -> str:
    """Return where the runbook of a kind of incidents is."""
    return f"{RUNBOOKS}#{kind}"


def diagnose_finding(name: str, finding: Finding) -> Diagnosis:
    """Return the diagnosis of what a health check found."""
    return Diagnosis(RANKS[finding.state], name, str(finding.said), find_runbook(finding.key.kind))


def diagnose_checks(checks: Sequence[SelfCheck], *, without: Iterable[str] = ()) -> list[Diagnosis]:
    """Return what the checks of a start found; those that are well share a line.

    Args:
        checks: of ``bot.py check`` or of the report of a start.
        without: the names of checks about which the doctor knows more.
    """
    shown = [one for one in checks if one.name not in set(without)]
    bad = [
        Diagnosis(_OF_CHECKS[one.mark], one.name, one.detail, _find_help(one.name))
        for one in shown
        if one.mark is not Mark.OK
    ]
    well = [one.name for one in shown if one.mark is Mark.OK]
    return [*bad, Diagnosis(Rank.WELL, "Check", f"well: {', '.join(well)}.")] if well else bad


def _find_help(name: str) -> str:
    kind = RUNBOOKS_OF_CHECKS.get(name)
    return TROUBLESHOOTING if kind is None else find_runbook(kind)


def say_age(age: timedelta) -> str:
    """Return how long something took, in its two largest units."""
    return str(Span(age).describe())
