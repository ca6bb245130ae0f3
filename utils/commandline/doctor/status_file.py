"""The status file as the doctor sees it: whether a bot runs, its checks, and its open incidents."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from utils.commandline.doctor.diagnoses import (
    RANKS,
    Diagnosis,
    Rank,
    find_runbook,
    say_age,
)
from utils.composition.start_checks import Mark, SelfCheck
from utils.models.incident_kinds import KINDS, IncidentKind
from utils.models.incidents import CheckState, Incident
from utils.models.quantities import write_quantity
from utils.telemetry.health.status import STALE_SECONDS, ProcessState

_STATES = {state.code: state for state in CheckState}


@dataclass(frozen=True, slots=True)
class Trouble:
    """An open incident, from the database or from the status file.

    Attributes:
        guild_id: the community that it concerns; 0 for the whole bot.
    """

    kind: str
    guild_id: int
    state: CheckState
    since: datetime

    @classmethod
    def of(cls, incident: Incident) -> Self:
        """Return the trouble of a stored incident."""
        key = incident.key
        return cls(key.kind.value, int(key.guild_id), incident.state, incident.opened_at)


def diagnose_process(status: Mapping[str, Any] | None, *, now: datetime, is_alive: bool) -> Diagnosis:
    """Return whether a bot runs with this data folder.

    Args:
        status: the content of the status file; None if there is none.
        now: the time.
        is_alive: the process of the file exists.
    """
    if status is None:
        return Diagnosis(Rank.WARNING, "Bot", "No bot has run with this data folder.")
    age = now - datetime.fromisoformat(status["written_at"])
    who = f"version {status['version']}, process {status['pid']}, status {say_age(age)} old"
    if status["state"] == ProcessState.RUNNING and not status["checks"]:
        who += "; its first health checks come within a minute"
    if status["state"] == ProcessState.STOPPED:
        return Diagnosis(Rank.WARNING, "Bot", f"It was stopped: {who}.")
    if not is_alive:
        said = f"It ended without a stop while it was {status['state']}: {who}."
        return Diagnosis(Rank.CRITICAL, "Bot", said, find_runbook(IncidentKind.CRASH_LOOP))
    if age.total_seconds() > STALE_SECONDS:
        return Diagnosis(Rank.CRITICAL, "Bot", f"It hangs: {who}.", find_runbook(IncidentKind.EVENT_LOOP))
    return Diagnosis(Rank.WELL, "Bot", f"It is {status['state']}: {who}.")


def is_fresh(status: Mapping[str, Any] | None, *, now: datetime, is_alive: bool) -> bool:
    """Tell whether the checks in the file are those of a bot that runs now."""
    return (
        status is not None and is_alive and diagnose_process(status, now=now, is_alive=True).rank is Rank.WELL
    )


def list_start_checks(status: Mapping[str, Any]) -> list[SelfCheck]:
    """Return the report of the start of the bot."""
    marks = {mark.value: mark for mark in Mark}
    return [
        SelfCheck(one["name"], marks.get(one["outcome"], Mark.UNCHECKED), one["detail"])
        for one in status["startup"]
    ]


def list_troubles(status: Mapping[str, Any] | None) -> list[Trouble]:
    """Return the open incidents that the file names."""
    return [
        Trouble(
            one["kind"], one["guild"] or 0, _read_state(one["state"]), datetime.fromisoformat(one["since"])
        )
        for one in (status or {}).get("incidents", ())
    ]


def diagnose_troubles(
    checks: Mapping[str, Mapping[str, str]], troubles: Sequence[Trouble], *, now: datetime
) -> list[Diagnosis]:
    """Return a line for each kind that is bad now or has an open incident, and one for all that are well.

    Args:
        checks: of a bot that runs now, by kind; empty if none runs.
        troubles: the open incidents.
        now: the time.
    """
    kinds = dict.fromkeys([*checks, *(one.kind for one in troubles)])
    found = [
        _diagnose_kind(kind, checks.get(kind), [one for one in troubles if one.kind == kind], now=now)
        for kind in kinds
    ]
    bad = [one for one in found if one.rank is not Rank.WELL]
    if len(bad) < len(found):
        bad.append(Diagnosis(Rank.WELL, "Health", f"{write_quantity(len(found) - len(bad), 'check')} well."))
    return bad


def _diagnose_kind(
    kind: str, check: Mapping[str, str] | None, troubles: Sequence[Trouble], *, now: datetime
) -> Diagnosis:
    states = [one.state for one in troubles] + ([] if check is None else [_read_state(check["state"])])
    said = [] if check is None else [check["said"]]
    if troubles:
        title = "" if check is not None else _find_title(kind)
        since = say_age(now - min(one.since for one in troubles))
        said += [f"{title}Open for {since}{_count_guilds(troubles)}."]
    return Diagnosis(RANKS[max(states)], kind, " ".join(said), find_runbook(kind))


def _find_title(kind: str) -> str:
    known = next((one for one in IncidentKind if one.value == kind), None)
    return "" if known is None else f"{KINDS[known].title}. "


def _count_guilds(troubles: Iterable[Trouble]) -> str:
    guilds = {one.guild_id for one in troubles} - {0}
    return "" if not guilds else f", in {write_quantity(len(guilds), 'community', 'communities')}"


def _read_state(code: str) -> CheckState:
    """Return a state by its code; one that this version does not know is bad."""
    return _STATES.get(code, CheckState.CRITICAL)


def diagnose_errors_of_status(status: Mapping[str, Any] | None) -> Diagnosis:
    """Return how many errors the bot has counted, for while the database is away."""
    counted = (status or {}).get("counts", {}).get("errors")
    said = "" if counted is None else f" The bot has counted {counted:,} since its start."
    return Diagnosis(Rank.UNKNOWN, "Errors", f"Not known while MongoDB is away.{said}")
