"""Access: the one place that decides who may use a command (``Access`` declares it)."""

import discord

from utils.errors import AdminsOnlyError, NotAllowedError, OwnersOnlyError
from utils.interactions.declarations import Access
from utils.interactions.services import Services
from utils.models.scope import GuildId, MemberId
from utils.models.texts import Command, text


def get_guild_id(interaction: discord.Interaction) -> GuildId:
    """Return the guild a command was used in.

    Raises:
        NotAllowedError: it was used outside one.
    """
    if interaction.guild_id is None:
        raise NotAllowedError(text("This command works in a Discord server, not in direct messages."))
    return GuildId(interaction.guild_id)


def get_member_id(interaction: discord.Interaction) -> MemberId:
    """Return who used a command.

    Raises:
        NotAllowedError: Discord names no member.
    """
    if interaction.user is None:
        raise NotAllowedError(text("Discord didn't say who you are. Try again."))
    return MemberId(interaction.user.id)


async def verify_caller(services: Services, interaction: discord.Interaction, granted: Access) -> None:
    """Check guild, member and tier again, because a form or a question may be open for long.

    Raises:
        NotAllowedError, TierRequiredError: the sentence for the caller.
    """
    guild_id = get_guild_id(interaction)
    if not await is_allowed(services, interaction, granted):
        raise _build_refusal(granted)
    if granted.feature is not None:
        await services.premium.verify_premium_for_feature(guild_id, granted.feature)


async def is_admin_member(services: Services, interaction: discord.Interaction) -> bool:
    """Tell whether the caller has Manage Server, Administrator, or the guild's admin role."""
    member = interaction.user
    if not isinstance(member, discord.Member):
        return False
    if member.guild_permissions.administrator or member.guild_permissions.manage_guild:
        return True
    settings = await services.settings.get_settings(get_guild_id(interaction))
    return any(role.id == settings.admin_role_id for role in member.roles)


async def is_allowed(services: Services, interaction: discord.Interaction, granted: Access) -> bool:
    """Tell whether the caller may use a command of this access here, at any tier of the guild."""
    if granted.is_home or granted.is_owner:
        if interaction.user is not None and await services.operators.is_owner(interaction.user.id):
            return True
        if granted.is_owner or not services.operators.is_home(get_guild_id(interaction)):
            return False
        return await is_admin_member(services, interaction)
    return not granted.is_admin or await is_admin_member(services, interaction)


def _build_refusal(granted: Access) -> NotAllowedError:
    if granted.is_owner:
        return OwnersOnlyError(text("Only the bot's owners can use this command."))
    if granted.is_home:
        return OwnersOnlyError(
            text(
                "Only the bot's owners can use this command. {status} shows what this Discord server has.",
                status=Command("premium status"),
            )
        )
    return AdminsOnlyError(
        text("You need Manage Server or this Discord server's admin role for this command.")
    )
