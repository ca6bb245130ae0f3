"""Premium checks: one function that reads the one table, over what each guild was granted."""

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
from utils.models.scope import GuildId
from utils.models.servers import count_game_servers
from utils.models.texts import Command, Number, text

CACHE_SECONDS = 600.0  # what nobody told of is seen this much later at most
SHARED_CACHE_SECONDS = 30.0  # likewise, where another process may grant something


class PremiumSource(Protocol):
    """Storage of grants, as seen by those who only look."""

    async def get_premium(self, guild_id: GuildId) -> PremiumRecord:
        """Return what a guild was granted; an empty record for one that never was."""


class PremiumService:
    """Answers what a guild's tier opens.

    Grants come from a cache that a change drops; whether one is over is asked of the clock each time, so that
    an end is never seen late.

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
        """Return the guild's tier, and until when it has it."""
        return self.read_state(await self._records.get(guild_id))

    def read_state(self, record: PremiumRecord) -> PremiumState:
        """Return what a record means now: the tier granted, else the default."""
        grant = record.find_grant(self._clock.now())
        if grant is None:
            return PremiumState(self._default)
        return PremiumState(TIERS[grant.tier], grant.ends_at, is_granted=True)

    async def verify_premium_for_feature(self, guild_id: GuildId, feature: Feature) -> None:
        """Refuse a feature the guild's tier does not open.

        Raises:
            TierRequiredError: names the tier that opens it.
        """
        required = TIERS[REQUIRED_TIER[feature]]
        if (await self.get_tier(guild_id)).level < required.level:
            raise TierRequiredError(Command(feature), tier=required.level, tier_name=required.name)

    async def verify_free_slot(self, guild_id: GuildId, *, servers: int) -> None:
        """Refuse one more game server than the tier allows.

        Raises:
            LimitReachedError: the guild has as many as its tier allows.
        """
        tier = await self.get_tier(guild_id)
        if servers >= tier.servers:
            raise LimitReachedError(
                text(
                    "Tier {level} ({name}) has room for {limit}, and you have {servers}. "
                    "Remove one with {remove} first, or see {tiers}.",
                    level=Number(tier.level),
                    name=tier.name,
                    limit=count_game_servers(tier.servers),
                    servers=Number(servers),
                    remove=Command("admin server remove"),
                    tiers=Command("premium tiers"),
                )
            )

    async def find_missing_tier(self, guild_id: GuildId, kind: ChannelKind) -> Tier | None:
        """Return the lowest tier that may use a kind of channel; None when the guild has it."""
        required = TIERS[REQUIRED_CHANNEL_TIER[kind]]
        return required if (await self.get_tier(guild_id)).level < required.level else None

    def forget_guild(self, guild_id: GuildId) -> None:
        """Drop what is cached of a guild."""
        self._records.drop(guild_id)
