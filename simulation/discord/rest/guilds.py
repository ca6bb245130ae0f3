"""Servers, members and roles."""

from simulation.discord.entities import Guild, Membership, Role
from simulation.discord.errors import ApiError, ErrorCode
from simulation.discord.payloads import guild_payload, member_payload, role_payload
from simulation.discord.permissions import Permission
from simulation.discord.ratelimits import ROLE_LIMIT
from simulation.discord.rest.call import NO_CONTENT, Answer, Call, Endpoint

MOST_REASON_CHARACTERS = 512
_MEMBER_ROLE = "/guilds/{guild_id}/members/{user_id}/roles/{role_id}"


class GuildRoutes:
    """Handlers of /guilds/{guild_id}."""

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        return [
            Endpoint("GET", "/guilds/{guild_id}", self.get_guild),
            Endpoint("GET", "/guilds/{guild_id}/roles", self.list_roles),
            Endpoint("GET", "/guilds/{guild_id}/members", self.list_members),
            Endpoint("GET", "/guilds/{guild_id}/members/{user_id}", self.get_member),
            Endpoint("PUT", _MEMBER_ROLE, self.add_role, ROLE_LIMIT),
            Endpoint("DELETE", _MEMBER_ROLE, self.remove_role, ROLE_LIMIT),
        ]

    async def get_guild(self, call: Call) -> Answer:
        """Return a server."""
        guild = call.guild()
        counts = {"approximate_member_count": len(guild.members), "approximate_presence_count": 0}
        return Answer(body=guild_payload(guild) | counts)

    async def list_roles(self, call: Call) -> Answer:
        """Return the roles of a server."""
        return Answer(body=[role_payload(role) for role in call.guild().roles.values()])

    async def list_members(self, call: Call) -> Answer:
        """Return members in order of their ids."""
        query = call.request.query
        after, limit = int(query.get("after", "0")), int(query.get("limit", "1"))
        members = sorted(call.guild().members.values(), key=lambda member: member.id)
        page = [member for member in members if member.id > after][:limit]
        return Answer(body=[member_payload(member) for member in page])

    async def get_member(self, call: Call) -> Answer:
        """Return one member."""
        return Answer(body=member_payload(_member(call, call.guild())))

    async def add_role(self, call: Call) -> Answer:
        """Give a member a role below the bot's own."""
        member, role = _assignment(call)
        if role not in member.roles:
            call.world.set_roles(member, [*member.roles, role])
        return NO_CONTENT

    async def remove_role(self, call: Call) -> Answer:
        """Take a role below the bot's own from a member."""
        member, role = _assignment(call)
        call.world.set_roles(member, [held for held in member.roles if held is not role])
        return NO_CONTENT


def _member(call: Call, guild: Guild) -> Membership:
    member = guild.members.get(call.number("user_id"))
    if member is None:
        raise ApiError(ErrorCode.UNKNOWN_MEMBER)
    return member


def _assignment(call: Call) -> tuple[Membership, Role]:
    """Return the member and the role of the path, if the bot may assign it."""
    guild = call.guild(Permission.MANAGE_ROLES)
    member = _member(call, guild)
    role = guild.roles.get(call.number("role_id"))
    if role is None:
        raise ApiError(ErrorCode.UNKNOWN_ROLE)
    if role is guild.everyone:
        raise ApiError(ErrorCode.INVALID_ROLE)
    highest = max((held.position for held in guild.bot.roles), default=0)
    if role.is_managed or role.position >= highest:
        raise ApiError(ErrorCode.MISSING_PERMISSIONS)
    if len(call.request.reason) > MOST_REASON_CHARACTERS:
        raise ApiError(ErrorCode.INVALID_FORM_BODY)
    return member, role
