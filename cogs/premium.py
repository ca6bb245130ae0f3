"""``/premium status``, ``tiers``, ``grant``, ``revoke``: premium belongs to communities, never to members."""

import discord

from utils.interactions.context import KillfeedContext
from utils.interactions.declarations import Access
from utils.interactions.guild_cog import GuildCog
from utils.models.premium import TIERS, GrantChange
from utils.models.texts import Text, text
from utils.services.premium.grants import REASON_CHARACTERS, parse_guild_id

OF_GUILD = discord.option(
    "guild_id", str, description="The Discord server's id (Copy Server ID)", max_length=30
)
FOR_HOSTS = Access(is_home=True, is_private=True, is_change=True)


class PremiumCog(GuildCog):
    """Shows the premium of a community; lets owners give and take it."""

    premium = discord.SlashCommandGroup("premium", "Tiers and what they open")

    @premium.command(name="status", description="Your community's tier, its end and its game servers")
    async def status(self, ctx: KillfeedContext) -> None:
        """Answer ``/premium status``."""
        overview = await self.services.grants.describe(ctx.guild_id)
        await ctx.respond(embed=ctx.embeds.build_premium(overview))

    @premium.command(name="tiers", description="What each tier opens")
    async def tiers(self, ctx: KillfeedContext) -> None:
        """Answer ``/premium tiers``."""
        overview = await self.services.grants.describe(ctx.guild_id)
        await ctx.respond(embed=ctx.embeds.build_tiers(overview))

    @premium.command(name="grant", description="Give a community a tier (bot owners)")
    @OF_GUILD
    @discord.option("tier", int, description="The tier, 1 to 4", min_value=1, max_value=len(TIERS) - 1)
    @discord.option("days", int, description="For how many days; leave it out for no end", default=None)
    @FOR_HOSTS
    async def grant(self, ctx: KillfeedContext, guild_id: str, tier: int, days: int | None) -> None:
        """Answer ``/premium grant``."""
        chosen = parse_guild_id(guild_id)
        change = await self.services.grants.grant(chosen, tier=tier, days=days, actor_id=ctx.member_id)
        guild = ctx.bot.get_guild(chosen)
        title = text("Premium granted")
        if guild is not None:
            title = text("Premium granted: {community}", community=guild.name)
        await self._answer(ctx, title, guild, change)

    @premium.command(name="revoke", description="Take a community's grant away (bot owners)")
    @OF_GUILD
    @discord.option("reason", str, description="Why", max_length=REASON_CHARACTERS)
    @FOR_HOSTS
    async def revoke(self, ctx: KillfeedContext, guild_id: str, reason: str) -> None:
        """Answer ``/premium revoke``."""
        chosen = parse_guild_id(guild_id)
        change = await self.services.grants.revoke(chosen, reason=reason, actor_id=ctx.member_id)
        guild = ctx.bot.get_guild(chosen)
        title = text("Premium revoked")
        if guild is not None:
            title = text("Premium revoked: {community}", community=guild.name)
        await self._answer(ctx, title, guild, change)

    async def _answer(
        self, ctx: KillfeedContext, title: Text, guild: discord.Guild | None, change: GrantChange
    ) -> None:
        embed = ctx.embeds.build_grant(title, change, is_member=guild is not None)
        await ctx.respond(embed=embed)


setup = PremiumCog.setup
