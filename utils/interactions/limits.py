"""Limits of each member: how many commands are under way at once, and how much work is asked for in a minute.

Discord limits neither, so one member could have a hundred charts drawn at once while everybody waits. A page
that is turned is a command for as long as that takes. A member is the same one in every guild of the process.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import ceil

from utils.clock import Clock
from utils.errors import TooMuchAtOnceError
from utils.models.texts import plural

COMMANDS_AT_ONCE = 3
WORK_AT_ONCE = 12  # units of work; a member may ask for as many before anything has to wait
CHART_COST = 1
FILE_COST = 3  # everything that is stored of a person, read or erased
SECONDS_A_UNIT = 5.0  # after which a member may ask for one more
PAGE_COST = 0.2  # one a second for as long as one likes, and sixty at once
PRESS_COST = PAGE_COST  # of a button, of one's own or not, or of a form that is sent
LETTERS_AT_ONCE = 60  # typed into an option, each of which looks for choices
SECONDS_A_LETTER = 0.25


class Budget:
    """What each member may ask for: so many units at once, and one more after each of some seconds."""

    def __init__(self, *, at_once: float, seconds_a_unit: float) -> None:
        self._at_once = at_once
        self._seconds_a_unit = seconds_a_unit
        self._rested_at: dict[int, float] = {}  # when each may ask for everything again

    @property
    def members(self) -> frozenset[int]:
        """Everybody who asked for something a short while ago."""
        return frozenset(self._rested_at)

    def take(self, member_id: int, cost: float, *, now: float) -> float:
        """Take note of what a member asks for, or return after how many seconds it may be asked for.

        ``now`` is in seconds of a monotonic clock.
        """
        self._forget_rested(now)
        rested_at = max(now, self._rested_at.get(member_id, now)) + cost * self._seconds_a_unit
        wait = rested_at - now - self._at_once * self._seconds_a_unit
        if wait > 0:
            return wait
        if cost:
            self._rested_at.pop(member_id, None)  # the member who asked last stands last
            self._rested_at[member_id] = rested_at
        return 0.0

    def _forget_rested(self, now: float) -> None:
        while self._rested_at:
            member_id, rested_at = next(iter(self._rested_at.items()))
            if rested_at > now:
                return
            del self._rested_at[member_id]


class MemberLimits:
    """Counts what members have under way, and what they asked for in the last minute."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._under_way: Counter[int] = Counter()
        self._work = Budget(at_once=WORK_AT_ONCE, seconds_a_unit=SECONDS_A_UNIT)
        self._letters = Budget(at_once=LETTERS_AT_ONCE, seconds_a_unit=SECONDS_A_LETTER)

    def __repr__(self) -> str:
        """Return how many members something is remembered of."""
        known = self._under_way.keys() | self._work.members | self._letters.members
        return f"<MemberLimits of {len(known)} members>"

    @contextmanager
    def working(self, member_id: int) -> Iterator[None]:
        """Count a command of a member as long as it runs.

        Raises:
            TooMuchAtOnceError: as many as there may be are under way.
        """
        if self._under_way[member_id] >= COMMANDS_AT_ONCE:
            raise TooMuchAtOnceError(
                plural(
                    "One of your commands is still at work. Wait for its answer, then ask again.",
                    "{count} of your commands are still at work. Wait for their answers, then ask again.",
                    COMMANDS_AT_ONCE,
                )
            )
        self.count(member_id, 1)
        token = _command.set((self, member_id))
        try:
            yield
        finally:
            _command.reset(token)
            self.count(member_id, -1)

    def count(self, member_id: int, change: int) -> None:
        """Count commands of a member that are under way from now on, or no longer."""
        self._under_way[member_id] += change
        if not self._under_way[member_id]:
            del self._under_way[member_id]

    def spend(self, member_id: int, cost: float) -> None:
        """Take note of expensive work that a member asks for.

        Raises:
            TooMuchAtOnceError: it is more than a member may ask for; says when it is not any longer.
        """
        wait = self._work.take(member_id, cost, now=self._clock.monotonic())
        if wait > 0:
            raise TooMuchAtOnceError(
                plural(
                    "You asked for many charts, files, pages and buttons within a minute. "
                    "Ask again in {count} second.",
                    "You asked for many charts, files, pages and buttons within a minute. "
                    "Ask again in {count} seconds.",
                    ceil(wait),
                )
            )

    def may_type(self, member_id: int) -> bool:
        """Take note of a letter that a member typed; False for more than anybody types."""
        return not self._letters.take(member_id, 1, now=self._clock.monotonic())


_command: ContextVar[tuple[MemberLimits, int] | None] = ContextVar("command", default=None)


@contextmanager
def resting() -> Iterator[None]:
    """Count the command that runs here as none while it waits for a press of a button."""
    limits, member_id = _command.get() or (None, 0)
    if limits is None:
        yield
        return
    limits.count(member_id, -1)
    try:
        yield
    finally:
        limits.count(member_id, 1)
