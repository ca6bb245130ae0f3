"""``/admin errors``: what went wrong in this Discord server, or for the owners in the whole bot."""

import discord

from cogs.admin.groups import ERRORS, admin_access
from utils.interactions.access import get_guild_id, get_member_id, is_admin_member
from utils.interactions.autocomplete import get_services, offer, offer_if_found
from utils.interactions.context import KillfeedContext
from utils.interactions.options import text_option
from utils.interactions.paging import count_pages, respond_with_pages
from utils.interactions.services import Services
from utils.models.scope import GuildId, MemberId
from utils.services.guilds.error_groups import PAGE_GROUPS, Asker


@offer_if_found
async def complete_reference(ctx: discord.AutocompleteContext) -> list[discord.OptionChoice]:
    """Offer admins the references of their guild's errors; those of the whole bot to its owners."""
    services = get_services(ctx)
    guild_id, member_id = get_guild_id(ctx.interaction), get_member_id(ctx.interaction)
    if not await is_admin_member(services, ctx.interaction):
        return []
    asker = await _find_asker(services, guild_id, member_id, everywhere=bool(ctx.options.get("everywhere")))
    found = await services.error_groups.list_choices(asker)
    return offer(ctx, [(reference, f"{reference} {meaning}") for reference, meaning in found])


async def _find_asker(
    services: Services, guild_id: GuildId, member_id: MemberId, *, everywhere: bool
) -> Asker:
    is_owner = await services.operators.is_owner(member_id)
    return Asker(guild_id, member_id, is_owner=is_owner, everywhere=everywhere)


REFERENCE = text_option(
    "reference", description="Its six characters", autocomplete=complete_reference, is_required=True
)
EVERYWHERE = discord.option("everywhere", bool, description="Of the whole bot (bot owners)", default=False)


class ErrorCommands:
    """The errors of a guild."""

    services: Services
    errors = ERRORS

    @ERRORS.command(name="list", description="What went wrong lately")
    @EVERYWHERE
    @admin_access()
    async def errors_list(self, ctx: KillfeedContext, everywhere: bool) -> None:  # noqa: FBT001 - an option
        """Answer ``/admin errors list``."""
        groups, asker = self.services.error_groups, await self._ask(ctx, everywhere=everywhere)

        async def build(page: int) -> tuple[discord.Embed, int]:
            found = await groups.list_page(asker, page)
            return ctx.embeds.build_error_list(found), count_pages(found.total, PAGE_GROUPS)

        await respond_with_pages(ctx, build)

    @ERRORS.command(name="show", description="One error, and what to do about it")
    @REFERENCE
    @EVERYWHERE
    @admin_access()
    async def errors_show(self, ctx: KillfeedContext, reference: str, everywhere: bool) -> None:  # noqa: FBT001 - an option
        """Answer ``/admin errors show``."""
        asker = await self._ask(ctx, everywhere=everywhere)
        report = await self.services.error_groups.report(asker, reference)
        await ctx.respond(embed=ctx.embeds.build_error_report(report, is_owner=asker.is_owner))

    @ERRORS.command(name="resolve", description="Mark an error as resolved")
    @REFERENCE
    @EVERYWHERE
    @admin_access(is_change=True)
    async def errors_resolve(self, ctx: KillfeedContext, reference: str, everywhere: bool) -> None:  # noqa: FBT001 - an option
        """Answer ``/admin errors resolve``."""
        asker = await self._ask(ctx, everywhere=everywhere)
        before = await self.services.error_groups.resolve(asker, reference)
        await ctx.respond(embed=ctx.embeds.build_error_resolved(before))

    async def _ask(self, ctx: KillfeedContext, *, everywhere: bool) -> Asker:
        return await _find_asker(self.services, ctx.guild_id, ctx.member_id, everywhere=everywhere)
