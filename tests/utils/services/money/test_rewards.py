"""Rewards of live kills: pay, claims and the bot's bounties, and the cases without a reward."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.fakes.clock import START, FakeClock
from tests.fakes.deaths import NOON, SCOPE, build_deaths, build_player_id, build_row
from tests.fakes.money import FakeMoneyStore, FakeMoneyUnit, FakeRuleUnit
from tests.fakes.premium import build_premium
from tests.fakes.storage import FakeGuildStore, FakeServerStore, put_settings
from utils.models.deaths import Death, DeathKind, DeathRow
from utils.models.factions import FactionMark
from utils.models.guilds import ChannelKind
from utils.models.money import (
    Bounty,
    BountySettings,
    BountyState,
    LedgerKind,
    compute_auto_amount,
    compute_cancel_fee,
    compute_reward,
)
from utils.models.notices.bounties import BountyEvent, BountyNotice
from utils.models.notices.notice import Notice
from utils.models.scope import ChannelId, MemberId
from utils.services.guilds.guild_settings import SettingsService
from utils.services.ingestion.batch_rules import LiveDeaths, LiveKill
from utils.services.money.rewards import READ_KILLS, KillRewards, RewardTerms

ANN, BOB, CID = MemberId(11), MemberId(22), MemberId(33)
READ_AT = NOON.replace(tzinfo=UTC) + timedelta(hours=3)
HOUR = timedelta(hours=1)


def build_rewards(*, tier: int = 4) -> tuple[KillRewards, SettingsService, FakeGuildStore]:
    """Return the rules over empty settings."""
    guilds = FakeGuildStore()
    settings = SettingsService(guilds, FakeServerStore(), clock=FakeClock())
    return KillRewards(settings, build_premium(tier)), settings, guilds


@dataclass(slots=True)
class Table:
    """A guild's money, and kills that are paid."""

    store: FakeMoneyStore = field(default_factory=FakeMoneyStore)
    streaks: dict[str, int] = field(default_factory=dict)

    async def pay(
        self,
        *rows: DeathRow,
        read_at: datetime = READ_AT,
        is_auto: bool = True,
        is_news: bool = True,
        zone: str = "UTC",
    ) -> list[BountyNotice]:
        """Pay a batch of rows in order, like ingestion."""
        deaths = [
            death._replace(at=death.row.written_at.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC))
            for death in build_deaths(rows)
        ]
        kills = []
        for death in deaths:
            self.streaks[death.row.victim_name] = 0
            if death.row.kind.is_kill:
                streak = self.streaks[death.row.killer_name] = self.streaks.get(death.row.killer_name, 0) + 1
                kills.append(LiveKill(death, streak, is_news))

        def work(unit: FakeMoneyUnit) -> Sequence[Notice]:
            unit.data.live_kills += deaths
            terms = RewardTerms(is_auto=is_auto, is_announced=True)
            return judge(terms, unit, deaths, kills, read_at)

        return list(await self.store.in_transaction(SCOPE, work))

    def add_bounty(self, target: str, amount: int, placer_id: MemberId | None, **fields: object) -> Bounty:
        """Store an open bounty that was placed an hour ago and ends in an hour."""
        bounty = Bounty(
            scope=SCOPE,
            bounty_id=f"b{len(self.store.data.bounties)}",
            player_id=build_player_id(target),
            player_name=target,
            amount=amount,
            placer_id=placer_id,
            placed_at=READ_AT - HOUR,
            expires_at=READ_AT + HOUR,
        )
        bounty = replace(bounty, **fields)  # type: ignore[arg-type] # the fields of a test
        self.store.data.bounties[bounty.bounty_id] = bounty
        return bounty

    def list_booked(self) -> list[tuple[MemberId, LedgerKind, int, str]]:
        """Return member, kind, amount and note of each booked change."""
        changes = [row.change for row in self.store.data.ledger]
        return [(one.member_id, one.kind, one.amount, one.note) for one in changes]


