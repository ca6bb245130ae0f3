"""The buttons below alerts about game servers."""

from cogs.admin.groups import admin_access
from cogs.admin.host_keys import show_host_key
from utils.interactions.context import KillfeedContext
from utils.interactions.lasting_buttons import on_press
from utils.interactions.services import Services
from utils.models.server_buttons import ACCEPT_KEY, TEST_SERVER


class AlertButtons:
    """Testing a server again, and accepting its new host key."""

    services: Services

    @on_press(TEST_SERVER)
    @admin_access()
    async def press_test(self, ctx: KillfeedContext, argument: str) -> None:
        """Answer **Test again**; a test that succeeds says that the trouble is over."""
        tested, steps = await self.services.servers.test_server(ctx.guild_id, argument)
        await ctx.respond(embed=ctx.embeds.build_steps(tested.name, steps))

    @on_press(ACCEPT_KEY)
    @admin_access(is_change=True)
    async def press_accept(self, ctx: KillfeedContext, argument: str) -> None:
        """Answer **Accept key**: the two keys and a question, or that the saved key is shown again."""
        await show_host_key(ctx, argument)
