"""Operators: the people with rights above guilds: the admins of the home guild, and the owners of the bot."""

import asyncio
from collections.abc import Awaitable, Callable, Collection

import discord

from utils.clock import Clock
from utils.error_sink import ErrorSink
from utils.errors import DeliveryDelayedError
from utils.interactions.reaching import UNREACHED, report_unreached
from utils.models.scope import GuildId

ASK_SECONDS = 3600.0  # a person who left the team stays an owner for at most this long
RETRY_SECONDS = 60.0
KEPT_SECONDS = 6 * 3600.0  # while Discord does not tell
OWNING_ROLES = frozenset({discord.TeamRole.owner, discord.TeamRole.admin, discord.TeamRole.developer})

OwnerSource = Callable[[], Awaitable[Collection[int] | None]]
"""Asks Discord for the owners of the application; None before the login, when nothing can be asked."""


def list_owner_ids(application: discord.AppInfo) -> frozenset[int]:
    """Return the owners of an application: its owner, or the members of its team who may change it.

    Invited people who have not accepted are not owners, and members who may only read are not either.
    """
    if application.team is None:
        return frozenset() if application.owner is None else frozenset({application.owner.id})
    return frozenset(
        member.id
        for member in application.team.members
        if member.membership_state is discord.TeamMembershipState.accepted and member.role in OWNING_ROLES
    )


class Operators:
    """Tells the home guild and the owners.

    Args:
        find_application_owners: called every hour, and every minute while Discord does not answer.
        home_guild_id: the guild of the people who host the bot (``discord.home_guild_id``).
        owner_ids: owners besides the application's own (``discord.owner_ids``).
        errors: takes the errors of asking.
    """

    def __init__(
        self,
        find_application_owners: OwnerSource,
        *,
        home_guild_id: int | None,
        owner_ids: Collection[int],
        clock: Clock,
        errors: ErrorSink,
    ) -> None:
        self._errors = errors
        self._find_application_owners = find_application_owners
        self.home_guild_id = home_guild_id
        self._owner_ids = frozenset(owner_ids)
        self._clock = clock
        self._told: frozenset[int] = frozenset()
        self._told_until = self._ask_at = clock.monotonic()
        self._turn = asyncio.Lock()  # who asks while another one does gets the same answer

    def is_home(self, guild_id: GuildId) -> bool:
        """Tell whether a guild is the home guild."""
        return self.home_guild_id == guild_id

    async def is_owner(self, user_id: int) -> bool:
        """Tell whether a user owns the bot, by the configuration or by Discord."""
        return user_id in self._owner_ids or user_id in await self._get_application_owners()

    async def list_owner_ids(self) -> frozenset[int]:
        """Return the owners of the bot, by the configuration and by Discord.

        Raises:
            DeliveryDelayedError: Discord has not told any yet, and every application has one.
        """
        owner_ids = self._owner_ids | await self._get_application_owners()
        if not owner_ids:
            raise DeliveryDelayedError("the owners of the bot are not known yet")
        return owner_ids

    async def _get_application_owners(self) -> frozenset[int]:
        """Return Discord's last answer; an empty set after some hours, so that a failure gives no rights."""
        async with self._turn:
            if self._clock.monotonic() >= self._ask_at:
                await self._ask()
        return self._told if self._clock.monotonic() < self._told_until else frozenset()

    async def _ask(self) -> None:
        """Ask Discord. A failure is not repeated at once; before the login the next call asks again."""
        now = self._clock.monotonic()
        try:
            told = await self._find_application_owners()
        except UNREACHED as failure:
            self._ask_at = now + RETRY_SECONDS
            report_unreached("the application's owners are not known", failure, self._errors)
        else:
            if told is not None:
                self._told = frozenset(told)
                self._ask_at, self._told_until = now + ASK_SECONDS, now + KEPT_SECONDS
