"""The watch over backups: how old the newest one is, and what other places lack, as health checks ask it.

Nothing is read that was read before: while the folders of a place have their names and times, its backups are
those that were found last. A change of a backup, also a new proof, changes the time of its folder.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from utils.backup.archive import Archive, list_archives
from utils.models.backups import BackupState, PlaceState

_Stamps = frozenset[tuple[str, int]]
"""The folders of a place: the name of each, and when it was changed."""


class PlaceReader:
    """Reads the backups of one place, again only when something changed there."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._stamps: _Stamps | None = None
        self.found: Sequence[Archive] = ()

    def read(self) -> Sequence[Archive]:
        """Return the complete backups, newest first.

        Raises:
            OSError: the place is away.
        """
        stamps = frozenset((path.name, path.stat().st_mtime_ns) for path in self._place.iterdir())
        if stamps != self._stamps:
            self.found = list_archives(self._place)
            self._stamps = stamps
        return self.found


@dataclass(eq=False)
class BackupWatch:
    """Knows the state of backups without making one.

    Args:
        home: the place on this machine.
        others: further places by their names.

    Attributes:
        state: of the place on this machine, as it was read last; None before.
    """

    home: Path
    others: Sequence[tuple[str, Path]]
    state: BackupState | None = None

    def __post_init__(self) -> None:
        self._home = PlaceReader(self.home)
        self._others = [(name, PlaceReader(place)) for name, place in self.others]

    async def read_home(self) -> BackupState:
        """Return the state of the place on this machine; one that does not exist yet has no backup."""
        self.state = describe_home(await asyncio.to_thread(self._read_home))
        return self.state

    async def read_others(self) -> Sequence[PlaceState]:
        """Return the state of every other place, compared with the place on this machine."""
        home = await asyncio.to_thread(self._read_home)
        return [await asyncio.to_thread(_compare, home, name, reader) for name, reader in self._others]

    def _read_home(self) -> Sequence[Archive]:
        try:
            return self._home.read()
        except OSError:
            return ()


def describe_home(archives: Sequence[Archive]) -> BackupState:
    """Return the state of a place with these backups, newest first."""
    if not archives:
        return BackupState()
    newest, oldest = archives[0].manifest, archives[-1].manifest
    return BackupState(
        number=len(archives),
        newest_at=newest.started_at,
        proven_at=next((one.manifest.started_at for one in archives if one.proven_at is not None), None),
        oldest_at=oldest.started_at,
        stored_bytes=newest.file_bytes,
    )


def _compare(home: Sequence[Archive], name: str, reader: PlaceReader) -> PlaceState:
    try:
        there, is_away = reader.read(), False
    except OSError:
        there, is_away = reader.found, True
    if is_away and not there:
        return PlaceState(name, is_away=True)
    newest = there[0].manifest.started_at if there else None
    lacking = [one.manifest.started_at for one in home if newest is None or one.manifest.started_at > newest]
    return PlaceState(name, is_away, min(lacking, default=None))
