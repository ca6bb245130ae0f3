"""Bounties and wallets: ``/bounty`` and ``/wallet``."""

import discord
from discord.ext import commands

from utils.interactions.autocomplete import complete_own_bounty
from utils.interactions.choosing import asks_which
from utils.interactions.context import KillfeedContext
from utils.interactions.declarations import Access
from utils.interactions.guild_cog import GuildCog
from utils.interactions.options import player_option, server_option, text_option
from utils.interactions.paging import cut_page, respond_with_pages
from utils.models.money import LARGEST_BOUNTY, LEAST_BOUNTY
from utils.models.premium import Feature
from utils.models.scope import MemberId


class BountyCog(GuildCog):
    """Bounties on players, and wallets."""

    bounty = discord.SlashCommandGroup("bounty", "Prices on players' heads")

    @bounty.command(name="place", description="Put a price on a player's head")
    @player_option(description="On whom: start typing a name", is_required=True)
    @discord.option(
        "amount", int, description="How much 💎", min_value=LEAST_BOUNTY, max_value=LARGEST_BOUNTY
    )
    @server_option(description="Where they play")
    @asks_which
    @Access(feature=Feature.BOUNTIES, is_change=True)
    async def place(self, ctx: KillfeedContext, player: str, amount: int, server: str | None) -> None:
        """Answer ``/bounty place``."""
        placed = await self.services.bounties.place(
            ctx.guild_id,
            ctx.member_id,
            player=player,
            amount=amount,
            server=server,
            request_id=ctx.interaction.id,
        )
        embed = ctx.embeds.build_placed(placed.bounty, server_name=placed.server_name)
        await ctx.respond(embed=embed)

    @bounty.command(name="list", description="Who is wanted, highest price first")
    @server_option()
    @Access(feature=Feature.BOUNTIES)
    async def list(self, ctx: KillfeedContext, server: str | None) -> None:
        """Answer ``/bounty list``."""
        services, guild_id = self.services, ctx.guild_id
        coverage = await services.coverage.choose(guild_id, server)
        server_ids, where = coverage.server_ids, coverage.where
        servers = await services.servers.list_servers(guild_id)
        names = {one.scope.server_id: one.name for one in servers if one.scope.server_id in server_ids}

        async def build(page: int) -> tuple[discord.Embed, int]:
            shown = cut_page(await services.bounties.list_open(guild_id, server_ids), page)
            embed = ctx.embeds.build_bounty_list(
                shown.rows, first=shown.first, where=where, server_names=names
            )
            return embed, shown.count

        await respond_with_pages(ctx, build)

    @bounty.command(name="mine", description="Bounties you placed and claimed")
    @Access(is_private=True, feature=Feature.BOUNTIES)
    async def mine(self, ctx: KillfeedContext) -> None:
        """Answer ``/bounty mine``."""
        services, guild_id = self.services, ctx.guild_id

        async def build(page: int) -> tuple[discord.Embed, int]:
            own = await services.bounties.list_own(guild_id, ctx.member_id)
            placed, claimed = cut_page(own.placed, page), cut_page(own.claimed, page)
            embed = ctx.embeds.build_own_bounties(placed.rows, claimed.rows)
            return embed, max(placed.count, claimed.count)

        await respond_with_pages(ctx, build)

    @bounty.command(name="cancel", description="Take back a bounty of yours; costs 10 %")
    @text_option("bounty", description="Which one", autocomplete=complete_own_bounty, is_required=True)
    @Access(is_private=True, feature=Feature.BOUNTIES, is_change=True)
    async def cancel(self, ctx: KillfeedContext, bounty: str) -> None:
        """Answer ``/bounty cancel``."""
        cancelled = await self.services.bounties.cancel(ctx.guild_id, ctx.member_id, bounty)
        embed = ctx.embeds.build_cancelled(cancelled.bounty, refund=cancelled.refund)
        await ctx.respond(embed=embed)

    @commands.slash_command(name="wallet", description="Emeralds and the latest changes")
    @discord.option("member", discord.Member, description="Whose; leave it out for yours", default=None)
    @Access(is_private=True, feature=Feature.WALLET, may_have_left=True)
    async def wallet(self, ctx: KillfeedContext, member: discord.Member | None) -> None:
        """Answer ``/wallet``."""
        member_id = MemberId((member or ctx.author).id)
        wallet = await self.services.wallets.get_wallet(ctx.guild_id, member_id)
        await ctx.respond(embed=ctx.embeds.build_wallet(wallet))


setup = BountyCog.setup
