"""Counts the rows of a log in the simplest way, as a check of the bot's own counts."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from utils.models.deaths import DeathRow

SUICIDE = "suicide"
DEATH = "death"
KILL = "kill"
AN_HOUR = timedelta(hours=1)


@dataclass(slots=True)
class Tally:
    """A player's figures."""

    name: str = ""
    kills: int = 0
    deaths: int = 0
    suicides: int = 0
    metres: int = 0
    longest: int = 0
    best_streak: int = 0
    current_streak: int = 0
    xp: int = 0

    def end_streak(self) -> None:
        """Count a death of the player's own, of any kind."""
        self.current_streak = 0

    def summarise(self) -> dict[str, int]:
        """Return the figures that are compared."""
        return {
            "kills": self.kills,
            "deaths": self.deaths,
            "suicides": self.suicides,
            "metres": self.metres,
            "longest": self.longest,
            "best_streak": self.best_streak,
            "current_streak": self.current_streak,
            "xp": self.xp,
        }


@dataclass(slots=True)
class Count:
    """The figures of all players, row by row; ``kills`` are the times of the kills of each pair."""

    players: dict[str, Tally] = field(default_factory=dict)
    seen: set[tuple[object, ...]] = field(default_factory=set)
    kills: dict[tuple[str, str], list[datetime]] = field(default_factory=dict)

    def add(self, row: DeathRow) -> None:
        """Count a row; the same row again is the same death."""
        key = (row.written_at, row.killer_id, row.victim_id, row.weapon, row.distance)
        if key in self.seen:
            return
        self.seen.add(key)
        victim = self._get(row.victim_id, row.victim_name)
        victim.end_streak()
        if row.killer_id == row.victim_id:
            victim.suicides += 1
            return
        victim.deaths += 1
        if row.killer_id is not None:
            self._add_kill(self._get(row.killer_id, row.killer_name), row)

    def _add_kill(self, killer: Tally, row: DeathRow) -> None:
        killer.kills += 1
        killer.metres += row.distance
        killer.current_streak += 1
        killer.best_streak = max(killer.best_streak, killer.current_streak)
        if row.weapon not in ("land_vehicle", "boat") and row.distance <= 1000:
            killer.longest = max(killer.longest, row.distance)
        before = self.kills.setdefault((str(row.killer_id), row.victim_id), [])
        if sum(row.written_at - AN_HOUR < at <= row.written_at for at in before) < 3:
            killer.xp += min(10 + row.distance // 10, 50)
        before.append(row.written_at)

    def _get(self, player_id: str, name: str) -> Tally:
        tally = self.players.setdefault(player_id, Tally())
        tally.name = name
        return tally

    def summarise(self) -> dict[str, dict[str, int]]:
        """Return every player's figures by id."""
        return {player_id: tally.summarise() for player_id, tally in self.players.items()}


def count_rows(rows: Iterable[DeathRow]) -> Count:
    """Count rows in their order."""
    count = Count()
    for row in rows:
        count.add(row)
    return count


@dataclass(slots=True)
class KillCount:
    """Kills by killer, pair and weapon, by the players' names.

    Attributes:
        pairs: how often the first player of a pair killed the second.
        weapons: the distances of the kills, by weapon; 0 for a distance that does not count.
        users: kills by player's name, for each weapon.
        names: all players who took part.
    """

    kills: int = 0
    killers: Counter[str] = field(default_factory=Counter)
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    weapons: dict[str, list[int]] = field(default_factory=dict)
    users: dict[str, Counter[str]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)


def count_kills(rows: Iterable[DeathRow]) -> KillCount:
    """Count the kills among rows that are all different."""
    count = KillCount()
    for row in rows:
        count.names.add(row.victim_name)
        if row.killer_id is None or row.killer_id == row.victim_id:
            continue
        count.kills += 1
        count.killers[row.killer_name] += 1
        count.pairs[row.killer_name, row.victim_name] += 1
        metres = 0 if row.weapon in ("land_vehicle", "boat") or row.distance > 1000 else row.distance
        count.weapons.setdefault(row.weapon, []).append(metres)
        count.users.setdefault(row.weapon, Counter())[row.killer_name] += 1
    return count
