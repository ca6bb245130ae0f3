"""Help: ``/help``, made from the existing commands."""

from collections.abc import Mapping

import discord
from discord.ext import commands

from utils.embeds.replies import HelpCommand
from utils.errors import NotFoundError
from utils.interactions.access import is_allowed
from utils.interactions.autocomplete import MAX_CHOICES, offer_if_found
from utils.interactions.command_set import list_commands
from utils.interactions.context import KillfeedContext
from utils.interactions.declarations import get_access
from utils.interactions.guild_cog import GuildCog
from utils.interactions.member_menus import list_member_menus
from utils.interactions.options import text_option
from utils.models.premium import REQUIRED_TIER, TIERS, Tier
from utils.models.texts import Command, Text, text
from utils.models.typed_text import quote

_FIGURES, _MONEY, _LINKS = text("Figures"), text("Bounties and emeralds"), text("Links")
FEATURES: Mapping[str, Text] = {
    "admin": text("Admin"),
    "data": text("Data"),
    "help": text("Help"),
    "killfeed": text("Killfeed"),
    "premium": text("Premium"),
    "setup": text("Admin"),
    **dict.fromkeys(("stats", "compare", "weapons", "rivals", "activity", "leaderboard"), _FIGURES),
    **dict.fromkeys(("bounty", "wallet"), _MONEY),
    **dict.fromkeys(("link", "unlink", "links"), _LINKS),
}
"""The headings of commands by their first word; other commands are their own heading."""

MENU = text("Press a member, then Apps")
"""The heading of the commands in the menu on a member."""


@offer_if_found
async def complete_command(ctx: discord.AutocompleteContext) -> list[str]:
    """Offer the names of the commands that the member can use here."""
    wanted = str(ctx.value or "").casefold().lstrip("/")
    if not isinstance(ctx.cog, HelpCog):
        return []
    usable = await ctx.cog.list_usable(ctx)
    return [each.qualified_name for each in usable if wanted in each.qualified_name][:MAX_CHOICES]


class HelpCog(GuildCog):
    """Lists the commands that this member can use here, or explains one."""

    @commands.slash_command(name="help", description="What this bot can do for you here")
    @text_option("command", description="One command in detail", autocomplete=complete_command)
    async def help(self, ctx: KillfeedContext, command: str | None) -> None:
        """Answer ``/help``."""
        tier = await self.services.premium.get_tier(ctx.guild_id)
        usable = await self.list_usable(ctx)
        if command is None:
            listed = [_describe(each, tier) for each in usable]
            listed.sort(key=lambda each: each.name.startswith("admin "))  # commands of admins come last
            listed[:0] = await self._list_menus(ctx, tier)
            await ctx.respond(embed=ctx.embeds.build_help(listed))
            return
        wanted = command.strip().lstrip("/").casefold()
        found = [each for each in usable if each.qualified_name == wanted]
        if not found:
            raise NotFoundError(
                text("There is no command “{name}” here.", name=quote(command)),
                hint=text("{help} lists them.", help=Command("help")),
            )
        await ctx.respond(embed=ctx.embeds.build_command_help(_describe(found[0], tier)))

    async def list_usable(
        self, ctx: discord.ApplicationContext | discord.AutocompleteContext
    ) -> list[discord.SlashCommand]:
        """Return the commands that a member can use here, at any tier."""
        return [
            each
            for each in list_commands(ctx.bot)
            if await is_allowed(self.services, ctx.interaction, get_access(each))
        ]

    async def _list_menus(self, ctx: KillfeedContext, tier: Tier) -> list[HelpCommand]:
        """Return the commands of the menu on a member that the caller can use here."""
        return [
            HelpCommand(
                name=each.qualified_name,
                description=each.said,
                feature=MENU,
                tier=(required := _find_tier(each)),
                is_open=required.level <= tier.level,
                is_menu=True,
            )
            for each in list_member_menus(ctx.bot)
            if await is_allowed(self.services, ctx.interaction, get_access(each))
        ]


def _find_tier(command: object) -> Tier:
    """Return the tier that opens a command."""
    feature = get_access(command).feature
    return TIERS[REQUIRED_TIER[feature]] if feature else TIERS[0]


def _describe(command: discord.SlashCommand, tier: Tier) -> HelpCommand:
    required = _find_tier(command)
    return HelpCommand(
        name=command.qualified_name,
        description=Text(command.description),
        feature=_name_feature(command.qualified_name),
        options=tuple((str(option.name), Text(str(option.description))) for option in command.options),
        tier=required,
        is_open=required.level <= tier.level,
    )


def _name_feature(name: str) -> Text:
    """Return the heading of a command: its feature, or its group among the commands of admins."""
    first, *others = name.split()
    heading = FEATURES.get(first) or text("{word}", word=first.capitalize())
    return text("{feature} · {group}", feature=heading, group=others[0]) if len(others) > 1 else heading


setup = HelpCog.setup
