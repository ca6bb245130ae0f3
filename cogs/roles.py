"""Role rules: ``/roles``, for admins who may give the role themselves."""

from functools import partial
from typing import Any

import discord

from utils.interactions.confirming import ask_first
from utils.interactions.context import KillfeedContext
from utils.interactions.declarations import Access
from utils.interactions.guild_cog import GuildCog
from utils.interactions.options import name_choices
from utils.interactions.paging import respond_with_rows
from utils.interactions.rule_options import CLEARED, rule_option, term_options
from utils.models.premium import Feature
from utils.models.roles import RoleId, RuleMatch, find_most_rules
from utils.models.rule_plans import RulePlan
from utils.models.scope import MemberId
from utils.models.statistics import Board, Period
from utils.models.texts import Command, Mention, text
from utils.services.roles.changes import RoleCaller

ROLES = discord.SlashCommandGroup(
    "roles",
    "Roles of Discord for what members reach in the game",
    default_member_permissions=discord.Permissions(manage_guild=True),
)
access = partial(Access, is_admin=True, is_private=True, feature=Feature.ROLES)
"""The declaration of every command of this cog: it is for admins, and its answers are private."""


class RolesCog(GuildCog):
    """The rules that give roles of Discord.

    A new or changed rule is shown with what it would do, and saved after a press.
    """

    roles = ROLES

    @roles.command(name="add", description="Give a role for what members reach; shows a preview first")
    @discord.option("role", discord.Role, description="The role to give")
    @term_options
    @access(is_change=True)
    async def roles_add(
        self,
        ctx: KillfeedContext,
        role: discord.Role,
        *,
        kills: int | None,
        kd: float | None,
        longest: int | None,
        streak: int | None,
        level: int | None,
        rank: int | None,
        board: str | None,
        faction: str | None,
        match: str | None,
        server: str | None,
        period: str | None,
        keep: int | None,
        ladder: str | None,
    ) -> None:
        """Answer ``/roles add``."""
        given = await self._read_terms(
            ctx,
            server,
            faction,
            kills=kills,
            kd=kd,
            longest=longest,
            streak=streak,
            level=level,
            rank=rank,
            board=board,
            match=match,
            period=period,
            keep=keep,
            ladder=ladder,
        )
        rules, caller = self.services.role_rules, read_caller(ctx)
        plan = await rules.plan_rule(ctx.guild_id, RoleId(role.id), given, caller)
        await self._ask_and_save(ctx, plan)

    @roles.command(name="edit", description="Change a role rule; shows a preview first")
    @rule_option()
    @discord.option("role", discord.Role, description="Another role", default=None)
    @term_options
    @discord.option(
        "clear", str, description="What to take out of the rule", choices=name_choices(CLEARED), default=None
    )
    @access(is_change=True)
    async def roles_edit(
        self,
        ctx: KillfeedContext,
        rule: str,
        role: discord.Role | None,
        *,
        kills: int | None,
        kd: float | None,
        longest: int | None,
        streak: int | None,
        level: int | None,
        rank: int | None,
        board: str | None,
        faction: str | None,
        match: str | None,
        server: str | None,
        period: str | None,
        keep: int | None,
        ladder: str | None,
        clear: str | None,
    ) -> None:
        """Answer ``/roles edit``."""
        changed = await self._read_terms(
            ctx,
            server,
            faction,
            kills=kills,
            kd=kd,
            longest=longest,
            streak=streak,
            level=level,
            rank=rank,
            board=board,
            match=match,
            period=period,
            keep=keep,
            ladder=ladder,
        )
        changed |= {} if role is None else {"role_id": RoleId(role.id)}
        changed |= {} if clear is None else {clear: None}
        plan = await self.services.role_rules.plan_edit(ctx.guild_id, rule, changed, read_caller(ctx))
        await self._ask_and_save(ctx, plan)

    @roles.command(name="list", description="The role rules, their holders, and what is in their way")
    @access()
    async def roles_list(self, ctx: KillfeedContext) -> None:
        """Answer ``/roles list``."""
        reports = await self.services.role_rules.list_reports(ctx.guild_id)
        most = find_most_rules((await self.services.premium.get_tier(ctx.guild_id)).level)
        await respond_with_rows(ctx, reports, lambda rows: ctx.embeds.build_rules(rows, most=most))

    @roles.command(name="preview", description="What a role rule means for every linked member")
    @rule_option()
    @access()
    async def roles_preview(self, ctx: KillfeedContext, rule: str) -> None:
        """Answer ``/roles preview``."""
        plan = await self.services.role_rules.preview(ctx.guild_id, rule)
        await respond_with_rows(ctx, plan.rows, lambda rows: ctx.embeds.build_rule_rows(plan, rows))

    @roles.command(name="remove", description="Remove a role rule; asks first")
    @rule_option()
    @discord.option("keep_roles", bool, description="Members keep the role", default=False)
    @access(is_change=True)
    async def roles_remove(
        self,
        ctx: KillfeedContext,
        rule: str,
        keep_roles: bool,  # noqa: FBT001 - a command option
    ) -> None:
        """Answer ``/roles remove``."""
        found = await self.services.role_rules.find_rule(ctx.guild_id, rule)
        said = await self.services.role_rules.describe_removal(found, keeps_roles=keep_roles)
        question = ctx.embeds.build_notice(text("Remove this role rule?"), said)
        if await ask_first(ctx, question, text("Remove")):
            await self.services.role_rules.remove(
                ctx.guild_id, found, keeps_roles=keep_roles, actor_id=ctx.member_id
            )
            said = await self.services.role_rules.describe_removal(found, keeps_roles=keep_roles)
            embed = ctx.embeds.build_success(text("Role rule removed"), said)
        else:
            embed = ctx.embeds.build_notice(text("Cancelled"), text("The role rule stays."))
        await ctx.edit(embed=embed, view=None)

    @roles.command(name="sync", description="Compare the roles with Discord now")
    @discord.option(
        "member", discord.Member, description="Give them again what someone took away", default=None
    )
    @access(is_change=True)
    async def roles_sync(self, ctx: KillfeedContext, member: discord.Member | None) -> None:
        """Answer ``/roles sync``."""
        member_id = None if member is None else MemberId(member.id)
        await self.services.role_looks.compare(ctx.guild_id, member_id=member_id)
        said = text(
            "I compared all roles with Discord. I change one role a second; {list} shows how far I am.",
            list=Command("roles list"),
        )
        await ctx.respond(embed=ctx.embeds.build_success(text("Roles compared"), said))

    async def _read_terms(
        self, ctx: KillfeedContext, server: str | None, faction: str | None, **options: object
    ) -> dict[str, Any]:
        """Return the given terms by name.

        Raises:
            NotFoundError: no game server or faction has that name.
            AmbiguousError: several have it.
        """
        given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
        for name, kind in (("board", Board), ("match", RuleMatch), ("period", Period)):
            if name in given:
                given[name] = kind(given[name])
        if server is not None:
            given["server_id"] = (await self.services.servers.resolve(ctx.guild_id, server)).scope.server_id
        if faction is not None:
            given["faction_id"] = (await self.services.factions.resolve(ctx.guild_id, faction)).faction_id
        return given

    async def _ask_and_save(self, ctx: KillfeedContext, plan: RulePlan) -> None:
        """Show what a rule would do, and save it after a yes."""
        confirmed = await ask_first(ctx, ctx.embeds.build_rule_plan(plan), text("Save"))
        if confirmed:
            await self.services.role_rules.save(plan, read_caller(confirmed))
            role = Mention("@&", plan.rule.terms.role_id)
            said = text(
                "I give and take {role} from now on. {list} shows how far I am.",
                role=role,
                list=Command("roles list"),
            )
            embed = ctx.embeds.build_success(text("Role rule saved"), said)
        else:
            embed = ctx.embeds.build_notice(text("Cancelled"), text("Nothing was saved."))
        await ctx.edit(embed=embed, view=None)


def read_caller(ctx: KillfeedContext) -> RoleCaller:
    """Return the rights of a member to give roles, as Discord sent them with the command or the press."""
    member = ctx.author
    if not isinstance(member, discord.Member):
        return RoleCaller(ctx.member_id, (), may_manage_roles=False, is_owner=False)
    return RoleCaller(
        ctx.member_id,
        [RoleId(role.id) for role in member.roles],
        may_manage_roles=member.guild_permissions.manage_roles,
        is_owner=member.guild.owner_id == member.id,
    )


setup = RolesCog.setup
