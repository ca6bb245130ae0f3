"""``/events``: which events and which players are posted, for admins.

It stands beside ``/admin``, which has no room for it: Discord counts 8,000 characters a command.
"""

import discord

from utils.embeds.events import list_kind_rows
from utils.errors import InvalidInputError, PermissionMissingError
from utils.interactions.autocomplete import offer
from utils.interactions.context import KillfeedContext
from utils.interactions.declarations import Access
from utils.interactions.guild_cog import GuildCog
from utils.interactions.options import name_choices, server_option, text_option
from utils.interactions.paging import respond_with_rows
from utils.models.audit import AuditAction
from utils.models.event_settings import (
    FITTING,
    LONGEST_COOLDOWN_MINUTES,
    LONGEST_HOLD_SECONDS,
    POSTED_KIND_NAMES,
    EventChange,
    PostedKind,
)
from utils.models.missions import LEVEL_NAMES, Mission, fold_mission_id
from utils.models.premium import Feature
from utils.models.texts import Mention, Text, text
from utils.services.world.event_changes import list_mission_choices

KINDS = name_choices(POSTED_KIND_NAMES)
MENTIONING_KINDS = name_choices(
    {kind: name for kind, name in POSTED_KIND_NAMES.items() if "role_id" in FITTING[kind]}
)
LEVELS = name_choices(LEVEL_NAMES)


async def complete_mission(ctx: discord.AutocompleteContext) -> list[discord.OptionChoice]:
    """Offer the missions of the game's world by name; the value is the folded id."""
    return offer(ctx, list_mission_choices())


