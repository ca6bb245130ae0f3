"""The argument and the result of a route's handler."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulation.discord.entities import DM_PERMISSIONS, Channel, Guild
from simulation.discord.errors import ApiError, ErrorCode
from simulation.discord.permissions import Permission
from simulation.discord.ratelimits import DEFAULT_LIMIT, Limit
from simulation.discord.requests import ReceivedRequest, UploadedFile
from simulation.discord.validation.form import FormErrors
from simulation.discord.world import World


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a JSON body; status 204 has no body."""

    status: int = 200
    body: Any = None


NO_CONTENT = Answer(204)


@dataclass(frozen=True, slots=True)
class Call:
    """A request for a handler, with the look-ups that every resource needs."""

    world: World
    request: ReceivedRequest

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object of the request.

        Raises:
            ApiError: 50035 if the body is not an object.
        """
        if self.request.body is None:
            return {}
        if not isinstance(self.request.body, dict):
            raise ApiError(
                ErrorCode.INVALID_FORM_BODY,
                {"_errors": [{"code": "DICT_TYPE_CONVERT", "message": "Only dictionaries may be used."}]},
            )
        return self.request.body

    @property
    def files(self) -> Mapping[int, UploadedFile]:
        """The uploaded files by index."""
        return self.request.files

    def parameter(self, name: str) -> str:
        """Return a part of the path."""
        return self.request.parameters[name]

    def number(self, name: str) -> int:
        """Return an id of the path.

        Raises:
            ApiError: 50035 if it is not an id.
        """
        errors = FormErrors()
        errors.check_id((name,), self.parameter(name))
        errors.raise_if_any()
        return int(self.parameter(name))

    def channel(self, *needed: Permission) -> Channel:
        """Return the channel of the path, if the bot sees it and has the permissions.

        Raises:
            ApiError: 10003, 50001 or 50013.
        """
        channel = self.world.channels.get(self.number("channel_id"))
        if channel is None:
            raise ApiError(ErrorCode.UNKNOWN_CHANNEL)
        granted = self._granted(channel)
        if Permission.VIEW_CHANNEL not in granted:
            raise ApiError(ErrorCode.MISSING_ACCESS)
        if any(permission not in granted for permission in needed):
            raise ApiError(ErrorCode.MISSING_PERMISSIONS)
        return channel

    def _granted(self, channel: Channel) -> Permission:
        if channel.guild is None:
            return DM_PERMISSIONS
        if not channel.guild.has_bot:
            raise ApiError(ErrorCode.MISSING_ACCESS)
        return channel.guild.bot.permissions_in(channel)

    def guild(self, *needed: Permission) -> Guild:
        """Return the server of the path, if the bot is in it and has the permissions.

        Raises:
            ApiError: 10004, 50001 or 50013.
        """
        guild = self.world.guilds.get(self.number("guild_id"))
        if guild is None:
            raise ApiError(ErrorCode.UNKNOWN_GUILD)
        if not guild.has_bot:
            raise ApiError(ErrorCode.MISSING_ACCESS)
        granted = guild.bot.base_permissions
        if any(permission not in granted for permission in needed):
            raise ApiError(ErrorCode.MISSING_PERMISSIONS)
        return guild


Handler = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A route: `template` as in Discord's documentation; the bucket is it with its major parameter."""

    method: str
    template: str
    handler: Handler
    limit: Limit = DEFAULT_LIMIT
    needs_token: bool = True

    @property
    def is_global_counted(self) -> bool:
        """Whether the global rate limit counts it: interaction endpoints are exempt."""
        return self.needs_token
