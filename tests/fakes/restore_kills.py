"""Restores in processes of their own that die or stand still at drawn moments, and what others find then.

``python -m tests.fakes.restore_kills URI DATABASE FOLDER KIND KILLS STOPS`` restores a backup again and
again, all of it or one guild (the kind is ``whole`` or ``guild``). KILLS and STOPS are the parts of a restore
in which a moment is drawn, as JSON. Each time a child of this process stores the data of before again,
restores, and is killed at a drawn moment: before a command is sent, or some milliseconds later. Then the next
child does what the next start does, and prints whether it finds the old or the new data. At other drawn
moments the child is stopped, and wakes only after another process has ended the restore and has written
something of its own.

Everything happens in children, so that this process has no client when it forks. The moments come from a
seed; where a delay ends depends on the machine, and the result never does.
"""

import json
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from random import Random

import bson
from pymongo import monitoring

from tests.fakes.forked import KILLED, end_process, expect, fork, resume, wait_until_stopped
from tests.fakes.moments import LONGEST_DELAY, Moment
from tests.fakes.restored_town import (
    GUILDS,
    TownSetup,
    build,
    describe,
    find_archive,
    finish_as_another,
    read_all,
    store_all,
    write_like_a_bot,
)
from utils.clock import SystemClock
from utils.database.core.indexes import ensure_indexes
from utils.database.process.connection import SafeMongoDBConnection

Parts = Sequence[tuple[float, float]]


class Rounds:
    """The rounds of one kind."""

    def __init__(self, uri: str, name: str, folder: Path, kind: str) -> None:
        self._uri, self._name, self._folder, self._kind = uri, name, folder, kind
        self._random = Random(kind)
        self._moment = Moment()

    def run(self, kills: Parts, stops: Parts) -> None:
        """Go all rounds.

        Raises:
            RuntimeError: a child failed.
        """
        self._expect(0, self._prepare)
        commands = int((self._folder / "commands").read_text())
        for number in self._draw(commands - 3, kills):
            delay = self._random.choice((0.0, self._random.uniform(0, LONGEST_DELAY)))
            self._expect(KILLED, partial(self._restore, number, partial(end_process, delay=delay)))
            self._expect(0, self._look)
        for number in self._draw(commands - 3, stops):
            stop = partial(end_process, signal.SIGSTOP)
            sleeper = fork(partial(self._do, partial(self._restore, number, stop)), is_quiet=True)
            wait_until_stopped(sleeper)
            self._expect(0, self._go_on_without)
            resume(sleeper)
            self._expect(0, self._compare)

    def _draw(self, commands: int, parts: Parts) -> Iterator[int]:
        """Draw the number of a command in each part; the number of the last ones may differ."""
        return (1 + int(commands * self._random.uniform(*part)) for part in parts)

    def _expect(self, code: int, work: Callable[[], Awaitable[None]]) -> None:
        expect(code, partial(self._do, work), work)

    async def _do(self, work: Callable[[], Awaitable[None]]) -> None:
        monitoring.register(self._moment)
        connection = SafeMongoDBConnection(self._uri, database=self._name, clock=SystemClock())
        self._database = await connection.open()
        await work()
        await connection.close()

    async def _prepare(self) -> None:
        """Build the data, and restore it once to know the result and the number of commands."""
        await ensure_indexes(self._database)
        await build(self._database, self._folder)
        self._write("old", await describe(self._database))
        (self._folder / "old.bson").write_bytes(bson.encode(await read_all(self._database)))
        before = self._moment.seen
        await self._begin(TownSetup(self._database, self._folder))
        (self._folder / "commands").write_text(str(self._moment.seen - before))
        self._write("new", await describe(self._database))

    async def _restore(self, number: int, act: Callable[[], object]) -> None:
        """Store the old data again, and restore until the moment."""
        await store_all(self._database, bson.decode((self._folder / "old.bson").read_bytes()))
        setup = TownSetup(self._database, self._folder)
        self._moment.act, self._moment.left = act, number
        await self._begin(setup)
        await SystemClock().sleep(LONGEST_DELAY * 10)

    async def _begin(self, setup: TownSetup) -> None:
        guild_id = GUILDS[0] if self._kind == "guild" else None
        await setup.restore(find_archive(self._folder), guild_id=guild_id)

    async def _look(self) -> None:
        """Do what the next start does, and print the state of the data."""
        await TownSetup(self._database, self._folder).recovery.recover(waits=False)
        self._tell(await self._judge())

    async def _go_on_without(self) -> None:
        """End the restore of the process that stands still, and begin to write like a bot."""
        await finish_as_another(self._database, self._folder)
        self._tell(await self._judge())
        await write_like_a_bot(self._database)
        self._write("written", await describe(self._database))

    async def _compare(self) -> None:
        """Print whether the process that has slept changed something."""
        found = await describe(self._database)
        changed = self._compare_with("written", found)
        self._tell(f"changed: {changed}" if changed else "unchanged")

    async def _judge(self) -> str:
        found = await describe(self._database)
        names = [name for name in ("old", "new") if found == self._read(name)]
        return names[0] if names else f"mixed: {self._compare_with('new', found)}"

    def _compare_with(self, name: str, found: str) -> list[str]:
        """Return the documents that are not as in a known state, and those that lack."""
        known, now = set(self._read(name).splitlines()), set(found.splitlines())
        return [*(f"+ {one}" for one in now - known), *(f"- {one}" for one in known - now)]

    def _write(self, name: str, described: str) -> None:
        (self._folder / name).write_text(described, "utf-8")

    def _read(self, name: str) -> str:
        return (self._folder / name).read_text("utf-8")

    def _tell(self, found: str) -> None:
        sys.stdout.write(f"\nfound: {found}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    uri, database, folder, kind, kills, stops = sys.argv[1:]
    Rounds(uri, database, Path(folder), kind).run(json.loads(kills), json.loads(stops))
