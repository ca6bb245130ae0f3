"""Probes of backups: the age of the newest one and of the newest proven one, and what other places lack."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from utils.clock import Clock
from utils.models.backups import BackupState, PlaceState
from utils.models.incident_kinds import IncidentKind
from utils.models.incidents import WHOLE_BOT, CheckState, Finding, IncidentKey
from utils.models.texts import Span, Text, text
from utils.telemetry.health.checker import Probe
from utils.telemetry.health.measuring import judge, rate, say_well

CATCH_UP_SECONDS = 1800.0

FindOpened = Callable[[IncidentKey], datetime | None]
"""Returns since when an incident is open; None if it is not."""


class BackupPlaces(Protocol):  # implemented by BackupWatch
    """Reads the places of backups."""

    async def read_home(self) -> BackupState:
        """Return the state of the place on this machine."""

    async def read_others(self) -> Sequence[PlaceState]:
        """Return the state of every other place."""


@dataclass(frozen=True, slots=True)
class CatchUp:
    """The time after a start in which the bot makes an overdue backup: nobody is told of it then.

    Args:
        find_opened: returns since when an incident is open; one from before the start goes on.
    """

    find_opened: FindOpened
    clock: Clock
    began: float

    def excuses(self, kind: IncidentKind) -> bool:
        """Tell whether an overdue backup or trial is well for now."""
        is_early = self.clock.monotonic() - self.began < CATCH_UP_SECONDS
        return is_early and self.find_opened(IncidentKey(WHOLE_BOT, kind)) is None


def probe_newest_backup(
    places: BackupPlaces, *, every_hours: int, find_opened: FindOpened, clock: Clock
) -> Probe:
    """Return the probe of the age of the newest backup."""
    kind, began = IncidentKind.BACKUP_OLD, clock.monotonic()
    catch_up = CatchUp(find_opened, clock, began)

    async def look() -> Sequence[Finding]:
        newest_at = (await places.read_home()).newest_at
        running = clock.monotonic() - began
        if newest_at is None:
            said, age = (
                text("No backup has been made yet."),
                timedelta(hours=every_hours + 2, seconds=running),
            )
        else:
            age = clock.now() - newest_at
            said = text("The newest backup is {age} old.", age=Span(age))
        if catch_up.excuses(kind):
            return say_well(kind, said)
        return (Finding(IncidentKey(WHOLE_BOT, kind), rate_newest(age, every_hours=every_hours), said),)

    return Probe(kind=kind, look=look, is_shared=True)


def rate_newest(age: timedelta, *, every_hours: int) -> CheckState:
    """Return the state of a newest backup that is so old, where one is made every so many hours."""
    hours = _count_hours(age)
    late, late_twice = hours - every_hours, hours - 2 * every_hours
    return rate(IncidentKind.BACKUP_OLD, hours_late=late, hours_late_twice=late_twice)


def probe_proven_backup(places: BackupPlaces, *, find_opened: FindOpened, clock: Clock) -> Probe:
    """Return the probe of the age of the newest proven backup; without any backup there is none to prove."""
    kind, catch_up = IncidentKind.BACKUP_UNPROVEN, CatchUp(find_opened, clock, clock.monotonic())

    async def look() -> Sequence[Finding]:
        state = await places.read_home()
        if state.oldest_at is None:
            return say_well(kind, text("No backup has been made yet."))
        age = clock.now() - (state.proven_at or state.oldest_at)
        if state.proven_at is None:
            said = text("No backup is proven, and the oldest one is {age} old.", age=Span(age))
        else:
            said = text("The newest proven backup is {age} old.", age=Span(age))
        if catch_up.excuses(kind):
            return say_well(kind, said)
        return (Finding(IncidentKey(WHOLE_BOT, kind), rate_proven(age), said),)

    return Probe(kind=kind, look=look, is_shared=True)


def rate_proven(age: timedelta) -> CheckState:
    """Return the state of a newest proven backup that is so old."""
    return rate(IncidentKind.BACKUP_UNPROVEN, hours=_count_hours(age))


def probe_backup_copies(places: BackupPlaces, *, find_opened: FindOpened, clock: Clock) -> Probe:
    """Return the probe of the copies in other places.

    Args:
        places: reads them.
        find_opened: returns since when an incident is open, so that a place that is away over a restart
            gets critical in time.
        clock: the time.
    """
    kind = IncidentKind.BACKUP_COPY

    async def look() -> Sequence[Finding]:
        found = []
        for place in await places.read_others():
            opened_at = find_opened(IncidentKey(WHOLE_BOT, kind, place.subject)) if place.is_away else None
            since = min((at for at in (place.lacks_since, opened_at) if at is not None), default=None)
            age = timedelta() if since is None else clock.now() - since
            said = _describe_place(place, age)
            hours = _count_hours(age)
            found.append(judge(kind, said, subject=place.subject, away=place.is_away, hours=hours))
        return found or say_well(kind, text("No further folder is configured."))

    return Probe(kind=kind, look=look, is_shared=True)


def _describe_place(place: PlaceState, age: timedelta) -> Text:
    if place.is_away:
        return text("{folder} can't be read.", folder=place.subject)
    if not age:
        return text("{folder} has the newest backup.", folder=place.subject)
    return text("{folder} lacks every backup of the last {age}.", folder=place.subject, age=Span(age))


def _count_hours(age: timedelta) -> float:
    return age / timedelta(hours=1)
