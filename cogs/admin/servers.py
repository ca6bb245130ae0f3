"""``/admin server``: the game servers of a community."""

import discord

from cogs.admin.adding import Adding
from cogs.admin.groups import SERVER, admin_access
from cogs.admin.login_dialog import LoginDialog, check_before_form
from cogs.admin.server_alerts import show_test
from utils.interactions.autocomplete import complete_zone
from utils.interactions.confirming import ask_first
from utils.interactions.context import KillfeedContext
from utils.interactions.options import server_option
from utils.interactions.services import Services
from utils.models.scope import ChannelId
from utils.models.texts import text
from utils.services.servers.typed_servers import ServerForm, list_fields, read_form


class ServerCommands:
    """Adding, showing, testing and removing game servers."""

    services: Services
    server = SERVER

    @server.command(name="add", description="Add a game server")
    @discord.option("name", str, description="What to call it", max_length=50)
    @discord.option("host", str, description="SFTP host, like 192.0.2.10 or 192.0.2.10:8822", max_length=253)
    @discord.option("username", str, description="SFTP user name", max_length=100)
    @discord.option(
        "number",
        int,
        description="Server number, as in the folder host_NUMBER",
        min_value=0,
        default=None,
    )
    @discord.option(
        "port", int, description="SFTP port; 22 if left out", min_value=1, max_value=65535, default=None
    )
    @discord.option(
        "base_path",
        str,
        description="Log folder: the one with actual1 in it",
        max_length=200,
        default=None,
    )
    @discord.option(
        "timezone",
        str,
        description="City whose time the game server uses",
        max_length=50,
        autocomplete=complete_zone,
        default="UTC",
    )
    @discord.option("legacy", bool, description="Allow encryption of old SSH servers", default=False)
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
        fields = list_fields(read_form(form))
        await check_before_form(self.services.servers.verify_form(ctx.guild_id, form), self.services.errors)
        adding = Adding(self.services, form, ChannelId(ctx.interaction.channel_id or 0))
        dialog = LoginDialog(text("Login of {server}", server=form.name), adding.submit, fields=fields)
        await dialog.open(ctx)

    @server.command(name="list", description="Your game servers and how they're doing")
    @admin_access()
    async def server_list(self, ctx: KillfeedContext) -> None:
        """Answer ``/admin server list``."""
        servers = await self.services.servers.list_servers(ctx.guild_id)
        states = await self.services.readings.get_health(ctx.guild_id)
        embed = ctx.embeds.build_server_list(servers, states=states)
        await ctx.respond(embed=embed)

    @server.command(name="test", description="Test the connection to a server, step by step")
    @server_option(description="Which one", is_required=True)
    @admin_access()
    async def server_test(self, ctx: KillfeedContext, server: str) -> None:
        """Answer ``/admin server test``."""
        await show_test(ctx, server)

    @server.command(name="remove", description="Remove a server and its stats")
    @server_option(description="Which one", is_required=True)
    @discord.option("keep_stats", bool, description="Keep its stats in the database", default=False)
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
        title = text("Remove {server} and its stats?", server=chosen.name)
        fate = text("This deletes its stats for good. To keep them, cancel and turn on “keep_stats”.")
        done = text("Its stats are gone.")
        if keep_stats:
            title = text("Remove {server}?", server=chosen.name)
            fate = done = text("Its stats stay in the database.")
        question = ctx.embeds.build_notice(title, fate)
        if await ask_first(ctx, question, text("Remove")):
            await servers.remove_server(chosen.scope, keep_stats=keep_stats, actor_id=ctx.member_id)
            embed = ctx.embeds.build_success(text("{server} removed", server=chosen.name), done)
        else:
            embed = ctx.embeds.build_notice(text("Cancelled"), text("{server} stays.", server=chosen.name))
        await ctx.edit(embed=embed, view=None)

    @server.command(name="rejected", description="Lines that I couldn't read, and why")
    @server_option(description="Which one", is_required=True)
    @admin_access()
    async def server_rejected(self, ctx: KillfeedContext, server: str) -> None:
        """Answer ``/admin server rejected``."""
        found = await self.services.servers.list_rejected(ctx.guild_id, server)
        embed = ctx.embeds.build_rejected(found.server.name, found.lines, total=found.total)
        await ctx.respond(embed=embed)
