"""The decisions of the pool, without any connection."""

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.fakes.examples import choose_examples
from utils.models.scope import GuildId
from utils.models.servers import Credentials
from utils.sftp.assignment import PoolState, Request, Slot
from utils.sftp.login import HostLogin, PoolLimits

ONE, TWO = GuildId(1), GuildId(2)


def login(name: str, host: str = "host") -> HostLogin:
    """Return the login of a user with that name."""
    return HostLogin(host, 22, name, Credentials("secret"))


def ask(state: PoolState, guild_id: GuildId, name: str, *, limit: int = 1, host: str = "host") -> Request:
    """Add a request to the queue."""
    request = Request(guild_id, login(name, host), limit)
    state.add(request)
    return request


@pytest.fixture(name="state")
def _state() -> PoolState:
    return PoolState(PoolLimits(max_connections=2, max_loans_per_connection=2, idle_expiry_seconds=300))


def test_second_request_of_a_login_shares_the_connection_that_is_being_opened(state: PoolState) -> None:
    """One login is opened once."""
    first, second = ask(state, ONE, "a"), ask(state, ONE, "a")
    decisions = state.decide()
    (slot,) = decisions.opened
    assert decisions.served == [(first, slot), (second, slot)]
    assert slot.loans == 2


def test_request_waits_when_its_connection_is_lent_to_its_limit(state: PoolState) -> None:
    """A host answers one request after another, so only a few users share a connection."""
    for _ in range(2):
        ask(state, ONE, "a", limit=2)
    (slot,) = state.decide().opened
    third = ask(state, ONE, "a", limit=2)
    assert state.decide().served == []
    state.release(slot, now=1)
    assert state.decide().served == [(third, slot)]


def test_same_login_in_two_guilds_gets_two_connections(state: PoolState) -> None:
    """Two guilds never share a connection."""
    ask(state, ONE, "a")
    ask(state, TWO, "a")
    assert len(state.decide().opened) == 2


def test_connection_opened_without_a_pin_is_shared_by_who_pinned_the_key_it_showed(state: PoolState) -> None:
    """A new server is read over the connection of its test; a connection with another key is not used."""
    ask(state, ONE, "a")
    (slot,) = state.decide().opened
    pinned, changed = replace(login("a"), host_key="A"), replace(login("a"), host_key="B")
    assert not state.has_connection(ONE, pinned)  # it might show another key
    state.pin(slot, "A")
    found = [state.has_connection(ONE, one) for one in (pinned, login("a"), changed, login("b"))]
    assert found == [True, True, False, False]
    state.close(slot)
    assert not any(state.has_connection(ONE, one) for one in (pinned, login("a")))


def test_place_of_an_idle_connection_is_given_away_at_the_guild_limit(state: PoolState) -> None:
    """The guild's own idle connection is closed, and counts until its socket is closed."""
    ask(state, ONE, "a")
    (old,) = state.decide().opened
    state.release(old, now=1)
    request = ask(state, ONE, "b")
    assert (state.decide().closed, state.decide().closed) == ([old], [])
    state.remove(old)
    decisions = state.decide()
    assert decisions.served == [(request, decisions.opened[0])]


def test_longest_idle_connection_of_anybody_goes_at_the_limit_over_all(state: PoolState) -> None:
    """The connection that was idle longest is closed."""
    ask(state, ONE, "a", limit=9)
    ask(state, ONE, "b", limit=9)
    first, second = state.decide().opened
    state.release(second, now=1)
    state.release(first, now=2)
    ask(state, TWO, "c", limit=9)
    assert state.decide().closed == [second]


def test_younger_request_does_not_keep_a_connection_busy_that_an_older_one_needs(state: PoolState) -> None:
    """Sharing ends while another request of the guild waits for a slot."""
    ask(state, ONE, "a")
    (busy,) = state.decide().opened
    older = ask(state, ONE, "b")
    younger = ask(state, ONE, "a")
    assert state.decide().served == []
    state.release(busy, now=1)
    assert state.decide().closed == [busy]
    state.remove(busy)
    assert [request for request, _ in state.decide().served] == [older]
    assert state.waiting == [younger]


def test_waiting_guild_does_not_hold_up_another_guild(state: PoolState) -> None:
    """A guild at its own limit does not delay others."""
    ask(state, ONE, "a")
    state.decide()
    ask(state, ONE, "b")
    other = ask(state, TWO, "c")
    assert [request for request, _ in state.decide().served] == [other]


def test_guild_served_longest_ago_is_first_when_a_place_becomes_free() -> None:
    """A guild with many servers does not displace one with few."""
    state = PoolState(PoolLimits(max_connections=1))
    ask(state, ONE, "a", limit=9)
    (slot,) = state.decide().opened
    ask(state, ONE, "b", limit=9)
    ask(state, ONE, "c", limit=9)
    other = ask(state, TWO, "d", limit=9)
    state.release(slot, now=1)
    state.decide()
    state.remove(slot)
    assert [request for request, _ in state.decide().served] == [other]


