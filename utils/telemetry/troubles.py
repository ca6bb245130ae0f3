"""Troubles: failures of the surroundings, counted by class, host and hour; none is told one by one."""

from collections import Counter
from collections.abc import Iterator

from utils.clock import Clock
from utils.models.error_groups import TroubleCount
from utils.models.incidents import WHOLE_BOT
from utils.models.scope import GuildId

HOUR_SECONDS = 3600
HOURS = 24
MOST = 5_000  # counts in one hour; further ones count for the whole bot alone


class TroubleCounts:
    """The troubles of the last hours, in memory.

    Attributes:
        totals: since the start, by class.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.totals: Counter[str] = Counter()
        self._hours: dict[int, Counter[tuple[GuildId, str, str]]] = {}

    def count(self, guild_id: GuildId | None, error_type: str, host: str) -> None:
        """Count a trouble for its guild, if it has one, and for the whole bot."""
        self.totals[error_type] += 1
        hour = self._get_hour()
        counts = self._hours.get(hour)
        if counts is None:
            counts = self._hours[hour] = Counter()
            for past in [one for one in self._hours if one <= hour - HOURS]:
                del self._hours[past]
        counts[WHOLE_BOT, error_type, host] += 1
        key = (guild_id or WHOLE_BOT, error_type, host)
        if guild_id is not None and (key in counts or len(counts) < MOST):
            counts[key] += 1

    def forget_guild(self, guild_id: GuildId) -> None:
        """Forget the troubles of a guild; they stay counted for the whole bot."""
        for counts in self._hours.values():
            for key in [key for key in counts if key[0] == guild_id]:
                del counts[key]

    def list_troubles(self, guild_id: GuildId) -> tuple[TroubleCount, ...]:
        """Return the troubles of a guild, or of the whole bot, in the running hour, most frequent first."""
        found = [TroubleCount(kind, host, n) for kind, host, n in self._list(self._get_hour(), guild_id)]
        return tuple(sorted(found, key=lambda one: (-one.count, one.error_type, one.host)))

    def count_day(self) -> Counter[str]:
        """Return the troubles of the whole bot in the last 24 hours, by class."""
        counted: Counter[str] = Counter()
        first = self._get_hour() - HOURS
        for hour in self._hours:
            if hour > first:
                for kind, _, n in self._list(hour, WHOLE_BOT):
                    counted[kind] += n
        return counted

    def _list(self, hour: int, guild_id: GuildId) -> Iterator[tuple[str, str, int]]:
        for (owner, kind, host), n in self._hours.get(hour, Counter()).items():
            if owner == guild_id:
                yield kind, host, n

    def _get_hour(self) -> int:
        return int(self._clock.now().timestamp()) // HOUR_SECONDS