def judge(
    terms: RewardTerms,
    unit: FakeMoneyUnit,
    deaths: Sequence[Death],
    kills: Sequence[LiveKill],
    read_at: datetime,
) -> Sequence[Notice]:
    """Judge a batch within a transaction; return the notices."""
    return terms.judge(FakeRuleUnit(unit), LiveDeaths(SCOPE, "Mirny", deaths, kills, read_at)).notices


@pytest.fixture(name="table")
def _table() -> Table:
    table = Table()
    table.store.data.members = {
        build_player_id("Ann"): ANN,
        build_player_id("AnnToo"): ANN,
        build_player_id("Bob"): BOB,
    }
    return table


@pytest.mark.parametrize(
    ("distance", "reward"), [(0, 10), (1, 10), (9, 10), (10, 11), (123, 22), (399, 49), (400, 50), (5000, 50)]
)
def test_reward_grows_with_the_distance_up_to_fifty(distance: int, reward: int) -> None:
    """A kill pays ten, and one more for each full ten metres."""
    assert compute_reward(distance) == reward


@pytest.mark.parametrize(("amount", "fee"), [(100, 10), (101, 11), (109, 11), (110, 11), (50_000, 5000)])
def test_fee_of_cancelling_is_rounded_up(amount: int, fee: int) -> None:
    """The fee is a tenth, rounded up."""
    assert compute_cancel_fee(amount) == fee


@pytest.mark.parametrize(
    ("victims", "amount"), [(4, None), (5, 1000), (6, 1500), (22, 9500), (23, 10_000), (57, 10_000)]
)
def test_house_pays_more_for_longer_streaks(victims: int, amount: int | None) -> None:
    """The amount grows from five victims on, up to ten thousand."""
    assert compute_auto_amount(victims) == amount


async def test_live_kill_of_a_proven_player_is_paid_once(table: Table) -> None:
    """Kills and vehicle kills pay; the row has victim and moment; a repeated batch pays nothing."""
    rows = [
        build_row("Ann", "Dan", second=1, distance=123),
        build_row("Ann", "Eve", second=2, kind=DeathKind.VEHICLE),
        build_row("Dan", "Ann", second=3),
        build_row("Bob", "Bob", second=4),
    ]
    await table.pay(*rows)
    await table.pay(*rows)
    assert table.list_booked() == [
        (ANN, LedgerKind.KILL, 22, "Dan"),
        (ANN, LedgerKind.KILL, 10, "Eve"),
    ]
    first = table.store.data.ledger[0].change
    assert first.key == f"kill:{build_deaths(rows)[0].id.hex()}"
    assert (first.at, first.player_id, first.killed_at) == (
        READ_AT,
        build_player_id("Dan"),
        rows[0].written_at.replace(tzinfo=UTC),
    )


async def test_one_read_is_all_when_nobody_is_linked(table: Table) -> None:
    """Live reading stays fast: without a proven killer and a streak there are no more reads."""
    table.store.data.members.clear()
    await table.pay(build_row("Ann", "Dan"), build_row("Bob", "Dan", second=1))
    assert table.store.data.reads == ["find_members"]
    table.store.data.reads.clear()
    await table.pay(build_row("", "Dan", second=2))
    assert table.store.data.reads == []


async def test_only_three_kills_of_a_victim_are_paid_in_an_hour(table: Table) -> None:
    """The limit counts by the time of the kills, over batches and all players of a member."""
    await table.pay(*(build_row("Ann", "Dan", second=second) for second in (0, 1)))
    await table.pay(
        build_row("AnnToo", "Dan", second=2),
        build_row("Ann", "Dan", second=3),
        build_row("Ann", "Eve", second=4),
        build_row("Bob", "Dan", second=5),
    )
    await table.pay(build_row("Ann", "Dan", second=3599), build_row("Ann", "Dan", second=3600))
    paid = [(member, note) for member, _, _, note in table.list_booked()]
    assert paid == [(ANN, "Dan")] * 3 + [(ANN, "Eve"), (BOB, "Dan"), (ANN, "Dan")]


