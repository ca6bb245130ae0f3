"""Channels of a server."""

from collections.abc import Iterable, Mapping
from typing import Any

from simulation.discord.entities import Channel, ChannelKind, Guild, Membership, Role
from simulation.discord.errors import ApiError, ErrorCode
from simulation.discord.payloads import channel_payload
from simulation.discord.permissions import Overwrite, Permission
from simulation.discord.ratelimits import RateLimitHit, RateLimits
from simulation.discord.rest.call import NO_CONTENT, Answer, Call, Endpoint
from simulation.discord.validation.form import FormErrors
from simulation.discord.world import World

MAX_CHANNELS = 500
MAX_CHANNELS_IN_CATEGORY = 50


class RateLimitedError(Exception):
    """A limit that no header announces was reached inside a handler."""

    def __init__(self, hit: RateLimitHit) -> None:
        super().__init__(f"{hit.bucket}: retry after {hit.retry_after} s")
        self.hit = hit


class ChannelRoutes:
    """Handlers of /channels/{channel_id} and /guilds/{guild_id}/channels."""

    def __init__(self, rate_limits: RateLimits) -> None:
        self._rate_limits = rate_limits

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        return [
            Endpoint("GET", "/channels/{channel_id}", self.get_channel),
            Endpoint("PATCH", "/channels/{channel_id}", self.edit_channel),
            Endpoint("DELETE", "/channels/{channel_id}", self.delete_channel),
            Endpoint("POST", "/channels/{channel_id}/typing", self.send_typing),
            Endpoint("PUT", "/channels/{channel_id}/permissions/{overwrite_id}", self.edit_overwrite),
            Endpoint("DELETE", "/channels/{channel_id}/permissions/{overwrite_id}", self.delete_overwrite),
            Endpoint("GET", "/guilds/{guild_id}/channels", self.list_channels),
            Endpoint("POST", "/guilds/{guild_id}/channels", self.create_channel),
        ]

    async def get_channel(self, call: Call) -> Answer:
        """Return a channel."""
        return Answer(body=channel_payload(call.channel()))

    async def list_channels(self, call: Call) -> Answer:
        """Return the channels of a server."""
        return Answer(body=[channel_payload(channel) for channel in call.guild().channels.values()])

    async def create_channel(self, call: Call) -> Answer:
        """Create a channel."""
        guild = call.guild(Permission.MANAGE_CHANNELS)
        errors = FormErrors()
        _check_settings(errors, call.body, is_new=True)
        errors.check_choice(("type",), call.body.get("type", 0), [int(kind) for kind in ChannelKind])
        category = _find_category(errors, guild, call.body.get("parent_id"))
        errors.raise_if_any()
        if len(guild.channels) >= MAX_CHANNELS:
            raise ApiError(ErrorCode.TOO_MANY_CHANNELS)
        kind = ChannelKind(call.body.get("type", 0))
        name = call.body["name"]
        channel = call.world.create_channel(
            guild,
            name if kind in (ChannelKind.CATEGORY, ChannelKind.VOICE) else _as_text_name(name),
            topic=call.body.get("topic"),
            kind=kind,
            category=category,
            overwrites=_read_overwrites(guild, call.body.get("permission_overwrites") or ()),
        )
        return Answer(201, channel_payload(channel))

    async def edit_channel(self, call: Call) -> Answer:
        """Change a channel; name and topic together twice in ten minutes.

        Raises:
            RateLimitedError: a third change of name or topic.
        """
        channel = call.channel(Permission.MANAGE_CHANNELS)
        if channel.guild is None:
            raise ApiError(ErrorCode.CANNOT_EXECUTE_ON_DM)
        errors = FormErrors()
        _check_settings(errors, call.body, is_new=False)
        errors.raise_if_any()
        if {"name", "topic"} & call.body.keys():
            verdict = self._rate_limits.check_rename(str(channel.id))
            if verdict.hit is not None:
                raise RateLimitedError(verdict.hit)
        _apply(call.world, channel, call.body)
        return Answer(body=channel_payload(channel))

    async def delete_channel(self, call: Call) -> Answer:
        """Delete a channel."""
        channel = call.channel(Permission.MANAGE_CHANNELS)
        if channel.guild is not None:
            call.world.delete_channel(channel)
        return Answer(body=channel_payload(channel))

    async def send_typing(self, call: Call) -> Answer:
        """Show that the bot types."""
        call.channel(Permission.SEND_MESSAGES)
        return NO_CONTENT

    async def edit_overwrite(self, call: Call) -> Answer:
        """Allow or deny a role or member something in a channel."""
        channel = call.channel(Permission.MANAGE_ROLES)
        call.world.set_overwrite(
            channel,
            _target(channel, call),
            allow=int(call.body.get("allow") or 0),
            deny=int(call.body.get("deny") or 0),
        )
        return NO_CONTENT

    async def delete_overwrite(self, call: Call) -> Answer:
        """Remove a channel's overwrite for a role or member."""
        channel = call.channel(Permission.MANAGE_ROLES)
        channel.overwrites.pop(call.number("overwrite_id"), None)
        call.world.announce_channel(channel, "CHANNEL_UPDATE")
        return NO_CONTENT


