"""Factions: ``/faction``, groups of members of one Discord server."""

import discord

from utils.interactions.autocomplete import complete_faction, complete_joinable_faction
from utils.interactions.choosing import asks_which
from utils.interactions.confirming import ask_first
from utils.interactions.context import KillfeedContext
from utils.interactions.declarations import Access
from utils.interactions.guild_cog import GuildCog
from utils.interactions.limits import PAGE_COST
from utils.interactions.options import name_choices, period_option, server_option, text_option
from utils.interactions.paging import cut_page, respond_with_pages
from utils.models.factions import RANK_CHOICES, FactionRank
from utils.models.premium import Feature
from utils.models.scope import MemberId
from utils.models.statistics import Period
from utils.models.texts import Mention, Text, text
from utils.services.factions.names import LONGEST_NAME, LONGEST_TAG
from utils.services.factions.rules import FactionEdit

UNCHANGED = text("Nothing has changed.")


class FactionCog(GuildCog):
    """Founding, joining, leading and leaving factions."""

    faction = discord.SlashCommandGroup("faction", "Groups of members who count together")

    @faction.command(name="create", description="Found a faction and lead it")
    @discord.option("name", str, description="Its name", max_length=LONGEST_NAME)
    @discord.option("tag", str, description="Its tag: A-Z and 0-9", max_length=LONGEST_TAG)
    @discord.option("open", bool, description="Anyone may join; off if left out", default=False)
    @Access(feature=Feature.FACTIONS, is_change=True)
    async def create(self, ctx: KillfeedContext, name: str, tag: str, open: bool) -> None:  # noqa: A002, FBT001 - an option
        """Answer ``/faction create``."""
        founded = await self.services.factions.create(
            ctx.guild_id, ctx.member_id, name=name, tag=tag, is_open=open, request_id=ctx.interaction.id
        )
        await ctx.respond(embed=ctx.embeds.build_faction_founded(founded, ctx.member_id))

    @faction.command(name="invite", description="Invite a member to your faction")
    @discord.option("member", discord.Member, description="The member")
    @Access(feature=Feature.FACTIONS, is_change=True)
    async def invite(self, ctx: KillfeedContext, member: discord.Member) -> None:
        """Answer ``/faction invite``."""
        member_id = MemberId(member.id)
        faction, invitation = await self.services.factions.invite(ctx.guild_id, ctx.member_id, member_id)
        await ctx.respond(embed=ctx.embeds.build_faction_invited(faction, invitation))

    @faction.command(name="join", description="Join a faction")
    @text_option("faction", description="Which one", autocomplete=complete_joinable_faction, is_required=True)
    @asks_which
    @Access(feature=Feature.FACTIONS, is_private=True, is_change=True)
    async def join(self, ctx: KillfeedContext, faction: str) -> None:
        """Answer ``/faction join``."""
        joined = await self.services.factions.join(ctx.guild_id, ctx.member_id, faction)
        said = text("You're in **{faction}** [{tag}] now.", faction=joined.name, tag=joined.tag)
        await ctx.respond(embed=ctx.embeds.build_success(text("Joined"), said))

    @faction.command(name="kick", description="Remove a member from your faction; asks first")
    @discord.option("member", discord.Member, description="The member")
    @Access(feature=Feature.FACTIONS, is_change=True, may_have_left=True)
    async def kick(self, ctx: KillfeedContext, member: discord.Member) -> None:
        """Answer ``/faction kick``."""
        factions, member_id = self.services.factions, MemberId(member.id)
        found = await factions.check_kick(ctx.guild_id, ctx.member_id, member_id)
        who = Mention("@", member_id)
        asked = text("{member} will be out of **{faction}**.", member=who, faction=found.name)
        if await self._confirm(ctx, text("Remove this member?"), asked, text("Remove")):
            kicked = await factions.kick(ctx.guild_id, ctx.member_id, member_id)
            said = text("{member} isn't in **{faction}** any more.", member=who, faction=kicked.name)
            await self._finish(ctx, text("Removed"), said)

    @faction.command(name="leave", description="Leave your faction; asks first")
    @Access(feature=Feature.FACTIONS, is_private=True, is_change=True)
    async def leave(self, ctx: KillfeedContext) -> None:
        """Answer ``/faction leave``."""
        factions = self.services.factions
        own = await factions.get_own(ctx.guild_id, ctx.member_id)
        asked = ctx.embeds.build_leave_question(own, ctx.member_id)
        if await ask_first(ctx, asked, text("Leave")):
            ended = await factions.leave(ctx.guild_id, ctx.member_id)
            await ctx.edit(embed=ctx.embeds.build_faction_left(ended), view=None)
        else:
            await self._cancel(ctx)

    @faction.command(name="disband", description="End the faction you lead; asks first")
    @Access(feature=Feature.FACTIONS, is_private=True, is_change=True)
    async def disband(self, ctx: KillfeedContext) -> None:
        """Answer ``/faction disband``."""
        factions = self.services.factions
        name = (await factions.get_led(ctx.guild_id, ctx.member_id)).faction.name
        asked = text(
            "**{faction}** will be disbanded, and all its members leave it. Others can't use its name for "
            "30 days.",
            faction=name,
        )
        if await self._confirm(ctx, text("Disband your faction?"), asked, text("Disband")):
            ended = await factions.disband(ctx.guild_id, ctx.member_id)
            await self._finish(
                ctx, text("Disbanded"), text("**{faction}** is disbanded.", faction=ended.name)
            )

    @faction.command(name="rank", description="Make a member an officer, a plain member or the leader")
    @discord.option("member", discord.Member, description="The member")
    @discord.option("rank", str, description="Their rank", choices=name_choices(RANK_CHOICES))
    @Access(feature=Feature.FACTIONS, is_private=True, is_change=True, may_have_left=True)
    async def rank(self, ctx: KillfeedContext, member: discord.Member, rank: str) -> None:
        """Answer ``/faction rank``; giving the lead away asks first."""
        member_id, wanted = MemberId(member.id), FactionRank(rank)
        if wanted is not FactionRank.LEADER:
            await self._give_rank(ctx, member_id, wanted)
            return
        factions, who = self.services.factions, Mention("@", member_id)
        found = await factions.check_rank(ctx.guild_id, ctx.member_id, member_id, wanted)
        asked = text(
            "{member} will lead **{faction}**, and you become an officer.", member=who, faction=found.name
        )
        if await self._confirm(ctx, text("Give the lead away?"), asked, text("Give it away")):
            await factions.give_rank(ctx.guild_id, ctx.member_id, member_id, wanted)
            said = text("{member} leads **{faction}** now.", member=who, faction=found.name)
            await self._finish(ctx, text("Rank changed"), said)

    async def _give_rank(self, ctx: KillfeedContext, member_id: MemberId, rank: FactionRank) -> None:
        """Make a member an officer or a plain member."""
        found = await self.services.factions.give_rank(ctx.guild_id, ctx.member_id, member_id, rank)
        who = Mention("@", member_id)
        said = text("{member} is a plain member of **{faction}** now.", member=who, faction=found.name)
        if rank is FactionRank.OFFICER:
            said = text("{member} is an officer of **{faction}** now.", member=who, faction=found.name)
        await ctx.respond(embed=ctx.embeds.build_success(text("Rank changed"), said))

    @faction.command(name="edit", description="Change your faction's name, tag or openness, once a week")
    @discord.option(
        "name",
        str,
        description="Its new name",
        max_length=LONGEST_NAME,
        default=None,
    )
    @discord.option(
        "tag",
        str,
        description="Its new tag: A-Z and 0-9",
        max_length=LONGEST_TAG,
        default=None,
    )
    @discord.option("open", bool, description="Whether anyone may join", default=None)
    @Access(feature=Feature.FACTIONS, is_private=True, is_change=True)
    async def edit(
        self,
        ctx: KillfeedContext,
        name: str | None,
        tag: str | None,
        open: bool | None,  # noqa: A002, FBT001 - an option
    ) -> None:
        """Answer ``/faction edit``."""
        before, after = await self.services.factions.edit(
            ctx.guild_id, ctx.member_id, FactionEdit(name, tag, open)
        )
        await ctx.respond(embed=ctx.embeds.build_faction_edited(before, after))

    @faction.command(name="info", description="A faction, its members and its figures")
    @text_option("faction", description="Which one; leave it out for yours", autocomplete=complete_faction)
    @server_option()
    @period_option(with_season=True)
    @asks_which
    @Access(feature=Feature.FACTIONS, cost=PAGE_COST)
    async def info(self, ctx: KillfeedContext, faction: str | None, server: str | None, period: str) -> None:
        """Answer ``/faction info``."""
        services, guild_id = self.services, ctx.guild_id
        if faction is None:
            found = (await services.factions.get_own(guild_id, ctx.member_id)).faction
        else:
            found = await services.factions.resolve(guild_id, faction)
        coverage = await services.coverage.choose(guild_id, server, Period(period))
        shown = await services.factions.get_figures(coverage, found.faction_id)
        await ctx.respond(embed=ctx.embeds.build_faction(shown, coverage))

    @faction.command(name="list", description="All factions")
    @server_option()
    @asks_which
    @Access(feature=Feature.FACTIONS, cost=PAGE_COST)
    async def list(self, ctx: KillfeedContext, server: str | None) -> None:
        """Answer ``/faction list``."""
        coverage = await self.services.coverage.choose(ctx.guild_id, server)

        async def build(page: int) -> tuple[discord.Embed, int]:
            shown = cut_page(await self.services.factions.rank(coverage), page)
            return ctx.embeds.build_faction_list(shown.rows, coverage, first=shown.first), shown.count

        await respond_with_pages(ctx, build)

    async def _confirm(self, ctx: KillfeedContext, title: Text, asked: Text, label: Text) -> bool:
        """Ask before a change; tell whether it is wanted."""
        if await ask_first(ctx, ctx.embeds.build_notice(title, asked), label):
            return True
        await self._cancel(ctx)
        return False

    async def _finish(self, ctx: KillfeedContext, title: Text, said: Text) -> None:
        await ctx.edit(embed=ctx.embeds.build_success(title, said), view=None)

    async def _cancel(self, ctx: KillfeedContext) -> None:
        await ctx.edit(embed=ctx.embeds.build_notice(text("Cancelled"), UNCHANGED), view=None)


setup = FactionCog.setup
