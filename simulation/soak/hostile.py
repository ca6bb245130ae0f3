"""A hostile game host. One community reads it, and no other community may be affected.

Its hostilities go on while the soak runs, with short breaks. At the end they stop, one good row is written
after all the earlier ones, and the bot must store that row.
"""

import os
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from simulation.game_host.battle import Battle
from simulation.game_host.host import GameHost
from simulation.game_host.log_files import GameServerFiles
from simulation.soak.games import read_wall_clock
from utils.clock import Clock
from utils.models.deaths import DeathRow

NUMBER = 66
PLAYER = "0002" + "a" * 27
LINE_FEEDS = 500_000
BYTES_WITHOUT_LINE_FEED = 8 * 1024 * 1024
SPARSE_BYTES = 100 * 1024**3
LONG_NAME_CHARACTERS = 1_850
LONG_ROWS = 500
LINKS = 500
MESSAGES = 200
MESSAGE_CHARACTERS = 30_000
SHORTEST_SECONDS, LONGEST_SECONDS = 1.0, 8.0

FAR_ROWS = "".join(
    f"{time};A;{PLAYER}a;B;{PLAYER}b;AK-SU;9;PS5;PS5;\n"
    for time in ("0001.01.01-00.00.00", "1969.12.31-23.59.59", "2199.01.01-00.00.00", "9999.12.31-23.59.59")
).encode()
"""Rows with impossible times; the bot rejects them at any position."""

Hostility = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class HostileHost:
    """A hostile host with the log of one game server.

    Attributes:
        done: the number of tries of each hostility.
    """

    host: GameHost
    files: GameServerFiles
    battle: Battle
    clock: Clock
    chance: random.Random
    done: Counter[str] = field(default_factory=Counter)
    _litter: list[Path] = field(default_factory=list)

    @classmethod
    def build(cls, host: GameHost, *, clock: Clock, seed: int) -> "HostileHost":
        """Return a host with a small readable log, so that a community can add it."""
        files = host.open_files(NUMBER)
        battle = Battle(seed, players=5, start=read_wall_clock(clock) - timedelta(minutes=5))
        one = cls(host, files, battle, clock, random.Random(seed))
        one.write_good_row()
        return one

    def write_good_row(self) -> DeathRow:
        """Write a death like any other into a new file, and return it."""
        now = read_wall_clock(self.clock)
        self.files.start_file(now)
        row = next(Battle(self.chance.randrange(10**6), players=5, start=now).rows())
        self.files.append_bytes(self.files.encode(row))
        return row

    async def strike(self) -> None:
        """Do one hostile thing, then end it."""
        kinds: Mapping[str, Hostility] = {
            "half a megabyte of line feeds": self._write_line_feeds,
            "8 MiB without a line feed": self._write_no_line_feed,
            "a file of 100 GB that holds nothing": self._write_sparse,
            "names of 1,850 characters": self._write_long_names,
            "dates far from now": self._write_wrong_dates,
            "names that are no UTF-8": self._make_strange_names,
            "links to nowhere": self._make_links,
            "a folder without end": self._list_without_end,
            "entries that are garbled": self._garble_lists,
            "no types of files": self._hide_types,
            "answers of one byte": self._answer_bytewise,
            "messages without end": self._send_messages,
        }
        name = self.chance.choice(list(kinds))
        self.done[name] += 1
        await kinds[name]()

    async def mend(self) -> None:
        """End the hostilities; delete files that only fill the disk."""
        self.host.faults.clear()
        for path in self._litter:
            path.unlink(missing_ok=True)
        self._litter.clear()

    async def _wait(self) -> None:
        await self.clock.sleep(self.chance.uniform(SHORTEST_SECONDS, LONGEST_SECONDS))

    # files

    async def _write_line_feeds(self) -> None:
        self.files.append_bytes(b"\n" * LINE_FEEDS)

    async def _write_no_line_feed(self) -> None:
        self.files.append_bytes(b"x" * BYTES_WITHOUT_LINE_FEED)
        await self._wait()
        self.files.append_bytes(b"\n")

    async def _write_sparse(self) -> None:
        self.files.start_file(read_wall_clock(self.clock))
        self._litter.append(self.files.current())
        self.files.truncate(SPARSE_BYTES)
        await self._wait()
        await self.mend()
        self.write_good_row()

    async def _write_long_names(self) -> None:
        name = "N" * LONG_NAME_CHARACTERS
        now = f"{read_wall_clock(self.clock):%Y.%m.%d-%H.%M.%S}"
        for index in range(LONG_ROWS):
            line = f"{now};{name}{index};{PLAYER}c;V;{PLAYER}d;AK-SU;9;PS5;PS5;\n"
            self.files.append_bytes(line.encode())

    async def _write_wrong_dates(self) -> None:
        self.files.append_bytes(FAR_ROWS)

    # answers

    async def _make_strange_names(self) -> None:
        path = self.files.deathlogs / os.fsdecode(b"n\xf6tes.csv")
        path.write_bytes(b"")
        self._litter.append(path)
        await self._wait()

    async def _make_links(self) -> None:
        for index in range(LINKS):
            path = self.files.deathlogs / f"nowhere{index}.csv"
            if not path.is_symlink():
                path.symlink_to(f"/nowhere/{index}")
                self._litter.append(path)
        await self._wait()

    async def _list_without_end(self) -> None:
        self.host.faults.endless_folders = self._list_folders()
        await self._wait()
        self.host.faults.endless_folders = set()

    async def _garble_lists(self) -> None:
        self.host.faults.garbled_folders = self._list_folders()
        await self._wait()
        self.host.faults.garbled_folders = set()

    async def _hide_types(self) -> None:
        self.host.faults.hide_types = True
        await self._wait()
        self.host.faults.hide_types = False

    def _list_folders(self) -> set[str]:
        """Return the folders with logs, as the bot names them."""
        world = self.files.current().parent
        return {str(folder.relative_to(self.host.root_folder)) for folder in (world, world.parent)}

    async def _answer_bytewise(self) -> None:
        self.host.faults.short_reads = 1
        await self._wait()
        self.host.faults.short_reads = None

    async def _send_messages(self) -> None:
        for _ in range(MESSAGES):
            self.host.send_debug_messages("x" * MESSAGE_CHARACTERS)
            await self.clock.sleep(0.01)
