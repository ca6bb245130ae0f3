"""Deadside.log of a game server on a stage."""

from datetime import datetime, timedelta
from pathlib import Path

from tests.bot.stage import Stage
from tests.fakes.deaths import build_player_id
from tests.fakes.game_log import write_join, write_leave, write_noise, write_start
from utils.clock import SystemClock


class GameLogWriter:
    """Writes Deadside.log beside the death logs of a game server."""

    def __init__(self, stage: Stage) -> None:
        files = stage.open_files()
        files.append(*stage.take(3))
        self._path: Path = files.folder / "Logs" / "Deadside.log"
        self._path.parent.mkdir()
        self._path.write_text(write_start(self.now - timedelta(hours=2)), "utf-8")

    @property
    def now(self) -> datetime:
        """The time of the host."""
        return SystemClock().now()

    def join(self, *names: str, ago: timedelta = timedelta()) -> None:
        """Let players join."""
        self.write("".join(write_join(self.now - ago, name) for name in names))

    def leave(self, name: str, ago: timedelta = timedelta()) -> None:
        """Let a player leave."""
        self.write(write_leave(self.now - ago, name))

    def come_and_go(self, name: str, player_id: str, *, left_at: datetime) -> None:
        """Let a player with this id join a minute before a moment, and leave then; the log goes on."""
        lines = write_join(left_at - timedelta(minutes=1), name) + write_leave(left_at, name)
        self.write(lines.replace(build_player_id(name), player_id))
        self.write(write_noise(left_at + timedelta(seconds=31)))

    def begin_run(self) -> None:
        """Let the game server start again, with a file of its own."""
        self._path.write_text(write_start(self.now), "utf-8")

    def write(self, text: str) -> None:
        """Write lines."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(text)