def test_guild_with_many_waiting_does_not_starve_one_with_one() -> None:
    """25 servers of one guild ask first; the only one of the other guild is served second."""
    state = PoolState(PoolLimits(max_connections=1))
    ask(state, ONE, "a", limit=25)
    (slot,) = state.decide().opened
    many = [ask(state, TWO, f"b{number:02}", limit=25) for number in range(25)]
    one = ask(state, GuildId(3), "c")
    order: list[Request] = []
    while state.waiting:
        state.release(slot, now=len(order))
        state.decide()
        state.remove(slot)
        ((request, slot),) = state.decide().served
        order.append(request)
    assert order == [many[0], one, *many[1:]]


def test_host_has_no_more_handshakes_at_once_than_it_bears() -> None:
    """A request above the host's limit waits its turn. It does not block other hosts."""
    state = PoolState(PoolLimits(handshakes_per_host=3))
    for name in "abc":
        ask(state, ONE, name, limit=9)
    other_guild = ask(state, TWO, "d")
    elsewhere = ask(state, ONE, "e", limit=9, host="elsewhere")
    decisions = state.decide()
    assert [slot.login.username for slot in decisions.opened] == ["a", "d", "e"]
    assert [request for request, _ in decisions.served][1:] == [other_guild, elsewhere]
    assert state.is_host_busy(Request(GuildId(3), login("x"), 9))
    assert state.decide().opened == []
    state.end_handshake(decisions.opened[0])
    (second,) = state.decide().opened
    state.close(second)
    assert state.decide().opened == []  # the host counts it until its socket is closed
    state.remove(second)
    state.remove(second)
    assert [slot.login.username for slot in state.decide().opened] == ["c"]


def test_guild_whose_handshakes_hang_leaves_half_of_them_to_others() -> None:
    """25 hanging logins of a guild would otherwise block the host for all others."""
    state = PoolState(PoolLimits(handshakes_per_host=8))
    for number in range(25):
        ask(state, ONE, f"a{number:02}", limit=25)
    assert len(state.decide().opened) == 4
    others = [ask(state, GuildId(number), "b") for number in range(2, 7)]
    assert [request for request, _ in state.decide().served] == others[:3]


def test_one_handshake_is_kept_for_the_try_of_a_circuit() -> None:
    """Logins of two guilds hang; the try of a third guild still finds out that the host is back."""
    state = PoolState(PoolLimits(handshakes_per_host=8))
    for guild_id in (ONE, TWO):
        for number in range(9):
            ask(state, guild_id, f"a{number}", limit=9)
    assert len(state.decide().opened) == 7
    tries = [Request(GuildId(3), login(name), 9, is_forced=True, is_try=True) for name in "bc"]
    for request in tries:
        state.add(request)
    assert [request for request, _ in state.decide().served] == tries[:1]


def test_try_is_made_with_a_login_of_the_guild_whose_others_hang() -> None:
    """A guild at its limit keeps its place in the queue."""
    state = PoolState(PoolLimits(handshakes_per_host=8))
    for number in range(9):
        ask(state, ONE, f"a{number}", limit=25)
    assert len(state.decide().opened) == 4
    request = Request(ONE, login("b"), 25, is_forced=True, is_try=True)
    state.add(request)
    assert [served for served, _ in state.decide().served] == [request]


def test_guild_over_its_fair_share_gives_way_although_another_rested_longer() -> None:
    """With four places and two guilds, a guild with three connections gives one up."""
    state = PoolState(PoolLimits(max_connections=4))
    for guild_id, names in ((ONE, "a"), (TWO, "bcd")):
        for name in names:
            ask(state, guild_id, name, limit=9)
    oldest, *slots = state.decide().opened
    for now, slot in enumerate([oldest, *slots]):
        state.release(slot, now=now)
    ask(state, GuildId(3), "e")
    assert state.decide().closed == [slots[0]]


def test_idle_connections_expire_and_used_ones_do_not(state: PoolState) -> None:
    """Only connections that were idle for the whole time are closed."""
    ask(state, ONE, "a")
    ask(state, TWO, "b")
    idle, used = state.decide().opened
    state.release(idle, now=100)
    assert state.expire(now=399) == []
    assert state.expire(now=400) == [idle]
    assert (idle.is_closing, used.is_closing) == (True, False)


GUILDS = st.sampled_from([GuildId(number) for number in range(1, 4)])
NAMES = st.sampled_from(["a", "b", "c"])
LIMITS = PoolLimits(
    max_connections=3, max_loans_per_connection=2, idle_expiry_seconds=20, handshakes_per_host=3
)
GUILD_LIMITS = {GuildId(1): 1, GuildId(2): 2, GuildId(3): 5}


