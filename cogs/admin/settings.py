"""``/admin role``, ``/admin audit`` and ``/admin tasks``: permissions, audit log and background tasks."""

from collections.abc import Sequence

import discord

from cogs.admin.groups import ADMIN, admin_access
from utils.embeds.audit import ListedTask, name_task
from utils.errors import InvalidInputError
from utils.interactions.autocomplete import offer
from utils.interactions.context import KillfeedContext
from utils.interactions.declarations import Access
from utils.interactions.options import text_option
from utils.interactions.paging import count_pages, cut_page, respond_with_pages
from utils.interactions.services import Services
from utils.models.audit import AuditAction
from utils.models.scope import GuildId, MemberId
from utils.models.texts import Command, Mention, Text, Value, join, text
from utils.services.guilds.audit import PAGE_ENTRIES
from utils.tasks import TaskReport

LABELS = "admin:tasks"


async def complete_action(ctx: discord.AutocompleteContext) -> list[discord.OptionChoice]:
    """Offer the actions of the audit."""
    return offer(ctx, [(action.value, action.value) for action in AuditAction])


class SettingsCommands:
    """The admin role, the audit, and the owners' view of the background tasks."""

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

    @ADMIN.command(name="tasks", description="What the bot is at, for its owners")
    @Access(is_owner=True, is_private=True)
    async def admin_tasks(self, ctx: KillfeedContext) -> None:
        """Answer ``/admin tasks``."""
        services = self.services

        async def build(page: int) -> tuple[discord.Embed, int]:
            reports = services.tasks.list_reports()
            shown = cut_page(reports, page)
            tasks = await _label_tasks(ctx.bot, services, shown.rows)
            return ctx.embeds.build_tasks(tasks, total=len(reports)), shown.count

        await respond_with_pages(ctx, build)


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


async def _label_tasks(
    bot: discord.Bot, services: Services, reports: Sequence[TaskReport]
) -> list[ListedTask]:
    """Name each task with its purpose, and with its community and server instead of their ids."""
    names: dict[str, Value] = {}

    async def add_names(guild_id: GuildId) -> None:
        names.update(await _list_names(bot, services, guild_id))

    guild_ids = {report.guild_id for report in reports if report.guild_id is not None}
    await services.tasks.for_each(LABELS, guild_ids, add_names)
    return [ListedTask(_label(report, names), report) for report in reports]


async def _list_names(bot: discord.Bot, services: Services, guild_id: GuildId) -> dict[str, Value]:
    """Map ids, as task names contain them, to display names of the guild and its servers."""
    guild = bot.get_guild(guild_id)
    community: Value = guild.name if guild else text("a community I left")
    servers = await services.servers.list_servers(guild_id)
    return {str(guild_id): community} | {
        str(server.scope): text("{community} · {server}", community=community, server=server.name)
        for server in servers
    }


def _label(report: TaskReport, names: dict[str, Value]) -> Value:
    if report.guild_id is None:
        return name_task(report.name)
    scope = report.name.rpartition(":")[2]
    where = names.get(scope) or names.get(str(report.guild_id), scope)
    return text("{task}: {where}", task=name_task(report.name), where=where)
