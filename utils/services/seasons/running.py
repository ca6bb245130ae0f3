"""The seasons that are running now, for the figures of ``period:season``."""

from collections.abc import Sequence
from typing import Protocol

from utils.models.premium import Feature
from utils.models.scope import GuildId, ServerId
from utils.models.seasons import Season, SeasonState
from utils.services.premium.tiers import PremiumService


class SeasonSource(Protocol):  # implemented by SeasonRepository
    """Read access to the seasons of guilds."""

    async def list_seasons(self, guild_id: GuildId) -> Sequence[Season]:
        """Return every season that was not cancelled, the newest first."""


class RunningSeasons:
    """Finds the running season of a game server, or of all game servers of a guild."""

    def __init__(self, store: SeasonSource, premium: PremiumService) -> None:
        self._store = store
        self._premium = premium

    async def list_running(self, guild_id: GuildId) -> tuple[Season, ...]:
        """Return the running seasons: one of all servers, or any number of single ones.

        Raises:
            TierRequiredError: the guild's tier has no seasons.
        """
        await self._premium.verify_premium_for_feature(guild_id, Feature.SEASON)
        seasons = await self._store.list_seasons(guild_id)
        return tuple(one for one in seasons if one.state is SeasonState.RUNNING)

    async def find(self, guild_id: GuildId, server_id: ServerId | None) -> Season | None:
        """Return the running season that covers a server; without a server that of all servers alone.

        Raises:
            TierRequiredError: the guild's tier has no seasons.
        """
        for season in await self.list_running(guild_id):
            if season.is_of_all or season.server_id == server_id:
                return season
        return None
