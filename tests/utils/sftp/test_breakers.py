"""Breakers: which logins wait, which one tries, and which are woken."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from tests.fakes.clock import FakeClock, settle
from utils.errors import (
    ConnectionLostError,
    HostKeyChangedError,
    HostUnreachableError,
    InvalidSecretError,
    LoginRefusedError,
    NoSshServerError,
    RemoteError,
    TooManyConnectionsError,
)
from utils.models.scope import GuildId
from utils.models.servers import Credentials
from utils.models.texts import text
from utils.sftp.breakers import (
    FORGOTTEN_AFTER_SECONDS,
    HOST_BACKOFF,
    LOGGED_TRIES,
    LOGIN_BACKOFF,
    CircuitBreakers,
    Waiter,
)
from utils.sftp.failures import build_held_up_error, build_silent_names_error
from utils.sftp.login import HostLogin

ONE, TWO = GuildId(1), GuildId(2)
AWAY = HostUnreachableError(text("host:22 cannot be reached."))
REFUSED = LoginRefusedError(text("host:22 refused the login."))
LOST = ConnectionLostError(text("host:22 closed the connection."))
PAGE = NoSshServerError(text("host:22 does not speak SSH."))
PAGE.is_of_host = True


def login(name: str = "a", *, legacy: bool = False, host: str = "host") -> HostLogin:
    """Return the login of a user with that name."""
    return HostLogin(host, 22, name, Credentials("secret"), legacy=legacy)


@dataclass
class World:
    """The breakers, the outcomes of their tries, and the tried logins.

    Attributes:
        outcomes: the results of the next tries; later tries succeed.
    """

    clock: FakeClock = field(default_factory=FakeClock)
    outcomes: list[Exception] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)
    board: CircuitBreakers = field(init=False)
    waits: list["asyncio.Task[None]"] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Draw the longest wait each time, so that the times are known."""
        self.board = CircuitBreakers(self._attempt, clock=self.clock, draw=lambda: 1.0)

    async def _attempt(self, waiter: Waiter) -> None:
        self.tried.append(waiter.login.username)
        if not self.outcomes:
            self.board.note_success(waiter.guild_id, waiter.login)
            return
        error = self.outcomes.pop(0)
        if isinstance(error, RemoteError) and not isinstance(error, TooManyConnectionsError):
            self.board.note_failure(waiter.guild_id, waiter.login, error)
        raise error

    def wait(self, name: str = "a", guild_id: GuildId = ONE) -> "asyncio.Task[None]":
        """Start a wait."""
        task = asyncio.create_task(self.board.wait(guild_id, login(name), guild_limit=1))
        self.waits.append(task)
        return task

    def is_known(self, name: str = "a", guild_id: GuildId = ONE, **options: bool) -> bool:
        """Tell whether a login is known to fail."""
        return self.board.find_obstacle(guild_id, login(name, **options)) is not None

    async def close(self) -> None:
        """End all waits."""
        await self.board.aclose()
        await asyncio.gather(*self.waits, return_exceptions=True)


@pytest.fixture(name="world")
async def _world() -> AsyncIterator[World]:
    world = World()
    yield world
    await world.close()


async def test_host_that_is_away_stops_everybody_and_a_refused_login_itself_alone(world: World) -> None:
    """An unreachable host affects all guilds, a wrong password only its own login."""
    world.board.note_failure(ONE, login(), AWAY)
    assert (world.is_known("b", TWO), world.is_known(legacy=True)) == (True, False)
    with pytest.raises(HostUnreachableError, match="cannot be reached"):
        world.board.verify(TWO, login("b"))
    world.board.note_failure(ONE, login(), REFUSED)  # the host answers again
    assert (world.is_known(), world.is_known("b"), world.is_known(guild_id=TWO)) == (True, False, False)
    world.board.verify(TWO, login())


async def test_one_tries_for_all_and_the_first_success_wakes_everybody(world: World) -> None:
    """Two hundred servers with a dead host make one try now and then, by different guilds."""
    world.board.note_failure(ONE, login(), AWAY)
    names = [f"user{number:03}" for number in range(200)]
    waits = [world.wait(name, GuildId(number % 40)) for number, name in enumerate(names)]
    world.outcomes += [AWAY] * 5
    for bound in (1, 2, 4, 8, 10):
        await world.clock.advance(bound - 0.01)
        before = len(world.tried)
        await world.clock.advance(0.01)
        assert len(world.tried) == before + 1
    assert not any(wait.done() for wait in waits)
    await world.clock.advance(10)
    await asyncio.gather(*waits)
    assert world.tried == names[:6]
    assert repr(world.board) == "<CircuitBreakers failing: 0 (0 waiting)>"
    assert max(world.clock.slept) <= HOST_BACKOFF.longest_seconds