async def test_kill_among_own_players_earns_and_claims_nothing(table: Table) -> None:
    """A member cannot earn money with own players."""
    table.add_bounty("AnnToo", 500, BOB)
    assert await table.pay(build_row("Ann", "AnnToo"), build_row("AnnToo", "Ann", second=1)) == []
    assert table.list_booked() == []


async def test_kill_within_a_faction_earns_and_claims_nothing(table: Table) -> None:
    """It counts for all players of both members, alts too; a kill of another faction's player pays."""
    wolves, bears = FactionMark("f1", "WLF"), FactionMark("f2", "BRS")
    allied = dict.fromkeys(map(build_player_id, ("Ann", "AnnToo", "Bob")), wolves)
    table.store.data.factions = {**allied, build_player_id("Cid"): bears}
    table.add_bounty("Bob", 500, CID)
    rows = [
        build_row("Ann", "Bob"),
        build_row("AnnToo", "Bob", second=1),
        build_row("Bob", "AnnToo", second=2),
    ]
    assert await table.pay(*rows) == []
    assert table.list_booked() == []
    await table.pay(build_row("Ann", "Cid", second=3, distance=0))
    assert table.list_booked() == [(ANN, LedgerKind.KILL, 10, "Cid")]


async def test_house_does_not_count_victims_of_the_killers_faction(table: Table) -> None:
    """Five other victims are needed; the members of an earlier batch do not count either."""
    names = ("Wolf", "V0", "V1")
    table.store.data.factions = dict.fromkeys(map(build_player_id, names), FactionMark("f1", "WLF"))
    rows = [build_row("Wolf", f"V{number}", second=number * 60) for number in range(7)]
    await table.pay(*rows[:3])
    assert await table.pay(*rows[3:6]) == []
    assert [one.kills for one in await table.pay(rows[6])] == [5]


async def test_claim_takes_all_open_bounties_on_the_victim_at_once(table: Table) -> None:
    """The claim takes every placer's bounty and the bot's, each with a row; one notice has the sum."""
    bounties = [
        table.add_bounty("Dan", 500, BOB),
        table.add_bounty("Dan", 700, CID),
        table.add_bounty("Dan", 1000, None),
    ]
    other = table.add_bounty("Eve", 300, BOB)
    row = build_row("Ann", "Dan", distance=50)
    notices = await table.pay(row)
    assert table.list_booked() == [
        (ANN, LedgerKind.BOUNTY_CLAIMED, 500, "Dan"),
        (ANN, LedgerKind.BOUNTY_CLAIMED, 700, "Dan"),
        (ANN, LedgerKind.BOUNTY_CLAIMED, 1000, "Dan"),
        (ANN, LedgerKind.KILL, 15, "Dan"),
    ]
    end = {
        "state": BountyState.CLAIMED,
        "closed_at": READ_AT,
        "claimer_id": ANN,
        "claimer_player_id": build_player_id("Ann"),
        "claimer_name": "Ann",
    }
    expected = [*(replace(one, **end) for one in bounties), other]  # type: ignore[arg-type]
    assert list(table.store.data.bounties.values()) == expected
    [death] = build_deaths([row])
    assert notices == [
        BountyNotice(
            event_id=death.id,
            event=BountyEvent.CLAIMED,
            server_name="Mirny",
            target_name="Dan",
            amount=2200,
            at=death.at,
            count=3,
            claimer_id=ANN,
            claimer_name="Ann",
        )
    ]


