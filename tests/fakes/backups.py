"""Backups of a few invented documents, without a database."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bson

from utils.backup.archive import Archive
from utils.backup.manifest import build_id
from utils.backup.steps import Steps, T
from utils.backup.taking import Order, take_backup
from utils.database.archives.snapshot import SnapshotFacts
from utils.database.migrations.migrations import MIGRATIONS
from utils.models.backups import BackupReason

MOMENT = datetime(2026, 11, 29, 4, 0, tzinfo=UTC)
DOCUMENTS: Mapping[str, Sequence[dict[str, Any]]] = {
    "guilds": [{"_id": 1, "guild_id": 7, "name": "A"}, {"_id": 2, "guild_id": 8, "name": "Ü"}],
    "kills": [{"_id": number, "guild_id": 7 + number % 2, "weapon": "AK" * 40} for number in range(300)],
    "links": [],
}


class FakeSnapshot:
    """A moment of invented data, sent in pieces of 100 documents."""

    def __init__(self, documents: Mapping[str, Sequence[dict[str, Any]]] = DOCUMENTS) -> None:
        self._documents = documents

    def read_facts(self) -> SnapshotFacts:
        """Return facts of the present version."""
        return SnapshotFacts((1_796_000_000, 4), MIGRATIONS.newest, None, {"0": 12, "-1": 2})

    def read(self, name: str) -> Iterator[bytes]:
        """Yield the documents of a collection."""
        raw = [bson.encode(document) for document in self._documents[name]]
        for first in range(0, len(raw), 100):
            yield b"".join(raw[first : first + 100])

    def count_by_guild(self, name: str) -> dict[int | None, int]:
        """Count the documents of a collection."""
        guilds = [document.get("guild_id") for document in self._documents[name]]
        return {guild: guilds.count(guild) for guild in dict.fromkeys(guilds)}

    def count_deaths(self) -> dict[int, dict[str, int]]:
        """Count the deaths; all of a guild are of one game server."""
        counts = self.count_by_guild("kills")
        return {guild: {"aaaaaaaa": deaths} for guild, deaths in counts.items() if guild is not None}


def build_order(
    started_at: datetime = MOMENT,
    *,
    reason: BackupReason = BackupReason.DAILY,
    collections: Sequence[str] = tuple(DOCUMENTS),
) -> Order:
    """Return an order for a backup of invented data."""
    drawn = hashlib.sha256(f"{started_at}{reason}".encode()).hexdigest()[:4]
    return Order(
        id=build_id(started_at, reason, drawn),
        reason=reason,
        database="killfeed",
        bot_version="killfeed-bot 1.0",
        mongodb_version="6.0.5",
        key_check="0123456789abcdef",
        collections=collections,
    )


def begin_archive(
    place: Path,
    started_at: datetime = MOMENT,
    *,
    reason: BackupReason = BackupReason.DAILY,
    snapshot: FakeSnapshot | None = None,
) -> Steps[Archive]:
    """Return the steps of a backup of invented data."""
    clock = iter([started_at, started_at + timedelta(seconds=40)])
    order = build_order(started_at, reason=reason)
    return take_backup(order, snapshot or FakeSnapshot(), place, now=lambda: next(clock))


def write_archive(
    place: Path, started_at: datetime = MOMENT, *, reason: BackupReason = BackupReason.DAILY
) -> Archive:
    """Write a backup of invented data into a place."""
    place.mkdir(parents=True, exist_ok=True)
    return finish(begin_archive(place, started_at, reason=reason))


def finish(steps: Steps[T], *, after_each: Callable[[], None] = lambda: None) -> T:
    """Do all steps of a work at once and return its result."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
        after_each()
