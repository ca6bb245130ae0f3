"""``/admin server log``, ``slots`` and ``restarts``: the second log, and what an admin knows better."""

import discord

from cogs.admin.groups import SERVER, admin_access
from utils.embeds.server_logs import sort_counts
from utils.interactions.context import KillfeedContext
from utils.interactions.options import server_option
from utils.interactions.paging import cut_page, respond_with_pages
from utils.interactions.services import Services
from utils.models.premium import Feature


class ServerLogCommands:
    """The state of Deadside.log, the number of places, and the times of restarts."""

    services: Services

    @SERVER.command(name="log", description="What I know from Deadside.log")
    @server_option(description="Which one", is_required=True)
    @admin_access()
    async def server_log(self, ctx: KillfeedContext, server: str) -> None:
        """Answer ``/admin server log``."""
        health = await self.services.readings.get_health(ctx.guild_id)
        report = await self.services.server_logs.describe(ctx.guild_id, server, health)
        shapes = sort_counts(report.state.tally.shapes)

        async def build(page: int) -> tuple[discord.Embed, int]:
            shown = cut_page(shapes, page)
            return ctx.embeds.build_server_log(report, shown.rows, is_first=page == 0), shown.count

        await respond_with_pages(ctx, build)

    @SERVER.command(name="slots", description="How many players fit on a server")
    @server_option(description="Which one", is_required=True)
    @discord.option("max", int, description="Places", min_value=1, max_value=200, default=None)
    @admin_access(is_change=True)
    async def server_slots(self, ctx: KillfeedContext, server: str, max: int | None) -> None:  # noqa: A002 - a command option
        """Answer ``/admin server slots``."""
        changed = await self.services.server_facts.set_slots(
            ctx.guild_id, server, max, actor_id=ctx.member_id
        )
        await ctx.respond(embed=ctx.embeds.build_slots(changed.name, changed.slots))

    @SERVER.command(name="restarts", description="When a server restarts each day")
    @server_option(description="Which one", is_required=True)
    @discord.option(
        "times", str, description="In its own time, like 02:00, 14:00", max_length=100, default=None
    )
    @discord.option(
        "warn_minutes",
        int,
        description="Announce it so long before; 0: never",
        min_value=0,
        max_value=60,
        default=None,
    )
    @admin_access(feature=Feature.RESTARTS, is_change=True)
    async def server_restarts(
        self, ctx: KillfeedContext, server: str, times: str | None, warn_minutes: int | None
    ) -> None:
        """Answer ``/admin server restarts``."""
        settings = await self.services.server_facts.set_restarts(
            ctx.guild_id, server, times, warn_minutes, actor_id=ctx.member_id
        )
        await ctx.respond(embed=ctx.embeds.build_restarts(settings))
