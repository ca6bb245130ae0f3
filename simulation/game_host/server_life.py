"""The life of a game server as its ``Deadside.log`` tells it: players, missions, airdrops, restarts, noise.

The same arguments make the same life, however its time is cut into steps. Players of a battle are given as
``present``: they come before the moment at which they fight. Proportions are those that were counted in a
real day (docs/DEADSIDE_LOG.md): about 18 lines a minute, 170 joins and 66 airdrops a day, a restart at 02:00
UTC.
"""

import heapq
import random
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from simulation.game_host import engine_lines as engine
from simulation.game_host.battle import Fighter
from simulation.game_host.engine_lines import Connection
from utils.models.missions import MISSIONS
from utils.models.scope import PlayerId

RESTART_HOUR = 2
DOWN = timedelta(seconds=90)  # real lines of three days begin 90 s after the hour
WORLD_READY = timedelta(seconds=14)
REGISTERED_AFTER = timedelta(milliseconds=202)  # as between the two real lines
STAYS_AFTER_FIGHT = timedelta(minutes=11)
LOGIN_SECONDS = 30.0
NOISE_SECONDS = 4.5
VISIT_SECONDS = 500.0  # 174 joins in a day
PLAY_SECONDS = 2_400.0
ABORTED_SHARE = 0.07
AIRDROP_SECONDS = 1_300.0  # 66 in a day

WAYS_TO_LEAVE = ("quit", "quit", "quit", "quit", "quit", "quit", "quit", "time-out", "reconnect", "kick")
GAMEPLAY_EVENTS = (
    "HelicrashManager_{0}_HelicrashEvent_{0}",
    "RoamingTraderManager_{0}_RoamingTraderEvent_{0}",
)

Action = Callable[[datetime], None]


class LogEntry(NamedTuple):
    """One line of the log.

    Attributes:
        at: when it is written (UTC).
        text: with its stamp, if it has one; without a line end.
        begins_run: it is the first line of a new file.
    """

    at: datetime
    text: str
    begins_run: bool = False


