"""``python -m simulation.soak [--minutes 5] [--seed 1]``: the whole bot under random faults.

Three communities share a game host with three game servers, which write deaths all the time. Every few
seconds something breaks: the bot or its MongoDB is killed, connections are cut, the host stalls or lies, its
files change, Discord answers with errors or drops the gateway, its disk is full, MongoDB's clock is set,
a backup is taken or restored. Each minute all faults end, and the written rows are compared with the stored,
counted and posted ones. Meanwhile a fourth community reads a hostile host all the time. Exit code 0 if no
check ever failed, else 1.
"""

import argparse
import asyncio
import logging
import random
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import structlog

from simulation.bot_process import BotFailedError
from simulation.discord import ImpossibleActionError, UnansweredError
from simulation.discord.openapi import find_obstacle
from simulation.soak.judge import is_settled, judge
from simulation.soak.ledgers import is_stored
from simulation.soak.town import TroubledTown, open_troubled_town
from simulation.soak.troubles import Troubles
from utils.clock import Clock, SystemClock
from utils.errors import StorageError

ROUND_SECONDS = 60.0
SETTLE_SECONDS = 180.0  # the longest pauses between two tries are one or two minutes
QUIET_SECONDS = 2.0  # a second copy of a message would come in this time
MEAN_DEATH_SECONDS = 1.2
MEAN_CALM_SECONDS = 2.0
MEAN_QUESTION_SECONDS = 1.5
MEAN_HARM_SECONDS = 6.0


class Soak:
    """Rounds of troubles and checks."""

    def __init__(
        self, town: TroubledTown, troubles: Troubles, *, clock: Clock, chance: random.Random
    ) -> None:
        self._town = town
        self._troubles = troubles
        self._clock = clock
        self._chance = chance

    async def run(self, seconds: float) -> list[str]:
        """Go on for some seconds, or until a check fails; return the problems."""
        began = self._clock.monotonic()
        harm = asyncio.create_task(self._repeat(self._town.hostile.strike, MEAN_HARM_SECONDS, float("inf")))
        try:
            problems = await self._go_rounds(began, seconds)
        finally:
            harm.cancel()
            await asyncio.wait([harm])
        return problems or await self._judge_hostile()

    async def _go_rounds(self, began: float, seconds: float) -> list[str]:
        problems: list[str] = []
        while not problems and (left := seconds - (self._clock.monotonic() - began)) > 0:
            await self._disturb(min(ROUND_SECONDS, left))
            settling = self._clock.monotonic()
            problems = [*await self._settle(), *await self._ask_in_peace()]
            spent = self._clock.monotonic() - settling
            self._report(self._clock.monotonic() - began, spent, problems)
        return problems

    async def _disturb(self, seconds: float) -> None:
        """Run deaths, commands and troubles for some seconds, then end all troubles."""
        ends_at = self._clock.monotonic() + seconds
        async with asyncio.TaskGroup() as group:
            for game in self._town.games.values():
                group.create_task(self._repeat(game.play, MEAN_DEATH_SECONDS, ends_at))
            group.create_task(self._repeat(self._ask, MEAN_QUESTION_SECONDS, ends_at))
            group.create_task(self._repeat(self._troubles.strike, MEAN_CALM_SECONDS, ends_at))
        await self._troubles.mend()

    async def _repeat(self, work: Callable[[], Awaitable[None]], mean_pause: float, ends_at: float) -> None:
        while self._clock.monotonic() < ends_at:
            await self._clock.sleep(self._chance.expovariate(1 / mean_pause))
            await work()

    async def _ask(self) -> None:
        with suppress(UnansweredError, ImpossibleActionError):  # commands fail while it is down
            await self._town.ask_anything()

    async def _judge_hostile(self) -> list[str]:
        """End the hostilities and check that the host's next row is stored."""
        await self._town.hostile.mend()
        row = self._town.hostile.write_good_row()
        deadline = self._clock.monotonic() + SETTLE_SECONDS
        while self._clock.monotonic() < deadline:
            with suppress(StorageError):
                if await is_stored(self._town, row):
                    return []
            await self._clock.sleep(1.0)
        return ["the last row of the hostile host is not stored"]

    async def _settle(self) -> list[str]:
        """Wait until everything arrived, then judge."""
        deadline = self._clock.monotonic() + SETTLE_SECONDS
        while self._clock.monotonic() < deadline:
            with suppress(StorageError):
                if await is_settled(self._town):
                    break
            await self._clock.sleep(1.0)
        await self._clock.sleep(QUIET_SECONDS)
        return await judge(self._town)

    async def _ask_in_peace(self) -> list[str]:
        """Check that the bot answers commands while nothing disturbs it."""
        try:
            await self._town.world.gateway.wait_until_connected(SETTLE_SECONDS)
            for _ in range(3):
                await self._town.ask_anything()
        except (UnansweredError, TimeoutError) as error:
            return [str(error)]
        return []

    def _report(self, seconds: float, settling: float, problems: list[str]) -> None:
        town = self._town
        written = sum(len(game.written) for game in town.games.values())
        posted = sum(len(registration.list_posted()) for registration in town.registrations)
        say(
            f"{seconds / 60:5.1f} min: {written} deaths written, {posted} posts in {len(town.registrations)} "
            f"feeds, {town.answered} of {town.asked} commands answered, {self._troubles.struck.total()} "
            f"troubles, settled in {settling:.0f} s, {town.bot.read_memory_megabytes()} MB, "
            f"{len(problems)} problems"
        )


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


