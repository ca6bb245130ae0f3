"""``/admin channel``: the channels of the bot's posts."""

from collections.abc import Iterator

import discord

from cogs.admin.groups import CHANNEL, admin_access
from utils.errors import InvalidInputError, PermissionMissingError
from utils.interactions.choosing import asks_which
from utils.interactions.context import KillfeedContext
from utils.interactions.invitation import find_missing_permissions
from utils.interactions.limits import CHART_COST
from utils.interactions.options import name_choices, server_option
from utils.interactions.services import Services
from utils.models.guilds import CHANNEL_KIND_NAMES, OFFERED_KINDS, ChannelKind
from utils.models.post_styles import (
    LONGEST_DELAY_MINUTES,
    LONGEST_MIN_DISTANCE,
    POST_STYLE_NAMES,
    PostStyle,
)
from utils.models.scope import ChannelId
from utils.models.texts import Command, Mention, Names, Number, Text, Value, join, text, text_in
from utils.services.guilds.guild_changes import ChannelChange

POSTED_KINDS = name_choices({kind: CHANNEL_KIND_NAMES[kind] for kind in OFFERED_KINDS})
CHANNEL_KINDS = name_choices(CHANNEL_KIND_NAMES)
STYLED_KINDS = name_choices({ChannelKind.KILLFEED: CHANNEL_KIND_NAMES[ChannelKind.KILLFEED]})
STYLES = name_choices(POST_STYLE_NAMES)
POSTED_IN = [discord.ChannelType.text, discord.ChannelType.news]
"""The types of channels that take posts: text channels and announcement channels."""
CHOSEN = [*POSTED_IN, discord.ChannelType.voice]
"""The types of channels that can be chosen; a voice channel shows a counter by its name."""


class ChannelCommands:
    """Setting, showing and trying channels."""

    services: Services
    channel = CHANNEL

    @channel.command(name="set", description="Choose the channel for something")
    @discord.option("kind", str, description="What to post there", choices=CHANNEL_KINDS)
    @discord.option("channel", discord.TextChannel, description="The channel", channel_types=CHOSEN)
    @server_option(description="Only for this game server")
    @asks_which
    @admin_access(is_change=True)
    async def channel_set(
        self, ctx: KillfeedContext, kind: str, channel: discord.abc.GuildChannel, server: str | None
    ) -> None:
        """Answer ``/admin channel set``."""
        said = await set_channel(ctx, ChannelKind(kind), channel, server=server)
        await ctx.respond(embed=ctx.embeds.build_success(text("Channel set"), said))

    @channel.command(name="clear", description="Stop posting in a channel")
    @discord.option("kind", str, description="What to stop posting", choices=CHANNEL_KINDS)
    @server_option(description="Only this game server's posts")
    @asks_which
    @admin_access(is_change=True)
    async def channel_clear(self, ctx: KillfeedContext, kind: str, server: str | None) -> None:
        """Answer ``/admin channel clear``."""
        change = await self.services.guild_changes.clear_channel(
            ctx.guild_id, ChannelKind(kind), server=server, actor_id=ctx.member_id
        )
        said = join(list(_describe_cleared(ChannelKind(kind), change)))
        if change.is_changed:
            embed = ctx.embeds.build_success(text("Channel no longer used"), said)
        else:
            embed = ctx.embeds.build_notice(text("Nothing to stop"), said)
        await ctx.respond(embed=embed)

    @channel.command(name="style", description="Choose how kills look in a channel, and which")
    @discord.option("kind", str, description="Which posts", choices=STYLED_KINDS)
    @discord.option("channel", discord.TextChannel, description="The channel", channel_types=POSTED_IN)
    @discord.option("style", str, description="How to show kills", choices=STYLES, default=None)
    @discord.option(
        "delay_minutes",
        int,
        description="Wait before posting, against stream snipers",
        min_value=0,
        max_value=LONGEST_DELAY_MINUTES,
        default=None,
    )
    @discord.option(
        "min_distance",
        int,
        description="Hide closer kills (metres); highlights stay",
        min_value=0,
        max_value=LONGEST_MIN_DISTANCE,
        default=None,
    )
    @admin_access(is_change=True)
    async def channel_style(
        self,
        ctx: KillfeedContext,
        kind: str,
        channel: discord.TextChannel,
        style: str | None,
        delay_minutes: int | None,
        min_distance: int | None,
    ) -> None:
        """Answer ``/admin channel style``."""
        del kind  # only kills have a style
        options = {
            "style": style and PostStyle(style),
            "delay_minutes": delay_minutes,
            "min_distance": min_distance,
        }
        chosen = {name: value for name, value in options.items() if value is not None}
        now = await self.services.guild_changes.set_style(
            ctx.guild_id, ChannelId(channel.id), chosen, actor_id=ctx.member_id
        )
        is_used = await self.services.settings.is_posted_in(
            ctx.guild_id, ChannelKind.KILLFEED, ChannelId(channel.id)
        )
        embed = ctx.embeds.build_channel_style(
            ChannelId(channel.id), now, is_used=is_used, is_saved=bool(chosen)
        )
        await ctx.respond(embed=embed)

    @channel.command(name="list", description="Show which channel gets what")
    @admin_access()
    async def channel_list(self, ctx: KillfeedContext) -> None:
        """Answer ``/admin channel list``."""
        settings = await self.services.settings.get_settings(ctx.guild_id)
        lines = [
            text("**{kind}**: {channel}", kind=name, channel=_mention(settings.channels.get(kind)))
            for kind, name in CHANNEL_KIND_NAMES.items()
            if kind in OFFERED_KINDS
        ]
        for server in await self.services.servers.list_servers(ctx.guild_id):
            lines += [
                text(
                    "**{kind}** of {server}: {channel}",
                    kind=CHANNEL_KIND_NAMES[kind],
                    server=server.name,
                    channel=_mention(channel_id),
                )
                for kind, channel_id in server.channels.items()
            ]
        embed = ctx.embeds.build_notice(text("Channels"), join(lines, "\n"))
        await ctx.respond(embed=embed)

    @channel.command(name="test", description="Post a sample to see how it looks")
    @discord.option("kind", str, description="What to post", choices=POSTED_KINDS)
    @server_option(description="As if it came from this game server")
    @admin_access(cost=CHART_COST)
    async def channel_test(self, ctx: KillfeedContext, kind: str, server: str | None) -> None:
        """Answer ``/admin channel test``."""
        guild_id, wanted = ctx.guild_id, ChannelKind(kind)
        chosen = await self.services.servers.resolve(guild_id, server) if server is not None else None
        posted_in = await self.services.samples.post(guild_id, wanted, chosen)
        said = text("I posted a sample in {channel}.", channel=Mention("#", posted_in))
        await ctx.respond(embed=ctx.embeds.build_success(text("Sample posted"), said))


