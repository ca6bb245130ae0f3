"""Premium checks: one function that reads the one table."""

from utils.errors import LimitReachedError, TierRequiredError
from utils.models.premium import REQUIRED_TIER, TIERS, Feature, Tier
from utils.models.scope import GuildId


class PremiumService:
    """Answers what a guild's tier opens.

    Args:
        default_tier: the tier of a guild without a grant (``premium.default_tier``).
    """

    def __init__(self, *, default_tier: int) -> None:
        self._default = TIERS[default_tier]

    async def get_tier(self, guild_id: GuildId) -> Tier:  # noqa: ARG002 - every guild has the default until grants exist
        """Return the guild's tier."""
        return self._default

    async def verify_premium_for_feature(self, guild_id: GuildId, feature: Feature) -> None:
        """Refuse a feature the guild's tier does not open.

        Raises:
            TierRequiredError: names the tier that opens it.
        """
        required = TIERS[REQUIRED_TIER[feature]]
        if (await self.get_tier(guild_id)).level < required.level:
            raise TierRequiredError(f"/{feature}", tier=required.level, tier_name=required.name)

    async def verify_free_slot(self, guild_id: GuildId, *, servers: int) -> None:
        """Refuse one more game server than the tier allows.

        Raises:
            LimitReachedError: the guild has as many as its tier allows.
        """
        tier = await self.get_tier(guild_id)
        if servers >= tier.servers:
            raise LimitReachedError(
                f"Tier {tier.level} ({tier.name}) has room for {tier.servers} game server(s), and you have "
                f"{servers}. Remove one with /admin server remove first."
            )
