"""Bounties and wallets: ``/bounty`` and ``/wallet``, and *Put a price on* in the menu on a member."""

import re
from collections.abc import Sequence

import discord
from discord.ext import commands

from utils.errors import AmbiguousError, InvalidInputError
from utils.interactions.autocomplete import complete_own_bounty
from utils.interactions.choosing import asks_which
from utils.interactions.context import KillfeedContext
from utils.interactions.declarations import Access
from utils.interactions.forms import Line, LineForm
from utils.interactions.guild_cog import GuildCog
from utils.interactions.lasting_buttons import on_press
from utils.interactions.member_menus import member_menu
from utils.interactions.options import player_option, server_option, text_option
from utils.interactions.paging import cut_page, respond_with_pages
from utils.models.money import LARGEST_BOUNTY, LEAST_BOUNTY, PUT_PRICE
from utils.models.premium import Feature
from utils.models.scope import MemberId
from utils.models.texts import Mention, text
from utils.models.typed_text import TYPED_CHARACTERS


class BountyCog(GuildCog):
    """Bounties on players, and wallets."""

    bounty = discord.SlashCommandGroup("bounty", "Prices on players' heads")

    @bounty.command(name="place", description="Put a price on a player's head")
    @player_option(description="On whom: start typing a name", is_required=True)
    @discord.option(
        "amount", int, description="How much 💎", min_value=LEAST_BOUNTY, max_value=LARGEST_BOUNTY
    )
    @server_option(description="Where they play")
    @Access(feature=Feature.BOUNTIES, is_change=True)
    async def place(self, ctx: KillfeedContext, player: str, amount: int, server: str | None) -> None:
        """Answer ``/bounty place``."""
        await self._place(ctx, player=player, amount=amount, server=server)

    @on_press(PUT_PRICE)
    @Access(feature=Feature.BOUNTIES, is_private=True, is_change=True, opens_modal=True)
    async def press_price(self, ctx: KillfeedContext, argument: str) -> None:
        """Answer **Place a bounty** with a form; the bounties channel tells everybody."""
        del argument
        await ctx.send_modal(
            LineForm(
                text("Put a price on a player"), (_PLAYER, _AMOUNT), self._place_on_player, opened_in=ctx
            )
        )

    @member_menu(name="Put a price on", said=text("Put a price on a member's player"))
    @Access(feature=Feature.BOUNTIES, is_private=True, is_change=True, opens_modal=True)
    async def price_on(self, ctx: KillfeedContext, member: discord.Member) -> None:
        """Answer the menu on a member with a form that asks how much."""
        target = MemberId(member.id)
        await self.services.bounties.list_targets(ctx.guild_id, ctx.member_id, target)

        async def submit(sent: KillfeedContext, lines: Sequence[str]) -> None:
            await self._place_on_member(sent, target=target, player="", amount=_read_amount(lines[0]))

        title = text("Put a price on {member}", member=member.display_name)
        await ctx.send_modal(LineForm(title, (_AMOUNT,), submit, opened_in=ctx))

    @asks_which
    async def _place_on_member(
        self, ctx: KillfeedContext, *, target: MemberId, player: str, amount: int
    ) -> None:
        """Place a bounty on a member's only player, or on the one that was chosen."""
        targets = await self.services.bounties.list_targets(ctx.guild_id, ctx.member_id, target)
        choices = [(one.player_id, one.player_name) for one in targets]
        if len(choices) > 1 and player not in dict(choices):
            asked = text("{member} plays several players. On which one?", member=Mention("@", target))
            raise AmbiguousError(asked, typed=player, choices=choices)
        await self._place(ctx, player=player or choices[0][0], amount=amount, server=None)

    async def _place_on_player(self, ctx: KillfeedContext, lines: Sequence[str]) -> None:
        player, amount = lines
        await self._place(ctx, player=player, amount=_read_amount(amount), server=None)

    @asks_which
    async def _place(self, ctx: KillfeedContext, *, player: str, amount: int, server: str | None) -> None:
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
            embed = ctx.embeds.build_own_bounties(placed.rows, claimed.rows, own_kills=own.own_kills)
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
        await ctx.respond(embed=ctx.embeds.build_wallet(wallet, is_own=member_id == ctx.member_id))


_PLAYER = Line(text("Player"), TYPED_CHARACTERS, text("Name in the game"))
_AMOUNT = Line(text("Amount in 💎"), 10, text("500"))
_SEPARATORS = re.compile(r"[\s.,'_]|💎")


def _read_amount(typed: str) -> int:
    """Return a typed amount; thousands may be grouped.

    Raises:
        InvalidInputError: it is not a number.
    """
    digits = _SEPARATORS.sub("", typed)
    if not (digits.isascii() and digits.isdecimal()):
        raise InvalidInputError(text("“{amount}” isn't an amount. Type a number, like 500.", amount=typed))
    return int(digits)


setup = BountyCog.setup