async def test_nothing_is_tried_when_nobody_waits(world: World) -> None:
    """A host without servers is not tried, and is forgotten."""
    world.board.note_failure(ONE, login(), AWAY)
    wait = world.wait()
    await settle()
    wait.cancel()
    await world.clock.advance(30)
    assert (world.tried, world.is_known()) == ([], True)
    world.board.expire()
    assert world.is_known()
    world.clock.move(FORGOTTEN_AFTER_SECONDS)
    world.board.expire()
    assert not world.is_known()


async def test_refused_login_is_not_tried_until_it_is_forgiven(world: World) -> None:
    """A hoster locks accounts with repeated failed logins."""
    world.board.note_failure(ONE, login(), REFUSED)
    waits = [world.wait(), world.wait()]
    await world.clock.advance(1_000_000)
    obstacle = world.board.find_obstacle(ONE, login())
    assert obstacle is not None
    assert (world.tried, obstacle.next_try_at, world.clock.slept) == ([], None, [])
    world.board.forgive(ONE, login())
    await asyncio.gather(*waits)
    assert not world.is_known()


async def test_refusal_behind_a_host_that_was_away_wakes_all_and_stops_one(world: World) -> None:
    """The refused try shows that the host is back: the others go on, and the refused one gets the reason."""
    world.board.note_failure(ONE, login("b"), AWAY)
    waits = [world.wait("a"), world.wait("b")]
    await settle()
    world.outcomes.append(REFUSED)
    await world.clock.advance(1)
    await asyncio.gather(*waits)
    assert (world.is_known("a"), world.is_known("b")) == (True, False)


async def test_page_in_the_place_of_a_host_that_was_away_is_shown_to_all_once(world: World) -> None:
    """The admins need an alert, so all waiters check once; then they wait again."""
    world.board.note_failure(ONE, login(), AWAY)
    waits = [world.wait("a"), world.wait("b", TWO)]
    await settle()
    world.outcomes += [AWAY, PAGE, PAGE, AWAY]
    await world.clock.advance(1)
    assert not any(wait.done() for wait in waits)
    await world.clock.advance(2)
    await asyncio.gather(*waits)
    with pytest.raises(NoSshServerError):
        world.board.verify(TWO, login("b"))
    again = [world.wait("a"), world.wait("b", TWO)]
    await world.clock.advance(4)
    await world.clock.advance(8)
    assert (len(world.tried), any(wait.done() for wait in again)) == (4, False)
    await world.clock.advance(10)
    await asyncio.gather(*again)
    assert not world.is_known()


async def test_fault_behind_the_door_is_tried_by_one_of_its_login(world: World) -> None:
    """Servers with one login share the tries, at most twenty seconds apart."""
    world.board.note_failure(ONE, login(), LOST)
    waits = [world.wait() for _ in range(25)]
    world.outcomes += [LOST] * 6
    for _ in range(6):
        await world.clock.advance(LOGIN_BACKOFF.longest_seconds)
    assert len(world.tried) == 6
    assert not any(wait.done() for wait in waits)
    await world.clock.advance(LOGIN_BACKOFF.longest_seconds)
    await asyncio.gather(*waits)
    assert len(world.tried) == 7


async def test_try_that_got_no_connection_is_followed_by_another(world: World) -> None:
    """The guild's connections are all busy, which says nothing about the host; another login tries."""
    world.board.note_failure(ONE, login(), AWAY)
    waits = [world.wait("a"), world.wait("b", TWO)]
    await settle()
    world.outcomes.append(TooManyConnectionsError(text("busy")))
    await world.clock.advance(1)
    assert world.is_known()
    await world.clock.advance(2)
    await asyncio.gather(*waits)
    assert world.tried == ["a", "b"]


