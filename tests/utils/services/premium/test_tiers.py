"""Premium: the features and servers of a tier, and the time of a grant."""

import asyncio
from datetime import timedelta

import pytest

from tests.fakes.clock import START, FakeClock
from tests.fakes.premium import OWNER, FakePremiumStore, build_premium
from tests.fakes.storage import Gate
from utils.errors import LimitReachedError, StorageUnavailableError, TierRequiredError
from utils.models.guilds import ChannelKind
from utils.models.premium import (
    REQUIRED_CHANNEL_TIER,
    REQUIRED_TIER,
    TIERS,
    Feature,
    Grant,
    PremiumState,
    Tier,
    compute_poll_seconds,
    list_offers,
)
from utils.models.scope import GuildId
from utils.services.premium.tiers import CACHE_SECONDS, SHARED_CACHE_SECONDS, PremiumService

GUILD, OTHER = GuildId(42), GuildId(43)


@pytest.fixture(name="store")
def _store() -> FakePremiumStore:
    return FakePremiumStore()


@pytest.fixture(name="premium")
def _premium(store: FakePremiumStore, clock: FakeClock) -> PremiumService:
    return PremiumService(store, default_tier=0, clock=clock)


@pytest.mark.parametrize("level", range(len(TIERS)))
async def test_guild_without_a_grant_has_the_default_tier(level: int) -> None:
    """The configuration sets the default tier."""
    assert await build_premium(level).get_state(GUILD) == PremiumState(TIERS[level])


async def test_feature_is_refused_when_the_tier_is_too_low() -> None:
    """The refusal names the feature, the tier that opens it, and how to get it."""
    premium = build_premium(0)
    await premium.verify_premium_for_feature(GUILD, Feature.STATS)
    with pytest.raises(TierRequiredError) as caught:
        await premium.verify_premium_for_feature(GUILD, Feature.LEADERBOARD)
    assert str(caught.value) == (
        "/leaderboard needs tier 1 (Survivor). The bot's owner can grant it to this Discord server."
    )


async def test_every_feature_is_open_on_the_highest_tier() -> None:
    """A self-hosted bot opens everything."""
    premium = build_premium(4)
    for feature in Feature:
        await premium.verify_premium_for_feature(GUILD, feature)
    for kind in ChannelKind:
        assert await premium.find_missing_tier(GUILD, kind) is None


async def test_channel_kinds_wait_for_their_tier() -> None:
    """Every kind of channel has its tier; below it, the answer names the tier."""
    premium = build_premium(1)
    missing = {kind: await premium.find_missing_tier(GUILD, kind) for kind in ChannelKind}
    assert missing == {
        kind: TIERS[level] if level > 1 else None for kind, level in REQUIRED_CHANNEL_TIER.items()
    }


@pytest.mark.parametrize("tier", TIERS, ids=lambda tier: str(tier.name))
async def test_server_over_the_limit_is_refused(tier: Tier) -> None:
    """A guild may have as many servers as its tier allows."""
    premium = build_premium(tier.level)
    await premium.verify_free_slot(GUILD, servers=tier.servers - 1)
    with pytest.raises(
        LimitReachedError, match=rf"includes {tier.servers} game servers?, .* /admin server remove"
    ):
        await premium.verify_free_slot(GUILD, servers=tier.servers)


async def test_granted_tier_counts_in_its_guild_alone(
    premium: PremiumService, store: FakePremiumStore
) -> None:
    """A grant belongs to one guild, and has its end."""
    ends_at = START + timedelta(days=1)
    store.give(GUILD, 2, ends_at)
    assert await premium.get_state(GUILD) == PremiumState(TIERS[2], ends_at, is_granted=True)
    assert await premium.get_state(OTHER) == PremiumState(TIERS[0])


async def test_grant_may_be_below_the_default(store: FakePremiumStore, clock: FakeClock) -> None:
    """The host of the bot decides: a grant counts instead of the default, even if it is lower."""
    store.give(GUILD, 1)
    premium = PremiumService(store, default_tier=4, clock=clock)
    assert await premium.get_tier(GUILD) == TIERS[1]


