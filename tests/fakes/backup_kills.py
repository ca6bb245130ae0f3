"""Scheduled backups in processes of their own that are killed at drawn moments, and what is there afterwards.

``python -m tests.fakes.backup_kills URI DATABASE FOLDER KILLS`` lets a day pass again and again. Each time a
child of this process makes the backup that is due, and is killed before a drawn command or some milliseconds
later. At the end one child makes its backup. This process reads every listed backup after each of them.
"""

import sys
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random

from pymongo import monitoring

from tests.fakes.backups import finish
from tests.fakes.clock import START, FakeClock
from tests.fakes.forked import KILLED, end_process, expect
from tests.fakes.moments import LONGEST_DELAY, Moment
from tests.utils.backup.test_backups import Setup, run_until
from utils.backup.archive import list_archives
from utils.backup.checking import check_files
from utils.clock import SystemClock
from utils.database.process.connection import SafeMongoDBConnection


class Days:
    """The days of one database."""

    def __init__(self, uri: str, name: str, folder: Path) -> None:
        self._uri, self._name, self._folder = uri, name, folder
        self._places = (folder / "backups", folder / "other")
        self._moment = Moment()
        self._random = Random(7)

    def run(self, kills: int) -> None:
        """Let all days pass."""
        self._places[1].mkdir()
        expect(0, partial(self._back_up, 0, 0, 0.0), "the first day")
        commands = int((self._folder / "commands").read_text())
        for day in range(1, kills + 1):
            number = 1 + int((commands - 1) * (day - self._random.random()) / kills)
            delay = self._random.choice((0.0, self._random.uniform(0, LONGEST_DELAY)))
            expect(KILLED, partial(self._back_up, day, number, delay), f"day {day}")
            self._check()
        expect(0, partial(self._back_up, kills + 1, 0, 0.0), "the last day")
        self._check()
        left = [path.name for place in self._places for path in place.iterdir() if path.name[0] == "."]
        home, other = ([archive.id for archive in list_archives(place)] for place in self._places)
        sys.stdout.write(f"\nfound: leftovers: {left}, the same in both places: {home == other}\n")

    def _check(self) -> None:
        """Read every listed backup of every place, and print the number of those at home."""
        for place in self._places:
            for archive in list_archives(place):
                finish(check_files(archive))
        sys.stdout.write(f"\nfound: {len(list_archives(self._places[0]))}\n")
        sys.stdout.flush()

    async def _back_up(self, day: int, number: int, delay: float) -> None:
        """Run the schedule on a day until its backup is in both places, or until the moment."""
        monitoring.register(self._moment)
        connection = SafeMongoDBConnection(self._uri, database=self._name, clock=SystemClock())
        now = START + timedelta(days=day)
        setup = Setup(self._folder, await connection.open(), FakeClock(now))
        if day == 0:
            await setup.fill()
        before = self._moment.seen
        self._moment.act, self._moment.left = partial(end_process, delay=delay), number

        def is_done() -> bool:
            return (
                all(
                    any(archive.manifest.started_at >= now for archive in list_archives(place))
                    for place in self._places
                    if place.exists()
                )
                and setup.home.exists()
            )

        await run_until(setup, setup.manager, is_done)
        if number:  # the delay is longer than what was left to do
            end_process()
        (self._folder / "commands").write_text(str(self._moment.seen - before))
        await connection.close()


if __name__ == "__main__":
    uri, database, folder, number = sys.argv[1:]
    Days(uri, database, Path(folder)).run(int(number))
