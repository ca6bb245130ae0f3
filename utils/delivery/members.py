"""The roles of a guild and of its members, as Discord knows them.

The bot has no intent for members, so no event tells who joined, left or changed roles. Members are asked for
by their ids over the gateway: at most 100 in a request, one request a second for each shard.
"""

from collections.abc import Collection, Mapping, Sequence

import discord

from utils.clock import Clock
from utils.delivery.pace import MessagePace
from utils.delivery.sender import DiscordSender
from utils.errors import DeliveryError, DiscordAwayError
from utils.models.roles import RoleFacts, RoleId, RoleObstacle
from utils.models.scope import GuildId, MemberId
from utils.services.roles.looks import DISCORD_AWAY
from utils.services.roles.rules import Answers

MEMBERS_A_REQUEST = 100  # Discord's limit
REQUESTS_A_SECOND = 1.0

DANGEROUS = frozenset(
    {"administrator", "kick_members", "ban_members", "moderate_members", "mention_everyone", "view_audit_log"}
)
"""The permissions that no rule gives away, besides all that begin with ``manage_``."""


class DiscordRoles:
    """Reads roles from what the gateway told, and asks it for members."""

    def __init__(self, bot: discord.Client, sender: DiscordSender, *, clock: Clock) -> None:
        self._bot = bot
        self._sender = sender
        self._clock = clock
        self._paces: dict[int, MessagePace] = {}  # by shard

    def list_roles(self, guild_id: GuildId) -> Mapping[RoleId, RoleFacts] | None:
        """Return the roles of a guild; None while Discord does not show the guild."""
        guild = self._bot.get_guild(guild_id)
        if guild is None or guild.unavailable or guild.me is None:
            return None
        return {
            RoleId(role.id): RoleFacts(RoleId(role.id), role.name, place, find_obstacle(role, guild.me))
            for place, role in enumerate(sorted(guild.roles))
        }

    async def find_roles_of(self, guild_id: GuildId, member_ids: Collection[MemberId]) -> Answers:
        """Ask Discord for the roles of members; None for those who are no members.

        Raises:
            DiscordAwayError: it does not answer, which says nothing about anybody.
        """
        asked, answers = sorted(member_ids), dict[MemberId, frozenset[RoleId] | None]()
        for start in range(0, len(asked), MEMBERS_A_REQUEST):
            piece = asked[start : start + MEMBERS_A_REQUEST]
            answers |= dict.fromkeys(piece, None)
            for member in await self._ask(guild_id, piece):
                answers[MemberId(member.id)] = frozenset(RoleId(role.id) for role in member.roles)
        return answers

    async def _ask(self, guild_id: GuildId, member_ids: Sequence[MemberId]) -> Sequence[discord.Member]:
        guild = self._bot.get_guild(guild_id)
        connection_id = 0 if guild is None else guild.shard_id or 0
        if connection_id not in self._paces:
            self._paces[connection_id] = MessagePace(self._clock, a_second=REQUESTS_A_SECOND)
        await self._paces[connection_id].wait_for_turn()
        try:
            return await self._sender.find_members(guild_id, member_ids)
        except DeliveryError as failure:
            raise DiscordAwayError(DISCORD_AWAY) from failure


def find_obstacle(role: discord.Role, me: discord.Member) -> RoleObstacle | None:
    """Return why the bot may not give a role; None if it may."""
    if role.is_default():
        return RoleObstacle.EVERYONE
    if role.managed:
        return RoleObstacle.MANAGED
    granted = {name for name, is_granted in role.permissions if is_granted}
    if granted & DANGEROUS or any(name.startswith("manage_") for name in granted):
        return RoleObstacle.DANGEROUS
    if not me.guild_permissions.manage_roles:
        return RoleObstacle.FORBIDDEN
    return None if role < me.top_role else RoleObstacle.ABOVE