async def soak(minutes: float, seed: int, folder: Path, *, with_calls: bool, has_second_log: bool) -> int:
    """Run, print the verdict and return the exit code."""
    clock = SystemClock()
    say(f"seed {seed}, {minutes:g} minutes; the bot's data: {folder}")
    if obstacle := find_obstacle():
        say(obstacle)
    async with open_troubled_town(folder, seed=seed, clock=clock, has_second_log=has_second_log) as town:
        troubles = Troubles(town, random.Random(seed + 1), with_calls)
        run = Soak(town, troubles, clock=clock, chance=random.Random(seed + 2))
        problems = await run.run(minutes * 60)
        for name, times in sorted((troubles.struck + town.hostile.done).items()):
            say(f"  {times:4} x {name}")
        for problem in problems:
            say(f"WRONG: {problem}")
        if problems:
            say(f"the last words of the bot:\n{town.bot.read_last_words()}")
    say("VERDICT: " + ("not to be trusted" if problems else "every death once, in order, counted right"))
    return 1 if problems else 0


async def run_until_signal(
    minutes: float, seed: int, folder: Path, *, with_calls: bool, has_second_log: bool
) -> int:
    """Run until the end or a signal; a signal ends it without a verdict."""
    work = asyncio.create_task(
        soak(minutes, seed, folder, with_calls=with_calls, has_second_log=has_second_log)
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    try:
        return await work
    except BotFailedError as failure:
        say(f"WRONG: {failure}")
        return 1
    except asyncio.CancelledError:
        say("ended without a verdict")
        return 1


def main() -> int:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m simulation.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0, help="how long it lasts, about")
    parser.add_argument("--seed", type=int, default=None, help="the same seed writes and breaks the same")
    parser.add_argument("--keep", type=Path, default=None, help="a new folder for the data, which stays")
    parser.add_argument(
        "--calls",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="back up, restore, fill the disk",
    )
    parser.add_argument("--deadside-log", action="store_true", help="the games write Deadside.log as well")
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    seed = random.SystemRandom().randrange(1_000_000) if arguments.seed is None else arguments.seed
    run = partial(
        run_until_signal,
        arguments.minutes,
        seed,
        with_calls=arguments.calls,
        has_second_log=arguments.deadside_log,
    )
    if arguments.keep is not None:
        arguments.keep.mkdir(parents=True)
        return asyncio.run(run(arguments.keep))
    with tempfile.TemporaryDirectory(prefix="killfeed-soak-") as folder:
        return asyncio.run(run(Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
