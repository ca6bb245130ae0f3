"""``/admin role``, ``/admin language`` and ``/admin audit``: permissions, language, the log of changes."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import discord

from cogs.admin.groups import ADMIN, admin_access
from utils.errors import InvalidInputError
from utils.interactions.autocomplete import complete_zone, offer
from utils.interactions.context import KillfeedContext
from utils.interactions.options import name_choices, text_option
from utils.interactions.paging import count_pages, respond_with_pages
from utils.interactions.services import Services
from utils.models.audit import AuditAction
from utils.models.languages import AUTOMATIC, LANGUAGE_CHOICES, LanguageOverview
from utils.models.scope import MemberId
from utils.models.texts import Command, Mention, Text, join, text
from utils.services.guilds.audit import PAGE_ENTRIES
from utils.services.servers.time_zones import find_zone


async def complete_action(ctx: discord.AutocompleteContext) -> list[discord.OptionChoice]:
    """Offer the actions of the audit."""
    return offer(ctx, [(action.value, action.value) for action in AuditAction])


class SettingsCommands:
    """The admin role, the language and the audit."""

    services: Services

    @ADMIN.command(name="role", description="Choose the role that may use admin commands")
    @discord.option("role", discord.Role, description="Leave out for Manage Server only", default=None)
    @admin_access(is_change=True)
    async def admin_role(self, ctx: KillfeedContext, role: discord.Role | None) -> None:
        """Answer ``/admin role``."""
        if role is not None and role.is_default():
            raise InvalidInputError(text("Everyone has that role. Choose one that only your admins have."))
        before = await self.services.guild_changes.set_admin_role(
            ctx.guild_id, role.id if role else None, actor_id=ctx.member_id
        )
        embed = ctx.embeds.build_success(*_describe_role(role, before))
        await ctx.respond(embed=embed)

    @ADMIN.command(name="language", description="Choose my language and time zone here")
    @discord.option(
        "language", str, description="Which one", choices=name_choices(LANGUAGE_CHOICES), default=None
    )
    @text_option("timezone", description="City whose time I use", autocomplete=complete_zone)
    @admin_access(is_change=True)
    async def admin_language(self, ctx: KillfeedContext, language: str | None, timezone: str | None) -> None:
        """Answer ``/admin language`` with what holds now."""
        chosen: dict[str, str | None] = {} if timezone is None else {"timezone": find_zone(timezone)}
        if language is not None:
            chosen["language"] = None if language == AUTOMATIC else language
        overview = await change_language(ctx, chosen)
        await ctx.respond(embed=ctx.embeds.build_language(overview, is_saved=bool(chosen)))

    @ADMIN.command(name="audit", description="Who changed what, and when")
    @discord.option("member", discord.Member, description="Only changes by this member", default=None)
    @text_option("action", description="Only changes of this kind", autocomplete=complete_action)
    @admin_access(may_have_left=True)
    async def admin_audit(
        self, ctx: KillfeedContext, member: discord.Member | None, action: str | None
    ) -> None:
        """Answer ``/admin audit``."""
        guild_id, services = ctx.guild_id, self.services
        actor_id = None if member is None else MemberId(member.id)

        async def build(page: int) -> tuple[discord.Embed, int]:
            found = await services.audit.list_page(guild_id, page, actor_id=actor_id, action=action)
            embed = ctx.embeds.build_audit(found.entries, total=found.total)
            return embed, count_pages(found.total, PAGE_ENTRIES)

        await respond_with_pages(ctx, build)


async def change_language(ctx: KillfeedContext, chosen: Mapping[str, str | None]) -> LanguageOverview:
    """Change what is chosen of language and time zone, and return what holds now."""
    services, mutate = ctx.services, partial(replace, **chosen)
    changed = await services.guild_changes.change(ctx.guild_id, ctx.member_id, AuditAction.LANGUAGE, mutate)
    spoken = await services.languages.find_language(ctx.guild_id, ctx.interaction.guild_locale)
    return LanguageOverview(changed.after.language is None, spoken, changed.after.timezone)


def _describe_role(role: discord.Role | None, before: int | None) -> tuple[Text, Text]:
    """Return title and text of the answer."""
    old = text("Before: {role}.", role=Mention("@&", before)) if before else text("Before: no role.")
    if role is None:
        said = text("Only members with Manage Server can use admin commands now.")
        return text("Admin role cleared"), join([said, old])
    said = text("{role} can use admin commands now.", role=Mention("@&", role.id))
    shown = text(
        "Discord hides {admin} from members without Manage Server. To show it to that role: "
        "Server Settings → Integrations → this bot → {admin} → Add Roles or Members.",
        admin=Command("admin"),
    )
    return text("Admin role set"), join([join([said, old]), shown], "\n")
