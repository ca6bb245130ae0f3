"""Limits of each member: the number of running commands, and the amount of work in a minute.

Discord limits neither, so one member could ask for a hundred charts at once while all others wait. Turning a
page counts as a command while it runs. A member has one limit over all guilds of the process.
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
WORK_AT_ONCE = 12  # units of work that a member may ask for at once
CHART_COST = 1
FILE_COST = 3  # reading or erasing all data of a person
SECONDS_A_UNIT = 5.0  # seconds until a member may ask for one more
PAGE_COST = 0.2  # one a second without end, and sixty at once
PRESS_COST = PAGE_COST  # a press of any button, or a form that is sent
LETTERS_AT_ONCE = 60  # a letter typed into an option, which looks up choices
SECONDS_A_LETTER = 0.25


class Budget:
    """The allowance of each member: a number of units at once, and one more after each ``seconds``."""

    def __init__(self, *, at_once: float, seconds_a_unit: float) -> None:
        self._at_once = at_once
        self._seconds_a_unit = seconds_a_unit
        self._rested_at: dict[int, float] = {}  # when each member has the full allowance again

    @property
    def members(self) -> frozenset[int]:
        """The members who asked for something a short while ago."""
        return frozenset(self._rested_at)

    def take(self, member_id: int, cost: float, *, now: float) -> float:
        """Count the units that a member asks for, or return the seconds until they may.

        ``now`` is in seconds of a monotonic clock.
        """
        self._forget_rested(now)
        rested_at = max(now, self._rested_at.get(member_id, now)) + cost * self._seconds_a_unit
        wait = rested_at - now - self._at_once * self._seconds_a_unit
        if wait > 0:
            return wait
        if cost:
            self._rested_at.pop(member_id, None)  # the member who asked last is the last one
            self._rested_at[member_id] = rested_at
        return 0.0

    def _forget_rested(self, now: float) -> None:
        while self._rested_at:
            member_id, rested_at = next(iter(self._rested_at.items()))
            if rested_at > now:
                return
            del self._rested_at[member_id]


class MemberLimits:
    """Counts the running commands of members, and their work in the last minute."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._under_way: Counter[int] = Counter()
        self._work = Budget(at_once=WORK_AT_ONCE, seconds_a_unit=SECONDS_A_UNIT)
        self._letters = Budget(at_once=LETTERS_AT_ONCE, seconds_a_unit=SECONDS_A_LETTER)

    def __repr__(self) -> str:
        """Return the number of remembered members."""
        known = self._under_way.keys() | self._work.members | self._letters.members
        return f"<MemberLimits of {len(known)} members>"

    @contextmanager
    def working(self, member_id: int) -> Iterator[None]:
        """Count a command of a member while it runs.

        Raises:
            TooMuchAtOnceError: the member runs as many commands as allowed.
        """
        if self._under_way[member_id] >= COMMANDS_AT_ONCE:
            raise TooMuchAtOnceError(
                plural(
                    "One of your commands is still running. Wait for its answer, then ask again.",
                    "{count} of your commands are still running. Wait for their answers, then ask again.",
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
        """Count commands of a member that begin, or end."""
        self._under_way[member_id] += change
        if not self._under_way[member_id]:
            del self._under_way[member_id]

    def spend(self, member_id: int, cost: float) -> None:
        """Count expensive work that a member asks for.

        Raises:
            TooMuchAtOnceError: it is too much now; the text says when to try again.
        """
        wait = self._work.take(member_id, cost, now=self._clock.monotonic())
        if wait > 0:
            raise TooMuchAtOnceError(
                plural(
                    "That was a lot at once. Try again in {count} second.",
                    "That was a lot at once. Try again in {count} seconds.",
                    ceil(wait),
                )
            )

    def may_type(self, member_id: int) -> bool:
        """Count a letter that a member typed; return False if they type faster than a person can."""
        return not self._letters.take(member_id, 1, now=self._clock.monotonic())


_command: ContextVar[tuple[MemberLimits, int] | None] = ContextVar("command", default=None)


@contextmanager
def resting() -> Iterator[None]:
    """Do not count the command that runs here while it waits for a press of a button."""
    limits, member_id = _command.get() or (None, 0)
    if limits is None:
        yield
        return
    limits.count(member_id, -1)
    try:
        yield
    finally:
        limits.count(member_id, 1)
