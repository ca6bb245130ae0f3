"""``/admin health``: how the bot is, from memory, so that it answers while the database is away."""

from cogs.admin.groups import ADMIN, admin_access
from utils.interactions.context import KillfeedContext
from utils.interactions.services import Services


class HealthCommands:
    """The health of the bot."""

    services: Services

    @ADMIN.command(name="health", description="How the bot is")
    @admin_access()
    async def admin_health(self, ctx: KillfeedContext) -> None:
        """Answer ``/admin health``; owners see the whole bot as well."""
        health = self.services.health
        is_owner = await self.services.operators.is_owner(ctx.member_id)
        bot = await health.describe_bot() if is_owner else None
        guild = health.describe_guild(ctx.guild_id)
        embeds = ctx.embeds.build_health(guild, bot, now=self.services.clock.now())
        await ctx.respond(embeds=embeds)
