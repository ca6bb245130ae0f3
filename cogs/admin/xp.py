"""``/admin xp``: times in which kills give more XP."""

import discord

from cogs.admin.groups import ADMIN, admin_access
from utils.errors import InvalidInputError
from utils.interactions.context import KillfeedContext
from utils.interactions.services import Services
from utils.models.premium import Feature
from utils.models.texts import text
from utils.models.xp import LARGEST_FACTOR, LEAST_FACTOR, LONGEST_XP_EVENT_HOURS

USUAL_HOURS = 24


class XpCommands:
    """The command for times of more XP."""

    services: Services

    @ADMIN.command(name="xp", description="Show, start or stop extra XP")
    @discord.option(
        "factor",
        int,
        description="How many times the XP",
        min_value=LEAST_FACTOR,
        max_value=LARGEST_FACTOR,
        default=None,
    )
    @discord.option(
        "hours",
        int,
        description=f"For how long, {USUAL_HOURS} if left out",
        min_value=1,
        max_value=LONGEST_XP_EVENT_HOURS,
        default=None,
    )
    @discord.option("stop", bool, description="Stop it now", default=False)
    @admin_access(feature=Feature.LEVELS, is_change=True)
    async def xp(
        self,
        ctx: KillfeedContext,
        factor: int | None,
        hours: int | None,
        stop: bool,  # noqa: FBT001 - a command option
    ) -> None:
        """Answer ``/admin xp``."""
        service, is_begun = self.services.xp_events, factor is not None or hours is not None
        if is_begun and stop:
            raise InvalidInputError(text("Start extra XP or stop it, not both."))
        if is_begun:
            events = await service.begin(
                ctx.guild_id, ctx.member_id, factor=factor or LEAST_FACTOR, hours=hours or USUAL_HOURS
            )
        elif stop:
            events = await service.stop(ctx.guild_id, ctx.member_id)
        else:
            events = await service.list_events(ctx.guild_id)
        await ctx.respond(embed=ctx.embeds.build_xp_events(events, now=self.services.clock.now()))
