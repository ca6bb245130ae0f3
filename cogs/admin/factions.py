"""``/admin faction``: factions changed by hand."""

import discord

from cogs.admin.groups import ADMIN, admin_access
from utils.errors import InvalidInputError
from utils.interactions.autocomplete import complete_faction
from utils.interactions.choosing import asks_which
from utils.interactions.confirming import ask_first
from utils.interactions.context import KillfeedContext
from utils.interactions.options import name_choices, text_option
from utils.interactions.services import Services
from utils.models.factions import ACTION_CHOICES, Faction, FactionAction
from utils.models.premium import Feature
from utils.models.scope import MemberId
from utils.models.texts import Mention, Text, text
from utils.services.factions.names import LONGEST_NAME, LONGEST_TAG
from utils.services.factions.rules import FactionEdit


class FactionCommands:
    """Renaming and disbanding factions, and choosing their leader."""

    services: Services
    admin = ADMIN

    @admin.command(name="faction", description="Rename or disband a faction, or choose its leader")
    @text_option("faction", description="Which one", autocomplete=complete_faction, is_required=True)
    @discord.option("action", str, description="What to do", choices=name_choices(ACTION_CHOICES))
    @discord.option("name", str, description="New name", max_length=LONGEST_NAME, default=None)
    @discord.option("tag", str, description="New tag", max_length=LONGEST_TAG, default=None)
    @discord.option("member", discord.Member, description="New leader", default=None)
    @asks_which
    @admin_access(is_change=True, feature=Feature.FACTIONS)
    async def faction(
        self,
        ctx: KillfeedContext,
        faction: str,
        action: str,
        name: str | None,
        tag: str | None,
        member: discord.Member | None,
    ) -> None:
        """Answer ``/admin faction``, after a confirmation."""
        found = await self.services.factions.resolve(ctx.guild_id, faction)
        member_id = None if member is None else MemberId(member.id)
        wanted = _read_wish(found, FactionAction(action), FactionEdit(name, tag), member_id)
        question = ctx.embeds.build_notice(text("Change this faction?"), wanted)
        if not await ask_first(ctx, question, text("Change")):
            embed = ctx.embeds.build_notice(text("Cancelled"), text("Nothing has changed."))
        elif FactionAction(action) is FactionAction.RENAME:
            edited = await self.services.factions.rename(
                ctx.guild_id, ctx.member_id, found.faction_id, FactionEdit(name, tag)
            )
            embed = ctx.embeds.build_faction_edited(*edited)
        else:
            embed = ctx.embeds.build_success(
                text("Faction changed"), await self._carry_out(ctx, found, member_id)
            )
        await ctx.edit(embed=embed, view=None)

    async def _carry_out(self, ctx: KillfeedContext, found: Faction, member_id: MemberId | None) -> Text:
        """Choose a leader if a member is given, else disband the faction; return what to say."""
        factions = self.services.factions
        if member_id is None:
            ended = await factions.disband_by_hand(ctx.guild_id, ctx.member_id, found.faction_id)
            return text("**{faction}** is disbanded.", faction=ended.name)
        led = await factions.choose_leader(ctx.guild_id, ctx.member_id, found.faction_id, member_id)
        return text("{member} leads **{faction}** now.", member=Mention("@", member_id), faction=led.name)


def _read_wish(found: Faction, action: FactionAction, edit: FactionEdit, member_id: MemberId | None) -> Text:
    """Return what an action would do, in words.

    Raises:
        InvalidInputError: the options do not fit the action.
    """
    name = found.name
    if (member_id is not None) != (action is FactionAction.LEADER):
        raise InvalidInputError(text("Choose `member` for a new leader, and only for that."))
    if (edit != FactionEdit()) != (action is FactionAction.RENAME):
        raise InvalidInputError(text("Choose `name` or `tag` for a rename, and only for that."))
    if action is FactionAction.RENAME:
        after = edit.apply(found)
        return text(
            "**{old}** [{old_tag}] becomes **{new}** [{new_tag}].",
            old=name,
            old_tag=found.tag,
            new=after.name,
            new_tag=after.tag,
        )
    if member_id is None:
        return text("**{faction}** will be disbanded, and all its members leave it.", faction=name)
    return text("{member} will lead **{faction}**.", member=Mention("@", member_id), faction=name)