async def test_two_victims_of_one_batch_are_claimed_each_by_their_killer(table: Table) -> None:
    """Each bounty is paid once, even if a victim dies twice; each victim has a notice."""
    table.add_bounty("Dan", 500, CID)
    table.add_bounty("Eve", 700, CID)
    notices = await table.pay(
        build_row("Ann", "Dan", distance=0),
        build_row("Bob", "Eve", second=1, distance=0),
        build_row("Ann", "Eve", second=2, distance=0),
    )
    claims = [booked for booked in table.list_booked() if booked[1] is LedgerKind.BOUNTY_CLAIMED]
    assert claims == [
        (ANN, LedgerKind.BOUNTY_CLAIMED, 500, "Dan"),
        (BOB, LedgerKind.BOUNTY_CLAIMED, 700, "Eve"),
    ]
    told = [(one.event, one.target_name, one.claimer_name) for one in notices]
    assert told == [(BountyEvent.CLAIMED, "Dan", "Ann"), (BountyEvent.CLAIMED, "Eve", "Bob")]


async def test_placers_own_kill_leaves_his_bounty_and_takes_the_others(table: Table) -> None:
    """This holds for any of the placer's players."""
    own = table.add_bounty("Dan", 500, ANN)
    table.add_bounty("Dan", 700, BOB)
    await table.pay(build_row("AnnToo", "Dan", distance=0))
    assert [booked[2] for booked in table.list_booked()] == [700, 10]
    assert table.store.data.bounties["b0"] == own
    await table.pay(build_row("Bob", "Dan", second=1, distance=0))
    assert [booked[2] for booked in table.list_booked()] == [700, 10, 500, 10]


async def test_unproven_killer_claims_nothing(table: Table) -> None:
    """The bounty stays until a member with a proven link kills the player."""
    bounty = table.add_bounty("Dan", 500, BOB)
    assert await table.pay(build_row("Eve", "Dan"), build_row("", "Dan", second=1)) == []
    assert table.store.data.bounties == {"b0": bounty}


@pytest.mark.parametrize(
    ("fields", "is_claimed"),
    [
        ({"expires_at": READ_AT}, False),
        ({"expires_at": READ_AT + timedelta(milliseconds=1)}, True),
        ({"placed_at": READ_AT}, True),
        ({"placed_at": READ_AT + timedelta(milliseconds=1)}, False),
        ({"state": BountyState.CANCELLED}, False),
    ],
)
async def test_time_of_reading_decides_whether_a_claim_is_in_time(
    table: Table, fields: dict[str, object], *, is_claimed: bool
) -> None:
    """The clock of the game server and the time of the transaction do not matter."""
    table.add_bounty("Dan", 500, BOB, **fields)
    await table.pay(build_row("Ann", "Dan"))
    assert (LedgerKind.BOUNTY_CLAIMED in [booked[1] for booked in table.list_booked()]) is is_claimed


async def test_first_kill_of_a_batch_claims(table: Table) -> None:
    """With several kills of the target in one batch, the order of the log decides."""
    table.add_bounty("Dan", 500, CID)
    notices = await table.pay(build_row("Bob", "Dan", second=1), build_row("Ann", "Dan", second=2))
    assert [(one.claimer_id, one.amount) for one in notices] == [(BOB, 500)]


async def test_house_puts_a_price_on_five_victims_without_dying(table: Table) -> None:
    """Such a streak of any player, linked or not, has one notice; further victims raise the amount."""
    rows = [build_row("Wolf", f"V{number}", second=number * 60) for number in range(7)]
    assert await table.pay(*rows[:4]) == []
    [notice] = await table.pay(rows[4])
    [bounty] = table.store.data.bounties.values()
    assert (bounty.amount, bounty.placer_id, bounty.expires_at) == (1000, None, READ_AT + 2 * HOUR)
    assert notice == BountyNotice(
        event_id=bounty.bounty_id.encode(),
        event=BountyEvent.AUTO,
        server_name="Mirny",
        target_name="Wolf",
        amount=1000,
        at=READ_AT,
        ends_at=READ_AT + 2 * HOUR,
        kills=5,
    )
    assert await table.pay(*rows[5:], read_at=READ_AT + HOUR) == []
    assert [(one.amount, one.expires_at) for one in table.store.data.bounties.values()] == [
        (2000, READ_AT + 2 * HOUR)
    ]
    assert table.store.data.ledger == []