class PoolMachine(RuleBasedStateMachine):
    """Asking, giving up, returning, breaking, expiring and closing in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.state = PoolState(LIMITS)
        self.now = 0.0
        self.waiting: list[Request] = []
        self.loans: list[Slot] = []

    def advance(self) -> None:
        """Decide, and check each decision."""
        decisions = self.state.decide()
        for request, slot in decisions.served:
            assert (request.guild_id, request.login) == (slot.guild_id, slot.login)
            self.waiting.remove(request)
            self.loans.append(slot)
        assert all(slot.is_closing for slot in decisions.closed)
        assert not [slot for slot in decisions.closed if slot in self.loans]

    @rule(guild_id=GUILDS, name=NAMES)
    def ask(self, guild_id: GuildId, name: str) -> None:
        """Ask for a connection."""
        self.waiting.append(ask(self.state, guild_id, name, limit=GUILD_LIMITS[guild_id]))
        self.advance()

    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        """Cancel a waiting request."""
        if self.waiting:
            request = data.draw(st.sampled_from(self.waiting))
            self.waiting.remove(request)
            self.state.withdraw(request)
            self.advance()

    @rule(data=st.data(), seconds=st.floats(0, 30))
    def give_back(self, data: st.DataObject, seconds: float) -> None:
        """End a loan."""
        self.now += seconds
        if self.loans:
            slot = data.draw(st.sampled_from(self.loans))
            self.loans.remove(slot)
            self.state.release(slot, now=self.now)
            self.advance()

    @rule(data=st.data())
    def break_connection(self, data: st.DataObject) -> None:
        """Break a connection, in use or not."""
        if self.state.slots:
            self.state.close(data.draw(st.sampled_from(self.state.slots)))
            self.advance()

    @rule(data=st.data())
    def end_handshake(self, data: st.DataObject) -> None:
        """End a handshake with success or failure."""
        if self.state.slots:
            self.state.end_handshake(data.draw(st.sampled_from(self.state.slots)))
            self.advance()

    @rule(data=st.data())
    def finish_closing(self, data: st.DataObject) -> None:
        """Close a socket."""
        closing = [slot for slot in self.state.slots if slot.is_closing]
        if closing:
            self.state.remove(data.draw(st.sampled_from(closing)))
            self.advance()

    @rule()
    def expire(self) -> None:
        """Let the time pass and expire idle connections."""
        assert not [slot for slot in self.state.expire(now=self.now) if slot in self.loans]

    @invariant()
    def limits_hold(self) -> None:
        """There are never too many connections, and never two open ones for one login."""
        slots = self.state.slots
        assert len(slots) <= LIMITS.max_connections
        for guild_id, limit in GUILD_LIMITS.items():
            assert len(self.state.find_slots(guild_id)) <= limit
        opening = [slot.guild_id for slot in slots if slot.is_opening]
        assert len(opening) <= LIMITS.handshakes_per_host - 1
        assert len(opening) == len(set(opening))  # half of three is one for each guild
        open_ones = [(slot.guild_id, slot.login) for slot in slots if not slot.is_closing]
        assert len(open_ones) == len(set(open_ones))

    @invariant()
    def nobody_is_lost(self) -> None:
        """Waiting requests are in the queue, and a served request is one loan."""
        assert self.state.waiting == self.waiting
        for slot in self.state.slots:
            assert slot.loans == self.loans.count(slot) <= LIMITS.max_loans_per_connection

    def teardown(self) -> None:
        """When loans end and sockets close, every request is served."""
        for _ in range(200):
            self.advance()
            if not self.waiting:
                break
            for slot in self.loans:
                self.state.release(slot, now=self.now)
            self.loans.clear()
            self.advance()
            for slot in self.state.slots:
                self.state.end_handshake(slot)
                if slot.is_closing:
                    self.state.remove(slot)
        assert self.waiting == []


TestPoolMachine = PoolMachine.TestCase
TestPoolMachine.settings = settings(
    max_examples=choose_examples(quick=50, deep=300), stateful_step_count=40, deadline=None
)


def test_request_is_served_although_others_keep_asking_for_busy_connections() -> None:
    """A request waits at the global limit while others return their connections and ask again at once."""
    state = PoolState(PoolLimits(max_connections=2, max_loans_per_connection=2))
    names = {ONE: "a", TWO: "b"}
    for guild_id, name in names.items():
        ask(state, guild_id, name)
    loans = state.decide().opened
    patient = ask(state, GuildId(3), "c")
    for turn in range(20):
        slot = loans.pop(0)
        ask(state, slot.guild_id, slot.login.username)
        state.release(slot, now=turn)
        loans += [served for _, served in state.decide().served]
        for closed in [other for other in state.slots if other.is_closing]:
            state.remove(closed)
        served = dict(state.decide().served)
        if patient in served:
            return
        loans += served.values()
    raise AssertionError(f"not served: {state.waiting}")
