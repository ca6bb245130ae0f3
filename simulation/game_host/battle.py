"""A battle: seeded deaths that look like those of real days.

Few players make most of the deaths, as on real servers, so streaks and rivalries occur. About one row in
sixty has the same second as the previous row, and half of those are mutual kills.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from simulation.game_host.arsenal import CAUSES, LONGEST_METRES, Cause
from simulation.game_host.log_files import WRITTEN_AT
from utils.models.deaths import DeathKind, DeathRow
from utils.models.scope import PlayerId

SECONDS_OF_A_DAY = 86_400
SAME_SECOND_SHARE = 0.018  # 47 of 2,650 rows
PLATFORMS = ("PS5", "PS5", "XSX")
BATCH = 5_000

_SYLLABLES = (
    *("Mar", "sh", "Ot", "ter", "Pik", "el", "Bad", "ger", "Fal", "con", "Sta", "tic", "Echo", "Wolf"),
    *("Hol", "low", "Iron", "Ka", "zak", "Il", "lI", "Nor", "Tai", "ga", "Vod", "ka", "Mlsn", "o"),
)
_JOINTS = ("", "", "", "", "_", "-", " ")
_ENDINGS = ("", "", "", "_", "7", "42", "88", "015", "_x")


@dataclass(frozen=True, slots=True)
class Fighter:
    """A player of the battle."""

    id: PlayerId
    name: str
    platform: str


class Fight(NamedTuple):
    """One death without its time, for rows and for bulk files."""

    killer: Fighter
    victim: Fighter
    cause: Cause
    metres: int


class Battle:
    """An endless sequence of deaths. The same arguments make the same battle.

    Attributes:
        fighters: the players, the most active first.
    """

    def __init__(
        self,
        seed: int = 1,
        *,
        players: int = 600,
        start: datetime = datetime(2025, 5, 1),  # noqa: DTZ001 - logs carry no zone
        deaths_per_day: float = 530,
    ) -> None:
        self._random = random.Random(seed)
        self._start = start
        self._deaths_per_day = deaths_per_day
        self.fighters = _make_fighters(self._random, players)
        # a few regulars and many occasional players, so activity falls with the rank
        self._activity = list(accumulate(1 / (rank + 8) for rank in range(players)))
        self._causes = list(accumulate(cause.weight for cause in CAUSES))

    def rows(self) -> Iterator[DeathRow]:
        """Yield deaths in order of time, without end."""
        moment = self._start
        dead: set[PlayerId] = set()
        fights = self._fights()
        last: Fight | None = None
        while True:
            if last is not None and self._random.random() < SAME_SECOND_SHARE:
                fight = self._answer(last, next(fights))
            else:
                gap = 1 + self._random.expovariate(self._deaths_per_day / SECONDS_OF_A_DAY)
                moment += timedelta(seconds=int(gap))
                dead.clear()
                fight = next(fights)
            if fight.victim.id not in dead:  # no player dies twice in a second
                dead.add(fight.victim.id)
                last = fight
                yield build_row(fight, moment)

    def write_files(
        self, folder: Path, *, rows: int, days: int, with_platforms: bool = True
    ) -> tuple[Path, ...]:
        """Write the files of a world: ``rows`` rows in ``days`` days, as fast as possible."""
        folder.mkdir(parents=True, exist_ok=True)
        fights = self._fights()
        paths: list[Path] = []
        for day in range(days):
            count = rows * (day + 1) // days - rows * day // days
            midnight = self._start.replace(hour=0, minute=0, second=0) + timedelta(days=day)
            path = folder / f"{midnight.strftime(WRITTEN_AT)}.csv"
            with path.open("w", encoding="ascii", newline="\n") as file:
                file.writelines(self._render_day(midnight, count, fights, with_platforms=with_platforms))
            paths.append(path)
        return tuple(paths)

    def _render_day(
        self, midnight: datetime, count: int, fights: Iterator[Fight], *, with_platforms: bool
    ) -> Iterator[str]:
        """Yield the lines of one day, without a second death of a victim in the same second."""
        date = midnight.strftime("%Y.%m.%d-")
        second = -1
        clock = ""
        dead: set[PlayerId] = set()
        for moment in sorted(self._random.choices(range(SECONDS_OF_A_DAY), k=count)):
            if moment != second:
                second, dead = moment, set()
                clock = f"{date}{moment // 3600:02}.{moment // 60 % 60:02}.{moment % 60:02};"
            fight = next(fights)
            while fight.victim.id in dead:
                fight = next(fights)
            dead.add(fight.victim.id)
            yield clock + _render_fight(fight, with_platforms=with_platforms)

    def _fights(self) -> Iterator[Fight]:
        """Yield fights, drawn in batches, which is several times faster than one by one."""
        while True:
            killers = self._random.choices(self.fighters, cum_weights=self._activity, k=BATCH)
            victims = self._random.choices(self.fighters, cum_weights=self._activity, k=BATCH)
            causes = self._random.choices(CAUSES, cum_weights=self._causes, k=BATCH)
            for killer, victim, cause in zip(killers, victims, causes, strict=True):
                if cause.kind.is_suicide:
                    yield Fight(victim, victim, cause, 0)
                elif killer is not victim:
                    yield Fight(killer, victim, cause, self._choose_distance(cause))

    def _choose_distance(self, cause: Cause) -> int:
        if cause.kind is not DeathKind.KILL or not cause.metres:
            return cause.metres
        return min(LONGEST_METRES, int(-cause.metres * math.log(1.0 - self._random.random())))

    def _answer(self, last: Fight, other: Fight) -> Fight:
        """Return a death of the same second: the victim's revenge, or the death of another player."""
        is_mutual = last.cause.kind is DeathKind.KILL and self._random.random() < 0.5
        return Fight(last.victim, last.killer, last.cause, last.metres) if is_mutual else other


def build_row(fight: Fight, moment: datetime) -> DeathRow:
    """Return a death as the bot's own value."""
    killer = fight.killer if fight.cause.kind is not DeathKind.UNKNOWN else None
    return DeathRow(
        written_at=moment,
        kind=fight.cause.kind,
        killer_id=killer.id if killer else None,
        killer_name=killer.name if killer else "",
        victim_id=fight.victim.id,
        victim_name=fight.victim.name,
        weapon=fight.cause.weapon,
        distance=fight.metres,
        killer_platform=killer.platform if killer else "",
        victim_platform=fight.victim.platform,
    )


def _render_fight(fight: Fight, *, with_platforms: bool) -> str:
    """Return a line without its time; this is a fast ``render_row``, and both must agree."""
    killer, victim, cause, metres = fight
    killer_columns, killer_platform = f"{killer.name};{killer.id}", killer.platform
    if cause.kind is DeathKind.UNKNOWN:
        killer_columns, killer_platform = ";", ""
    platforms = f"{killer_platform};{victim.platform};" if with_platforms else ""
    return f"{killer_columns};{victim.name};{victim.id};{cause.weapon};{metres};{platforms}\n"


def _make_fighters(rng: random.Random, count: int) -> list[Fighter]:
    """Make players with different names of 4 to 16 characters, as consoles allow them."""
    names: dict[str, None] = {}
    while len(names) < count:
        name = rng.choice(_SYLLABLES) + rng.choice(_JOINTS) + "".join(rng.choices(_SYLLABLES, k=2))
        name = (name + rng.choice(_ENDINGS))[:16].strip()
        if len(name) >= 4:
            names[name] = None
    return [
        Fighter(PlayerId(f"0002{rng.getrandbits(112):028x}"), name, rng.choice(PLATFORMS)) for name in names
    ]