async def test_tier_that_ends_between_two_questions_is_over_at_that_moment(
    premium: PremiumService, store: FakePremiumStore, clock: FakeClock
) -> None:
    """A command that was allowed before the end is refused after it, even with a cached record."""
    store.give(GUILD, 2, START + timedelta(seconds=10))
    clock.move(9.9)
    await premium.verify_premium_for_feature(GUILD, Feature.LEADERBOARD)
    clock.move(0.1)
    with pytest.raises(TierRequiredError):
        await premium.verify_premium_for_feature(GUILD, Feature.LEADERBOARD)
    assert store.calls == ["get_premium"]


@pytest.mark.parametrize(("is_shared", "seconds"), [(True, SHARED_CACHE_SECONDS), (False, CACHE_SECONDS)])
async def test_grant_of_another_process_is_seen_after_thirty_seconds(
    store: FakePremiumStore, clock: FakeClock, *, is_shared: bool, seconds: float
) -> None:
    """Between two reads nothing is asked again; dropping it reads at once. A lone process reads seldom."""
    premium = PremiumService(store, default_tier=0, clock=clock, is_shared=is_shared)
    await premium.get_tier(GUILD)
    store.give(GUILD, 3)
    clock.move(seconds - 0.1)
    assert await premium.get_tier(GUILD) == TIERS[0]
    clock.move(0.1)
    assert await premium.get_tier(GUILD) == TIERS[3]
    store.give(GUILD, 4)
    premium.forget_guild(GUILD)
    assert await premium.get_tier(GUILD) == TIERS[4]


async def test_slow_read_is_not_kept_when_something_was_granted_meanwhile(
    store: FakePremiumStore, clock: FakeClock
) -> None:
    """Such a read may answer its own caller, but no later one."""
    store.gate = Gate()
    premium = PremiumService(store, default_tier=0, clock=clock)
    early = asyncio.create_task(premium.get_tier(GUILD))
    await store.gate.has_read.wait()
    store.give(GUILD, 2)
    premium.forget_guild(GUILD)
    store.gate.may_answer.set()
    assert await early == TIERS[0]
    assert await premium.get_tier(GUILD) == TIERS[2]


async def test_outage_is_raised_and_not_taken_for_the_default(
    premium: PremiumService, store: FakePremiumStore
) -> None:
    """If the database is away, the read raises; it does not return the default tier."""
    store.give(GUILD, 2)
    store.failures.append(StorageUnavailableError("away"))
    with pytest.raises(StorageUnavailableError):
        await premium.get_tier(GUILD)
    assert await premium.get_tier(GUILD) == TIERS[2]


def test_grant_is_over_at_its_end() -> None:
    """The moment of the end is outside the grant; a grant without an end stays."""
    grant = Grant(2, START, OWNER, START + timedelta(days=1))
    assert [grant.is_over(START + timedelta(seconds=second)) for second in (0, 86_399, 86_400)] == [
        False,
        False,
        True,
    ]
    assert not Grant(2, START, OWNER).is_over(START + timedelta(days=9999))


def test_poll_interval_follows_tier_and_minimum() -> None:
    """The larger of both counts, but a minimum under five seconds counts alone."""
    assert [compute_poll_seconds(tier, minimum_seconds=5) for tier in TIERS] == [30, 15, 10, 5, 5]
    assert [compute_poll_seconds(tier, minimum_seconds=20) for tier in TIERS] == [30, 20, 20, 20, 20]
    assert [compute_poll_seconds(tier, minimum_seconds=0.2) for tier in TIERS] == [0.2] * 5


def test_table_shows_what_is_built_and_nothing_else() -> None:
    """Every feature is in the row of its tier; every kind of channel has a tier."""
    offers = list_offers(minimum_seconds=5)
    assert [(offer.tier, offer.poll_seconds) for offer in offers] == list(
        zip(TIERS, [30, 15, 10, 5, 5], strict=True)
    )
    assert [str(opened) for opened in offers[0].opens[:3]] == ["killfeed", "history import", "stats"]
    assert "leaderboards" in map(str, offers[1].opens)
    assert set(REQUIRED_TIER) == set(Feature)
    assert set(REQUIRED_CHANNEL_TIER) == set(ChannelKind)
