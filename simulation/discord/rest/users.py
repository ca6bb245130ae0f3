"""Users, the application, and the gateway's address."""

from typing import Any

from simulation.discord.errors import ApiError, ErrorCode
from simulation.discord.gateway import Gateway
from simulation.discord.payloads import channel_payload, guild_payload, own_user_payload, user_payload
from simulation.discord.rest.call import NO_CONTENT, Answer, Call, Endpoint
from simulation.discord.validation.form import FormErrors
from simulation.discord.world import World


class UserRoutes:
    """Handlers of /users, /applications/@me and /gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        return [
            Endpoint("GET", "/users/@me", self.get_own_user),
            Endpoint("GET", "/users/@me/guilds", self.list_own_guilds),
            Endpoint("POST", "/users/@me/channels", self.open_direct_message),
            Endpoint("DELETE", "/users/@me/guilds/{guild_id}", self.leave_guild),
            Endpoint("GET", "/users/{user_id}", self.get_user),
            Endpoint("GET", "/applications/@me", self.get_application),
            Endpoint("GET", "/oauth2/applications/@me", self.get_application),
            Endpoint("GET", "/gateway", self.get_gateway, needs_token=False),
            Endpoint("GET", "/gateway/bot", self.get_gateway_bot),
        ]

    async def get_own_user(self, call: Call) -> Answer:
        """Return the bot user."""
        return Answer(body=own_user_payload(call.world.bot_user))

    async def get_user(self, call: Call) -> Answer:
        """Return any user."""
        user = call.world.users.get(call.number("user_id"))
        if user is None:
            raise ApiError(ErrorCode.UNKNOWN_USER)
        return Answer(body=user_payload(user))

    async def list_own_guilds(self, call: Call) -> Answer:
        """Return the bot's servers."""
        guilds = [guild for guild in call.world.guilds.values() if guild.has_bot]
        return Answer(body=[guild_payload(guild) for guild in guilds])

    async def leave_guild(self, call: Call) -> Answer:
        """Let the bot leave a server."""
        call.world.remove_bot(call.guild())
        return NO_CONTENT

    async def open_direct_message(self, call: Call) -> Answer:
        """Return the direct-message channel with a user who shares a server with the bot."""
        errors = FormErrors()
        recipient = call.body.get("recipient_id")
        errors.check_id(("recipient_id",), recipient)
        errors.raise_if_any()
        user = call.world.users.get(int(str(recipient)))
        if user is None:
            raise ApiError(ErrorCode.UNKNOWN_USER)
        return Answer(body=channel_payload(call.world.direct_messages(user)))

    async def get_application(self, call: Call) -> Answer:
        """Return the bot's application with its owner."""
        return Answer(body=application_payload(call.world))

    async def get_gateway(self, _call: Call) -> Answer:
        """Return the gateway's address."""
        return Answer(body={"url": self._gateway.url})

    async def get_gateway_bot(self, _call: Call) -> Answer:
        """Return the gateway's address, the recommended number of shards and the remaining identifies."""
        return Answer(
            body={
                "url": self._gateway.url,
                "shards": self._gateway.recommended_shards,
                "session_start_limit": dict(self._gateway.starts.describe()),
            }
        )


def application_payload(world: World) -> dict[str, Any]:
    """Return the application object."""
    return {
        "id": str(world.application_id),
        "name": world.bot_user.username,
        "icon": None,
        "description": "",
        "summary": "",
        "type": None,
        "bot": user_payload(world.bot_user),
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "flags": 0,
        "hook": True,
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "owner": user_payload(world.owner),
        "approximate_guild_count": sum(guild.has_bot for guild in world.guilds.values()),
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0,
        "team": _team_payload(world),
        "eligible_oauth2_scopes": [],
        "flags_new": "0",
        "integration_types_config": {"0": {}},
    }


def _team_payload(world: World) -> dict[str, Any] | None:
    """Return the team that owns the application, if any. Its owner has no role."""
    if not world.team:
        return None
    owners = [user.id for user, role, has_accepted in world.team if role == "owner" and has_accepted]
    return {
        "id": str(world.application_id),
        "icon": None,
        "name": "Makers",
        "owner_user_id": str(owners[0]),
        "members": [
            {
                "membership_state": 2 if has_accepted else 1,
                "role": "" if user.id in owners else role,
                "team_id": str(world.application_id),
                "user": user_payload(user),
            }
            for user, role, has_accepted in world.team
        ],
    }
