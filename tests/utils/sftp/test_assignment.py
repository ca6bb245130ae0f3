"""The decisions of the pool, without any connection."""

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from utils.models.scope import GuildId
from utils.models.servers import Credentials
from utils.sftp.assignment import PoolState, Request, Slot
from utils.sftp.login import HostLogin, PoolLimits

ONE, TWO = GuildId(1), GuildId(2)


def login(name: str, host: str = "host") -> HostLogin:
    """Return the login of a user of that name."""
    return HostLogin(host, 22, name, Credentials("secret"))


def ask(state: PoolState, guild_id: GuildId, name: str, *, limit: int = 1, host: str = "host") -> Request:
    """Put a request in the queue."""
    request = Request(guild_id, login(name, host), limit)
    state.add(request)
    return request


@pytest.fixture(name="state")
def _state() -> PoolState:
    return PoolState(PoolLimits(max_connections=2, max_loans_per_connection=2, idle_expiry_seconds=300))


def test_second_request_of_a_login_shares_the_connection_that_is_being_opened(state: PoolState) -> None:
    """Nobody dials twice for one login."""
    first, second = ask(state, ONE, "a"), ask(state, ONE, "a")
    decisions = state.decide()
    (slot,) = decisions.opened
    assert decisions.served == [(first, slot), (second, slot)]
    assert slot.loans == 2


def test_request_waits_when_its_connection_is_lent_to_its_limit(state: PoolState) -> None:
    """A host answers in turns, so not everybody shares at once; no second connection is opened either."""
    for _ in range(2):
        ask(state, ONE, "a", limit=2)
    (slot,) = state.decide().opened
    third = ask(state, ONE, "a", limit=2)
    assert state.decide().served == []
    state.release(slot, now=1)
    assert state.decide().served == [(third, slot)]


def test_same_login_in_two_guilds_gets_two_connections(state: PoolState) -> None:
    """Two guilds never share anything."""
    ask(state, ONE, "a")
    ask(state, TWO, "a")
    assert len(state.decide().opened) == 2


def test_connection_opened_without_a_pin_is_shared_by_who_pinned_the_key_it_showed(state: PoolState) -> None:
    """A server that was just added is read over the connection that tested it; another key is not trusted."""
    ask(state, ONE, "a")
    (slot,) = state.decide().opened
    pinned, changed = replace(login("a"), host_key="A"), replace(login("a"), host_key="B")
    assert not state.has_connection(ONE, pinned)  # it might show another one
    state.pin(slot, "A")
    found = [state.has_connection(ONE, one) for one in (pinned, login("a"), changed, login("b"))]
    assert found == [True, True, False, False]
    state.close(slot)
    assert not any(state.has_connection(ONE, one) for one in (pinned, login("a")))


def test_place_of_an_idle_connection_is_given_away_at_the_guild_limit(state: PoolState) -> None:
    """The guild's own idle connection goes, and its place counts until the socket is closed."""
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
    """Sharing ends while somebody of the guild waits for a place."""
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
    """A guild at its own limit waits alone."""
    ask(state, ONE, "a")
    state.decide()
    ask(state, ONE, "b")
    other = ask(state, TWO, "c")
    assert [request for request, _ in state.decide().served] == [other]


def test_guild_served_longest_ago_is_first_when_a_place_becomes_free() -> None:
    """A guild with many servers does not crowd out one with few."""
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
    """25 servers of one guild were there first; the other guild's only one is served second."""
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
    assert state.decide().opened == []  # until its socket is closed the host counts it
    state.remove(second)
    state.remove(second)
    assert [slot.login.username for slot in state.decide().opened] == ["c"]


def test_guild_whose_handshakes_hang_leaves_half_of_them_to_others() -> None:
    """25 logins that a host lets hang would keep everybody else from it."""
    state = PoolState(PoolLimits(handshakes_per_host=8))
    for number in range(25):
        ask(state, ONE, f"a{number:02}", limit=25)
    assert len(state.decide().opened) == 4
    others = [ask(state, GuildId(number), "b") for number in range(2, 7)]
    assert [request for request, _ in state.decide().served] == others[:3]


