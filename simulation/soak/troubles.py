"""Troubles: everything of the soak that goes wrong, each for some seconds."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from simulation.discord import Fault, ImpossibleActionError, Member, UnansweredError
from simulation.small_disk import filled_disk
from simulation.soak.games import Game
from simulation.soak.hostile import FAR_ROWS
from simulation.soak.ledgers import broken_audit, is_all_stored
from simulation.soak.operating import Calls
from simulation.soak.town import TroubledTown
from utils.errors import StorageError

POSTING = "/channels/{channel_id}/messages"
# the bot reconnects
CLOSE_CODES = (1000, 1001, 4000, 4001, 4002, 4003, 4005, 4007, 4008, 4009)
LONGEST_SECONDS = 5.0
STORM_ADMINS = 40
READ_SECONDS = 60.0
START_SECONDS = 180.0  # a start waits for a mongod that ends slowly
FARTHEST_SECONDS = 40  # between MongoDB's clock and the bot's; leases are for 20 seconds

Trouble = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Troubles:
    """Causes troubles at random, and ends all of them.

    Attributes:
        with_calls: whether backups, restores and a full disk are among them, which take a minute each.
        struck: the number of times per trouble.
    """

    town: TroubledTown
    chance: random.Random
    with_calls: bool
    struck: Counter[str] = field(default_factory=Counter)

    async def strike(self) -> None:
        """Cause one trouble and return when it is over."""
        kinds: Mapping[str, Trouble] = {
            "bot killed": self._kill_bot,
            "mongod killed": self._kill_database,
            "connections cut": self._cut_connections,
            "cut while reading": self._cut_while_reading,
            "host stalls": self._stall,
            "host slow, short reads": self._slow_down,
            "host lies about sizes": self._lie,
            "host down": self._stop_host,
            "new file": self._rotate,
            "file replaced": self._replace,
            "file shortened": self._shorten,
            "host's clock set": self._set_clock,
            "row cut in two": self._cut_row,
            "dates far from now": self._write_wrong_dates,
            "Discord answers 429": self._limit,
            "Discord answers 5xx": self._fail,
            "Discord cuts": self._cut_requests,
            "Discord away": self._leave,
            "gateway drops": self._drop_gateway,
            "gateway session invalid": self._invalidate,
            "storm of errors": self._storm,
            **(self._list_operating() if self.with_calls else {}),
        }
        name = self.chance.choice(list(kinds))
        self.struck[name] += 1
        await kinds[name]()

    def _list_operating(self) -> Mapping[str, Trouble]:
        """Return the calls of the command line, and what the machine allows to do to it."""
        kinds: dict[str, Trouble] = {
            "backup": self._back_up,
            "backup killed": self._kill_backup,
            "all restored": self._restore_all,
            "community restored": self._restore_community,
        }
        if self.town.has_small_disk:
            kinds["full disk"] = self._fill_disk
        if self.town.database_clock.program is not None:
            kinds["database's clock set"] = self._set_database_clock
        return kinds

    async def mend(self) -> None:
        """End all troubles, so that everything runs and answers."""
        town = self.town
        town.world.faults.clear()
        town.world.gateway.refuses_resumes = False
        town.host.faults.clear()
        if not town.host.is_up:
            await town.host.start()
        town.database_clock.set(0)
        for game in town.games.values():
            game.clock_error *= 0
        if not town.bot.is_running:
            await town.bot.start(is_awaited=False)

    async def _wait(self, longest: float = LONGEST_SECONDS) -> None:
        await self.town.clock.sleep(self.chance.uniform(0.1, longest))

    # the bot and its database

    async def _kill_bot(self) -> None:
        await self.town.bot.kill()
        await self._wait(1.0)
        await self.town.bot.start(is_awaited=False)
        await self._wait()

    async def _kill_database(self) -> None:
        self.town.bot.kill_mongod()
        await self._wait()

    async def _set_database_clock(self) -> None:
        self.town.database_clock.set(self.chance.randint(-FARTHEST_SECONDS, FARTHEST_SECONDS))
        await self._wait()
        self.town.database_clock.set(0)

    async def _fill_disk(self) -> None:
        with filled_disk(self.town.bot.data_dir):
            await self._wait()

    # the command line

    async def _open_calls(self) -> Calls:
        """Wait until the bot has started: a call that takes its data folder first would keep it from that."""
        await self.town.world.gateway.wait_until_connected(START_SECONDS)
        return Calls(self.town.bot, self.town.folder)

    async def _back_up(self) -> None:
        await (await self._open_calls()).run("backup")

    async def _kill_backup(self) -> None:
        call = await (await self._open_calls()).begin("backup")
        await self._wait(2 * LONGEST_SECONDS)
        call.kill()
        await call.wait()

    async def _restore_all(self) -> None:
        await (await self._open_calls()).restore("latest")

    async def _restore_community(self) -> None:
        community, _ = self.chance.choice(self.town.players)
        await (await self._open_calls()).restore("latest", "--guild", str(community.guild.id))

    async def _storm(self) -> None:
        """Let many commands of a community fail at once by an unexpected error."""
        community, _ = self.chance.choice(self.town.players)
        admins = [self.town.add_admin(community) for _ in range(STORM_ADMINS)]

        async def ask(admin: Member) -> None:
            with suppress(UnansweredError, ImpossibleActionError):
                await admin.ask(community.office, "/admin audit")

        with suppress(StorageError):
            async with broken_audit(self.town, community.guild.id):
                await asyncio.gather(*map(ask, admins))

    # the game host

    async def _cut_connections(self) -> None:
        self.town.host.cut_connections()

    async def _cut_while_reading(self) -> None:
        self.town.host.faults.cut_after_bytes = self.chance.randint(0, 3000)
        await self._wait()
        self.town.host.faults.cut_after_bytes = None

    async def _stall(self) -> None:
        self.town.host.faults.stall(self.chance.choice(["stat", "open", "read", "close", "list"]))
        await self._wait()
        self.town.host.faults.resume()

    async def _slow_down(self) -> None:
        faults = self.town.host.faults
        faults.slow_seconds, faults.short_reads = self.chance.uniform(0.01, 0.3), self.chance.randint(1, 200)
        await self._wait()
        faults.slow_seconds, faults.short_reads = 0.0, None

    async def _lie(self) -> None:
        self.town.host.faults.size_lie = self.chance.randint(-500, 500)
        await self._wait()
        self.town.host.faults.size_lie = 0

    async def _stop_host(self) -> None:
        await self.town.host.stop()
        await self._wait()
        await self.town.host.start()

    # the files of the games

    async def _rotate(self) -> None:
        self.chance.choice(list(self.town.games.values())).rotate()

    async def _replace(self) -> None:
        game = self.chance.choice(list(self.town.games.values()))
        game.replace_file()
        await self._let_read(game)

    async def _shorten(self) -> None:
        """Remove stored rows from a file. Unread rows must stay, because otherwise they would be lost."""
        game = self.chance.choice(list(self.town.games.values()))
        written = len(game.written)
        if await is_all_stored(self.town, game) and len(game.written) == written:
            game.shorten_file()
            await self._let_read(game)

    async def _let_read(self, game: Game) -> None:
        """Wait until the bot has read a rewritten file: a restore takes its unread rows for history."""
        with suppress(TimeoutError):
            async with asyncio.timeout(READ_SECONDS):
                while not await is_all_stored(self.town, game):
                    await self.town.clock.sleep(1.0)

    async def _set_clock(self) -> None:
        self.chance.choice(list(self.town.games.values())).set_clock()

    async def _cut_row(self) -> None:
        self.chance.choice(list(self.town.games.values())).cut_in_two()

    async def _write_wrong_dates(self) -> None:
        self.chance.choice(list(self.town.games.values())).files.append_bytes(FAR_ROWS)

    # Discord

    async def _limit(self) -> None:
        seconds = self.chance.uniform(0.1, 2.0)
        is_global = self.chance.random() < 0.3
        await self._break_requests(Fault(status=429, retry_after=seconds, is_global=is_global, times=2))

    async def _fail(self) -> None:
        status = self.chance.choice([500, 502, 503])
        await self._break_requests(Fault(status=status, times=self.chance.randint(1, 7)))

    async def _cut_requests(self) -> None:
        cut: Literal["before", "after"] = "before" if self.chance.random() < 0.4 else "after"
        await self._break_requests(Fault(cut=cut, times=self.chance.randint(1, 3)))

    async def _break_requests(self, fault: Fault) -> None:
        """Break posting messages; now and then every request."""
        if self.chance.random() < 0.8:
            fault.method, fault.route = "POST", POSTING
        self.town.world.faults.add(fault)
        await self._wait()

    async def _leave(self) -> None:
        async with self.town.world.outage():
            await self._wait()

    async def _drop_gateway(self) -> None:
        gateway = self.town.world.gateway
        if self.chance.random() < 0.2:
            await gateway.request_reconnect()
        else:
            await gateway.drop(self.chance.choice([None, *CLOSE_CODES]))

    async def _invalidate(self) -> None:
        gateway = self.town.world.gateway
        if self.chance.random() < 0.5:
            gateway.refuses_resumes = True
            await gateway.drop()
            await self._wait()
            gateway.refuses_resumes = False
        else:
            await gateway.invalidate_sessions(resumable=self.chance.random() < 0.5)
