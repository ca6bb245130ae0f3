"""The test of a game server, and the buttons below it and below alerts."""

from cogs.admin.editing import Editing
from cogs.admin.groups import admin_access
from cogs.admin.host_keys import show_host_key
from cogs.admin.login_dialog import LoginDialog
from utils.interactions.context import KillfeedContext
from utils.interactions.lasting_buttons import on_press
from utils.interactions.services import Services
from utils.models.server_buttons import ACCEPT_KEY, EDIT_LOGIN, TEST_SERVER, list_mending
from utils.models.texts import text
from utils.services.servers.server_changes import ServerEdit
from utils.services.servers.typed_servers import write_fields


async def show_test(ctx: KillfeedContext, typed: str) -> None:
    """Test a server and answer with the steps; a failed test has the buttons that may mend it."""
    tested, steps = await ctx.services.servers.test_server(ctx.guild_id, typed)
    embed = ctx.embeds.build_steps(tested.name, steps)
    if buttons := list_mending(tested.scope.server_id, steps):
        await ctx.respond(embed=embed, view=ctx.embeds.build_buttons(buttons))
    else:
        await ctx.respond(embed=embed)


class AlertButtons:
    """Testing a server again, editing its login, and accepting its new host key."""

    services: Services

    @on_press(TEST_SERVER)
    @admin_access()
    async def press_test(self, ctx: KillfeedContext, argument: str) -> None:
        """Answer **Test again**; a test that succeeds says that the trouble is over."""
        await show_test(ctx, argument)

    @on_press(EDIT_LOGIN)
    @admin_access(opens_modal=True, is_change=True)
    async def press_edit(self, ctx: KillfeedContext, argument: str) -> None:
        """Answer **Edit login** with the form, in which only the secret is missing."""
        server = await self.services.servers.resolve(ctx.guild_id, argument)
        fields = write_fields(
            server.host, server.port, server.username, number=server.number, base_path=server.base_path
        )
        editing = Editing(self.services, argument, ServerEdit())
        dialog = LoginDialog(text("Login of {server}", server=server.name), editing.submit, fields=fields)
        await dialog.open(ctx, fields)

    @on_press(ACCEPT_KEY)
    @admin_access(is_change=True)
    async def press_accept(self, ctx: KillfeedContext, argument: str) -> None:
        """Answer **Accept key**: the two keys and a question, or that the saved key is shown again."""
        await show_host_key(ctx, argument)
