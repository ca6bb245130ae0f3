"""``/admin recap``: when a community gets recaps."""

import discord

from cogs.admin.groups import ADMIN, admin_access
from utils.interactions.context import KillfeedContext
from utils.interactions.options import name_choices
from utils.interactions.services import Services
from utils.models.premium import Feature
from utils.models.recaps import LAST_HOUR, WEEKDAY_CHOICES, Weekday


class RecapCommands:
    """The command for recaps."""

    services: Services

    @ADMIN.command(name="recap", description="Show or change recaps")
    @discord.option("daily", bool, description="About each day", default=None)
    @discord.option("weekly", bool, description="About each week", default=None)
    @discord.option("hour", int, description="The hour", min_value=0, max_value=LAST_HOUR, default=None)
    @discord.option(
        "weekday",
        str,
        description="The day of the weekly one",
        choices=name_choices(WEEKDAY_CHOICES),
        default=None,
    )
    @admin_access(feature=Feature.RECAPS, is_change=True)
    async def recap(
        self,
        ctx: KillfeedContext,
        daily: bool | None,  # noqa: FBT001 - a command option
        weekly: bool | None,  # noqa: FBT001 - a command option
        hour: int | None,
        weekday: str | None,
    ) -> None:
        """Answer ``/admin recap``."""
        given = {
            "is_daily": daily,
            "is_weekly": weekly,
            "hour": hour,
            "weekday": None if weekday is None else Weekday(weekday),
        }
        chosen = {name: value for name, value in given.items() if value is not None}
        if chosen:
            overview = await self.services.recaps.change(ctx.guild_id, ctx.member_id, **chosen)
        else:
            overview = await self.services.recaps.describe(ctx.guild_id)
        await ctx.respond(embed=ctx.embeds.build_recap_settings(overview, is_saved=bool(chosen)))
