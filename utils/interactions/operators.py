"""Operators: who stands above guilds - the admins of the home guild, and the owners of the bot."""

from collections.abc import Awaitable, Callable, Collection

import aiohttp
import discord
from structlog import get_logger

from utils.clock import Clock
from utils.models.scope import GuildId

ASK_SECONDS = 3600.0  # who was taken out of the team is an owner this much longer at most
RETRY_SECONDS = 60.0
KEPT_SECONDS = 6 * 3600.0  # while Discord does not tell
OWNING_ROLES = frozenset({discord.TeamRole.owner, discord.TeamRole.admin, discord.TeamRole.developer})

logger = get_logger(__name__)

OwnerSource = Callable[[], Awaitable[Collection[int]]]
"""Asks Discord whose application the bot is."""


def list_owner_ids(application: discord.AppInfo) -> frozenset[int]:
    """Return who owns an application: its owner, or those of its team who may change it.

    An invitation that was not accepted owns nothing, and neither does a member who may read alone.
    """
    if application.team is None:
        return frozenset() if application.owner is None else frozenset({application.owner.id})
    return frozenset(
        member.id
        for member in application.team.members
        if member.membership_state is discord.TeamMembershipState.accepted and member.role in OWNING_ROLES
    )


class Operators:
    """Knows the home guild and the owners.

    Args:
        find_application_owners: asked every hour, and every minute while Discord does not tell.
        home_guild_id: the guild of the people who host the bot (``discord.home_guild_id``).
        owner_ids: owners besides the application's own (``discord.owner_ids``).
    """

    def __init__(
        self,
        find_application_owners: OwnerSource,
        *,
        home_guild_id: int | None,
        owner_ids: Collection[int],
        clock: Clock,
    ) -> None:
        self._find_application_owners = find_application_owners
        self._home_guild_id = home_guild_id
        self._owner_ids = frozenset(owner_ids)
        self._clock = clock
        self._told: frozenset[int] = frozenset()
        self._told_until = self._ask_at = clock.monotonic()

    def is_home(self, guild_id: GuildId) -> bool:
        """Tell whether a guild is the home guild."""
        return self._home_guild_id == guild_id

    async def is_owner(self, user_id: int) -> bool:
        """Tell whether a user owns the bot, by configuration or by Discord's word."""
        return user_id in self._owner_ids or user_id in await self._get_application_owners()

    async def _get_application_owners(self) -> frozenset[int]:
        """Return them as Discord told last; nobody once that is hours ago: no failure lets anybody in."""
        now = self._clock.monotonic()
        if now >= self._ask_at:
            self._ask_at = now + RETRY_SECONDS
            try:
                self._told = frozenset(await self._find_application_owners())
            except (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError) as failure:
                logger.warning("the application's owners are not known", problem=str(failure))
            else:
                self._ask_at, self._told_until = now + ASK_SECONDS, now + KEPT_SECONDS
        return self._told if now < self._told_until else frozenset()