async def set_channel(
    ctx: KillfeedContext, kind: ChannelKind, channel: discord.abc.GuildChannel, *, server: str | None
) -> Text:
    """Set a channel of the guild, or of a server, and return what that changes.

    Raises:
        PermissionMissingError: the bot may not post there, or not rename the channel of a counter.
        InvalidInputError: posts need a text channel.
        AmbiguousError: a counter belongs to one server, and none is named.
    """
    if kind is not ChannelKind.COUNTER and isinstance(channel, discord.VoiceChannel):
        raise InvalidInputError(text("I don't post in voice channels. Choose a text channel."))
    missing = tuple(find_missing_permissions(channel, kind))
    if missing:
        raise PermissionMissingError(_describe_missing(kind, channel.name, Names(missing)))
    change = await ctx.services.guild_changes.set_channel(
        ctx.guild_id, kind, ChannelId(channel.id), server=server, actor_id=ctx.member_id
    )
    return join(list(_describe_set(kind, channel, change)))


def _describe_missing(kind: ChannelKind, channel: str, permissions: Names) -> Text:
    if kind is ChannelKind.COUNTER:
        return text(
            "I can't rename #{channel} yet. Permissions I need there: {permissions}. Grant them, then try "
            "again.",
            channel=channel,
            permissions=permissions,
        )
    return text(
        "I can't post in #{channel} yet. Permissions I need there: {permissions}. Grant them, then try "
        "again.",
        channel=channel,
        permissions=permissions,
    )


def _describe_set(
    kind: ChannelKind, channel: discord.abc.GuildChannel, change: ChannelChange
) -> Iterator[Text]:
    name, mention = CHANNEL_KIND_NAMES[kind], Mention("#", channel.id)
    if change.server is None:
        yield text("The {kind} channel is now {channel}.", kind=name, channel=mention)
    else:
        yield text(
            "The {kind} channel of {server} is now {channel}.",
            kind=name,
            server=change.server.name,
            channel=mention,
        )
    if (tier := change.missing_tier) is None and kind is ChannelKind.COUNTER:
        yield text(
            "Its name shows who's online, and changes twice in 10 minutes at most: Discord allows no more. "
            "{format} chooses what it says.",
            format=Command("admin counter format"),
        )
    elif tier is not None and kind is ChannelKind.COUNTER:
        yield text(
            "Its name changes from tier {level} ({name}) on. See {tiers}.",
            level=Number(tier.level),
            name=tier.name,
            tiers=Command("premium tiers"),
        )
    elif tier is not None:
        yield text(
            "It stays empty until tier {level} ({name}). See {tiers}.",
            level=Number(tier.level),
            name=tier.name,
            tiers=Command("premium tiers"),
        )


def _describe_cleared(kind: ChannelKind, change: ChannelChange) -> Iterator[Text]:
    """Yield what was cleared, and where the posts go now."""
    name = CHANNEL_KIND_NAMES[kind]
    if change.server is None and not change.is_changed:
        yield text("There's no {kind} channel.", kind=name)
        return
    if change.server is None:
        yield text("There's no {kind} channel any more.", kind=name)
    elif change.is_changed:
        yield text(
            "{server} has no {kind} channel of its own any more.", kind=name, server=change.server.name
        )
    else:
        yield text("{server} has no {kind} channel of its own.", kind=name, server=change.server.name)
    if kind is ChannelKind.COUNTER:
        yield text("I leave the channel's name as it is.")
    elif change.channel_id is None:
        yield text("Nothing is posted.")
    else:
        yield text("Its posts go to {channel} now.", channel=Mention("#", change.channel_id))


def _mention(channel_id: ChannelId | None) -> Value:
    return Mention("#", channel_id) if channel_id else text_in("a channel", "not set")
