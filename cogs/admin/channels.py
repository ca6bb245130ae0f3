"""``/admin channel``: where the bot posts."""

import discord

from cogs.admin.groups import CHANNEL
from utils.errors import InvalidInputError
from utils.interactions.access import access, get_actor_id, get_guild_id
from utils.interactions.autocomplete import complete_server
from utils.interactions.context import KillfeedContext
from utils.interactions.options import text_option
from utils.interactions.services import Services
from utils.localization.escape import escape_text
from utils.models.guilds import ChannelKind
from utils.models.scope import ChannelId
from utils.services.guilds.guild_changes import ChannelChange

CHANNEL_KINDS = [kind.value for kind in ChannelKind]
NEEDED_PERMISSIONS = {
    "view_channel": "View Channel",
    "send_messages": "Send Messages",
    "embed_links": "Embed Links",
    "attach_files": "Attach Files",
    "read_message_history": "Read Message History",
}


class ChannelCommands:
    """Setting, showing and trying channels."""

    services: Services
    channel = CHANNEL

    @channel.command(name="set", description="Choose where something is posted")
    @discord.option("kind", str, description="What is posted there", choices=CHANNEL_KINDS)
    @discord.option("channel", discord.TextChannel, description="The channel")
    @text_option("server", description="For one server alone", autocomplete=complete_server, default=None)
    @access(is_admin=True, is_private=True, is_change=True)
    async def channel_set(
        self, ctx: KillfeedContext, kind: str, channel: discord.TextChannel, server: str | None
    ) -> None:
        """Answer ``/admin channel set``."""
        missing = find_missing_permissions(channel)
        if missing:
            raise InvalidInputError(
                f"I may not post in #{channel.name}: give me {', '.join(missing)} there, then try again."
            )
        guild_id = get_guild_id(ctx)
        change = await self.services.guild_changes.set_channel(
            guild_id,
            ChannelKind(kind),
            ChannelId(channel.id),
            server=server,
            actor_id=get_actor_id(ctx.interaction),
        )
        text = f"The {kind} channel {_describe_owner(change)} is now {channel.mention}."
        if change.missing_tier is not None:
            tier = change.missing_tier
            text += f" It waits: it is used from tier {tier.level} ({tier.name}) on. See `/premium tiers`."
        await ctx.respond(embed=ctx.embeds.build_success("Channel set", text), ephemeral=True)

    @channel.command(name="clear", description="Post something there no longer")
    @discord.option("kind", str, description="What is posted there", choices=CHANNEL_KINDS)
    @text_option("server", description="Of one server alone", autocomplete=complete_server, default=None)
    @access(is_admin=True, is_private=True, is_change=True)
    async def channel_clear(self, ctx: KillfeedContext, kind: str, server: str | None) -> None:
        """Answer ``/admin channel clear``."""
        guild_id, embeds = get_guild_id(ctx), ctx.embeds
        change = await self.services.guild_changes.clear_channel(
            guild_id, ChannelKind(kind), server=server, actor_id=get_actor_id(ctx.interaction)
        )
        goes_on = (
            f"Its posts go to <#{change.channel_id}> now." if change.channel_id else "Nothing is posted."
        )
        if change.is_changed:
            text = f"The {kind} channel {_describe_owner(change)} is cleared. {goes_on}"
            embed = embeds.build_success("Channel cleared", text)
        else:
            text = f"There is no {kind} channel {_describe_owner(change)}. {goes_on}"
            embed = embeds.build_notice("Nothing to clear", text)
        await ctx.respond(embed=embed, ephemeral=True)

    @channel.command(name="list", description="Where everything is posted")
    @access(is_admin=True, is_private=True)
    async def channel_list(self, ctx: KillfeedContext) -> None:
        """Answer ``/admin channel list``."""
        guild_id = get_guild_id(ctx)
        settings = await self.services.settings.get_settings(guild_id)
        lines = [f"**{kind}**: {_mention(settings.channels.get(kind))}" for kind in ChannelKind]
        for server in await self.services.servers.list_servers(guild_id):
            lines += [
                f"**{kind}** of {escape_text(server.name)}: {_mention(channel_id)}"
                for kind, channel_id in server.channels.items()
            ]
        embed = ctx.embeds.build_notice("Channels", "\n".join(lines))
        await ctx.respond(embed=embed, ephemeral=True)

    @channel.command(name="test", description="Post a sample, to see how it looks and whether it works")
    @discord.option("kind", str, description="What is posted", choices=CHANNEL_KINDS)
    @text_option("server", description="For one server", autocomplete=complete_server, default=None)
    @access(is_admin=True, is_private=True)
    async def channel_test(self, ctx: KillfeedContext, kind: str, server: str | None) -> None:
        """Answer ``/admin channel test``."""
        guild_id, wanted = get_guild_id(ctx), ChannelKind(kind)
        chosen = await self.services.servers.resolve(guild_id, server) if server is not None else None
        posted_in = await self.services.samples.post(guild_id, wanted, chosen)
        text = f"A sample of {kind} stands in <#{posted_in}>."
        await ctx.respond(embed=ctx.embeds.build_success("Sample posted", text), ephemeral=True)


def _describe_owner(change: ChannelChange) -> str:
    return f"of {escape_text(change.server.name)}" if change.server else "of this community"


def find_missing_permissions(channel: discord.TextChannel) -> list[str]:
    """Return what the bot needs in a channel and has not, by the names people see."""
    granted = channel.permissions_for(channel.guild.me)
    return [name for flag, name in NEEDED_PERMISSIONS.items() if not getattr(granted, flag)]


def _mention(channel_id: ChannelId | None) -> str:
    return f"<#{channel_id}>" if channel_id else "not set"
