"""Death logs as the game writes them, and faults of such files.

One death a line, ``;`` separated and ended by ``;`` and LF. The older generation has no platforms. A file is
named by its start; each day has one, from midnight on. Each world has its own sequence of files.
"""

import os
from datetime import datetime
from pathlib import Path

from utils.models.deaths import DeathRow

WRITTEN_AT = "%Y.%m.%d-%H.%M.%S"
WORLD = "world_0"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def render_row(row: DeathRow, *, with_platforms: bool = True) -> str:
    """Return a row as the game writes it, without line feed; the newer generation is with platforms."""
    fields = [
        row.written_at.strftime(WRITTEN_AT),
        row.killer_name,
        row.killer_id or "",
        row.victim_name,
        row.victim_id,
        row.weapon,
        str(row.distance),
    ]
    if with_platforms:
        fields += [row.killer_platform, row.victim_platform]
    return ";".join(fields) + ";"


class GameServerFiles:
    """The folder of one game server: ``{host}_{number}`` (or the root itself without number).

    Attributes:
        folder: the folder that contains ``actual1``.
        deathlogs: the folder that contains the worlds.
        logs: the folder of ``Deadside.log``, beside ``actual1``.
        with_platforms: whether rows are written in the newer generation.
    """

    def __init__(
        self,
        root: Path,
        *,
        host: str = "127.0.0.1",
        number: int | None = 1,
        is_saved: bool = False,
        with_platforms: bool = True,
    ) -> None:
        self.folder = root if number is None else root / f"{host}_{number}"
        base = self.folder / ("Deadside/Saved" if is_saved else "")
        self.deathlogs = base / "actual1" / "deathlogs"
        self.logs = base / "Logs"
        self.deathlogs.mkdir(parents=True, exist_ok=True)
        self.with_platforms = with_platforms
        self._started: dict[str, datetime] = {}
        self._rest: dict[str, bytes] = {}

    def current(self, *, world: str = WORLD) -> Path:
        """Return the file that the game writes now."""
        return self.path(self._started[world], world=world)

    def path(self, started_at: datetime, *, world: str = WORLD) -> Path:
        """Return the file of a world that was begun at a moment."""
        return self.deathlogs / world / f"{started_at.strftime(WRITTEN_AT)}.csv"

    def start_file(self, started_at: datetime, *, world: str = WORLD) -> Path:
        """Begin an empty file; rows are appended to it from now on."""
        self._started[world] = started_at
        path = self.path(started_at, world=world)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return path

    def append(self, *rows: DeathRow, world: str = WORLD) -> None:
        """Write deaths; the first of a day begins that day's file."""
        for row in rows:
            midnight = row.written_at.replace(hour=0, minute=0, second=0, microsecond=0)
            if world not in self._started or self._started[world] < midnight:
                self.start_file(midnight, world=world)
            self.append_bytes(self.encode(row), world=world)

    def append_bytes(self, data: bytes, *, world: str = WORLD) -> None:
        """Write any bytes at the end of the current file."""
        with self.current(world=world).open("ab") as file:
            file.write(data)

    def append_cut(self, row: DeathRow, *, kept_bytes: int, world: str = WORLD) -> None:
        """Write the beginning of a row, as a poll can find it in the middle of a write."""
        line = self.encode(row)
        self.append_bytes(line[:kept_bytes], world=world)
        self._rest[world] = line[kept_bytes:]

    def finish_cut(self, *, world: str = WORLD) -> None:
        """Write the rest of a cut row."""
        self.append_bytes(self._rest.pop(world), world=world)

    def write_byte_order_mark(self, *, world: str = WORLD) -> None:
        """Put a BOM in front of the current file."""
        path = self.current(world=world)
        path.write_bytes(BYTE_ORDER_MARK + path.read_bytes())

    def truncate(self, size: int, *, world: str = WORLD) -> None:
        """Cut the current file down to its first bytes."""
        os.truncate(self.current(world=world), size)

    def rewrite(self, *rows: DeathRow, world: str = WORLD) -> None:
        """Write the current file again, in place."""
        self.current(world=world).write_bytes(b"".join(map(self.encode, rows)))

    def replace(self, *rows: DeathRow, world: str = WORLD) -> None:
        """Replace the current file by a new one; an open handle still reads the old file."""
        path = self.current(world=world)
        draft = path.with_suffix(".tmp")
        draft.write_bytes(b"".join(map(self.encode, rows)))
        draft.replace(path)

    def restore(self, started_at: datetime, *rows: DeathRow, world: str = WORLD) -> Path:
        """Bring an old file back, as from a backup; the current file stays current."""
        path = self.path(started_at, world=world)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(map(self.encode, rows)))
        return path

    def encode(self, row: DeathRow) -> bytes:
        """Return a row as it is in the file, with its line feed."""
        return render_row(row, with_platforms=self.with_platforms).encode() + b"\n"
