"""Premium: what a tier opens, and how many servers it has room for."""

import pytest

from utils.errors import LimitReachedError, TierRequiredError
from utils.models.premium import TIERS, Feature, Tier, compute_poll_seconds
from utils.models.scope import GuildId
from utils.services.premium import PremiumService

GUILD = GuildId(42)


@pytest.mark.parametrize("level", range(len(TIERS)))
async def test_guild_without_a_grant_has_the_default_tier(level: int) -> None:
    """The configuration says what everybody has."""
    assert await PremiumService(default_tier=level).get_tier(GUILD) == TIERS[level]


async def test_feature_is_refused_when_the_tier_is_too_low() -> None:
    """The refusal names the feature and the tier that opens it."""
    premium = PremiumService(default_tier=0)
    await premium.verify_premium_for_feature(GUILD, Feature.STATS)
    with pytest.raises(TierRequiredError) as caught:
        await premium.verify_premium_for_feature(GUILD, Feature.LEADERBOARD)
    assert str(caught.value) == (
        "/leaderboard opens with tier 1 (Survivor). "
        "Ask whoever hosts this bot to grant that tier to this Discord server."
    )


async def test_every_feature_is_open_on_the_highest_tier() -> None:
    """A self-hosted bot opens everything."""
    premium = PremiumService(default_tier=4)
    for feature in Feature:
        await premium.verify_premium_for_feature(GUILD, feature)


@pytest.mark.parametrize("tier", TIERS, ids=lambda tier: str(tier.name))
async def test_server_over_the_limit_is_refused(tier: Tier) -> None:
    """As many servers as the tier has room for, and not one more."""
    premium = PremiumService(default_tier=tier.level)
    await premium.verify_free_slot(GUILD, servers=tier.servers - 1)
    with pytest.raises(LimitReachedError, match=rf"room for {tier.servers} .* /admin server remove"):
        await premium.verify_free_slot(GUILD, servers=tier.servers)


def test_poll_interval_follows_tier_and_minimum() -> None:
    """The larger of both counts, but a minimum under five seconds rules alone."""
    assert [compute_poll_seconds(tier, minimum_seconds=5) for tier in TIERS] == [30, 15, 10, 5, 5]
    assert [compute_poll_seconds(tier, minimum_seconds=20) for tier in TIERS] == [30, 20, 20, 20, 20]
    assert [compute_poll_seconds(tier, minimum_seconds=0.2) for tier in TIERS] == [0.2] * 5
