"""Money over any story: conserved, never negative, and the ledger tells all of it."""

from collections import Counter
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.deaths import SCOPE, build_death, build_player_id, build_row
from tests.fakes.examples import choose_examples
from tests.fakes.money import FakeMoneyUnit, FakeRuleUnit, MoneyData
from tests.fakes.small_bot import Shelf
from tests.fakes.storage import build_server
from utils.errors import UserFacingError
from utils.models.money import BountyState, LedgerKind, compute_cancel_fee
from utils.models.players import KnownPlayer
from utils.models.scope import MemberId
from utils.services.ingestion.batch_rules import LiveDeaths, LiveKill
from utils.services.money.bounties.placing import BountyService
from utils.services.money.rewards import KillRewards, RewardTerms
from utils.services.money.wallets import WalletService

PLAYERS = ("Ann", "Bob", "Cid", "Dan", "Eve", "Fay", "Gus")
MEMBERS = {"Ann": MemberId(1), "Bob": MemberId(2), "Cid": MemberId(3), "Dan": MemberId(3)}
GUILD = SCOPE.guild_id
TERMS = RewardTerms(is_auto=True, is_announced=True)

players = st.sampled_from(PLAYERS)
members = st.sampled_from(sorted(set(MEMBERS.values())))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("give"), members, st.integers(-2_000, 500)),
        st.tuples(st.just("place"), members, players, st.integers(90, 1_200)),
        st.tuples(st.just("place"), members, players, st.integers(90, 1_200)),
        st.tuples(st.just("kill"), st.lists(st.tuples(players, players), min_size=1, max_size=8)),
        st.tuples(st.just("spree"), players),
        st.tuples(st.just("wait"), st.sampled_from([30, 1_800, 40_000, 90_000])),
        st.tuples(st.just("expire")),
        st.tuples(st.just("cancel"), members, players),
    ),
    min_size=10,
    max_size=40,
)
GIFT = 2_500


class Story:
    """A guild's money during a story."""

    def __init__(self) -> None:
        self.shelf = Shelf()
        server = build_server()
        self.shelf.servers.servers = {server.scope: server}
        self.shelf.statistics.players = [
            KnownPlayer(build_player_id(name), name, (name,), 1, self.shelf.clock.now(), (SCOPE.server_id,))
            for name in PLAYERS
        ]
        services = self.shelf.build_services()
        self.bounties: BountyService = services.bounties
        self.wallets: WalletService = services.wallets
        self.rewards = KillRewards(services.settings, services.premium)
        self.streaks: Counter[str] = Counter()
        self.requests = count(1)
        self.shelf.money.data.members = {build_player_id(name): one for name, one in MEMBERS.items()}

    @property
    def data(self) -> MoneyData:
        """The stored data."""
        return self.shelf.money.data

    async def take(self, step: tuple[object, ...]) -> None:
        """Do one step; a refused step changes nothing."""
        before = self.data
        try:
            await getattr(self, f"do_{step[0]}")(*step[1:])
        except UserFacingError:
            assert self.data.ledger == before.ledger
            assert self.data.bounties == before.bounties

    async def do_give(self, member_id: MemberId, amount: int) -> None:
        """Change a wallet by hand."""
        await self.wallets.adjust(
            GUILD, member_id, amount, reason="story", actor_id=MemberId(9), request_id=next(self.requests)
        )

    async def do_place(self, member_id: MemberId, player: str, amount: int) -> None:
        """Place a bounty."""
        await self.bounties.place(
            GUILD, member_id, player=player, amount=amount, server=None, request_id=next(self.requests)
        )

    async def do_kill(self, pairs: list[tuple[str, str]]) -> None:
        """Settle a batch of live kills and suicides."""
        begin = self.shelf.clock.now()
        self.shelf.clock.move(len(pairs))
        now = self.shelf.clock.now()
        kills, deaths = [], []
        for number, (killer, victim) in enumerate(pairs):
            seconds = (begin.replace(tzinfo=None) - NOON).total_seconds() + number
            death = build_death(build_row(killer, victim, second=seconds))
            self.streaks[victim] = 0
            if death.row.kind.is_kill:
                self.streaks[killer] += 1
                kills.append(LiveKill(death, self.streaks[killer], is_news=True))
                deaths.append(death)
        batch = LiveDeaths(SCOPE, "Mirny", deaths, kills, now)

        def work(unit: FakeMoneyUnit) -> None:
            unit.data.live_kills += deaths
            TERMS.judge(FakeRuleUnit(unit), batch)

        await self.shelf.money.in_transaction(SCOPE, work)

    async def do_spree(self, killer: str) -> None:
        """Let one player kill all others, and then be killed."""
        victims = [name for name in PLAYERS if name != killer]
        await self.do_kill([*((killer, victim) for victim in victims), (victims[0], killer)])

    async def do_wait(self, seconds: int) -> None:
        """Let time pass."""
        self.shelf.clock.move(seconds)

    async def do_expire(self) -> None:
        """Let the timer run."""
        await self.shelf.bounty_endings.expire_due()

    async def do_cancel(self, member_id: MemberId, player: str) -> None:
        """Cancel a bounty."""
        await self.bounties.cancel(GUILD, member_id, player)

    def check(self) -> None:
        """Assert that no emerald appeared or disappeared."""
        data = self.data
        for member_id, balance in data.balances.items():
            rows = data.list_rows(member_id)
            assert balance == sum(row.change.amount for row in rows) >= 0
            assert [row.number for row in rows] == list(range(1, len(rows) + 1))
            assert all(row.balance >= 0 for row in rows)
        booked: Counter[LedgerKind] = Counter()
        for row in data.ledger:
            booked[row.change.kind] += row.change.amount
        every = list(data.bounties.values())
        held = sum(one.amount for one in every if one.state is BountyState.OPEN and one.placer_id)
        fees = sum(compute_cancel_fee(one.amount) for one in every if one.state is BountyState.CANCELLED)
        house = sum(one.amount for one in every if one.state is BountyState.CLAIMED and not one.placer_id)
        earned = booked[LedgerKind.ADMIN] + booked[LedgerKind.KILL] + house
        assert sum(data.balances.values()) + held == earned - fees
        claims = sum(one.amount for one in every if one.state is BountyState.CLAIMED)
        assert booked[LedgerKind.BOUNTY_CLAIMED] == claims
        keys = [row.change.key for row in data.ledger]
        assert len(set(keys)) == len(keys)
        assert all(one.claimer_id != one.placer_id for one in every if one.claimer_id)


NOON = build_row("Ann", "Bob").written_at


@settings(max_examples=choose_examples(quick=30, deep=300), deadline=None)
@given(steps=STEPS)
async def test_money_is_conserved_and_never_negative_over_any_story(steps: list[tuple[object, ...]]) -> None:
    """Gifts, kills and the bot's bounties bring money in, fees take it out; everything else only moves it."""
    story = Story()
    for member_id in sorted(set(MEMBERS.values())):
        await story.do_give(member_id, GIFT)
    for step in steps:
        await story.take(step)
        story.check()
    # in the end all held money is paid back or paid out
    await story.do_wait(100_000)
    await story.do_expire()
    story.check()
    assert not [one for one in story.data.bounties.values() if one.state is BountyState.OPEN]
