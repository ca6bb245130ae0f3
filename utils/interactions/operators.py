"""Operators: who stands above guilds - the admins of the home guild, and the owners of the bot."""

from collections.abc import Collection

import aiohttp
import discord
from structlog import get_logger

from utils.models.scope import GuildId

logger = get_logger(__name__)


class Operators:
    """Knows the home guild and the owners.

    Args:
        bot: tells whose application it is.
        home_guild_id: the guild of whoever hosts the bot (``discord.home_guild_id``).
        owner_ids: owners besides the application's own (``discord.owner_ids``).
    """

    def __init__(self, bot: discord.Client, *, home_guild_id: int | None, owner_ids: Collection[int]) -> None:
        self._bot = bot
        self._home_guild_id = home_guild_id
        self._owner_ids = frozenset(owner_ids)
        self._application_owner_ids: frozenset[int] | None = None

    def is_home(self, guild_id: GuildId) -> bool:
        """Tell whether a guild is the home guild."""
        return self._home_guild_id == guild_id

    async def is_owner(self, user_id: int) -> bool:
        """Tell whether a user owns the bot, by configuration or by Discord's word."""
        return user_id in self._owner_ids or user_id in await self._find_application_owners()

    async def _find_application_owners(self) -> frozenset[int]:
        """Return the application's owner, or its team; asked for once, nobody while Discord does not tell."""
        if self._application_owner_ids is not None:
            return self._application_owner_ids
        try:
            application = await self._bot.application_info()
        except (discord.HTTPException, aiohttp.ClientError, OSError) as failure:
            logger.warning("the application's owner is not known", problem=str(failure))
            return frozenset()
        owners = application.team.members if application.team else [application.owner]
        self._application_owner_ids = frozenset(owner.id for owner in owners if owner is not None)
        return self._application_owner_ids
