"""Creating the channels of the bot: a category, and in it a channel for each kind that the tier opens.

Existing channels are not changed. A kind whose channel exists is left out, so no channel is created
twice. After a crash between creating a channel and setting it, the channel is found in the category by its
name.
"""

from collections.abc import Mapping, Sequence

import discord

from cogs.admin.channels import set_channel
from utils.errors import LimitReachedError, PermissionMissingError, UserFacingError
from utils.interactions.context import KillfeedContext
from utils.interactions.invitation import NEEDED_PERMISSIONS
from utils.interactions.reaching import UNREACHED, report_unreached
from utils.locks import KeyedLocks
from utils.models.guilds import CHANNEL_KIND_NAMES, ChannelKind
from utils.models.scope import GuildId
from utils.models.setup import CREATED_KINDS, SETUP_KINDS
from utils.models.texts import Mention, Names, Text, join, text

TOO_MANY_CHANNELS = 30013  # Discord's code: a guild has 500
CHANNELS_IN_CATEGORY = 50  # Discord's limit

CATEGORY = text("Deadside")

Overwrites = Mapping[discord.Role | discord.Member | discord.Object, discord.PermissionOverwrite]


class ChannelCreator:
    """Creates channels; presses of one guild take turns, so that two admins create each channel once."""

    def __init__(self) -> None:
        self._locks = KeyedLocks[GuildId]()

    async def create(self, ctx: KillfeedContext, guild: discord.Guild) -> Text:
        """Create and set the channels that are missing, and return what was done and what stopped it.

        Raises:
            PermissionMissingError: the bot may not create channels.
        """
        if not guild.me.guild_permissions.manage_channels:
            raise PermissionMissingError(
                text("I can't create channels. Give my role **Manage Channels**, then press again.")
            )
        async with self._locks.hold(ctx.guild_id):
            missing = await list_missing_kinds(ctx, guild)
            if not missing:
                return text("Every channel exists already.")
            return await self._create_all(ctx, guild, missing)

    async def _create_all(
        self, ctx: KillfeedContext, guild: discord.Guild, kinds: Sequence[ChannelKind]
    ) -> Text:
        embeds = await ctx.services.languages.speak(ctx.interaction, is_private=False)
        created: list[Mention] = []
        problem: Text | None = None
        try:
            category = await _find_or_create_category(guild, embeds.words.write_plain(CATEGORY))
            for kind in kinds:
                name = embeds.words.write_plain(CHANNEL_KIND_NAMES[kind])
                overwrites = await _build_overwrites(ctx, guild, kind)
                channel = await _find_or_create(category, name, overwrites)
                await set_channel(ctx, kind, channel, server=None)
                created.append(Mention("#", channel.id))
        except UNREACHED as failure:
            report_unreached("channels are not created", failure, ctx.services.errors)
            problem = describe_failure(failure)
        except UserFacingError as refusal:
            problem = refusal.said
        lines = []
        if created:
            lines.append(text("Created and set: {channels}.", channels=Names(tuple(created))))
        return join([*lines, *([problem] if problem else [])], "\n")


async def list_open_kinds(ctx: KillfeedContext) -> list[ChannelKind]:
    """Return the kinds of channel that the tier opens."""
    premium = ctx.services.premium
    return [kind for kind in SETUP_KINDS if await premium.find_missing_tier(ctx.guild_id, kind) is None]


async def list_missing_kinds(ctx: KillfeedContext, guild: discord.Guild) -> list[ChannelKind]:
    """Return those of them that one press creates and that have no existing channel."""
    channels = (await ctx.services.settings.get_settings(ctx.guild_id)).channels
    opened = [kind for kind in await list_open_kinds(ctx) if kind in CREATED_KINDS]
    return [kind for kind in opened if guild.get_channel(channels.get(kind, 0)) is None]


def describe_failure(failure: BaseException) -> Text:
    """Return why Discord did not create a channel, and what to do."""
    if isinstance(failure, discord.Forbidden):
        return text("I can't create the other channels. Give my role **Manage Channels**, then press again.")
    code = failure.code if isinstance(failure, discord.HTTPException) else 0
    if code == TOO_MANY_CHANNELS:
        return text("Discord allows 500 channels, and you have that many. Delete one, then press again.")
    return text("Discord didn't answer, so some channels may be missing. Press again in a minute.")


async def _find_or_create_category(guild: discord.Guild, name: str) -> discord.CategoryChannel:
    for category in guild.categories:
        if category.name == name:
            return category
    return await guild.create_category(name)


async def _find_or_create(
    category: discord.CategoryChannel, name: str, overwrites: Overwrites
) -> discord.TextChannel:
    for channel in category.text_channels:
        if channel.name == name:
            return channel
    if len(category.channels) >= CHANNELS_IN_CATEGORY:
        raise LimitReachedError(
            text("My category is full: Discord allows 50 channels in it. Delete one there, then press again.")
        )
    return await category.create_text_channel(name, overwrites=dict(overwrites))


async def _build_overwrites(ctx: KillfeedContext, guild: discord.Guild, kind: ChannelKind) -> Overwrites:
    """Return who sees a new channel: alerts are for admins and the bot alone."""
    if kind is not ChannelKind.ALERTS:
        return {}
    granted = guild.me.guild_permissions
    own = {flag: True for flag in NEEDED_PERMISSIONS if getattr(granted, flag)}
    settings = await ctx.services.settings.get_settings(ctx.guild_id)
    admins = [
        role
        for role in guild.roles
        if (role.permissions.manage_guild and not role.is_default()) or role.id == settings.admin_role_id
    ]
    return {
        guild.default_role: discord.PermissionOverwrite(view_channel=False),
        guild.me: discord.PermissionOverwrite(**own),
        **{role: discord.PermissionOverwrite(view_channel=True) for role in admins},
    }
