"""Retention and schedule: which backups stay, and when the next one is due."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.backups import write_archive
from utils.backup.archive import Archive
from utils.backup.manifest import build_id
from utils.backup.retention import choose_deleted
from utils.backup.schedule import find_slot, is_due
from utils.models.backups import BackupReason

NOW = datetime(2026, 11, 29, 4, 1, tzinfo=UTC)


@pytest.fixture(name="example", scope="module")
def _example(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Return a backup to make others of."""
    return write_archive(tmp_path_factory.mktemp("place"))


def build_archive(
    example: Archive,
    hours: float,
    *,
    is_proven: bool = True,
    reason: BackupReason = BackupReason.DAILY,
) -> Archive:
    """Return a backup of some hours ago."""
    at = NOW - timedelta(hours=hours)
    manifest = replace(example.manifest, id=build_id(at, reason, "0000"), started_at=at, reason=reason)
    return Archive(example.path, manifest, at, at if is_proven else None)


def list_kept_hours(archives: Sequence[Archive], *, keep_days: int = 7) -> list[float]:
    """Return the ages of the backups that stay."""
    deleted = choose_deleted(archives, now=NOW, keep_days=keep_days)
    return [(NOW - one.manifest.started_at) / timedelta(hours=1) for one in archives if one not in deleted]


def test_last_day_stays_whole_and_then_the_last_of_each_day(example: Archive) -> None:
    """With a backup each six hours, four stay of the last day and one of each of the six days before."""
    archives = [build_archive(example, 6 * number) for number in range(60)]
    assert list_kept_hours(archives) == [0, 6, 12, 18, 24, 30, 54, 78, 102, 126, 150]


def test_backups_before_a_step_stay_for_a_month(example: Archive) -> None:
    """A migration or a restore can be taken back for 30 days."""
    archives = [
        build_archive(example, 24 * days, reason=reason)
        for days in (0, 1, 29, 31)
        for reason in (BackupReason.BEFORE_MIGRATION, BackupReason.BEFORE_RESTORE)
    ]
    assert list_kept_hours(archives) == [0, 0, 24, 24, 696, 696]


def test_newest_proven_one_and_newest_two_stay(example: Archive) -> None:
    """The only proven backup stays, no matter how old it is, and so do the newest two."""
    archives = [
        build_archive(example, 1, is_proven=False),
        build_archive(example, 24 * 20, is_proven=False),
        build_archive(example, 24 * 21, is_proven=False),
        build_archive(example, 24 * 40),
        build_archive(example, 24 * 41),
    ]
    assert list_kept_hours(archives) == [1, 24 * 20, 24 * 40]


def test_nothing_is_deleted_while_no_backup_succeeds(example: Archive) -> None:
    """If the newest backup is older than the kept days, all stay."""
    archives = [build_archive(example, 24 * days) for days in (8, 9, 90)]
    assert list_kept_hours(archives) == [24 * 8, 24 * 9, 24 * 90]


@given(
    ages=st.lists(
        st.tuples(st.integers(0, 24 * 60), st.booleans(), st.sampled_from(BackupReason)), max_size=30
    ),
    keep_days=st.integers(1, 14),
)
def test_retention_never_leaves_less_than_it_must(
    example: Archive, ages: list[tuple[int, bool, BackupReason]], keep_days: int
) -> None:
    """The newest two of any backups, the newest proven one and all of the last day stay."""
    archives = [
        build_archive(example, hours, is_proven=is_proven, reason=reason) for hours, is_proven, reason in ages
    ]
    deleted = choose_deleted(archives, now=NOW, keep_days=keep_days)
    newest = sorted(archives, key=lambda one: one.manifest.started_at, reverse=True)
    proven = [one for one in newest if one.proven_at is not None]
    must_stay = [one for one in newest if NOW - one.manifest.started_at <= timedelta(hours=24)]
    assert not any(one is kept for one in deleted for kept in [*newest[:2], *proven[:1], *must_stay])
    again = [one for one in archives if not any(one is gone for gone in deleted)]
    assert choose_deleted(again, now=NOW, keep_days=keep_days) == []


@pytest.mark.parametrize(
    ("now", "every_hours", "slot"),
    [
        ("2026-11-29T04:00", 24, "2026-11-29T04:00"),
        ("2026-11-29T03:59", 24, "2026-11-28T04:00"),
        ("2026-11-29T03:59", 6, "2026-11-28T22:00"),
        ("2026-11-29T23:30", 6, "2026-11-29T22:00"),
        ("2026-11-29T23:30", 1, "2026-11-29T23:00"),
        ("2026-11-29T00:30", 12, "2026-11-28T16:00"),
    ],
)
def test_moments_are_counted_from_the_hour(now: str, every_hours: int, slot: str) -> None:
    """The moments of a day are the hour of the setting, and each ``every_hours`` before and after it."""
    at, expected = (datetime.fromisoformat(one).replace(tzinfo=UTC) for one in (now, slot))
    assert find_slot(at, hour_utc=4, every_hours=every_hours) == expected
    times = {"hour_utc": 4, "every_hours": every_hours}
    assert is_due(at, expected - timedelta(minutes=1), **times)
    assert is_due(at, None, **times)
    assert not is_due(at, expected + timedelta(minutes=1), **times)
