"""``/admin server``: the game servers of a community."""

import discord

from cogs.admin.groups import SERVER, admin_access
from cogs.admin.server_form import SecretModal
from utils.errors import KillfeedError
from utils.interactions.autocomplete import complete_zone
from utils.interactions.confirming import ask_first
from utils.interactions.context import KillfeedContext
from utils.interactions.options import server_option
from utils.interactions.services import Services
from utils.models.scope import ChannelId
from utils.models.servers import Credentials
from utils.models.texts import text
from utils.services.servers.typed_servers import ServerForm


class ServerCommands:
    """Adding, showing, testing and removing game servers."""

    services: Services
    server = SERVER

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
        "port", int, description="SFTP port, 22 when left out", min_value=1, max_value=65535, default=None
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
        autocomplete=complete_zone,
        default="UTC",
    )
    @discord.option("legacy", bool, description="Allow the algorithms of old SSH servers", default=False)
    @admin_access(opens_modal=True, is_change=True)
    async def server_add(
        self,
        ctx: KillfeedContext,
        name: str,
        host: str,
        username: str,
        number: int | None,
        port: int | None,
        base_path: str | None,
        timezone: str,
        legacy: bool,  # noqa: FBT001 - a command option
    ) -> None:
        """Answer ``/admin server add`` with the form for the secret."""
        form = ServerForm(name, host, port, username, number, base_path, timezone, legacy)
        channel_id = ChannelId(ctx.interaction.channel_id or 0)

        async def submit(sent: KillfeedContext, credentials: Credentials) -> None:
            await sent.respond(embed=await self._add_server(sent, channel_id, form, credentials))

        await ctx.send_modal(SecretModal(text("Login of {server}", server=name), submit, opened_in=ctx))

    async def _add_server(
        self, ctx: KillfeedContext, channel_id: ChannelId, form: ServerForm, credentials: Credentials
    ) -> discord.Embed:
        services, guild_id = self.services, ctx.guild_id
        await services.servers.verify_form(guild_id, form)
        message_id = await services.progress.create(guild_id, channel_id, form.name)
        try:
            added = await services.servers.add_server(
                guild_id,
                form,
                credentials=credentials,
                channel_id=channel_id,
                message_id=message_id,
                actor_id=ctx.member_id,
            )
        except KillfeedError:
            await discard_progress(services, channel_id, message_id)
            raise
        if added.server is None:
            await discard_progress(services, channel_id, message_id)
        return ctx.embeds.build_steps(form.name, added.steps)

    @server.command(name="list", description="All game servers of this community, with their state")
    @admin_access()
    async def server_list(self, ctx: KillfeedContext) -> None:
        """Answer ``/admin server list``."""
        servers = await self.services.servers.list_servers(ctx.guild_id)
        states = await self.services.readings.get_health(ctx.guild_id)
        embed = ctx.embeds.build_server_list(servers, states=states)
        await ctx.respond(embed=embed)

    @server.command(name="test", description="Try the way to a server's logs, step by step")
    @server_option(description="Which one", is_required=True)
    @admin_access()
    async def server_test(self, ctx: KillfeedContext, server: str) -> None:
        """Answer ``/admin server test``."""
        tested, steps = await self.services.servers.test_server(ctx.guild_id, server)
        await ctx.respond(embed=ctx.embeds.build_steps(tested.name, steps))

    @server.command(name="remove", description="Stop reading a server and delete what was counted on it")
    @server_option(description="Which one", is_required=True)
    @discord.option("keep_stats", bool, description="Keep the statistics in the database", default=False)
    @admin_access(is_change=True)
    async def server_remove(
        self,
        ctx: KillfeedContext,
        server: str,
        keep_stats: bool,  # noqa: FBT001 - a command option
    ) -> None:
        """Answer ``/admin server remove``, after a confirmation."""
        servers = self.services.servers
        chosen = await servers.resolve(ctx.guild_id, server)
        fate = text("Its statistics are deleted for good.")
        if keep_stats:
            fate = text("Its statistics are kept.")
        question = ctx.embeds.build_notice(text("Remove {server}?", server=chosen.name), fate)
        if await ask_first(ctx, question, text("Remove")):
            await servers.remove_server(chosen.scope, keep_stats=keep_stats, actor_id=ctx.member_id)
            embed = ctx.embeds.build_success(text("{server} is removed", server=chosen.name), fate)
        else:
            embed = ctx.embeds.build_notice(
                text("Nothing was removed"), text("The server is read on as before.")
            )
        await ctx.edit(embed=embed, view=None)

    @server.command(name="rejected", description="Lines of the death log that could not be read, and why")
    @server_option(description="Which one", is_required=True)
    @admin_access()
    async def server_rejected(self, ctx: KillfeedContext, server: str) -> None:
        """Answer ``/admin server rejected``."""
        found = await self.services.servers.list_rejected(ctx.guild_id, server)
        embed = ctx.embeds.build_rejected(found.server.name, found.lines, total=found.total)
        await ctx.respond(embed=embed)


async def discard_progress(services: Services, channel_id: ChannelId, message_id: int | None) -> None:
    """Delete the progress message of an import that did not begin, if there is one."""
    if message_id is not None:
        await services.progress.discard(channel_id, message_id)
