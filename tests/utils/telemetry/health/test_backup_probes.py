"""The probes of backups judge their age, their proof and their copies."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from tests.fakes.clock import FakeClock
from tests.utils.telemetry.health.test_probes import judge
from utils.models.backups import BackupState, PlaceState
from utils.models.incidents import CheckState, IncidentKey
from utils.telemetry.health.checker import Probe
from utils.telemetry.health.probes.backups import (
    CATCH_UP_SECONDS,
    probe_backup_copies,
    probe_newest_backup,
    probe_proven_backup,
)

OK, WARN, CRITICAL = CheckState
HOUR = timedelta(hours=1)


@dataclass
class FakePlaces:
    """Places whose state the test sets."""

    home: BackupState = field(default_factory=BackupState)
    others: Sequence[PlaceState] = ()

    async def read_home(self) -> BackupState:
        """Return the state of the first place."""
        return self.home

    async def read_others(self) -> Sequence[PlaceState]:
        """Return the state of the other places."""
        return self.others


def find_nothing(key: IncidentKey) -> datetime | None:
    """Find no open incident."""
    del key


async def say(probe: Probe) -> str:
    """Return the sentence of the first finding."""
    return str((await probe.look())[0].said)


@pytest.mark.parametrize(
    ("every_hours", "age", "state"),
    [(24, 25, OK), (24, 26, WARN), (24, 71, WARN), (24, 72, CRITICAL), (6, 8, WARN), (6, 36, CRITICAL)],
)
async def test_old_backup_is_judged_by_how_often_one_is_made(
    clock: FakeClock, every_hours: int, age: int, state: CheckState
) -> None:
    """Two hours late is a warning; a day after the second missing one is critical."""
    places = FakePlaces(BackupState(1, clock.now() - age * HOUR))
    probe = probe_newest_backup(places, every_hours=every_hours, find_opened=find_nothing, clock=clock)
    assert await judge(probe) is OK  # right after the start the bot is about to make one
    clock.move(CATCH_UP_SECONDS)
    places.home = BackupState(1, clock.now() - age * HOUR)
    assert await judge(probe) is state


async def test_bot_without_any_backup_is_warned_of_soon_and_critical_later(clock: FakeClock) -> None:
    """The first one is made some minutes after the start, so half an hour later it should be there."""
    probe = probe_newest_backup(FakePlaces(), every_hours=24, find_opened=find_nothing, clock=clock)
    assert (await judge(probe), await say(probe)) == (OK, "No backup has been made yet.")
    clock.move(CATCH_UP_SECONDS)
    assert await judge(probe) is WARN
    clock.move(46 * 3600)
    assert await judge(probe) is CRITICAL


@pytest.mark.parametrize(
    ("proven", "oldest", "state", "said"),
    [
        (47, 100, OK, "The newest proven backup is 1 d 23 h old."),
        (48, 100, WARN, "The newest proven backup is 2 d old."),
        (168, 200, CRITICAL, "The newest proven backup is 7 d old."),
        (None, 49, WARN, "No backup is proven, and the oldest one is 2 d 1 h old."),
        (None, None, OK, "No backup has been made yet."),
    ],
)
async def test_proof_may_be_two_days_old(
    clock: FakeClock, proven: int | None, oldest: int | None, state: CheckState, said: str
) -> None:
    """Without any proof the oldest backup counts; a bot without backups has another trouble."""
    places = FakePlaces()
    probe = probe_proven_backup(places, find_opened=find_nothing, clock=clock)
    clock.move(CATCH_UP_SECONDS)

    def before(hours: int | None) -> datetime | None:
        return None if hours is None else clock.now() - hours * HOUR

    places.home = BackupState(3, before(oldest and 1), before(proven), before(oldest))
    assert (await judge(probe), await say(probe)) == (state, said)


@pytest.mark.parametrize(
    ("is_away", "lacks", "opened", "state", "said"),
    [
        (False, None, 100, OK, "backup.directories[0] has the newest backup."),
        (False, 1, None, OK, "backup.directories[0] lacks every backup of the last 1 h."),
        (False, 2, None, WARN, "backup.directories[0] lacks every backup of the last 2 h."),
        (False, 48, None, CRITICAL, "backup.directories[0] lacks every backup of the last 2 d."),
        (True, None, None, WARN, "backup.directories[0] can't be read."),
        (True, None, 48, CRITICAL, "backup.directories[0] can't be read."),
        (True, 49, 1, CRITICAL, "backup.directories[0] can't be read."),
    ],
)
async def test_place_without_the_newest_backup_is_judged_by_how_long(
    *, clock: FakeClock, is_away: bool, lacks: int | None, opened: int | None, state: CheckState, said: str
) -> None:
    """A place that is away is a warning at once; an incident that was open before a restart counts on."""
    now = clock.now()
    place = PlaceState("backup.directories[0]", is_away, None if lacks is None else now - lacks * HOUR)

    def find_opened(key: IncidentKey) -> datetime | None:
        return None if opened is None or key.subject != place.subject else now - opened * HOUR

    probe = probe_backup_copies(FakePlaces(others=[place]), find_opened=find_opened, clock=clock)
    (finding,) = await probe.look()
    assert (finding.state, str(finding.said)) == (state, said)
    assert await judge(probe_backup_copies(FakePlaces(), find_opened=find_opened, clock=clock)) is OK


async def test_restart_does_not_end_the_incident_of_an_old_backup(clock: FakeClock) -> None:
    """An incident from before the start goes on until there is a new backup, which is made a little later."""
    old = clock.now() - 200 * HOUR
    places = FakePlaces(BackupState(1, old, old, old))

    def find_opened(key: IncidentKey) -> datetime:
        del key
        return old

    newest = probe_newest_backup(places, every_hours=24, find_opened=find_opened, clock=clock)
    proven = probe_proven_backup(places, find_opened=find_opened, clock=clock)
    assert [await judge(probe) for probe in (newest, proven)] == [CRITICAL, CRITICAL]
    places.home = BackupState(2, clock.now(), clock.now(), old)
    assert [await judge(probe) for probe in (newest, proven)] == [OK, OK]
