"""The file ``Deadside.log`` of a game server: a new one at each start, the old one is renamed."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from simulation.game_host.battle import Battle
from simulation.game_host.log_files import BYTE_ORDER_MARK, WRITTEN_AT
from simulation.game_host.server_life import LogEntry, ServerLife
from utils.models.deaths import DeathRow
from utils.models.scope import PlayerId

NAME = "Deadside.log"
KEPT_BACKUPS = 6  # on a host that was looked at


class RunLog:
    """Writes the log of one game server.

    Attributes:
        path: the file of the current run.
    """

    def __init__(self, folder: Path, *, is_windows: bool = False) -> None:
        self.path = folder / NAME
        self._is_windows = is_windows
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, entries: Iterable[LogEntry]) -> None:
        """Append lines; the first of a run begins a new file."""
        line_end = b"\r\n" if self._is_windows else b"\n"
        waiting: list[bytes] = []
        for entry in entries:
            if entry.begins_run:
                self._append(waiting)
                self._rename(entry)
                waiting = [BYTE_ORDER_MARK] if self._is_windows else []
            waiting.append(entry.text.encode() + line_end)
        self._append(waiting)

    def list_backups(self) -> list[Path]:
        """Return the files of earlier runs, oldest first."""
        return sorted(self.path.parent.glob("Deadside-backup-*.log"))

    def _append(self, lines: list[bytes]) -> None:
        if lines:
            with self.path.open("ab") as file:
                file.write(b"".join(lines))

    def _rename(self, entry: LogEntry) -> None:
        if not self.path.exists():
            return
        self.path.rename(self.path.with_name(f"Deadside-backup-{entry.at.strftime(WRITTEN_AT)}.log"))
        for old in self.list_backups()[:-KEPT_BACKUPS]:
            old.unlink()


class BattleLog:
    """Writes the second log of a battle; its fighters are online when they fight.

    Args:
        folder: the folder of the log.
        battle: the battle; its seed and ``start`` (UTC) make the log.
    """

    def __init__(self, folder: Path, battle: Battle, *, seed: int, start: datetime) -> None:
        self._log = RunLog(folder)
        self._fighters = {fighter.id: fighter for fighter in battle.fighters}
        self._life = ServerLife(seed, fighters=battle.fighters, start=start)

    def write_until(self, moment: datetime, rows: Iterable[DeathRow] = ()) -> None:
        """Write the lines up to a moment (UTC), before the deaths that follow at once."""
        ids = {one for row in rows for one in (row.killer_id, row.victim_id) if one is not None}
        self._log.write(self._life.live_until(moment, present=[self._fighters[one] for one in sorted(ids)]))

    def list_online(self) -> frozenset[PlayerId]:
        """Return the players in the world."""
        return frozenset(self._life.online)

    def list_entering(self) -> frozenset[PlayerId]:
        """Return the players who log in, some of whom are in the world by lines that were written already."""
        return frozenset(self._life.coming)

    def measure(self) -> int:
        """Return the bytes of the file of the current run."""
        return self._log.path.stat().st_size