def _find_category(errors: FormErrors, guild: Guild, parent_id: Any) -> Channel | None:
    """Return the category of a new channel, if it has room for one more."""
    if parent_id is None:
        return None
    category = guild.channels.get(int(parent_id))
    if category is None or category.kind is not ChannelKind.CATEGORY:
        errors.add(("parent_id",), "CHANNEL_PARENT_INVALID", "Category does not exist")
    elif sum(one.parent_id == category.id for one in guild.channels.values()) >= MAX_CHANNELS_IN_CATEGORY:
        text = f"Maximum number of channels in category reached ({MAX_CHANNELS_IN_CATEGORY})"
        errors.add(("parent_id",), "CHANNEL_PARENT_MAX_CHANNELS", text)
    return category


def _read_overwrites(guild: Guild, given: Iterable[Mapping[str, Any]]) -> dict[int, Overwrite]:
    """Return the overwrites of a new channel; the bot can give and deny only what it has itself."""
    overwrites = {}
    for one in given:
        allow, deny = Permission(int(one.get("allow") or 0)), Permission(int(one.get("deny") or 0))
        if (allow | deny) & ~guild.bot.base_permissions:
            raise ApiError(ErrorCode.MISSING_PERMISSIONS)
        overwrites[int(one["id"])] = Overwrite(allow, deny, is_member=one["type"] == 1)
    return overwrites


def _target(channel: Channel, call: Call) -> Role | Membership:
    if channel.guild is None:
        raise ApiError(ErrorCode.CANNOT_EXECUTE_ON_DM)
    target_id = call.number("overwrite_id")
    target = channel.guild.roles.get(target_id) or channel.guild.members.get(target_id)
    if target is None:
        raise ApiError(ErrorCode.UNKNOWN_ROLE)
    return target


def _check_settings(errors: FormErrors, body: dict[str, Any], *, is_new: bool) -> None:
    if is_new or "name" in body:
        errors.check_text(("name",), body.get("name"), least=1, most=100, is_required=True)
    errors.check_text(("topic",), body.get("topic"), most=1024)
    errors.check_whole(("position",), body.get("position"), least=0, most=2**31)
    errors.check_whole(("rate_limit_per_user",), body.get("rate_limit_per_user"), least=0, most=21_600)


def _apply(world: World, channel: Channel, body: dict[str, Any]) -> None:
    if body.get("topic") is not None:
        channel.topic = body["topic"]
    if body.get("position") is not None:
        channel.position = body["position"]
    if "name" in body:
        name = body["name"] if channel.kind is ChannelKind.VOICE else _as_text_name(body["name"])
        world.rename_channel(channel, name)
    else:
        world.announce_channel(channel, "CHANNEL_UPDATE")


def _as_text_name(name: str) -> str:
    """Return a name as text channels get it: lower case, with hyphens for spaces."""
    return "-".join(name.lower().split())
