"""``/admin link``: links proven or ended by hand."""

import discord

from cogs.admin.groups import LINK, admin_access
from utils.interactions.autocomplete import complete_link_of_member
from utils.interactions.context import KillfeedContext
from utils.interactions.lasting_buttons import on_press
from utils.interactions.options import player_option, text_option
from utils.interactions.services import Services
from utils.models.link_buttons import CONFIRM_LINK, REFUSE_LINK, read_request
from utils.models.scope import MemberId
from utils.models.texts import Mention, text


class LinkCommands:
    """Confirming and removing links of members."""

    services: Services
    link = LINK

    @link.command(name="confirm", description="Link a member to a player without a proof")
    @discord.option("member", discord.Member, description="The member")
    @player_option(description="Their player", is_required=True)
    @admin_access(is_change=True)
    async def link_confirm(self, ctx: KillfeedContext, member: discord.Member, player: str) -> None:
        """Answer ``/admin link confirm``."""
        link = await self.services.links.confirm(
            ctx.guild_id, ctx.member_id, member_id=MemberId(member.id), player=player
        )
        who, name = Mention("@", member.id), link.player_name
        said = text("{member} is **{player}** (alt), confirmed by you.", member=who, player=name)
        if link.is_main:
            said = text("{member} is **{player}** (main), confirmed by you.", member=who, player=name)
        await ctx.respond(embed=ctx.embeds.build_success(text("Link confirmed"), said))

    @on_press(CONFIRM_LINK)
    @admin_access(is_change=True, is_update=True)
    async def press_confirm(self, ctx: KillfeedContext, argument: str) -> None:
        """Answer **Confirm** below a request."""
        await self._decide(ctx, argument, is_confirmed=True)

    @on_press(REFUSE_LINK)
    @admin_access(is_change=True, is_update=True)
    async def press_refuse(self, ctx: KillfeedContext, argument: str) -> None:
        """Answer **Refuse** below a request."""
        await self._decide(ctx, argument, is_confirmed=False)

    async def _decide(self, ctx: KillfeedContext, argument: str, *, is_confirmed: bool) -> None:
        """Decide about a request; its message then shows what became of it, without buttons."""
        member_id, player_id = read_request(argument)
        said = await self.services.links.decide(
            ctx.guild_id, ctx.member_id, member_id=member_id, player_id=player_id, is_confirmed=is_confirmed
        )
        await ctx.edit(embed=ctx.embeds.build_notice(text("🔗 Request for a link"), said), view=None)

    @link.command(name="remove", description="Unlink a member from a player")
    @discord.option("member", discord.Member, description="The member")
    @text_option("player", description="Their player", autocomplete=complete_link_of_member, is_required=True)
    @admin_access(is_change=True, may_have_left=True)
    async def link_remove(self, ctx: KillfeedContext, member: discord.Member, player: str) -> None:
        """Answer ``/admin link remove``."""
        link = await self.services.links.remove(
            ctx.guild_id, ctx.member_id, member_id=MemberId(member.id), player=player
        )
        said = text(
            "{member} and **{player}** aren't linked any more.",
            member=Mention("@", member.id),
            player=link.player_name,
        )
        await ctx.respond(embed=ctx.embeds.build_success(text("Unlinked"), said))
