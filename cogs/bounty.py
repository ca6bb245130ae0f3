"""Bounties and wallets: ``/bounty`` and ``/wallet``."""

import discord
from discord.ext import commands

from utils.interactions.access import GuildCog, access, get_guild_id
from utils.interactions.autocomplete import complete_own_bounty, complete_player, complete_server
from utils.interactions.context import KillfeedContext
from utils.interactions.options import text_option
from utils.interactions.paging import count_pages, respond_with_pages
from utils.interactions.services import Services
from utils.models.money import LARGEST_BOUNTY, LEAST_BOUNTY
from utils.models.premium import Feature
from utils.models.scope import MemberId

PAGE_ROWS = 10


class BountyCog(GuildCog):
    """Prices on players, and the money behind them."""

    bounty = discord.SlashCommandGroup("bounty", "Prices on players")

    @bounty.command(name="place", description="Put a price on a player; the money is held until it ends")
    @text_option("player", description="Whom; start typing a name", autocomplete=complete_player)
    @discord.option(
        "amount", int, description="How many emeralds", min_value=LEAST_BOUNTY, max_value=LARGEST_BOUNTY
    )
    @text_option(
        "server",
        description="Where that player plays",
        autocomplete=complete_server,
        default=None,
    )
    @access(feature=Feature.BOUNTIES, is_change=True)
    async def place(self, ctx: KillfeedContext, player: str, amount: int, server: str | None) -> None:
        """Answer ``/bounty place``."""
        placed = await self.services.bounties.place(
            get_guild_id(ctx), MemberId(ctx.author.id), player=player, amount=amount, server=server
        )
        embed = ctx.embeds.build_placed(placed.bounty, server_name=placed.server_name)
        await ctx.respond(embed=embed)

    @bounty.command(name="list", description="Who is wanted, highest price first")
    @text_option("server", description="One server alone", autocomplete=complete_server, default=None)
    @access(feature=Feature.BOUNTIES)
    async def list(self, ctx: KillfeedContext, server: str | None) -> None:
        """Answer ``/bounty list``."""
        services, guild_id = self.services, get_guild_id(ctx)
        coverage = await services.coverage.choose(guild_id, server)
        server_ids, where = coverage.server_ids, coverage.where
        servers = await services.servers.list_servers(guild_id)
        names = {one.scope.server_id: one.name for one in servers if one.scope.server_id in server_ids}

        async def build(page: int) -> tuple[discord.Embed, int]:
            found = await services.bounties.list_open(guild_id, server_ids)
            start = page * PAGE_ROWS
            rows = found[start : start + PAGE_ROWS]
            embed = ctx.embeds.build_bounty_list(rows, first=start + 1, where=where, server_names=names)
            return embed, count_pages(len(found), PAGE_ROWS)

        await respond_with_pages(ctx, services, build)

    @bounty.command(name="mine", description="The bounties you placed and claimed")
    @access(is_private=True, feature=Feature.BOUNTIES)
    async def mine(self, ctx: KillfeedContext) -> None:
        """Answer ``/bounty mine``."""
        services, guild_id = self.services, get_guild_id(ctx)

        async def build(page: int) -> tuple[discord.Embed, int]:
            own = await services.bounties.list_own(guild_id, MemberId(ctx.author.id))
            start, end = page * PAGE_ROWS, (page + 1) * PAGE_ROWS
            embed = ctx.embeds.build_own_bounties(own.placed[start:end], own.claimed[start:end])
            return embed, count_pages(max(len(own.placed), len(own.claimed)), PAGE_ROWS)

        await respond_with_pages(ctx, services, build, is_private=True)

    @bounty.command(name="cancel", description="Take a bounty of yours back; a tenth of it is lost")
    @text_option("bounty", description="Which one", autocomplete=complete_own_bounty)
    @access(is_private=True, feature=Feature.BOUNTIES, is_change=True)
    async def cancel(self, ctx: KillfeedContext, bounty: str) -> None:
        """Answer ``/bounty cancel``."""
        cancelled = await self.services.bounties.cancel(get_guild_id(ctx), MemberId(ctx.author.id), bounty)
        embed = ctx.embeds.build_cancelled(cancelled.bounty, refund=cancelled.refund)
        await ctx.respond(embed=embed, ephemeral=True)

    @commands.slash_command(name="wallet", description="How many emeralds somebody has, and why")
    @discord.option("member", discord.Member, description="Whose; yours when left out", default=None)
    @access(is_private=True, feature=Feature.WALLET, may_have_left=True)
    async def wallet(self, ctx: KillfeedContext, member: discord.Member | None) -> None:
        """Answer ``/wallet``."""
        member_id = MemberId((member or ctx.author).id)
        wallet = await self.services.wallets.get_wallet(get_guild_id(ctx), member_id)
        await ctx.respond(embed=ctx.embeds.build_wallet(wallet), ephemeral=True)


def setup(bot: discord.Bot) -> None:
    """Add the cog."""
    services: Services = bot.services  # type: ignore[attr-defined]
    bot.add_cog(BountyCog(services))