def test_one_handshake_is_kept_for_the_try_of_a_circuit() -> None:
    """Logins of two guilds hang; the try of a third guild still finds out that a host is back."""
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
    """Only what nobody used for the whole time is closed."""
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
    """Any order of asking, giving up, returning, breaking, expiring and closing."""

    def __init__(self) -> None:
        super().__init__()
        self.state = PoolState(LIMITS)
        self.now = 0.0
        self.waiting: list[Request] = []
        self.loans: list[Slot] = []

    def advance(self) -> None:
        """Decide, and check each decision as it falls."""
        decisions = self.state.decide()
        for request, slot in decisions.served:
            assert (request.guild_id, request.login) == (slot.guild_id, slot.login)
            self.waiting.remove(request)
            self.loans.append(slot)
        assert all(slot.is_closing for slot in decisions.closed)
        assert not [slot for slot in decisions.closed if slot in self.loans]

    @rule(guild_id=GUILDS, name=NAMES)
    def ask(self, guild_id: GuildId, name: str) -> None:
        """Somebody wants a connection."""
        self.waiting.append(ask(self.state, guild_id, name, limit=GUILD_LIMITS[guild_id]))
        self.advance()

    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        """Somebody in the queue is cancelled."""
        if self.waiting:
            request = data.draw(st.sampled_from(self.waiting))
            self.waiting.remove(request)
            self.state.withdraw(request)
            self.advance()

    @rule(data=st.data(), seconds=st.floats(0, 30))
    def give_back(self, data: st.DataObject, seconds: float) -> None:
        """A loan ends."""
        self.now += seconds
        if self.loans:
            slot = data.draw(st.sampled_from(self.loans))
            self.loans.remove(slot)
            self.state.release(slot, now=self.now)
            self.advance()

    @rule(data=st.data())
    def break_connection(self, data: st.DataObject) -> None:
        """A connection breaks, in use or not."""
        if self.state.slots:
            self.state.close(data.draw(st.sampled_from(self.state.slots)))
            self.advance()

    @rule(data=st.data())
    def end_handshake(self, data: st.DataObject) -> None:
        """A connection is open, or failed to be."""
        if self.state.slots:
            self.state.end_handshake(data.draw(st.sampled_from(self.state.slots)))
            self.advance()

    @rule(data=st.data())
    def finish_closing(self, data: st.DataObject) -> None:
        """A socket is closed at last."""
        closing = [slot for slot in self.state.slots if slot.is_closing]
        if closing:
            self.state.remove(data.draw(st.sampled_from(closing)))
            self.advance()

    @rule()
    def expire(self) -> None:
        """The clock is looked at."""
        assert not [slot for slot in self.state.expire(now=self.now) if slot in self.loans]

    @invariant()
    def limits_hold(self) -> None:
        """Never more connections than allowed, of anybody; never two open ones of one login."""
        slots = self.state.slots
        assert len(slots) <= LIMITS.max_connections
        for guild_id, limit in GUILD_LIMITS.items():
            assert len(self.state.find_slots(guild_id)) <= limit
        opening = [slot.guild_id for slot in slots if slot.is_opening]
        assert len(opening) <= LIMITS.handshakes_per_host - 1
        assert len(opening) == len(set(opening))  # half of three is one of each guild
        open_ones = [(slot.guild_id, slot.login) for slot in slots if not slot.is_closing]
        assert len(open_ones) == len(set(open_ones))

    @invariant()
    def nobody_is_lost(self) -> None:
        """Who waits is in the queue; who was served is counted as a loan, once."""
        assert self.state.waiting == self.waiting
        for slot in self.state.slots:
            assert slot.loans == self.loans.count(slot) <= LIMITS.max_loans_per_connection

    def teardown(self) -> None:
        """Nobody starves: when loans end and sockets close, everybody is served."""
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
TestPoolMachine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def test_request_is_served_although_others_keep_asking_for_busy_connections() -> None:
    """Starvation: one waits at the limit over all while the others return and ask again at once."""
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
