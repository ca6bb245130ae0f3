"""``/premium status`` and ``tiers``: premium belongs to communities, never to members."""

import discord

from utils.interactions.context import KillfeedContext
from utils.interactions.guild_cog import GuildCog


class PremiumCog(GuildCog):
    """Shows the premium of a community."""

    premium = discord.SlashCommandGroup("premium", "Tiers and what they open")

    @premium.command(name="status", description="This Discord server's tier, its end and its game servers")
    async def status(self, ctx: KillfeedContext) -> None:
        """Answer ``/premium status``."""
        overview = await self.services.grants.describe(ctx.guild_id)
        await ctx.respond(embed=ctx.embeds.build_premium(overview))

    @premium.command(name="tiers", description="What each tier opens")
    async def tiers(self, ctx: KillfeedContext) -> None:
        """Answer ``/premium tiers``."""
        overview = await self.services.grants.describe(ctx.guild_id)
        await ctx.respond(embed=ctx.embeds.build_tiers(overview))


setup = PremiumCog.setup