async def test_fault_nobody_foresaw_lets_everybody_try_for_himself(world: World) -> None:
    """Servers must not wait for ever after an error in the loop."""
    world.board.note_failure(ONE, login(), AWAY)
    wait = world.wait()
    await settle()
    world.outcomes.append(ZeroDivisionError("unforeseen"))
    await world.clock.advance(1)
    await wait
    assert not world.is_known()


async def test_fault_that_may_pass_after_all_is_tried_although_a_person_was_waited_for(world: World) -> None:
    """The test by hand failed for another reason than a refusal, so the bot tries again."""
    world.board.note_failure(ONE, login(), REFUSED)
    wait = world.wait()
    await settle()
    world.board.note_failure(ONE, login(), LOST)
    await world.clock.advance(LOGIN_BACKOFF.first_seconds * 2)
    await wait
    assert world.tried == ["a"]


async def test_guild_that_left_is_forgotten(world: World) -> None:
    """Its logins are forgotten and its waits end; those of others stay."""
    for guild_id in (ONE, TWO):
        world.board.note_failure(guild_id, login(), REFUSED)
    wait = world.wait()
    await settle()
    world.board.forget(ONE)
    await wait
    assert (world.is_known(), world.is_known(guild_id=TWO)) == (False, True)


@pytest.mark.parametrize(
    "error",
    [InvalidSecretError(text("no key")), build_silent_names_error("host"), build_held_up_error("host:22")],
    ids=["bad key", "silent names", "held up"],
)
async def test_attempt_that_ended_on_our_side_says_nothing_of_its_host(
    world: World, error: RemoteError
) -> None:
    """Only its own login waits, and an open circuit of a host stays open."""
    world.board.note_failure(ONE, login(), error)
    assert (world.is_known(), world.is_known("b"), world.is_known(guild_id=TWO)) == (True, False, False)
    world.board.note_failure(TWO, login(), AWAY)
    world.board.note_failure(ONE, login(), error)
    assert world.is_known("c", GuildId(3))


async def test_guilds_take_turns_however_many_logins_of_one_wait(world: World) -> None:
    """The logins of one guild may fail for their own reason, so another guild tries next."""
    world.outcomes += [AWAY] * 6
    world.board.note_failure(ONE, login(), AWAY)
    for name in "abcdefgh":
        world.wait(name)
    world.wait("other", TWO)
    await settle()
    for _ in range(6):
        await world.clock.advance(HOST_BACKOFF.longest_seconds)
    assert [name == "other" for name in world.tried] == [False, True] * 3


def test_changed_key_is_one_matter_for_all_and_a_refusal_one_for_each_login() -> None:
    """An alert that is sent once must have one key."""
    board = World().board
    changed = HostKeyChangedError(text("host:22 shows another host key."), offered="ssh-ed25519 B")
    errors: dict[str, RemoteError] = {"a": changed, "b": changed, "c": REFUSED, "d": REFUSED}
    for name, error in errors.items():
        board.note_failure(ONE, login(name), error)
    matters = [found.matter for name in errors if (found := board.find_obstacle(ONE, login(name)))]
    assert len(matters) == 4
    assert (len(set(matters[:2])), len(set(matters[2:]))) == (1, 2)
    assert not [matter for matter in matters if "secret" in matter]


@pytest.mark.parametrize("seconds", [0, 1.5])
async def test_end_of_the_board_ends_waits_and_tries(world: World, seconds: float) -> None:
    """Waits and running tries all end."""

    def hang(_waiter: Waiter) -> Coroutine[None, None, None]:
        return asyncio.sleep(1000)

    board = CircuitBreakers(hang, clock=world.clock, draw=lambda: 1.0)
    board.note_failure(ONE, login(), AWAY)
    wait = asyncio.create_task(board.wait(ONE, login(), guild_limit=1))
    await world.clock.advance(seconds)
    await board.aclose()
    await wait
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


async def test_long_outage_is_logged_at_its_begin_its_end_and_rarely_between(world: World) -> None:
    """A host that is away for a day does not fill the log."""
    with capture_logs() as logs:
        world.board.note_failure(ONE, login(), AWAY)
        wait = world.wait()
        await settle()
        world.outcomes += [AWAY] * (2 * LOGGED_TRIES)
        while not wait.done():
            await world.clock.advance(10)
    assert [line["event"] for line in logs] == [
        "connecting stops",
        "still no connection",
        "still no connection",
        "connecting may go on",
    ]
