"""Tallies: counts of what happens often. Counting one is an addition, so it may stand on the way of a kill.

Durations are counted in buckets whose limits double: 1/1024 s, 2/1024 s and so on. A quarter of a second and
two seconds are limits, so a share above one of these is exact. Threads may count at once; a count may then be
lost.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from utils.models.scope import GuildId

UNIT_SECONDS = 1 / 1024
BUCKETS = 18
DAY_HOURS = 24
LIMITS: tuple[float, ...] = tuple(UNIT_SECONDS * 2**place for place in range(BUCKETS - 1))
"""The upper limit of each bucket but the last, in seconds: from 1 ms to 64 s."""


@dataclass(eq=False, slots=True)
class Durations:
    """All durations since the start.

    Attributes:
        counts: by bucket.
        seconds: their sum.
    """

    counts: list[int] = field(default_factory=lambda: [0] * BUCKETS)
    seconds: float = 0.0

    def note(self, seconds: float) -> None:
        """Count one."""
        place = int(seconds * 1024).bit_length()
        self.counts[place if place < BUCKETS else -1] += 1
        self.seconds += seconds


def compute_quantile(counts: Sequence[int], share: float) -> float:
    """Return the duration in seconds that this share of the counted ones does not exceed; 0 if there is none.

    Within a bucket the durations count as spread evenly.
    """
    rest = share * sum(counts)
    for place, count in enumerate(counts):
        if count and rest <= count:
            lower: float = LIMITS[place - 1] if place else 0.0
            return lower + (LIMITS[min(place, len(LIMITS) - 1)] - lower) * rest / count
        rest -= count
    return 0.0


@dataclass(eq=False, slots=True)
class CommandTally:
    """The commands that were used since the start, by name and outcome.

    Attributes:
        counts: by name and outcome: ``answered``, ``refused`` or ``failed``.
        answered: how many were answered; a refusal is an answer.
        failed: how many ended with an error, or without an answer.
        durations: how long they took.
    """

    counts: dict[tuple[str, ...], float] = field(default_factory=dict)
    answered: int = 0
    failed: int = 0
    durations: Durations = field(default_factory=Durations)
    _hours: dict[GuildId, deque[list[int]]] = field(default_factory=dict)

    def note(self, command: str, outcome: str, *, guild_id: GuildId | None = None, hour: int = 0) -> None:
        """Count one command, that was used in an hour since any moment."""
        self.counts[command, outcome] = self.counts.get((command, outcome), 0) + 1
        if outcome == FAILED:
            self.failed += 1
        else:
            self.answered += 1
        if guild_id is not None:
            hours = self._hours.setdefault(guild_id, deque(maxlen=DAY_HOURS))
            if not hours or hours[-1][0] != hour:
                hours.append([hour, 0, 0])
            hours[-1][2 if outcome == FAILED else 1] += 1

    def count_day(self, guild_id: GuildId, hour: int) -> tuple[int, int]:
        """Return how many commands were answered in a guild in the last 24 hours, and how many failed."""
        recent = [one for one in self._hours.get(guild_id, ()) if one[0] > hour - DAY_HOURS]
        return sum(one[1] for one in recent), sum(one[2] for one in recent)

    def count_day_of_all(self, hour: int) -> tuple[int, int]:
        """Return the same for all guilds together."""
        days = [self.count_day(guild_id, hour) for guild_id in self._hours]
        return sum(answered for answered, _ in days), sum(failed for _, failed in days)

    def forget_guild(self, guild_id: GuildId) -> None:
        """Forget the hours of a guild."""
        self._hours.pop(guild_id, None)


ANSWERED, REFUSED, FAILED = "answered", "refused", "failed"
"""The outcomes of a command."""


class Recent:
    """The part of growing counts that belongs to the last rounds; the caller decides what a round is.

    Args:
        read: returns the counts now.
        rounds: so many rounds are recent.
    """

    def __init__(self, read: Callable[[], Sequence[int]], *, rounds: int) -> None:
        self._read = read
        self._before = deque([tuple(read())], maxlen=rounds)

    def end_round(self) -> tuple[int, ...]:
        """Return the counts of the recent rounds, and begin the next one."""
        now = tuple(self._read())
        recent = tuple(one - before for one, before in zip(now, self._before[0], strict=True))
        self._before.append(now)
        return recent