class ServerLife:
    """A life that begins with a start of the game server.

    Attributes:
        online: the connections of the players in the world.
        coming: those of the players who log in.
    """

    def __init__(self, seed: int, *, fighters: Sequence[Fighter], start: datetime, slots: int = 50) -> None:
        self.online: dict[PlayerId, Connection] = {}
        self._random = random.Random(seed)
        self._fighters = fighters
        self._slots = slots
        self._now = start
        self._is_up = True
        self._queue: list[tuple[datetime, int, Action]] = []
        self._count = 0
        self.coming: dict[PlayerId, Connection] = {}
        self._fought_at: dict[PlayerId, datetime] = {}
        self._written: list[LogEntry] = []
        self._begin_run(start, ())

    def live_until(self, moment: datetime, *, present: Collection[Fighter] = ()) -> list[LogEntry]:
        """Return the lines up to a moment (UTC); players who are present are in the world by then."""
        while (restart := find_restart(self._now)) <= moment:
            self._run(restart)
            self._restart(restart)
            self._now = restart
        share = min((moment - self._now).total_seconds() / (LOGIN_SECONDS + 1), 1.0)
        for fighter in present if self._is_up else ():
            self.coming.pop(fighter.id, None)  # a login that is too slow is given up for a faster one
            self._come(fighter, moment - timedelta(seconds=(LOGIN_SECONDS + 1) * share), share=share)
            self._fought_at[fighter.id] = moment
        self._run(moment)
        self._now = moment
        written, self._written = self._written, []
        return written

    def _run(self, moment: datetime) -> None:
        while self._queue and self._queue[0][0] <= moment:
            at, _, action = heapq.heappop(self._queue)
            action(at)

    def _plan(self, at: datetime, action: Action) -> None:
        self._count += 1
        heapq.heappush(self._queue, (at, self._count, action))

    def _plan_in(self, at: datetime, seconds: float, action: Action) -> None:
        self._plan(at + timedelta(seconds=seconds), action)

    def _draw(self, mean_seconds: float) -> float:
        return self._random.expovariate(1 / mean_seconds)

    def _write(self, at: datetime, lines: Sequence[str]) -> None:
        self._written += [LogEntry(at, engine.stamp(line, at)) for line in lines]

    def _restart(self, at: datetime) -> None:
        """End the run without a line about its players; they come back soon after the next start."""
        self._write(at, engine.write_end(at))
        were_there = [one.fighter for one in self.online.values()]
        self.online.clear()
        self.coming.clear()
        self._queue.clear()
        self._is_up = False
        self._plan(at + DOWN, partial(self._begin_run, back=were_there))

    def _begin_run(self, at: datetime, back: Sequence[Fighter]) -> None:
        self._is_up = True
        head = engine.write_head(at, slots=self._slots)
        self._written += [LogEntry(at, line, begins_run=line is head[0]) for line in head]
        self._plan(at + WORLD_READY, lambda at: self._write(at, engine.write_world_ready(at)))
        opened = at + WORLD_READY
        for fighter in back:
            self._plan_in(opened, 1 + self._draw(60), partial(self._come, fighter))
        self._plan_in(opened, self._draw(NOISE_SECONDS), self._make_noise)
        self._plan_in(opened, self._draw(VISIT_SECONDS), self._visit)
        self._plan_in(opened, self._draw(AIRDROP_SECONDS), self._fly)
        for mission in MISSIONS:
            self._plan_in(opened, self._draw(3_000), partial(self._open_mission, f"GA_{mission.ids[0]}"))
        for number, name in enumerate(GAMEPLAY_EVENTS):
            self._plan_in(opened, self._draw(2_000), partial(self._begin_event, name, number + 1))

    # players

    def _visit(self, at: datetime) -> None:
        """Let a player come, or give up at the check before the world."""
        self._plan_in(at, self._draw(VISIT_SECONDS), self._visit)
        fighter = self._random.choice(self._fighters)
        if fighter.id in self.online or fighter.id in self.coming:
            return
        if len(self.online) >= self._slots or self._random.random() < ABORTED_SHARE:
            connection = self._connect(fighter, is_beacon=True)
            self._write(at, engine.write_beacon(connection))
            self._plan_in(at, 5 + self._draw(60), partial(self._end_beacon, connection))
        else:
            self._come(fighter, at)

    def _connect(self, fighter: Fighter, *, is_beacon: bool = False) -> Connection:
        self._count += 1
        return Connection(fighter, self._count, is_beacon)

    def _come(self, fighter: Fighter, at: datetime, *, share: float = 1.0) -> None:
        """Let a player log in; ``share`` of the usual time is there for it."""
        if fighter.id in self.online or fighter.id in self.coming:
            return
        beacon, connection = self._connect(fighter, is_beacon=True), self._connect(fighter)
        self.coming[fighter.id] = connection
        self._plan(at, lambda at: self._write(at, engine.write_beacon(beacon)))
        self._plan_in(at, 2 * share, partial(self._end_beacon, beacon))
        self._plan_in(at, LOGIN_SECONDS * share, partial(self._ask_to_enter, connection))
        entered = at + timedelta(seconds=LOGIN_SECONDS * share)
        self._plan(entered + REGISTERED_AFTER * share, partial(self._enter, connection))

    def _end_beacon(self, connection: Connection, at: datetime) -> None:
        self._write(at, engine.write_beacon_end(connection))

    def _ask_to_enter(self, connection: Connection, at: datetime) -> None:
        if self.coming.get(connection.fighter.id) is connection:
            self._write(at, engine.write_entry(connection))

    def _enter(self, connection: Connection, at: datetime) -> None:
        if self.coming.get(connection.fighter.id) is not connection:
            return
        del self.coming[connection.fighter.id]
        self._write(at, engine.write_registration(connection.fighter))
        self.online[connection.fighter.id] = connection
        self._plan_in(at, 60 + self._draw(PLAY_SECONDS), partial(self._leave, connection))

    def _leave(self, connection: Connection, at: datetime) -> None:
        """Let a player leave in one of the ways, unless they fought a moment ago."""
        fighter = connection.fighter
        if self.online.get(fighter.id) is not connection:
            return
        fought_at = self._fought_at.get(fighter.id)
        if fought_at is not None and at < fought_at + STAYS_AFTER_FIGHT:
            self._plan(fought_at + STAYS_AFTER_FIGHT, partial(self._leave, connection))
            return
        del self.online[fighter.id]
        way = self._random.choice(WAYS_TO_LEAVE)
        if way == "time-out":
            self._write(at, engine.write_time_out(connection, at))
        elif way == "kick":
            self._write(at, engine.write_kick(connection))
        else:
            self._write(at, engine.write_departure(connection, at, reason="Quit"))
        if way == "reconnect":
            self._come(fighter, at + timedelta(seconds=3), share=0.6)

    # the world

    def _open_mission(self, mission_id: str, at: datetime) -> None:
        """Play one cycle of a mission: ready (now and then written twice), active, waiting, gone, back."""
        steps = [(0.0, "READY")]
        if self._random.random() < 0.2:
            steps.append((30.0, "READY"))
        steps += [(300 + self._draw(300), "ACTIVE"), (900 + self._draw(200), "WAITING")]
        for seconds, state in steps:
            self._plan_in(at, seconds, partial(self._switch, f"Mission {mission_id}", state))
        over, pause = steps[-1][0] + 120, self._random.randint(221, 1_303)
        gone = f"LogSFPS: Mission {mission_id} will respawn in {pause}"
        self._plan_in(at, over, lambda at: self._write(at, [gone]))
        self._plan_in(at, over + pause, partial(self._switch, f"Mission {mission_id}", "INITIAL"))
        self._plan_in(at, over + pause + 60 + self._draw(3_000), partial(self._open_mission, mission_id))

    def _switch(self, what: str, state: str, at: datetime) -> None:
        self._write(at, [f"LogSFPS: {what} switched to {state}"])

    def _fly(self, at: datetime) -> None:
        for seconds, state in ((0, "Flying"), (60, "Dropping"), (95, "Waiting"), (800, "Dead")):
            self._plan_in(at, seconds, partial(self._switch, "AirDrop", state))
        self._plan_in(at, 830 + self._draw(AIRDROP_SECONDS - 830), self._fly)

    def _begin_event(self, name: str, number: int, at: datetime) -> None:
        event = f"GameplayEvent {name.format(number)}"
        ends = 1_200 + self._draw(600)
        for seconds, state in ((0.0, "READY"), (90.0, "ACTIVE"), (ends, "INITIAL")):
            self._plan_in(at, seconds, partial(self._switch, event, state))
        self._plan_in(at, ends + 600 + self._draw(1_200), partial(self._begin_event, name, number))

    def _make_noise(self, at: datetime) -> None:
        self._plan_in(at, self._draw(NOISE_SECONDS), self._make_noise)
        number, share = self._random.randint(1, 40), self._random.random()
        state = self._random.choice(("ACTIVE", "INITIAL"))
        if share < 0.45:
            line = f"LogSFPS: PatrolPoint GA_Settle_{number:02}_PP_{number % 7} switched to {state}"
        elif share < 0.6:
            line = f"LogSFPSConstruction: Save constructibles {18_000 + number} {number / 5:.6f}ms"
        elif share < 0.75:
            line = f"LogSFPS: Encounter GA_Bunker_{number:02}_Enc{number % 5} switched to {state}"
        elif share < 0.85:
            line = f"LogSFPS: [ASFPSGameMode::CanSpawnVehicle] NewVehicles {number} Max 80"
        else:
            line = f"LogUObjectHash: Compacting FUObjectHashTables data took   {number / 50:.2f}ms"
        self._write(at, [line])


def find_restart(moment: datetime) -> datetime:
    """Return the first restart after a moment (UTC)."""
    today = moment.replace(hour=RESTART_HOUR, minute=0, second=0, microsecond=0)
    return today if moment < today else today + timedelta(days=1)
