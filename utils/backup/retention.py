"""Retention: which backups of a place are deleted after a new one was proven.

Kept are all of the last 24 hours, then the last one of each day for ``keep_days``, and those from before a
migration or a restore for 30 days. The newest proven one and the newest two are never deleted, and nothing is
while no backup succeeded for longer than ``keep_days``.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from utils.backup.archive import Archive
from utils.models.backups import BackupReason

ALL_KEPT = timedelta(hours=24)
STEPS_KEPT = timedelta(days=30)
NEWEST_KEPT = 2
OF_STEPS = {BackupReason.BEFORE_MIGRATION, BackupReason.BEFORE_RESTORE}


def choose_deleted(archives: Sequence[Archive], *, now: datetime, keep_days: int) -> list[Archive]:
    """Return the backups of a place that may go."""
    newest_first = sorted(archives, key=lambda archive: archive.manifest.started_at, reverse=True)
    kept_for = timedelta(days=keep_days)
    if not newest_first or now - newest_first[0].manifest.started_at > kept_for:
        return []
    proven = next((one for one in newest_first if one.proven_at is not None), None)
    deleted, days = [], set[date]()
    for number, archive in enumerate(newest_first):
        taken_at = archive.manifest.started_at.astimezone(UTC)
        is_last_of_day = taken_at.date() not in days
        days.add(taken_at.date())
        age = now - taken_at
        is_kept = (
            number < NEWEST_KEPT
            or archive is proven
            or age <= ALL_KEPT
            or (is_last_of_day and age <= kept_for)
            or (archive.manifest.reason in OF_STEPS and age <= STEPS_KEPT)
        )
        if not is_kept:
            deleted.append(archive)
    return deleted
