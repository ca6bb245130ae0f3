"""How Discord writes the things of the world as JSON."""

from typing import Any

from simulation.discord.entities import (
    Attachment,
    Channel,
    ChannelKind,
    Guild,
    InteractionStart,
    Membership,
    Message,
    Role,
    User,
)
from simulation.discord.permissions import Overwrite

Payload = dict[str, Any]


def user_payload(user: User) -> Payload:
    """Return a user object."""
    payload: Payload = {
        "id": str(user.id),
        "username": user.username,
        "discriminator": "0",
        "global_name": user.global_name,
        "avatar": None,
        "avatar_decoration_data": None,
        "banner": None,
        "accent_color": None,
        "collectibles": None,
        "primary_guild": None,
        "public_flags": 0,
        "flags": 0,
    }
    if user.is_bot:
        payload["bot"] = True
    return payload


def own_user_payload(user: User) -> Payload:
    """Return the user object of GET /users/@me and READY."""
    return user_payload(user) | {"mfa_enabled": True, "locale": user.locale, "verified": True, "email": None}


def role_payload(role: Role) -> Payload:
    """Return a role object."""
    return {
        "id": str(role.id),
        "name": role.name,
        "description": None,
        "permissions": str(int(role.permissions)),
        "position": role.position,
        "color": role.color,
        "colors": {"primary_color": role.color, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": role.is_managed,
        "mentionable": role.is_mentionable,
        "icon": None,
        "unicode_emoji": None,
        "flags": 0,
    }


def member_payload(member: Membership, *, with_user: bool = True) -> Payload:
    """Return a guild member object; the one inside a message goes without the user."""
    payload: Payload = {
        "nick": member.nick,
        "avatar": None,
        "banner": None,
        "roles": [str(role.id) for role in member.roles],
        "joined_at": member.joined_at,
        "premium_since": None,
        "communication_disabled_until": None,
        "deaf": False,
        "mute": False,
        "pending": False,
        "flags": 0,
    }
    if with_user:
        payload["user"] = user_payload(member.user)
    return payload


def _overwrite_payload(target_id: int, overwrite: Overwrite) -> Payload:
    return {
        "id": str(target_id),
        "type": 1 if overwrite.is_member else 0,
        "allow": str(int(overwrite.allow)),
        "deny": str(int(overwrite.deny)),
    }


def channel_payload(channel: Channel) -> Payload:
    """Return a channel object."""
    last = None if channel.last_message_id is None else str(channel.last_message_id)
    payload: Payload = {
        "id": str(channel.id),
        "type": int(channel.kind),
        "last_message_id": last,
        "flags": 0,
    }
    if channel.kind is ChannelKind.DM:
        return payload | {"recipients": [user_payload(channel.recipient)] if channel.recipient else []}
    return payload | {
        "guild_id": str(channel.guild.id) if channel.guild else None,
        "name": channel.name,
        "topic": channel.topic,
        "position": channel.position,
        "parent_id": _optional_id(channel.parent_id),
        "nsfw": False,
        "rate_limit_per_user": 0,
        "permission_overwrites": [
            _overwrite_payload(target_id, overwrite) for target_id, overwrite in channel.overwrites.items()
        ],
    }


def _optional_id(entity_id: int | None) -> str | None:
    return None if entity_id is None else str(entity_id)


def guild_payload(guild: Guild) -> Payload:
    """Return a guild object as GET /guilds/{guild_id} answers it."""
    return {
        "id": str(guild.id),
        "name": guild.name,
        "icon": None,
        "description": None,
        "home_header": None,
        "splash": None,
        "discovery_splash": None,
        "features": [],
        "banner": None,
        "owner_id": str(guild.owner_id),
        "application_id": None,
        "region": "deprecated",
        "afk_channel_id": None,
        "afk_timeout": 300,
        "system_channel_id": _optional_id(guild.system_channel_id),
        "system_channel_flags": 0,
        "widget_enabled": False,
        "widget_channel_id": None,
        "verification_level": 1,
        "roles": [role_payload(role) for role in guild.roles.values()],
        "default_message_notifications": 1,
        "mfa_level": 0,
        "explicit_content_filter": 0,
        "max_presences": None,
        "max_members": 500_000,
        "max_stage_video_channel_users": 50,
        "max_video_channel_users": 25,
        "vanity_url_code": None,
        "premium_tier": 0,
        "premium_subscription_count": 0,
        "preferred_locale": guild.locale,
        "rules_channel_id": None,
        "safety_alerts_channel_id": None,
        "public_updates_channel_id": _optional_id(guild.updates_channel_id),
        "premium_progress_bar_enabled": False,
        "nsfw": False,
        "nsfw_level": 0,
        "emojis": [],
        "stickers": [],
        "incidents_data": None,
    }


def guild_create_payload(guild: Guild, members: list[Membership]) -> Payload:
    """Return the data of GUILD_CREATE, with the members that the intents let the bot see."""
    return guild_payload(guild) | {
        "joined_at": guild.bot.joined_at,
        "large": len(guild.members) > 250,
        "unavailable": False,
        "member_count": len(guild.members),
        "members": [member_payload(member) for member in members],
        "channels": [channel_payload(channel) for channel in guild.channels.values()],
        "threads": [],
        "presences": [],
        "voice_states": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def attachment_payload(attachment: Attachment) -> Payload:
    """Return an attachment object."""
    payload: Payload = {
        "id": str(attachment.id),
        "filename": attachment.filename,
        "size": len(attachment.data),
        "url": attachment.url,
        "proxy_url": attachment.url,
        "content_type": attachment.content_type,
    }
    if attachment.description:
        payload["description"] = attachment.description
    return payload


def message_payload(message: Message, *, with_nonce: bool = False) -> Payload:
    """Return a message object.

    Only MESSAGE_CREATE and the answer to the request that created the message have the nonce.
    """
    payload: Payload = {
        "id": str(message.id),
        "channel_id": str(message.channel.id),
        "type": message.kind,
        "author": user_payload(message.author),
        "content": message.content,
        "timestamp": message.created_at,
        "edited_timestamp": message.edited_at,
        "tts": False,
        "mention_everyone": message.pings.everyone,
        "mentions": [user_payload(user) for user in message.mentions],
        "mention_roles": [str(role_id) for role_id in sorted(message.pings.roles)],
        "attachments": [attachment_payload(attachment) for attachment in message.attachments],
        "embeds": message.embeds,
        "components": message.components,
        "pinned": False,
        "flags": message.flags,
    }
    if with_nonce and message.nonce is not None:
        payload["nonce"] = message.nonce
    if message.reference is not None:
        payload["message_reference"] = message.reference
    if message.interaction is not None:
        application = str(message.author.id)  # the bot user has the same id
        payload |= {
            "application_id": application,
            "webhook_id": application,
            "interaction_metadata": _metadata_payload(message.interaction),
        }
    return payload


def _metadata_payload(start: InteractionStart) -> Payload:
    """Return the fields of a message about the interaction that it answers."""
    guild = start.channel.guild
    payload: Payload = {
        "id": str(start.id),
        "type": int(start.kind),
        "user": user_payload(start.user),
        "authorizing_integration_owners": {"0": str(guild.id) if guild else "0"},
    }
    if start.source is not None:
        payload["interacted_message_id"] = str(start.source.id)
    if start.parent is not None:
        payload["triggering_interaction_metadata"] = _metadata_payload(start.parent)
    return payload