class EventsCog(GuildCog):
    """The settings of posts about the world and about players, for admins."""

    events = discord.SlashCommandGroup(
        "events",
        "Which events and players are posted",
        default_member_permissions=discord.Permissions(manage_guild=True),
    )

    @events.command(name="set", description="Show or change what is posted of a kind")
    @discord.option("kind", str, description="Which posts", choices=KINDS)
    @server_option(description="Only for this game server")
    @discord.option("on", bool, description="Post them", default=None)
    @discord.option("min_level", int, description="Missions: the lowest level", choices=LEVELS, default=None)
    @discord.option("edit", bool, description="Edit a post when its event changes", default=None)
    @discord.option(
        "hold_seconds",
        int,
        description="Leaves: how long a player has to come back unseen",
        min_value=0,
        max_value=LONGEST_HOLD_SECONDS,
        default=None,
    )
    @Access(is_admin=True, is_private=True, is_change=True, feature=Feature.EVENTS)
    async def events_set(
        self,
        ctx: KillfeedContext,
        kind: str,
        server: str | None,
        on: bool | None,  # noqa: FBT001 - a command option
        min_level: int | None,
        edit: bool | None,  # noqa: FBT001 - a command option
        hold_seconds: int | None,
    ) -> None:
        """Answer ``/events set``."""
        options = {"is_on": on, "min_level": min_level, "is_edited": edit, "hold_seconds": hold_seconds}
        chosen = {name: value for name, value in options.items() if value is not None}
        change = await self.services.event_changes.choose(
            ctx.guild_id,
            PostedKind(kind),
            chosen,
            action=AuditAction.EVENTS_SET,
            server=server,
            actor_id=ctx.member_id,
        )
        embed = ctx.embeds.build_event_settings(PostedKind(kind), change, is_saved=bool(chosen))
        await ctx.respond(embed=embed)

    @events.command(name="mention", description="Mention a role in new posts, or no longer")
    @discord.option("kind", str, description="Which posts", choices=MENTIONING_KINDS)
    @server_option(description="Only for this game server")
    @discord.option("role", discord.Role, description="Leave out to mention nobody", default=None)
    @discord.option(
        "cooldown_minutes",
        int,
        description="The least time between two mentions (30 by default)",
        min_value=0,
        max_value=LONGEST_COOLDOWN_MINUTES,
        default=None,
    )
    @discord.option(
        "mention_level", int, description="Missions: the lowest level", choices=LEVELS, default=None
    )
    @Access(is_admin=True, is_private=True, is_change=True, feature=Feature.EVENTS)
    async def events_mention(
        self,
        ctx: KillfeedContext,
        kind: str,
        server: str | None,
        role: discord.Role | None,
        cooldown_minutes: int | None,
        mention_level: int | None,
    ) -> None:
        """Answer ``/events mention``; without a role and other options nobody is mentioned any more."""
        if role is not None:
            verify_mention(role)
        options = {
            "role_id": role and role.id,
            "cooldown_minutes": cooldown_minutes,
            "mention_level": mention_level,
        }
        chosen = {name: value for name, value in options.items() if value is not None}
        cleared = {name: None for name in options if name in FITTING[PostedKind(kind)]}
        change = await self.services.event_changes.choose(
            ctx.guild_id,
            PostedKind(kind),
            chosen or cleared,
            action=AuditAction.EVENTS_MENTION,
            server=server,
            actor_id=ctx.member_id,
        )
        await ctx.respond(embed=ctx.embeds.build_event_settings(PostedKind(kind), change, is_saved=True))

    @events.command(name="mute", description="Stop the posts about one mission, or start them again")
    @text_option(
        "mission", description="Start typing its name", autocomplete=complete_mission, is_required=True
    )
    @server_option(description="Only on this game server")
    @discord.option("on", bool, description="Off: post it again", default=True)
    @Access(is_admin=True, is_private=True, is_change=True, feature=Feature.EVENTS)
    async def events_mute(
        self,
        ctx: KillfeedContext,
        mission: str,
        server: str | None,
        on: bool,  # noqa: FBT001 - a command option
    ) -> None:
        """Answer ``/events mute``."""
        found, change = await self.services.event_changes.mute(
            ctx.guild_id, mission, is_muted=on, server=server, actor_id=ctx.member_id
        )
        title = text("Mission muted") if on else text("Mission no longer muted")
        embed = ctx.embeds.build_success(title, describe_muting(found, change, is_muted=on))
        await ctx.respond(embed=embed)

    @events.command(name="list", description="Show what is posted, where, and what was seen")
    @server_option()
    @Access(is_admin=True, is_private=True, feature=Feature.EVENTS)
    async def events_list(self, ctx: KillfeedContext, server: str | None) -> None:
        """Answer ``/events list``."""
        tables = await self.services.world_reports.list_kinds(ctx.guild_id, server)
        lines = [line for table in tables for line in list_kind_rows(table)]
        await respond_with_rows(ctx, lines, ctx.embeds.build_kinds)

    @events.command(name="test", description="Post a sample to see how it looks")
    @discord.option("kind", str, description="What to post", choices=KINDS)
    @server_option(description="As if it came from this game server")
    @Access(is_admin=True, is_private=True, feature=Feature.EVENTS)
    async def events_test(self, ctx: KillfeedContext, kind: str, server: str | None) -> None:
        """Answer ``/events test``."""
        chosen = None
        if server is not None:
            chosen = await self.services.servers.resolve(ctx.guild_id, server)
        posted_in = await self.services.samples.post_kind(ctx.guild_id, PostedKind(kind), chosen)
        said = text("I posted a sample in {channel}.", channel=Mention("#", posted_in))
        await ctx.respond(embed=ctx.embeds.build_success(text("Sample posted"), said))


def verify_mention(role: discord.Role) -> None:
    """Refuse a role that the bot may not mention.

    Raises:
        InvalidInputError: everyone has it.
        PermissionMissingError: Discord would show its name and tell nobody.
    """
    if role.is_default():
        raise InvalidInputError(text("Everyone has that role. Choose one that members can pick."))
    if not (role.mentionable or role.guild.me.guild_permissions.mention_everyone):
        raise PermissionMissingError(
            text(
                "I can't mention {role}. Turn on “Allow anyone to @mention this role” in its settings, or "
                "give me Mention Everyone.",
                role=Mention("@&", role.id),
            )
        )


def describe_muting(mission: Mission, change: EventChange, *, is_muted: bool) -> Text:
    """Return what is posted about a mission from now on."""
    name = mission.name
    if change.server_name is None and is_muted:
        return text("I no longer post {mission}.", mission=name)
    if change.server_name is None:
        return text("I post {mission} again, except where a game server mutes it.", mission=name)
    if is_muted:
        return text("I no longer post {mission} of {server}.", mission=name, server=change.server_name)
    if fold_mission_id(mission.ids[0]) in change.after.of_guild.muted:
        return text(
            "{mission} stays muted on {server}, because it's muted for all game servers.",
            mission=name,
            server=change.server_name,
        )
    return text("I post {mission} of {server} again.", mission=name, server=change.server_name)


setup = EventsCog.setup
