"""Patience: a member asks for a stranger's player until the stranger's own menu suicides match the times."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise, product
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.game_host.battle import Battle
from simulation.game_host.server_life import ServerLife
from tests.fakes.beside import SAMPLES
from tests.fakes.clock import START
from utils.models.deaths import DeathKind
from utils.models.links import ProofAttempts
from utils.models.presence import OWN_LEAVES, ServerPresence
from utils.models.scope import PlayerId
from utils.parsers.deadside_log import parse_line
from utils.parsers.deathlog import parse_death_line
from utils.services.links.proof import (
    APART,
    AT_ONCE,
    LEAD,
    MEMORY,
    PAUSES,
    WINDOW,
    WITHIN,
    can_be_asked_for,
    choose_windows,
    count_request,
    find_proof,
)
from utils.services.presence.tracker import PresenceTracker

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
SHORTEST = LEAD + 2 * WINDOW + APART  # the shortest time until a request can end

Moments = Sequence[datetime]


class Dice(Random):
    """A random source with fixed results.

    Attributes:
        largest: the largest requested number.
    """

    def __init__(self, *throws: int) -> None:
        super().__init__()
        self._throws = list(throws)
        self.largest = 0

    def randint(self, a: int, b: int) -> int:
        """Return the next result."""
        self.largest = b
        return a + self._throws.pop(0)


def compute_chance(suicides: Moments, now: datetime) -> float:
    """Return the chance that independent suicides prove a request of this moment."""
    near = [one for one in suicides if now <= one <= now + WITHIN]
    if not near or near[-1] - near[0] < APART:
        return 0.0
    dice = Dice(0, 0)
    choose_windows(now, dice)
    throws = list(product(range(dice.largest + 1), repeat=2))
    proven = [find_proof(choose_windows(now, Dice(*two)), near) is not None for two in throws]
    return sum(proven) / len(throws)


def ask_one_by_one(attempts: ProofAttempts | None, now: datetime) -> int:
    """Return the number of requests of a member who waits for the end of each."""
    return int(can_be_asked_for(attempts, now=now) and (attempts is None or now >= attempts.free_at))


def ask_all_at_once(attempts: ProofAttempts | None, now: datetime) -> int:
    """Return the number of requests by several accounts at once."""
    count = 0
    while can_be_asked_for(attempts, now=now):
        attempts = count_request(attempts, ends_at=now + SHORTEST, now=now)
        count += 1
    return count


def compute_day(chances: Mapping[datetime, float], start: datetime, *, ask: Callable[..., int]) -> float:
    """Return the chance of a whole day that begins with the first request."""
    missed, attempts, now = 1.0, None, start
    while now < start + DAY:
        for _ in range(ask(attempts, now)):
            attempts = count_request(attempts, ends_at=now + SHORTEST, now=now)
            missed *= 1 - chances.get(now, 0.0)
        assert attempts is not None
        now = max(now + MINUTE, attempts.free_at)
    return 1 - missed


def read_suicides(file: Path) -> dict[PlayerId, list[datetime]]:
    """Return the menu suicides of a real day, by player."""
    found: dict[PlayerId, list[datetime]] = {}
    for line in file.read_bytes().splitlines():
        row = parse_death_line(line, latest=datetime(2030, 1, 1))  # noqa: DTZ001 - a wall clock
        if getattr(row, "kind", None) is DeathKind.MENU:
            found.setdefault(row.victim_id, []).append(row.written_at.replace(tzinfo=UTC))  # type: ignore[union-attr]
    return found


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the real days are not on this machine")
@pytest.mark.parametrize("ask", [ask_one_by_one, ask_all_at_once])
def test_stranger_with_many_accounts_has_less_than_one_chance_in_a_hundred_a_day(
    ask: Callable[..., int],
) -> None:
    """This holds for every player of the real days, from any minute on, with repeated requests."""
    for file in sorted(SAMPLES.iterdir()):
        first = datetime.strptime(file.name[:10], "%Y.%m.%d").replace(tzinfo=UTC)
        minutes = [first + number * MINUTE for number in range(24 * 60)]
        for suicides in read_suicides(file).values():
            chances = {minute: chance for minute in minutes if (chance := compute_chance(suicides, minute))}
            if chances:
                days = [compute_day(chances, start, ask=ask) for start in minutes]
                assert sum(days) / len(days) < 0.01


def test_leaving_gives_a_stranger_no_chance_on_a_usual_day() -> None:
    """On a day of a simulated server no player leaves it twice within a request, as a proof takes."""
    life = ServerLife(1, fighters=Battle(1, players=60).fighters, start=START)
    tracker = PresenceTracker(ServerPresence())
    for entry in life.live_until(START + DAY):
        tracker.advance(parse_line(entry.text.encode()))
    leaves: dict[PlayerId, list[datetime]] = {}
    for session in tracker.sessions:
        if session.reason in OWN_LEAVES:
            leaves.setdefault(session.player_id, []).append(session.ended_at)
    assert sum(map(len, leaves.values())) > 100
    minutes = [START + number * MINUTE for number in range(24 * 60)]
    assert not any(compute_chance(sorted(some), now) for some in leaves.values() for now in minutes)


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(11, 20)), max_size=60))
def test_player_is_asked_for_at_most_three_times_a_day_whoever_asks(steps: list[tuple[int, int]]) -> None:
    """This holds for any times and lengths of the requests; after three in vain it is one a day."""
    attempts, now, asked = None, START, []
    for minutes, length in steps:
        now += minutes * MINUTE
        if can_be_asked_for(attempts, now=now):
            attempts = count_request(attempts, ends_at=now + length * MINUTE, now=now)
            asked.append((now, attempts.count))
    assert all(later[0] - one[0] >= DAY for one, later in zip(asked, asked[AT_ONCE:], strict=False))
    for one, later in pairwise(asked):
        assert later[1] == one[1] + 1 or later[0] - one[0] > MEMORY
        assert one[1] < AT_ONCE or later[0] - one[0] >= PAUSES[-1]


def test_pause_grows_with_each_request_and_is_forgotten_in_a_week() -> None:
    """The pauses are one hour, six hours, then a day. Others may ask while the first request runs."""
    ends_at = START + WITHIN
    first = count_request(None, ends_at=ends_at, now=START)
    assert first == ProofAttempts(1, ends_at, ends_at + timedelta(hours=1))
    assert can_be_asked_for(first, now=START + MINUTE)
    assert not can_be_asked_for(first, now=ends_at)
    assert can_be_asked_for(first, now=first.free_at)
    second = count_request(first, ends_at=first.free_at + WITHIN, now=first.free_at)
    assert second == ProofAttempts(2, ends_at, first.free_at + WITHIN + timedelta(hours=6))
    assert not can_be_asked_for(second, now=first.free_at + MINUTE)
    third = count_request(second, ends_at=second.free_at + WITHIN, now=second.free_at)
    assert third == ProofAttempts(3, ends_at, second.free_at + WITHIN + DAY)
    late = third.free_at + MEMORY
    assert count_request(third, ends_at=late + WITHIN, now=late).count == 1
