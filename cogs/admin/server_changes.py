"""``/admin server edit``, ``announce``, ``import`` and ``hostkey``: changes of existing servers."""

import discord

from cogs.admin.adding import discard_progress
from cogs.admin.editing import Editing
from cogs.admin.groups import SERVER, admin_access
from cogs.admin.host_keys import show_host_key
from cogs.admin.login_dialog import LoginDialog, check_before_form
from utils.embeds.wording import FEED_SWITCHES, HIGHLIGHTS, KINDS
from utils.errors import KillfeedError
from utils.interactions.autocomplete import complete_zone
from utils.interactions.context import KillfeedContext
from utils.interactions.options import name_choices, server_option
from utils.interactions.services import Services
from utils.models.scope import ChannelId
from utils.models.servers import GameServer
from utils.models.texts import Command, Names, Text, join, text
from utils.services.servers.server_changes import ServerEdit, read_edit

SWITCHES = name_choices({kind.value: name for kind, name in FEED_SWITCHES.items()})
"""The classes of death and highlights of a killfeed, by their stored names."""


class ServerChangeCommands:
    """Editing, announcing, importing again, and host keys."""

    services: Services

    @SERVER.command(name="edit", description="Change a game server; I test a new login first")
    @server_option(description="Which one", is_required=True)
    @discord.option("name", str, description="New name", max_length=50, default=None)
    @discord.option(
        "host", str, description="New SFTP host; asks for its password", max_length=253, default=None
    )
    @discord.option(
        "username",
        str,
        description="New SFTP user name; asks for its password",
        max_length=100,
        default=None,
    )
    @discord.option(
        "number",
        int,
        description="New server number, as in the folder host_NUMBER",
        min_value=0,
        default=None,
    )
    @discord.option(
        "port",
        int,
        description="New SFTP port; asks for its password",
        min_value=1,
        max_value=65535,
        default=None,
    )
    @discord.option(
        "base_path", str, description="Log folder: the one with actual1 in it", max_length=200, default=None
    )
    @discord.option(
        "timezone",
        str,
        description="City whose time the game server uses",
        max_length=50,
        autocomplete=complete_zone,
        default=None,
    )
    @discord.option("legacy", bool, description="Allow encryption of old SSH servers", default=None)
    @discord.option(
        "new_password", bool, description="Ask for a new password or key in a form", default=False
    )
    @admin_access(modal_options=("host", "port", "username", "new_password"), is_change=True)
    async def server_edit(
        self,
        ctx: KillfeedContext,
        server: str,
        name: str | None,
        host: str | None,
        username: str | None,
        number: int | None,
        port: int | None,
        base_path: str | None,
        timezone: str | None,
        legacy: bool | None,  # noqa: FBT001 - a command option
        new_password: bool,  # noqa: ARG002, FBT001 - a command option; ``modal_options`` names it
    ) -> None:
        """Answer ``/admin server edit``, after the form for the secret if one is wanted or needed."""
        wish = ServerEdit(
            name=name,
            host=host,
            username=username,
            number=number,
            port=port,
            base_path=base_path,
            timezone=timezone,
            legacy=legacy,
        )
        editing = Editing(self.services, server, wish)
        dialog = LoginDialog(text("Login of the game server"), editing.submit, fields=None)
        if ctx.is_modal_first:
            read_edit(wish)
            await check_before_form(editing.verify(ctx.guild_id), ctx.services.errors)
            await dialog.open(ctx)
        else:
            await dialog.show(ctx, await editing.edit(ctx, wish))

    @SERVER.command(name="announce", description="What the killfeed of a server shows")
    @server_option(description="Which one", is_required=True)
    @discord.option("kind", str, description="What to switch", choices=SWITCHES)
    @discord.option("on", bool, description="Show it, or not")
    @admin_access(is_change=True)
    async def server_announce(
        self,
        ctx: KillfeedContext,
        server: str,
        kind: str,
        on: bool,  # noqa: FBT001 - a command option
    ) -> None:
        """Answer ``/admin server announce``."""
        chosen = next(one for one in FEED_SWITCHES if one.value == kind)
        changed = await self.services.server_changes.set_announced(
            ctx.guild_id,
            server,
            chosen,
            is_announced=on,
            actor_id=ctx.member_id,
        )
        name = FEED_SWITCHES[chosen]
        switched = (
            text("{server} now shows {kind}", server=changed.name, kind=name)
            if on
            else text("{server} no longer shows {kind}", server=changed.name, kind=name)
        )
        await ctx.respond(embed=ctx.embeds.build_success(switched, _list_announced(changed)))

    @SERVER.command(name="import", description="Import a server's history again")
    @server_option(description="Which one", is_required=True)
    @admin_access(is_change=True)
    async def server_import(self, ctx: KillfeedContext, server: str) -> None:
        """Answer ``/admin server import``; the progress is a message in the channel."""
        services, guild_id = self.services, ctx.guild_id
        channel_id = ChannelId(ctx.interaction.channel_id or 0)
        chosen = await services.server_changes.verify_import(guild_id, server)
        message_id = await services.progress.create(guild_id, channel_id, chosen.name)
        try:
            await services.server_changes.import_again(
                guild_id,
                chosen.scope.server_id,
                channel_id=channel_id,
                message_id=message_id,
                actor_id=ctx.member_id,
            )
        except KillfeedError:
            await discard_progress(services, channel_id, message_id)
            raise
        shown = text(
            "I can't post in this channel, so {setup} shows when it's done. Old kills won't be posted again.",
            setup=Command("setup"),
        )
        if message_id:
            shown = text("Progress is in this channel. Old kills won't be posted again.")
        title = text("Importing the history of {server} again", server=chosen.name)
        await ctx.respond(embed=ctx.embeds.build_success(title, shown))

    @SERVER.command(name="hostkey", description="Show a server's host key, or accept a new one")
    @server_option(description="Which one", is_required=True)
    @admin_access(is_change=True)
    async def server_hostkey(self, ctx: KillfeedContext, server: str) -> None:
        """Answer ``/admin server hostkey``; a changed key is accepted after a confirmation."""
        await show_host_key(ctx, server)


def _list_announced(server: GameServer) -> Text:
    posted = server.posted_deaths
    kinds = tuple(name for kind, name in KINDS.items() if kind in posted.kinds)
    if not kinds:
        return text("I don't post any of its deaths now, but I still count them.")
    highlights = tuple(name for kind, name in HIGHLIGHTS.items() if kind in posted.highlights)
    shown = (
        text("Highlights: {kinds}.", kinds=Names(highlights)) if highlights else text("Highlights are off.")
    )
    return join([text("Posted now: {kinds}.", kinds=Names(kinds)), shown], "\n")
