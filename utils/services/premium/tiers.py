"""Premium checks: one function that compares the grant of a guild with the table of tiers."""

from typing import Protocol

from utils.caching import Remembered
from utils.clock import Clock
from utils.errors import LimitReachedError, TierRequiredError
from utils.models.guilds import ChannelKind
from utils.models.premium import (
    REQUIRED_CHANNEL_TIER,
    REQUIRED_TIER,
    TIERS,
    Feature,
    PremiumRecord,
    PremiumState,
    Tier,
)
from utils.models.scope import GuildId, ServerScope
from utils.models.servers import count_game_servers
from utils.models.texts import Command, Number, text
from utils.services.ports import ChannelFinder

CACHE_SECONDS = 600.0  # an unreported change is seen at most this much later
SHARED_CACHE_SECONDS = 30.0  # the same if another process may grant premium


class PremiumSource(Protocol):  # implemented by PremiumRepository
    """Read access to the storage of grants."""

    async def get_premium(self, guild_id: GuildId) -> PremiumRecord:
        """Return a guild's record; empty if it never had a grant."""


class PremiumService:
    """Tells what the tier of a guild unlocks.

    Grants come from a cache. Each call compares the end with the clock, so an end is never seen late.

    Args:
        store: storage of the grants.
        default_tier: the tier of a guild without a grant (``premium.default_tier``).
        is_shared: the home guild, where premium is granted, may belong to another process.
    """

    def __init__(
        self, store: PremiumSource, *, default_tier: int, clock: Clock, is_shared: bool = False
    ) -> None:
        seconds = SHARED_CACHE_SECONDS if is_shared else CACHE_SECONDS
        self._default = TIERS[default_tier]
        self._clock = clock
        self._records = Remembered(store.get_premium, seconds=seconds, clock=clock)

    async def get_tier(self, guild_id: GuildId) -> Tier:
        """Return the guild's tier."""
        return (await self.get_state(guild_id)).tier

    async def get_state(self, guild_id: GuildId) -> PremiumState:
        """Return the guild's tier and its end."""
        return self.read_state(await self._records.get(guild_id))

    def read_state(self, record: PremiumRecord) -> PremiumState:
        """Return the tier of a record at this moment: the granted one, else the default."""
        grant = record.find_grant(self._clock.now())
        if grant is None:
            return PremiumState(self._default)
        return PremiumState(TIERS[grant.tier], grant.ends_at, is_granted=True)

    async def verify_premium_for_feature(self, guild_id: GuildId, feature: Feature) -> None:
        """Refuse a feature that the guild's tier does not unlock.

        Raises:
            TierRequiredError: names the tier that unlocks it.
        """
        required = TIERS[REQUIRED_TIER[feature]]
        if (await self.get_tier(guild_id)).level < required.level:
            raise TierRequiredError(Command(feature), tier=required.level, tier_name=required.name)

    async def verify_free_slot(self, guild_id: GuildId, *, servers: int) -> None:
        """Refuse one more game server than the tier allows.

        Raises:
            LimitReachedError: the guild has as many servers as its tier allows.
        """
        tier = await self.get_tier(guild_id)
        if servers >= tier.servers:
            raise LimitReachedError(
                text(
                    "Tier {level} ({name}) includes {limit}, and you have {servers}. "
                    "Remove one with {remove} first, or look at {tiers}.",
                    level=Number(tier.level),
                    name=tier.name,
                    limit=count_game_servers(tier.servers),
                    servers=Number(servers),
                    remove=Command("admin server remove"),
                    tiers=Command("premium tiers"),
                )
            )

    async def find_missing_tier(self, guild_id: GuildId, kind: ChannelKind) -> Tier | None:
        """Return the lowest tier that may use a kind of channel; None if the guild has it."""
        required = TIERS[REQUIRED_CHANNEL_TIER[kind]]
        return required if (await self.get_tier(guild_id)).level < required.level else None

    def forget_guild(self, guild_id: GuildId) -> None:
        """Drop the cached record of a guild."""
        self._records.drop(guild_id)


async def has_open_channel(
    channels: ChannelFinder, premium: PremiumService, scope: ServerScope, kind: ChannelKind
) -> bool:
    """Tell whether posts of a kind have a channel, and the guild the tier that they need."""
    if await channels.find_channel(scope, kind) is None:
        return False
    return await premium.find_missing_tier(scope.guild_id, kind) is None
