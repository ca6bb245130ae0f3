"""Help: ``/help``, made from the existing commands."""

from collections.abc import Mapping, Sequence

import discord
from discord.ext import commands

from utils.embeds.command_help import HelpCommand
from utils.errors import NotFoundError
from utils.interactions.access import is_allowed
from utils.interactions.autocomplete import MAX_CHOICES, offer_if_found
from utils.interactions.command_set import is_registered_in, list_commands
from utils.interactions.command_texts import read_description
from utils.interactions.context import KillfeedContext
from utils.interactions.declarations import Access, get_access
from utils.interactions.guild_cog import GuildCog
from utils.interactions.member_menus import list_member_menus
from utils.interactions.options import text_option
from utils.interactions.views import InvokerView
from utils.models.premium import REQUIRED_TIER, TIERS, Tier
from utils.models.texts import Command, Text, text
from utils.models.typed_text import quote

STARTERS = (
    Command("setup"),
    Command("stats"),
    Command("leaderboard"),
    Command("link"),
    Command("bounty place"),
    Command("killfeed recent"),
)
STARTER_COUNT = 5
"""``/help`` begins with the first of the starters that the member can use."""

HELP_SECONDS = 10 * 60.0  # after the last press; its token is valid for fifteen minutes
MENU = "menu"
TOPICS: Mapping[str, Text] = {
    "figures": text("Stats and leaderboards"),
    "killfeed": text("Killfeed"),
    "server": text("Game servers"),
    "money": text("Bounties and emeralds"),
    "links": text("Linking your player"),
    "faction": text("Factions"),
    MENU: text("Member menu (press a name, then Apps)"),
    "data": text("Your data"),
    "premium": text("Premium"),
    "help": text("Help"),
    "admin": text("Setting up"),
    "admin.server": text("Setting up game servers"),
    "admin.channel": text("Setting up channels"),
    "admin.board": text("Setting up posted boards"),
    "roles": text("Setting up role rules"),
    "admin.link": text("Managing links"),
    "owner": text("Bot owners"),
}
"""The topics of ``/help``, in their order."""

_TOPICS_OF_WORDS: Mapping[str, str] = {
    **dict.fromkeys(
        ("stats", "compare", "weapons", "rivals", "activity", "leaderboard", "playtime"), "figures"
    ),
    **dict.fromkeys(("bounty", "wallet"), "money"),
    **dict.fromkeys(("link", "unlink", "links", "notify"), "links"),
    "setup": "admin",
}
"""The topics of commands by their first word; other commands are their own topic."""


@offer_if_found
async def complete_command(ctx: discord.AutocompleteContext) -> list[str]:
    """Offer the names of the commands that the member can use here."""
    wanted = str(ctx.value or "").casefold().lstrip("/")
    if not isinstance(ctx.cog, HelpCog):
        return []
    usable = await ctx.cog.list_usable(ctx)
    return [each.qualified_name for each in usable if wanted in each.qualified_name][:MAX_CHOICES]


class HelpView(InvokerView):
    """A select of topics below a few commands; a choice shows the commands of that topic.

    Args:
        listed: the commands that the member can use.
    """

    def __init__(self, ctx: KillfeedContext, listed: Sequence[HelpCommand]) -> None:
        super().__init__(ctx, seconds=HELP_SECONDS)
        self._listed = listed
        topics = set(map(_find_topic, listed))
        self.add_select(
            text("More commands"), [(key, TOPICS[key]) for key in TOPICS if key in topics], self._choose
        )

    def build_start(self) -> discord.Embed:
        """Return the commands to begin with."""
        listed = {command.name: command for command in self._listed}
        starters = [listed[one.name] for one in STARTERS if one.name in listed]
        return self._ctx.embeds.build_help(starters[:STARTER_COUNT])

    async def _choose(self, topic: str, interaction: discord.Interaction) -> None:
        await self.take_press(interaction)
        commands = [command for command in self._listed if _find_topic(command) == topic]
        embed = self._ctx.embeds.build_help(commands, topic=TOPICS[topic])
        await interaction.edit_original_response(embed=embed, view=self)


class HelpCog(GuildCog):
    """Lists the commands that this member can use here, or explains one."""

    @commands.slash_command(name="help", description="What you can do with this bot")
    @text_option("command", description="One command in detail", autocomplete=complete_command)
    @Access(is_private=True)
    async def help(self, ctx: KillfeedContext, command: str | None) -> None:
        """Answer ``/help``."""
        tier = await self.services.premium.get_tier(ctx.guild_id)
        usable = {each.qualified_name: each for each in await self.list_usable(ctx)}
        if command is None:
            listed = [_describe(each, tier) for each in usable.values()]
            view = HelpView(ctx, [*listed, *await self._list_menus(ctx, tier)])
            await ctx.respond(embed=view.build_start(), view=view)
            return
        wanted = usable.get(command.strip().lstrip("/").casefold())
        if wanted is None:
            raise NotFoundError(
                text("There's no command “{name}”.", name=quote(command)),
                hint=text("{help} lists all commands.", help=Command("help")),
            )
        await ctx.respond(embed=ctx.embeds.build_command_help(_describe(wanted, tier)))

    async def list_usable(
        self, ctx: discord.ApplicationContext | discord.AutocompleteContext
    ) -> list[discord.SlashCommand]:
        """Return the commands that a member can use here, at any tier."""
        return [
            each
            for each in list_commands(ctx.bot)
            if is_registered_in(ctx.interaction.guild_id or 0, each)
            and await is_allowed(self.services, ctx.interaction, get_access(each))
        ]

    async def _list_menus(self, ctx: KillfeedContext, tier: Tier) -> list[HelpCommand]:
        """Return the commands of the menu on a member that the caller can use here."""
        return [
            HelpCommand(
                name=each.qualified_name,
                description=each.said,
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
        description=read_description(command),
        options=tuple((str(option.name), read_description(option)) for option in command.options),
        tier=required,
        is_open=required.level <= tier.level,
    )


def _find_topic(command: HelpCommand) -> str:
    """Return the topic of a command: its feature, or its group among the commands of admins."""
    if command.is_menu:
        return MENU
    first, *others = command.name.split()
    group = f"{first}.{others[0]}" if others else first
    return next((topic for topic in (group, first) if topic in TOPICS), _TOPICS_OF_WORDS.get(first, "help"))


setup = HelpCog.setup
