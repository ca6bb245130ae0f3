"""Access: the one place that decides who may use a command, and that answers in time.

A command carries an ``Access``. Before it runs it is acknowledged (Discord waits three seconds), unless its
answer is a modal, which must be the first reply; then role and tier are checked, and that what its options
name belongs to the guild.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
import discord
from discord.ext import commands

from utils.errors import KillfeedError, NotAllowedError
from utils.interactions.context import KillfeedContext
from utils.interactions.ownership import verify_options
from utils.interactions.services import Services
from utils.models.premium import Feature
from utils.models.scope import GuildId, MemberId
from utils.models.texts import Command, Text, text

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use a command, and how it is answered.

    Attributes:
        is_admin: members with Manage Server or the guild's admin role alone.
        is_home: admins of the home guild there, and the bot's owners anywhere.
        is_owner: the bot's owners alone.
        is_private: the answer is for the caller's eyes.
        feature: what the guild's tier must open.
        opens_modal: the first reply is a modal, so nothing is deferred.
        modal_options: those of the options that make the first reply a modal when they are given (a switch:
            when it is on).
        is_change: it changes what is stored, so a failure may leave it done, or a part of it.
        may_have_left: it may name a former member, for what is still stored of them.
        cost: how much work it is, in the units of ``limits``.
    """

    is_admin: bool = False
    is_private: bool = False
    feature: Feature | None = None
    opens_modal: bool = False
    is_home: bool = False
    is_owner: bool = False
    modal_options: tuple[str, ...] = ()
    is_change: bool = False
    may_have_left: bool = False
    cost: float = 0


PUBLIC = Access()


def access(
    *,
    is_admin: bool = False,
    is_private: bool = False,
    feature: Feature | None = None,
    opens_modal: bool = False,
    is_home: bool = False,
    is_owner: bool = False,
    modal_options: tuple[str, ...] = (),
    is_change: bool = False,
    may_have_left: bool = False,
    cost: float = 0,
) -> Callable[[CommandT], CommandT]:
    """Give a command's function its ``Access``."""
    granted = Access(
        is_admin=is_admin,
        is_private=is_private,
        feature=feature,
        opens_modal=opens_modal,
        is_home=is_home,
        is_owner=is_owner,
        modal_options=modal_options,
        is_change=is_change,
        may_have_left=may_have_left,
        cost=cost,
    )

    def mark(function: CommandT) -> CommandT:
        function.__access__ = granted  # type: ignore[attr-defined]
        return function

    return mark


def get_access(command: object) -> Access:
    """Return the access of a command; public for one that names none."""
    granted: Access = getattr(getattr(command, "callback", None), "__access__", PUBLIC)
    return granted


def get_guild_id(
    ctx: discord.ApplicationContext | discord.AutocompleteContext | discord.Interaction,
) -> GuildId:
    """Return the guild a command was used in.

    Raises:
        NotAllowedError: it was used outside one.
    """
    guild_id = ctx.guild_id if isinstance(ctx, discord.Interaction) else ctx.interaction.guild_id
    if guild_id is None:
        raise NotAllowedError(text("This command works in a Discord server, not in direct messages."))
    return GuildId(guild_id)


async def verify_access(services: Services, ctx: discord.ApplicationContext) -> None:
    """Check guild, member and tier of the command that is about to run.

    Raises:
        NotAllowedError, TierRequiredError: the sentence for the caller.
    """
    await verify_caller(services, ctx.interaction, get_access(ctx.command))


async def verify_caller(services: Services, interaction: discord.Interaction, granted: Access) -> None:
    """Check guild, member and tier as they are now: a form or a question may stand for long.

    Raises:
        NotAllowedError, TierRequiredError: the sentence for the caller.
    """
    guild_id = get_guild_id(interaction)
    if not await is_allowed(services, interaction, guild_id, granted):
        raise NotAllowedError(_describe_allowed(granted))
    if granted.feature is not None:
        await services.premium.verify_premium_for_feature(guild_id, granted.feature)


def is_manager(interaction: discord.Interaction) -> bool:
    """Tell whether the caller has Manage Server (or Administrator) in the guild."""
    member = interaction.user
    if not isinstance(member, discord.Member):
        return False
    permissions = member.guild_permissions
    return permissions.administrator or permissions.manage_guild


async def is_admin_member(services: Services, interaction: discord.Interaction, guild_id: GuildId) -> bool:
    """Tell whether the caller has Manage Server or the guild's admin role."""
    if is_manager(interaction):
        return True
    admin_role_id = (await services.settings.get_settings(guild_id)).admin_role_id
    member = interaction.user
    return isinstance(member, discord.Member) and any(role.id == admin_role_id for role in member.roles)


async def is_allowed(
    services: Services, interaction: discord.Interaction, guild_id: GuildId, granted: Access
) -> bool:
    """Tell whether the caller may use a command of this access here, at any tier of the guild."""
    if granted.is_home or granted.is_owner:
        if interaction.user is not None and await services.operators.is_owner(interaction.user.id):
            return True
        if granted.is_owner or not services.operators.is_home(guild_id):
            return False
        return await is_admin_member(services, interaction, guild_id)
    return not granted.is_admin or await is_admin_member(services, interaction, guild_id)


def _describe_allowed(granted: Access) -> Text:
    if granted.is_owner:
        return text("This command is for the owners of this bot.")
    if granted.is_home:
        return text(
            "This command is for the owners of this bot, and for admins of the Discord server it is hosted "
            "from, there. {status} shows what this Discord server has.",
            status=Command("premium status"),
        )
    return text("This command is for members with Manage Server or the admin role.")


def get_actor_id(interaction: discord.Interaction) -> MemberId:
    """Return who used a command, for the audit.

    Raises:
        NotAllowedError: Discord names nobody.
    """
    if interaction.user is None:
        raise NotAllowedError(text("Discord does not tell who you are. Try again."))
    return MemberId(interaction.user.id)


class GuildCog(commands.Cog):
    """Base of every cog: acknowledges and checks before a command of it runs."""

    def __init__(self, services: Services) -> None:
        self.services = services

    async def cog_before_invoke(self, ctx: discord.ApplicationContext) -> None:
        """Refuse who asks for too much, acknowledge, then check."""
        granted = get_access(ctx.command)
        try:
            if isinstance(ctx, KillfeedContext):
                ctx.embeds = await self.services.languages.speak(
                    ctx.interaction, is_private=granted.is_private
                )
            self.services.limits.spend(ctx.author.id, granted.cost)
            if not is_modal_first(ctx):
                await ctx.defer(ephemeral=granted.is_private)
            await verify_access(self.services, ctx)
            verify_options(ctx, may_have_left=granted.may_have_left)
        except (KillfeedError, aiohttp.ClientError, OSError, TimeoutError) as error:
            # the library hands only errors of its own kind to the error handler from here
            raise discord.ApplicationCommandInvokeError(error) from error


def is_modal_first(ctx: discord.ApplicationContext) -> bool:
    """Tell whether the first reply to a command is a modal, by its access and the options it came with."""
    granted = get_access(ctx.command)
    given = (find_option(ctx.interaction.data or {}, name) for name in granted.modal_options)
    return granted.opens_modal or any(value not in (None, False) for value in given)


def find_option(data: Mapping[str, Any], name: str) -> object:
    """Return the value of a command's option as Discord sent it, at any depth; None when it was left out."""
    for option in data.get("options") or ():
        if option["name"] == name and "value" in option:
            return option["value"]
        if (found := find_option(option, name)) is not None:
            return found
    return None
