"""A game of the soak. It writes deaths all the time, also with a wrong clock and changed files.

It keeps the rules under which each death must be stored once and posted once: no two rows have the same
second, its clock is wrong by less than half the age of news, and no row is removed from a file before every
community has stored it.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from simulation.counting import Count
from simulation.game_host.battle import Battle
from simulation.game_host.host import GameHost
from simulation.game_host.log_files import GameServerFiles
from simulation.game_host.run_log import BattleLog
from utils.clock import Clock
from utils.models.deaths import DeathRow

HISTORY_ROWS = 300
PLAYERS = 40
BURST_CHANCE = 0.03
LONGEST_BURST = 25
START = datetime(2000, 1, 1)  # noqa: DTZ001 - logs carry no zone; before everything that is written
WRONG_SECONDS = 1200  # even forwards and then backwards this stays below the age of news, an hour


@dataclass(slots=True)
class Game:
    """One game server.

    Attributes:
        number: the hoster's number of the server.
        written: every death since the imports, in the order of writing.
        in_file: the rows of the current file.
        clock_error: the deviation of its clock.
        second_log: its ``Deadside.log``, of which the clock is right; None: there is none.
    """

    number: int
    files: GameServerFiles
    battle: Battle
    rows: Iterator[DeathRow]
    clock: Clock
    chance: random.Random
    history: list[DeathRow] = field(default_factory=list)
    written: list[DeathRow] = field(default_factory=list)
    in_file: list[DeathRow] = field(default_factory=list)
    clock_error: timedelta = timedelta()
    second_log: BattleLog | None = None
    _used: set[datetime] = field(default_factory=set)
    _file_time: datetime | None = None
    _latest: datetime = START  # newest row of the current file
    _earliest: datetime = START  # earliest time of the next row there
    _places: dict[datetime, tuple[datetime, datetime]] = field(default_factory=dict)

    @classmethod
    def build(
        cls, host: GameHost, number: int, *, clock: Clock, seed: int, has_second_log: bool = False
    ) -> "Game":
        """Return a game with a day of history and today's file begun."""
        yesterday = read_wall_clock(clock).replace(hour=0, minute=0, second=0) - timedelta(days=1)
        battle = Battle(seed * 100 + number, players=PLAYERS, start=yesterday, deaths_per_day=HISTORY_ROWS)
        files = host.open_files(number, with_platforms=number % 2 == 1)
        chance = random.Random(seed * 100 + number)
        game = cls(number, files, battle, battle.rows(), clock, chance)
        game.history = [
            row for row in islice(game.rows, HISTORY_ROWS // 2) if row.written_at.date() == yesterday.date()
        ]
        if has_second_log:
            game.second_log = BattleLog(files.logs, battle, seed=seed * 100 + number, start=clock.now())
        files.append(*game.history)
        game.rotate()
        return game

    async def play(self) -> None:
        """Write a death, now and then a burst of them."""
        is_burst = self.chance.random() < BURST_CHANCE
        self.write(self.chance.randint(5, LONGEST_BURST) if is_burst else 1)

    def write(self, count: int) -> None:
        """Append deaths of this moment by the game's clock."""
        fresh = self._take(count)
        self.files.append(*fresh)
        self.in_file += fresh

    def rotate(self) -> None:
        """Begin a new file."""
        now = read_wall_clock(self.clock)
        before = self._file_time or now - timedelta(seconds=1)
        self._file_time = max(now, before + timedelta(seconds=1))
        self.files.start_file(self._file_time)
        self.in_file = []
        self._latest = self._earliest = START

    def cut_in_two(self) -> None:
        """Write a row in two halves, as a poll can find it in the middle of a write."""
        [row] = self._take(1)
        self.files.append_cut(row, kept_bytes=self.chance.randint(1, 60))
        self.files.finish_cut()
        self.in_file.append(row)

    def replace_file(self) -> None:
        """Replace the current file by one with the same rows and some new ones."""
        self.in_file += self._take(3)
        self.files.replace(*self.in_file)

    def shorten_file(self) -> None:
        """Remove rows of the current file, as a restored or emptied file does; the bot must read it again.

        New rows are later than the removed ones, because rows of one moment differ only by their position in
        the file.
        """
        self._earliest = self._latest + timedelta(seconds=1)
        kept = self.in_file[len(self.in_file) // 2 :] if self.chance.random() < 0.5 else []
        self.in_file = [*kept, *self._take(2)]
        self.files.rewrite(*self.in_file)

    def set_clock(self) -> None:
        """Set a new clock error of some minutes."""
        self.clock_error = timedelta(seconds=self.chance.randint(-WRONG_SECONDS, WRONG_SECONDS))

    def count(self) -> Count:
        """Return all figures.

        Rows count in the order of the bot's rules: by time, and within a file by position.
        """
        count = Count()
        for row in self.history:
            count.add(row)
        for row in sorted(self.written, key=lambda row: self._places[row.written_at]):
            count.add(row)
        return count

    def _take(self, count: int) -> list[DeathRow]:
        fresh: list[DeathRow] = []
        moment = max(read_wall_clock(self.clock) + self.clock_error, self._earliest)
        for row in islice(self.rows, count):
            while moment in self._used:
                moment += timedelta(seconds=1)
            self._used.add(moment)
            self._latest = max(self._latest, moment)  # the clock may have been set back by less than an hour
            self._places[moment] = self._latest, self._file_time or START
            fresh.append(row._replace(written_at=moment))
        self.written += fresh
        if self.second_log is not None:
            self.second_log.write_until(self.clock.now(), fresh)
        return fresh


def read_wall_clock(clock: Clock) -> datetime:
    """Return the time as a game writes it: UTC here, whole seconds, no zone."""
    return clock.now().replace(tzinfo=None, microsecond=0)