async def test_friends_earn_no_more_from_the_house_than_one_bounty_in_six_hours(table: Table) -> None:
    """Five victims, the killer and another player repeat this; a bounty on another player pays at once."""
    seconds, told = 0, []
    for minutes in (0, 1, 2, 60, 119, 359, 361, 400, 721):
        streak = [build_row("Wolf", f"V{number}", second=seconds + number) for number in range(5)]
        end = build_row("Ann", "Wolf", second=seconds + 5, distance=0)
        notices = await table.pay(*streak, end, read_at=READ_AT + timedelta(minutes=minutes))
        told += [(minutes, one.event, one.amount) for one in notices]
        seconds += 60
    earned = [(event, 1000) for event in (BountyEvent.AUTO, BountyEvent.CLAIMED)]
    assert told == [(minutes, *one) for minutes in (0, 361, 721) for one in earned]
    other = [build_row("Bear", f"V{number}", second=seconds + number) for number in range(5)]
    [notice] = await table.pay(*other, read_at=READ_AT + timedelta(minutes=722))
    assert (notice.event, notice.target_name) == (BountyEvent.AUTO, "Bear")


async def test_house_rests_within_a_batch_too(table: Table) -> None:
    """The rows of one minute may have several streaks."""
    rows = [
        row
        for start in (0, 10)
        for row in (
            *(build_row("Wolf", f"V{number}", second=start + number) for number in range(5)),
            build_row("Ann", "Wolf", second=start + 6, distance=0),
        )
    ]
    notices = await table.pay(*rows)
    assert [one.event for one in notices] == [BountyEvent.AUTO, BountyEvent.CLAIMED]


async def test_house_bounty_made_in_a_batch_can_be_claimed_in_it(table: Table) -> None:
    """The claim pays the amount of that moment; the next streak starts at zero."""
    rows = [build_row("Wolf", f"V{number}", second=number) for number in range(6)]
    notices = await table.pay(
        *rows,
        build_row("Ann", "Wolf", second=6, distance=0),
        build_row("Wolf", "V9", second=7),
    )
    assert [(one.event, one.amount) for one in notices] == [
        (BountyEvent.AUTO, 1000),
        (BountyEvent.CLAIMED, 1500),
    ]
    assert [booked[2] for booked in table.list_booked()] == [1500, 10]
    assert [one.state for one in table.store.data.bounties.values()] == [BountyState.CLAIMED]


@pytest.mark.parametrize(
    "rows",
    [
        [build_row("Wolf", "Dan", second=second) for second in range(9)],
        [build_row("Wolf", f"V{number}", second=number * 901) for number in range(5)],
        [
            *(build_row("Wolf", f"V{number}", second=number) for number in range(4)),
            build_row("", "Wolf", second=4),
            *(build_row("Wolf", f"V{number}", second=number) for number in range(5, 9)),
        ],
        [
            *(build_row("Wolf", f"V{number}", second=number) for number in range(4)),
            build_row("Wolf", "Wolf", second=4),
            build_row("Wolf", "V5", second=5),
        ],
    ],
    ids=["one victim", "over an hour", "killed between", "suicide between"],
)
async def test_house_pays_nothing_for_less(table: Table, rows: list[DeathRow]) -> None:
    """A streak needs five different victims within an hour, without an own death."""
    assert await table.pay(*rows) == []
    assert table.store.data.bounties == {}


async def test_exactly_an_hour_still_counts(table: Table) -> None:
    """The first and the fifth kill may be an hour apart."""
    rows = [build_row("Wolf", f"V{number}", second=number * 900) for number in range(5)]
    assert [one.amount for one in await table.pay(*rows)] == [1000]


async def test_house_stays_out_of_it_when_told_or_when_it_is_old_news(table: Table) -> None:
    """The setting may be off, or the kills may be read long after they happened."""
    rows = [build_row("Wolf", f"V{number}", second=number) for number in range(6)]
    assert await table.pay(*rows, is_auto=False) == []
    table.streaks.clear()
    table.store.data.live_kills.clear()
    assert await table.pay(*rows, is_news=False) == []
    assert table.store.data.bounties == {}


