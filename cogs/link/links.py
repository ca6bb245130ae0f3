"""Links of members and players: ``/link``, ``/unlink`` and ``/links``."""

from collections.abc import Sequence

import discord
from discord.ext import commands

from utils.errors import NotFoundError
from utils.interactions.autocomplete import complete_own_link
from utils.interactions.confirming import ask_first
from utils.interactions.context import KillfeedContext
from utils.interactions.declarations import Access
from utils.interactions.options import player_option, text_option
from utils.interactions.services import Services
from utils.models.links import Link
from utils.models.premium import Feature
from utils.models.scope import ChannelId, MemberId
from utils.models.texts import Names, Text, join, text
from utils.services.links.linking import MAX_LINKS


class LinkCommands:
    """Lets members say which players they are."""

    services: Services

    @commands.slash_command(name="link", description="Link yourself to your player in the game")
    @player_option(description="Your player: start typing the name", is_required=True)
    @Access(feature=Feature.LINKS, is_change=True)
    async def link(self, ctx: KillfeedContext, player: str) -> None:
        """Answer ``/link``; the answer itself shows how the proof goes."""
        links = self.services.links
        asked = await links.ask(ctx.guild_id, ctx.member_id, player)
        # the token expires before the proof ends; after that, edit the answer as a normal channel message
        is_followed = ctx.app_permissions.view_channel
        embed = ctx.embeds.build_asked_link(
            asked.link, count=asked.count, limit=MAX_LINKS, is_followed=is_followed
        )
        message = await ctx.respond(embed=embed)
        channel_id = ctx.interaction.channel_id
        if not asked.link.is_proven and is_followed and channel_id is not None:
            await links.attach_message(asked.link, channel_id=ChannelId(channel_id), message_id=message.id)

    @commands.slash_command(name="unlink", description="End one of your links, or all")
    @text_option(
        "player",
        description="Which one; leave it out for all",
        autocomplete=complete_own_link,
    )
    @Access(is_private=True, feature=Feature.LINKS, is_change=True)
    async def unlink(self, ctx: KillfeedContext, player: str | None) -> None:
        """Answer ``/unlink``; without a player after a confirmation."""
        if player is None:
            await self._unlink_all(ctx)
            return
        ended = await self.services.links.unlink(ctx.guild_id, ctx.member_id, player)
        [link] = ended.links
        said = text("You and **{player}** aren't linked any more.", player=link.player_name)
        await ctx.respond(embed=ctx.embeds.build_unlinked(said, ended.membership))

    async def _unlink_all(self, ctx: KillfeedContext) -> None:
        links = await self.services.links.list_links(ctx.guild_id, ctx.member_id)
        if not links:
            raise NotFoundError(text("You have no linked players."))
        cost = text(
            "Their kills won't earn you emeralds any more. Your wallet stays. You leave your faction, if you "
            "are in one."
        )
        said = join([_list_names(links), cost], "\n\n")
        question = ctx.embeds.build_notice(text("Unlink all your players?"), said)
        if await ask_first(ctx, question, text("Unlink")):
            ended = await self.services.links.unlink_all(ctx.guild_id, ctx.member_id, shown=links)
            embed = ctx.embeds.build_unlinked(_list_names(ended.links), ended.membership)
        else:
            embed = ctx.embeds.build_notice(text("Cancelled"), text("Your links stay."))
        await ctx.edit(embed=embed, view=None)

    @commands.slash_command(name="links", description="A member's linked players")
    @discord.option("member", discord.Member, description="Whose; leave it out for your own", default=None)
    @Access(feature=Feature.LINKS, may_have_left=True)
    async def links(self, ctx: KillfeedContext, member: discord.Member | None) -> None:
        """Answer ``/links``."""
        member_id = MemberId((member or ctx.author).id)
        found = await self.services.links.list_links(ctx.guild_id, member_id)
        is_own = member_id == ctx.member_id
        await ctx.respond(embed=ctx.embeds.build_links(member_id, found, limit=MAX_LINKS, is_own=is_own))


def _list_names(links: Sequence[Link]) -> Text:
    names = Names(tuple(text("**{player}**", player=link.player_name) for link in links))
    return text("{names}", names=names)
