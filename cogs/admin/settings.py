"""``/admin role`` and ``/admin audit``: permissions, and the log of changes."""

import discord

from cogs.admin.groups import ADMIN, admin_access
from utils.errors import InvalidInputError
from utils.interactions.autocomplete import offer
from utils.interactions.context import KillfeedContext
from utils.interactions.options import text_option
from utils.interactions.paging import count_pages, respond_with_pages
from utils.interactions.services import Services
from utils.models.audit import AuditAction
from utils.models.scope import MemberId
from utils.models.texts import Command, Mention, Text, join, text
from utils.services.guilds.audit import PAGE_ENTRIES


async def complete_action(ctx: discord.AutocompleteContext) -> list[discord.OptionChoice]:
    """Offer the actions of the audit."""
    return offer(ctx, [(action.value, action.value) for action in AuditAction])


class SettingsCommands:
    """The admin role and the audit."""

    services: Services

    @ADMIN.command(
        name="role", description="Let a role use the admin commands; without one, nobody but managers"
    )
    @discord.option("role", discord.Role, description="Whose members may", default=None)
    @admin_access(is_change=True)
    async def admin_role(self, ctx: KillfeedContext, role: discord.Role | None) -> None:
        """Answer ``/admin role``."""
        if role is not None and role.is_default():
            raise InvalidInputError(text("Everybody has that role. Choose one that only your admins have."))
        before = await self.services.guild_changes.set_admin_role(
            ctx.guild_id, role.id if role else None, actor_id=ctx.member_id
        )
        embed = ctx.embeds.build_success(*_describe_role(role, before))
        await ctx.respond(embed=embed)

    @ADMIN.command(name="audit", description="Who changed what here, and when")
    @discord.option("member", discord.Member, description="Changes of one member alone", default=None)
    @text_option("action", description="Changes of one kind alone", autocomplete=complete_action)
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


def _describe_role(role: discord.Role | None, before: int | None) -> tuple[Text, Text]:
    """Return title and text of the answer."""
    old = text("Before: {role}.", role=Mention("@&", before)) if before else text("Before: none.")
    if role is None:
        said = text("The admin commands are for members with Manage Server alone.")
        return text("Admin role cleared"), join([said, old])
    said = text("Members of {role} may use the admin commands.", role=Mention("@&", role.id))
    shown = text(
        "Discord shows {admin} to members with Manage Server alone. To show it to that role: "
        "Server Settings → Integrations → this bot → {admin} → Add Roles or Members.",
        admin=Command("admin"),
    )
    return text("Admin role set"), join([join([said, old]), shown], "\n")
