"""``/owner``: the commands of those who run the bot, registered in the home guild alone.

Without a home guild (``discord.home_guild_id``) they are registered everywhere, and Discord shows them to
administrators only, so that the owners find them in their own Discord server.
"""

from collections.abc import Sequence

import discord

from utils.embeds.audit import ListedTask, name_task
from utils.interactions.context import KillfeedContext
from utils.interactions.declarations import Access
from utils.interactions.guild_cog import GuildCog
from utils.interactions.paging import cut_page, respond_with_pages
from utils.interactions.services import Services
from utils.models.premium import TIERS, GrantChange
from utils.models.scope import GuildId
from utils.models.texts import Text, Value, text
from utils.services.premium.grants import REASON_CHARACTERS, parse_guild_id
from utils.tasks import TaskReport, TaskState

LABELS = "owner:tasks"
ENDED_STATES = (TaskState.FINISHED, TaskState.CANCELLED)
OF_GUILD = discord.option(
    "guild_id", str, description="The Discord server's id (Copy Server ID)", max_length=30
)
FOR_HOSTS = Access(is_home=True, is_private=True, is_change=True)
AT_HOME = discord.Permissions(manage_guild=True)
ANYWHERE = discord.Permissions(administrator=True)


class OwnerCog(GuildCog):
    """Lets those who run the bot give and take premium, and see the background tasks."""

    owner = discord.SlashCommandGroup("owner", "For those who run this bot")

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        home = services.operators.home_guild_id
        for group in self.get_commands():
            group.guild_ids = None if home is None else [home]
            group.default_member_permissions = ANYWHERE if home is None else AT_HOME

    @owner.command(name="grant", description="Give a Discord server a tier")
    @OF_GUILD
    @discord.option("tier", int, description="The tier, 1 to 4", min_value=1, max_value=len(TIERS) - 1)
    @discord.option("days", int, description="For how many days; leave it out for no end", default=None)
    @FOR_HOSTS
    async def grant(self, ctx: KillfeedContext, guild_id: str, tier: int, days: int | None) -> None:
        """Answer ``/owner grant``."""
        chosen = parse_guild_id(guild_id)
        change = await self.services.grants.grant(chosen, tier=tier, days=days, actor_id=ctx.member_id)
        guild = ctx.bot.get_guild(chosen)
        title = text("Premium granted")
        if guild is not None:
            title = text("Premium granted: {guild}", guild=guild.name)
        await self._answer(ctx, title, guild, change)

    @owner.command(name="revoke", description="Take a Discord server's grant away")
    @OF_GUILD
    @discord.option("reason", str, description="Why", max_length=REASON_CHARACTERS)
    @FOR_HOSTS
    async def revoke(self, ctx: KillfeedContext, guild_id: str, reason: str) -> None:
        """Answer ``/owner revoke``."""
        chosen = parse_guild_id(guild_id)
        change = await self.services.grants.revoke(chosen, reason=reason, actor_id=ctx.member_id)
        guild = ctx.bot.get_guild(chosen)
        title = text("Premium revoked")
        if guild is not None:
            title = text("Premium revoked: {guild}", guild=guild.name)
        await self._answer(ctx, title, guild, change)

    @owner.command(name="tasks", description="Background tasks")
    @Access(is_owner=True, is_private=True)
    async def tasks(self, ctx: KillfeedContext) -> None:
        """Answer ``/owner tasks``."""
        services = self.services

        async def build(page: int) -> tuple[discord.Embed, int]:
            reports = [one for one in services.tasks.list_reports() if one.state not in ENDED_STATES]
            shown = cut_page(reports, page)
            tasks = await _label_tasks(ctx.bot, services, shown.rows)
            return ctx.embeds.build_tasks(tasks, total=len(reports)), shown.count

        await respond_with_pages(ctx, build)

    async def _answer(
        self, ctx: KillfeedContext, title: Text, guild: discord.Guild | None, change: GrantChange
    ) -> None:
        embed = ctx.embeds.build_grant(title, change, is_member=guild is not None)
        await ctx.respond(embed=embed)


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
    """Map ids, as task names contain them, to display names of the guild, its servers and channels."""
    guild = bot.get_guild(guild_id)
    community: Value = guild.name if guild else text("a Discord server I left")
    servers = await services.servers.list_servers(guild_id)
    places = {str(server.scope): server.name for server in servers}
    for channel in guild.text_channels if guild else ():
        places[f"{guild_id}/{channel.id}"] = f"#{channel.name}"
    return {str(guild_id): community} | {
        key: text("{community} · {place}", community=community, place=name) for key, name in places.items()
    }


def _label(report: TaskReport, names: dict[str, Value]) -> Value:
    if report.guild_id is None:
        return name_task(report.name)
    scope = report.name.rpartition(":")[2]
    where = names.get(scope) or names.get(str(report.guild_id), scope)
    return text("{task}: {where}", task=name_task(report.name), where=where)


setup = OwnerCog.setup
