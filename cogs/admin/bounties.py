"""``/admin bounty`` and ``/admin wallet``: the money of a community."""

from functools import partial

import discord

from cogs.admin.groups import ADMIN, admin_access
from utils.interactions.context import KillfeedContext
from utils.interactions.services import Services
from utils.models.audit import AuditAction
from utils.models.money import LARGEST_BOUNTY, LARGEST_CHANGE, LEAST_BOUNTY, LONGEST_EXPIRY_HOURS
from utils.models.premium import Feature
from utils.models.scope import MemberId
from utils.services.money.bounties.settings import change_bounties


class MoneyCommands:
    """Commands for bounty settings and wallet changes."""

    services: Services

    @ADMIN.command(name="bounty", description="Show or change how bounties work")
    @discord.option(
        "enabled", bool, description="Members can place bounties, and kills earn emeralds", default=None
    )
    @discord.option("auto", bool, description="The house puts bounties on long streaks", default=None)
    @discord.option(
        "expiry_hours",
        int,
        description="How many hours a bounty lasts",
        min_value=1,
        max_value=LONGEST_EXPIRY_HOURS,
        default=None,
    )
    @discord.option(
        "max_amount",
        int,
        description="The largest bounty a member can place",
        min_value=LEAST_BOUNTY,
        max_value=LARGEST_BOUNTY,
        default=None,
    )
    @admin_access(feature=Feature.BOUNTIES, is_change=True)
    async def bounty_settings(
        self,
        ctx: KillfeedContext,
        enabled: bool | None,  # noqa: FBT001 - a command option
        auto: bool | None,  # noqa: FBT001 - a command option
        expiry_hours: int | None,
        max_amount: int | None,
    ) -> None:
        """Answer ``/admin bounty``."""
        wish = partial(
            change_bounties,
            is_enabled=enabled,
            is_auto=auto,
            expiry_hours=expiry_hours,
            max_amount=max_amount,
        )
        changed = await self.services.guild_changes.change(
            ctx.guild_id, ctx.member_id, AuditAction.BOUNTIES, wish
        )
        is_saved = any(value is not None for value in (enabled, auto, expiry_hours, max_amount))
        embed = ctx.embeds.build_bounty_settings(changed.after.bounties, is_saved=is_saved)
        await ctx.respond(embed=embed)

    @ADMIN.command(name="wallet", description="Give a member emeralds, or take some away")
    @discord.option("member", discord.Member, description="Whose wallet")
    @discord.option(
        "amount",
        int,
        description="How many; a negative number takes them away",
        min_value=-LARGEST_CHANGE,
        max_value=LARGEST_CHANGE,
    )
    @discord.option("reason", str, description="Why; the member sees it", max_length=200)
    @admin_access(feature=Feature.WALLET, is_change=True)
    async def wallet_change(
        self, ctx: KillfeedContext, member: discord.Member, amount: int, reason: str
    ) -> None:
        """Answer ``/admin wallet``."""
        wallet = await self.services.wallets.adjust(
            ctx.guild_id,
            MemberId(member.id),
            amount,
            reason=reason,
            actor_id=ctx.member_id,
            request_id=ctx.interaction.id,
        )
        await ctx.respond(embed=ctx.embeds.build_wallet(wallet, is_own=member.id == ctx.member_id))
