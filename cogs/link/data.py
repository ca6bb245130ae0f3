"""``/data``: exports and erases the stored data of a person."""

import io

import discord

from utils.interactions.access import is_admin_member
from utils.interactions.autocomplete import complete_person
from utils.interactions.confirming import ask_first
from utils.interactions.context import KillfeedContext
from utils.interactions.declarations import Access
from utils.interactions.limits import FILE_COST
from utils.interactions.options import text_option
from utils.interactions.services import Services
from utils.models.personal import DataQuestion
from utils.models.scope import MemberId
from utils.models.texts import text

DATA = discord.SlashCommandGroup("data", "Your stored data")

OF_MEMBER = discord.option("member", discord.Member, description="Whose (admins only)", default=None)
OF_PLAYER = text_option(
    "player",
    description="Only this player: one of yours, or any for admins",
    autocomplete=complete_person,
)
"""The option for the person, for both commands. Each use of the decorator creates a new option."""


class DataCommands:
    """Export and erasure: members for themselves, admins also for others."""

    services: Services
    data = DATA

    @data.command(name="export", description="Get everything stored about you as a file")
    @OF_MEMBER
    @OF_PLAYER
    @Access(is_private=True, may_have_left=True, cost=FILE_COST)
    async def data_export(
        self, ctx: KillfeedContext, member: discord.Member | None, player: str | None
    ) -> None:
        """Answer ``/data export``, with one message for each file."""
        question = await self._ask(ctx, member, player)
        number = 0
        async for archive in self.services.exports.export(question, write=ctx.embeds.words.write_plain):
            number += 1
            embed = ctx.embeds.build_export(number)
            file = discord.File(io.BytesIO(archive.content), archive.name)
            await ctx.respond(embed=embed, file=file)

    @data.command(name="erase", description="Erase everything stored about you; asks first")
    @OF_MEMBER
    @OF_PLAYER
    @Access(is_private=True, is_change=True, may_have_left=True, cost=FILE_COST)
    async def data_erase(
        self, ctx: KillfeedContext, member: discord.Member | None, player: str | None
    ) -> None:
        """Answer ``/data erase``."""
        erasures = self.services.erasures
        plan = await erasures.plan(await self._ask(ctx, member, player))
        question = ctx.embeds.build_erase_question(plan.person, plan.holdings)
        confirmed = await ask_first(ctx, question, text("Erase"))
        if confirmed:
            plan = await erasures.plan_again(plan, await self._ask(confirmed, member, player))
            erased = await erasures.erase(plan, actor_id=ctx.member_id)
            embed = ctx.embeds.build_erased(plan.person, deaths=erased.deaths, kept=erased.kept_roles)
        else:
            embed = ctx.embeds.build_notice(text("Cancelled"), text("Nothing was erased."))
        await ctx.edit(embed=embed, view=None)

    async def _ask(
        self, ctx: KillfeedContext, member: discord.Member | None, player: str | None
    ) -> DataQuestion:
        return DataQuestion(
            guild_id=ctx.guild_id,
            asker_id=ctx.member_id,
            is_admin=await is_admin_member(self.services, ctx.interaction),
            member_id=None if member is None else MemberId(member.id),
            player=player,
        )