async def test_ended_house_bounty_is_not_raised(table: Table) -> None:
    """Before it is closed there is no second one; afterwards the streak leads to a new one."""
    standing = table.add_bounty("Wolf", 1000, None, expires_at=READ_AT)
    rows = [build_row("Wolf", f"V{number}", second=number) for number in range(6)]
    assert await table.pay(*rows) == []
    assert table.store.data.bounties == {"b0": standing}
    table.store.data.bounties.clear()
    assert [one.amount for one in await table.pay(build_row("Wolf", "V7", second=7))] == [2000]


async def test_terms_follow_tier_and_settings() -> None:
    """Without the tier, or switched off, nothing is paid; without a channel there is no notice."""
    rewards, settings, guilds = build_rewards()
    guild_id = SCOPE.guild_id
    assert await rewards.find_terms(SCOPE) == RewardTerms(is_auto=True, is_announced=False)
    await put_settings(guilds, guild_id, channels={ChannelKind.BOUNTIES: ChannelId(5)})
    await put_settings(guilds, guild_id, bounties=BountySettings(is_auto=False))
    settings.forget_guild(guild_id)
    assert await rewards.find_terms(SCOPE) == RewardTerms(is_auto=False, is_announced=True)
    await put_settings(guilds, guild_id, bounties=BountySettings(is_enabled=False))
    settings.forget_guild(guild_id)
    assert await rewards.find_terms(SCOPE) is None
    poor, *_ = build_rewards(tier=1)
    assert await poor.find_terms(SCOPE) is None


async def test_nothing_is_told_without_a_channel(table: Table) -> None:
    """Claims are paid anyway."""
    table.add_bounty("Dan", 500, BOB)
    [death] = build_deaths([build_row("Ann", "Dan")])

    def work(unit: FakeMoneyUnit) -> Sequence[Notice]:
        terms = RewardTerms(is_auto=True, is_announced=False)
        kills = [LiveKill(death, 1, is_news=True)]
        return judge(terms, unit, [death], kills, START + 3 * HOUR)

    assert list(await table.store.in_transaction(SCOPE, work)) == []
    assert table.store.data.balances[ANN] >= 500


async def test_streak_is_measured_by_time_that_passed_and_not_by_the_wall_clock(table: Table) -> None:
    """From 01:40 to 03:10 only thirty minutes pass in the night in which summer time begins."""
    day = datetime(2025, 3, 30, tzinfo=UTC).replace(tzinfo=None)
    minutes = [100, 110, 118, 182, 190]
    rows = [build_row("Wolf", f"V{number}", second=0) for number in range(5)]
    rows = [
        row._replace(written_at=day + timedelta(minutes=minute))
        for row, minute in zip(rows, minutes, strict=True)
    ]
    (notice,) = await table.pay(*rows, zone="Europe/Berlin")
    assert (notice.event, notice.target_name, notice.kills) == (BountyEvent.AUTO, "Wolf", 5)


async def test_killer_of_thousands_costs_each_batch_no_more_than_a_thousand(table: Table) -> None:
    """The amount counts all their kills, but only the newest are read."""
    rows = [build_row("Wolf", f"V{number % 7}", second=number // 3) for number in range(5_000)]
    table.store.data.live_kills += build_deaths(rows[:-3])
    deaths = build_deaths(rows)[-3:]
    kills = [LiveKill(death, 4_998 + place, is_news=True) for place, death in enumerate(deaths)]

    def work(unit: FakeMoneyUnit) -> Sequence[Notice]:
        unit.data.live_kills += deaths
        terms = RewardTerms(is_auto=True, is_announced=True)
        return judge(terms, unit, deaths, kills, READ_AT)

    [notice] = await table.store.in_transaction(SCOPE, work)
    assert (notice.amount, notice.kills) == (compute_auto_amount(7), 7)
    assert table.store.data.kills_read == READ_KILLS + 3
