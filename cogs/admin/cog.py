"""``/admin server`` and ``/admin channel``."""

import discord

from cogs.admin.boards import BOARDS, post_board, remove_board
from cogs.admin.server_form import SecretModal
from utils.embeds.escape import escape_text
from utils.errors import InvalidInputError, KillfeedError
from utils.interactions.access import GuildCog, access, get_guild_id
from utils.interactions.autocomplete import complete_server
from utils.interactions.views import ConfirmView
from utils.models.guilds import ChannelKind
from utils.models.premium import Feature
from utils.models.scope import ChannelId, GuildId
from utils.models.servers import Credentials
from utils.services.servers import ServerForm

CHANNEL_KINDS = [kind.value for kind in ChannelKind]
NEEDED_PERMISSIONS = {
    "view_channel": "View Channel",
    "send_messages": "Send Messages",
    "embed_links": "Embed Links",
    "attach_files": "Attach Files",
    "read_message_history": "Read Message History",
}


class AdminCog(GuildCog):
    """Settings of a guild; for members with Manage Server or the admin role."""

    admin = discord.SlashCommandGroup(
        "admin",
        "Game servers and channels of this community",
        default_member_permissions=discord.Permissions(manage_guild=True),
    )
    server = admin.create_subgroup("server", "The game servers this bot reads")
    channel = admin.create_subgroup("channel", "Where this bot posts")
    board = admin.create_subgroup("board", "Boards that stand in a channel")

    @server.command(name="add", description="Read a game server; asks for its SFTP password in a form")
    @discord.option("name", str, description="What to call it here", max_length=50)
    @discord.option("host", str, description="SFTP host, for example 192.0.2.10", max_length=253)
    @discord.option("username", str, description="SFTP user name", max_length=100)
    @discord.option(
        "number",
        int,
        description="The hoster's server number, as in the folder host_NUMBER",
        min_value=0,
        default=None,
    )
    @discord.option(
        "port", int, description="SFTP port, 22 when left out", min_value=1, max_value=65535, default=22
    )
    @discord.option(
        "base_path",
        str,
        description="Folder that holds actual1, when it is not found by itself",
        max_length=200,
        default=None,
    )
    @discord.option(
        "timezone",
        str,
        description="Time zone of the game server's logs, UTC when left out",
        max_length=50,
        default="UTC",
    )
    @discord.option("legacy", bool, description="Allow the algorithms of old SSH servers", default=False)
    @access(is_admin=True, is_private=True, opens_modal=True)
    async def server_add(
        self,
        ctx: discord.ApplicationContext,
        name: str,
        host: str,
        username: str,
        number: int | None,
        port: int,
        base_path: str | None,
        timezone: str,
        legacy: bool,  # noqa: FBT001 - a command option
    ) -> None:
        """Answer ``/admin server add`` with the form for the secret."""
        form = ServerForm(name, host, port, username, number, base_path, timezone, legacy)
        guild_id, channel_id = get_guild_id(ctx), ChannelId(ctx.interaction.channel_id or 0)

        async def submit(interaction: discord.Interaction, credentials: Credentials) -> None:
            await self._add_server(interaction, guild_id, channel_id, form, credentials)

        await ctx.send_modal(SecretModal(name, submit, self.services.replies))

    async def _add_server(
        self,
        interaction: discord.Interaction,
        guild_id: GuildId,
        channel_id: ChannelId,
        form: ServerForm,
        credentials: Credentials,
    ) -> None:
        services = self.services
        if credentials.password is None and credentials.private_key is None:
            raise InvalidInputError("Fill in the password or the private key.")
        await services.servers.verify_form(guild_id, form)
        message_id = await services.progress.create(channel_id, form.name)
        try:
            added = await services.servers.add_server(
                guild_id, form, credentials=credentials, channel_id=channel_id, message_id=message_id
            )
        except KillfeedError:
            await self._discard_progress(channel_id, message_id)
            raise
        if added.server is None:
            await self._discard_progress(channel_id, message_id)
        embed = services.embeds.build_steps(form.name, added.steps)
        await interaction.followup.send(embed=embed, ephemeral=True)

    async def _discard_progress(self, channel_id: ChannelId, message_id: int | None) -> None:
        if message_id is not None:
            await self.services.progress.discard(channel_id, message_id)

    @server.command(name="list", description="All game servers of this community, with their state")
    @access(is_admin=True, is_private=True)
    async def server_list(self, ctx: discord.ApplicationContext) -> None:
        """Answer ``/admin server list``."""
        guild_id = get_guild_id(ctx)
        servers = await self.services.servers.list_servers(guild_id)
        states = await self.services.health.get_health(guild_id)
        embed = self.services.embeds.build_server_list(servers, states=states)
        await ctx.respond(embed=embed, ephemeral=True)

    @server.command(name="test", description="Try the way to a server's logs, step by step")
    @discord.option("server", str, description="Which one", autocomplete=complete_server)
    @access(is_admin=True, is_private=True)
    async def server_test(self, ctx: discord.ApplicationContext, server: str) -> None:
        """Answer ``/admin server test``."""
        tested, steps = await self.services.servers.test_server(get_guild_id(ctx), server)
        await ctx.respond(embed=self.services.embeds.build_steps(tested.name, steps), ephemeral=True)

    @server.command(name="remove", description="Stop reading a server and delete what was counted on it")
    @discord.option("server", str, description="Which one", autocomplete=complete_server)
    @discord.option("keep_stats", bool, description="Keep the statistics in the database", default=False)
    @access(is_admin=True, is_private=True)
    async def server_remove(
        self,
        ctx: discord.ApplicationContext,
        server: str,
        keep_stats: bool,  # noqa: FBT001 - a command option
    ) -> None:
        """Answer ``/admin server remove``, after a confirmation."""
        services = self.services
        chosen = await services.servers.resolve(get_guild_id(ctx), server)
        view = ConfirmView("Remove", invoker_id=ctx.author.id, live=services.views, replies=services.replies)
        view.shown_in = ctx.interaction
        fate = "Its statistics are kept." if keep_stats else "Its statistics are deleted for good."
        question = services.embeds.build_notice(f"Remove {escape_text(chosen.name)}?", fate)
        await ctx.respond(embed=question, view=view, ephemeral=True)
        await view.wait()
        if view.is_confirmed:
            await services.servers.remove_server(chosen.scope, keep_stats=keep_stats)
            embed = services.embeds.build_success(f"{escape_text(chosen.name)} is removed", fate)
        else:
            embed = services.embeds.build_notice("Nothing was removed", "The server is read on as before.")
        await ctx.interaction.edit_original_response(embed=embed, view=None)

    @server.command(name="rejected", description="Lines of the death log that could not be read, and why")
    @discord.option("server", str, description="Which one", autocomplete=complete_server)
    @access(is_admin=True, is_private=True)
    async def server_rejected(self, ctx: discord.ApplicationContext, server: str) -> None:
        """Answer ``/admin server rejected``."""
        found = await self.services.servers.list_rejected(get_guild_id(ctx), server)
        embed = self.services.embeds.build_rejected(found.server.name, found.lines, total=found.total)
        await ctx.respond(embed=embed, ephemeral=True)

    @board.command(name="post", description="Post a board that keeps itself up to date")
    @discord.option("board", str, description="What it ranks by", choices=BOARDS)
    @discord.option("server", str, description="One server alone", autocomplete=complete_server, default=None)
    @access(is_admin=True, is_private=True, feature=Feature.POSTED_BOARDS)
    async def board_post(self, ctx: discord.ApplicationContext, board: str, server: str | None) -> None:
        """Answer ``/admin board post``."""
        await post_board(self.services, ctx, board, server)

    @board.command(name="remove", description="End a posted board and delete its message")
    @discord.option("board", str, description="What it ranks by", choices=BOARDS)
    @discord.option("server", str, description="One server alone", autocomplete=complete_server, default=None)
    @access(is_admin=True, is_private=True, feature=Feature.POSTED_BOARDS)
    async def board_remove(self, ctx: discord.ApplicationContext, board: str, server: str | None) -> None:
        """Answer ``/admin board remove``."""
        await remove_board(self.services, ctx, board, server)

    @channel.command(name="set", description="Choose where something is posted")
    @discord.option("kind", str, description="What is posted there", choices=CHANNEL_KINDS)
    @discord.option("channel", discord.TextChannel, description="The channel")
    @discord.option(
        "server", str, description="For one server alone", autocomplete=complete_server, default=None
    )
    @access(is_admin=True, is_private=True)
    async def channel_set(
        self, ctx: discord.ApplicationContext, kind: str, channel: discord.TextChannel, server: str | None
    ) -> None:
        """Answer ``/admin channel set``."""
        missing = find_missing_permissions(channel)
        if missing:
            raise InvalidInputError(
                f"I may not post in #{channel.name}: give me {', '.join(missing)} there, then try again."
            )
        guild_id = get_guild_id(ctx)
        chosen = await self.services.servers.set_channel(
            guild_id, ChannelKind(kind), ChannelId(channel.id), server=server
        )
        self.services.delivery.retry_now(guild_id)
        whose = f"of {escape_text(chosen.name)}" if chosen else "of this community"
        text = f"The {kind} channel {whose} is now {channel.mention}."
        await ctx.respond(embed=self.services.embeds.build_success("Channel set", text), ephemeral=True)

    @channel.command(name="list", description="Where everything is posted")
    @access(is_admin=True, is_private=True)
    async def channel_list(self, ctx: discord.ApplicationContext) -> None:
        """Answer ``/admin channel list``."""
        guild_id = get_guild_id(ctx)
        settings = await self.services.settings.get_settings(guild_id)
        lines = [f"**{kind}**: {_mention(settings.channels.get(kind))}" for kind in ChannelKind]
        for server in await self.services.servers.list_servers(guild_id):
            lines += [
                f"**{kind}** of {escape_text(server.name)}: {_mention(channel_id)}"
                for kind, channel_id in server.channels.items()
            ]
        embed = self.services.embeds.build_notice("Channels", "\n".join(lines))
        await ctx.respond(embed=embed, ephemeral=True)

    @channel.command(name="test", description="Post a sample, to see how it looks and whether it works")
    @discord.option("kind", str, description="What is posted", choices=CHANNEL_KINDS)
    @discord.option("server", str, description="For one server", autocomplete=complete_server, default=None)
    @access(is_admin=True, is_private=True)
    async def channel_test(self, ctx: discord.ApplicationContext, kind: str, server: str | None) -> None:
        """Answer ``/admin channel test``."""
        guild_id, wanted = get_guild_id(ctx), ChannelKind(kind)
        chosen = await self.services.servers.resolve(guild_id, server) if server is not None else None
        posted_in = await self.services.delivery.post_sample(guild_id, wanted, chosen)
        text = f"A sample of {kind} stands in <#{posted_in}>."
        await ctx.respond(embed=self.services.embeds.build_success("Sample posted", text), ephemeral=True)


def find_missing_permissions(channel: discord.TextChannel) -> list[str]:
    """Return what the bot needs in a channel and has not, by the names people see."""
    granted = channel.permissions_for(channel.guild.me)
    return [name for flag, name in NEEDED_PERMISSIONS.items() if not getattr(granted, flag)]


def _mention(channel_id: ChannelId | None) -> str:
    return f"<#{channel_id}>" if channel_id else "not set"
