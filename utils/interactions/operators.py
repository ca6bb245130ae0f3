"""Operators: who stands above guilds - the admins of the home guild, and the owners of the bot."""

from collections.abc import Awaitable, Callable, Collection

import discord
from structlog import get_logger

from utils.models.scope import GuildId

logger = get_logger(__name__)

OwnerSource = Callable[[], Awaitable[Collection[int]]]
"""Asks Discord whose application the bot is."""


class Operators:
    """Knows the home guild and the owners.

    Args:
        find_application_owners: asked once, and again while Discord does not tell.
        home_guild_id: the guild of whoever hosts the bot (``discord.home_guild_id``).
        owner_ids: owners besides the application's own (``discord.owner_ids``).
    """

    def __init__(
        self, find_application_owners: OwnerSource, *, home_guild_id: int | None, owner_ids: Collection[int]
    ) -> None:
        self._find_application_owners = find_application_owners
        self._home_guild_id = home_guild_id
        self._owner_ids = frozenset(owner_ids)
        self._application_owner_ids: frozenset[int] | None = None

    def is_home(self, guild_id: GuildId) -> bool:
        """Tell whether a guild is the home guild."""
        return self._home_guild_id == guild_id

    async def is_owner(self, user_id: int) -> bool:
        """Tell whether a user owns the bot, by configuration or by Discord's word."""
        return user_id in self._owner_ids or user_id in await self._get_application_owners()

    async def _get_application_owners(self) -> frozenset[int]:
        """Return them; nobody while Discord does not tell, so that nobody is let in by a failure."""
        if self._application_owner_ids is None:
            try:
                self._application_owner_ids = frozenset(await self._find_application_owners())
            except (discord.HTTPException, OSError) as failure:
                logger.warning("the application's owners are not known", problem=str(failure))
                return frozenset()
        return self._application_owner_ids
