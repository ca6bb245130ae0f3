"""News of a whole guild (levels, extra XP, results of seasons, recaps): in the feed of all servers."""

from utils.events import NoticesQueued
from utils.models.guilds import ChannelKind
from utils.models.scope import ALL_SERVERS, GuildId, ServerScope
from utils.services.ports import ChannelFinder
from utils.services.premium.tiers import PremiumService, has_open_channel


async def has_open_news(channels: ChannelFinder, premium: PremiumService, guild_id: GuildId) -> bool:
    """Tell whether the guild has a channel for news, and the tier that they need."""
    return await has_open_channel(channels, premium, ServerScope(guild_id, ALL_SERVERS), ChannelKind.NEWS)


def build_news_queued(guild_id: GuildId) -> NoticesQueued:
    """Return the event that wakes delivery for news of a guild."""
    return NoticesQueued(scope=ServerScope(guild_id, ALL_SERVERS), kinds=frozenset({ChannelKind.NEWS}))
