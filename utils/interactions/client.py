"""The bot on Discord: connects, knows its guilds, hands commands to the cogs.

The library has one class for a connection and another for several. ``KillfeedBot`` is a ``commands.Bot``
and holds one shard, the whole bot unless more are configured. ``ShardedKillfeedBot`` is the same bot over the
library's ``AutoShardedBot``, for a process of several shards. All other code is the same for both.
"""

import asyncio
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import discord
from discord.ext import commands
from structlog import get_logger

from utils.error_sink import ErrorSink, ErrorSource, Where
from utils.errors import NotFoundError, TooMuchAtOnceError
from utils.events import EventDispatcher, GuildJoined, GuildLeft, RolesChanged
from utils.interactions.command_journal import CommandLine, bind_interaction
from utils.interactions.command_set import CommandRegister
from utils.interactions.context import KillfeedContext
from utils.interactions.declarations import get_access
from utils.interactions.failing import find_where, name_command
from utils.interactions.invitation import build_invitation
from utils.interactions.lasting_buttons import OUTDATED, find_handler, read_pressed
from utils.interactions.limits import PRESS_COST
from utils.interactions.operators import list_owner_ids
from utils.interactions.reaching import UNREACHED, is_cut_by_stop, note_unreached, report_unreached
from utils.interactions.services import Services
from utils.interactions.views import answer_ended
from utils.models.health import ShardConnection
from utils.models.lasting_buttons import PressedId
from utils.models.scope import GuildId, MemberId
from utils.models.sharding import Sharding
from utils.models.texts import plural
from utils.services.ingestion.import_throttle import ImportThrottle
from utils.tallies import CommandTally

logger = get_logger(__name__)

GATEWAY_RETRY_SECONDS = 5.0


class GuildFollower(Protocol):  # implemented by ServerLoops
    """Serves the guilds that the bot is in."""

    async def follow_guilds(self, is_member: Callable[[GuildId], bool]) -> None:
        """Serve these guilds and no others."""


class IdentifyTurns(Protocol):  # implemented by IdentifyBudget
    """Limits how often a shard begins a new session."""

    async def take(self, shard_id: int) -> None:
        """Wait until a shard may identify, and count it."""


class KillfeedBot(commands.Bot):
    """The bot on Discord.

    ``services`` and ``follower`` must be set before the extensions are loaded.

    Args:
        events: dispatches ``GuildJoined`` and ``GuildLeft``.
        sharding: the shards of this process.
        errors: takes the errors of events.
        throttle: lets imports wait during a command.
        commands_file: remembers the commands that were registered.
        tally: counts the commands and their outcomes.
    """

    services: Services
    follower: GuildFollower
    identifies: IdentifyTurns | None = None

    def __init__(
        self,
        events: EventDispatcher,
        *,
        sharding: Sharding,
        errors: ErrorSink,
        throttle: ImportThrottle,
        commands_file: Path,
        tally: CommandTally,
    ) -> None:
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            intents=discord.Intents(guilds=True),
            default_command_contexts={discord.InteractionContextType.guild},
            auto_sync_commands=False,
            cache_default_sounds=False,
            allowed_mentions=discord.AllowedMentions.none(),
            **choose_shard_options(sharding),
        )
        self._events = events
        self._sharding = sharding
        self._errors = errors
        self._throttle = throttle
        self._tally = tally
        self._is_following = False  # until it is ready
        self._is_greeting_due = True
        self._register = CommandRegister(self, commands_file)
        self.add_listener(self._answer_ended, "on_interaction")
        self.add_listener(self._answer_press, "on_interaction")

    async def on_connect(self) -> None:
        """Register the commands."""
        self._is_following = False
        await self._register_commands()

    async def on_ready(self) -> None:
        """Serve the guilds that the bot is in; they may have changed while it was offline."""
        logger.info("ready", guilds=len(self.guilds))
        if self._is_greeting_due:
            self._is_greeting_due = False
            self._greet_host()
        self._is_following = True
        await self.follower.follow_guilds(self.is_member_of)

    def _greet_host(self) -> None:
        """Tell the bot's host who is online, in how many communities, and how to add the bot to one."""
        greeting = plural(
            "Online as {name} in {count} Discord server. This link adds the bot to another one: {link}",
            "Online as {name} in {count} Discord servers. This link adds the bot to another one: {link}",
            len(self.guilds),
            name=str(self.user),
            link=build_invitation(self.application_id or 0),
        )
        logger.info(str(greeting))

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Wait until the budget of identifies allows one; the library calls this before each."""
        if self.identifies is not None:
            await self.identifies.take(shard_id or 0)
        await super().before_identify_hook(shard_id, initial=initial)

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Welcome a new guild; go on with the servers of one that had added the bot before."""
        logger.info("joined a guild", guild_id=guild.id)
        if self.services.operators.is_home(GuildId(guild.id)):
            await self._register_commands()
        self._events.dispatch(GuildJoined(guild_id=GuildId(guild.id)))
        await self.follower.follow_guilds(self.is_member_of)

    async def on_guild_available(self, guild: discord.Guild) -> None:
        """Follow a guild that becomes available like one that joins: the bot may have left it before.

        After a new connection all guilds become available one by one; ``on_ready`` follows them together.
        """
        if self._is_following:
            logger.info("a guild is available", guild_id=guild.id)
            await self.follower.follow_guilds(self.is_member_of)

    async def on_guild_role_update(self, before: discord.Role, after: discord.Role) -> None:
        """Tell of a change that may let the bot give a role, or not any more."""
        if (before.permissions, before.position) != (after.permissions, after.position):
            self._events.dispatch(RolesChanged(guild_id=GuildId(after.guild.id)))

    async def on_guild_role_delete(self, role: discord.Role) -> None:
        """Tell that a role was deleted."""
        self._events.dispatch(RolesChanged(guild_id=GuildId(role.guild.id)))

    async def on_member_update(self, _: discord.Member, after: discord.Member) -> None:
        """Tell that the roles of the bot changed; without the intent no other member's change arrives."""
        self._events.dispatch(RolesChanged(guild_id=GuildId(after.guild.id)))

    def list_connections(self) -> Sequence[ShardConnection]:
        """Return the connection of each shard; one that was never opened is not open."""
        connection: Any = self.ws  # None before the first connection
        is_open = connection is not None and connection.open
        latency = connection.latency if is_open else math.nan
        return [ShardConnection(self._sharding.ids[0], is_open, latency)]

    def is_member_of(self, guild_id: GuildId) -> bool:
        """Tell whether the bot is in a guild now, available or not."""
        return self.get_guild(guild_id) is not None

    async def find_owner_ids(self) -> frozenset[int] | None:
        """Return the ids of the application's owners (``list_owner_ids``); None before the login.

        Raises:
            discord.HTTPException: Discord does not answer that.
        """
        if self.user is None:
            return None  # the library would fail in its own code
        return list_owner_ids(await self.application_info())

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """End everything in memory for a guild; its stored data stays."""
        logger.info("left a guild", guild_id=guild.id)
        self._events.dispatch(GuildLeft(guild_id=GuildId(guild.id)))

    async def get_application_context(
        self, interaction: discord.Interaction, cls: type[discord.ApplicationContext] = KillfeedContext
    ) -> discord.ApplicationContext:
        """Return the context for cogs."""
        return await super().get_application_context(interaction, cls)

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """Run a command, or offer choices; only once, because Discord may send an interaction twice."""
        if not self.services.views.is_repeated(interaction, "command"):
            await self.process_application_commands(interaction)

    async def on_application_command_auto_complete(
        self, interaction: discord.Interaction, command: discord.ApplicationCommand[Any, Any, Any]
    ) -> None:
        """Offer choices to a member who types, unless they type faster than a person can.

        The library's own way cancels a look-up as soon as another member types into the same command or
        group, in any guild.
        """
        if interaction.user is None or not self.services.limits.may_type(interaction.user.id):
            return
        if not isinstance(command, discord.SlashCommand | discord.SlashCommandGroup):
            raise TypeError("slash commands alone have options")
        interaction.command = command
        ctx = await self.get_autocomplete_context(interaction)
        with (
            bind_interaction(interaction, name_command(interaction)),
            note_unreached("choices do not reach their member", self._errors),
        ):
            await command.invoke_autocomplete_callback(ctx)

    async def invoke_application_command(self, ctx: discord.ApplicationContext) -> None:
        """Run a command unless its member runs too many; its log records name it and its member."""
        line = self._begin_line(ctx.interaction, name_command(ctx.interaction))
        ctx.line = line  # type: ignore[attr-defined] # our own context
        if ctx.interaction.guild_id is not None:
            member_id = MemberId(ctx.author.id)
            self.services.role_looks.note_seen(GuildId(ctx.interaction.guild_id), member_id)
        with line.bind(), self._throttle.answering():
            try:
                with self.services.limits.working(ctx.author.id):
                    await super().invoke_application_command(ctx)
            except TooMuchAtOnceError as refusal:
                await self.services.replies.answer(ctx.interaction, refusal)
                line.end(refusal)

    def _begin_line(self, interaction: discord.Interaction, name: str | None) -> CommandLine:
        """Begin the line of a command or a press, and count its use by the language of the member."""
        if interaction.guild_id is not None and interaction.locale is not None:
            self.services.locale_uses.note(GuildId(interaction.guild_id), interaction.locale)
        return CommandLine(interaction, name, clock=self.services.clock, tally=self._tally)

    async def on_application_command_completion(self, ctx: discord.ApplicationContext) -> None:
        """Write the line of a command that was answered."""
        if isinstance(ctx, KillfeedContext) and ctx.line is not None:
            ctx.line.end()

    async def on_application_command_error(
        self, ctx: discord.ApplicationContext, error: discord.DiscordException
    ) -> None:
        """Answer a failed command; the one place for all of them."""
        await self.services.replies.answer(ctx.interaction, error, get_access(ctx.command))
        if isinstance(ctx, KillfeedContext) and ctx.line is not None:
            ctx.line.end(error)

    async def on_error(self, event_method: str, *args: object, **__: object) -> None:
        """Answer a failed press of a lasting button; report any other error."""
        error = sys.exc_info()[1]
        if not isinstance(error, Exception):
            return
        if is_cut_by_stop(error):
            logger.info("the stop cut an event of Discord short", name=event_method, problem=str(error))
            return
        where = Where(source=ErrorSource.GATEWAY, name=event_method)
        for interaction in args:
            if isinstance(interaction, discord.Interaction):
                if pressed := read_pressed(interaction):
                    handler = find_handler(self.cogs.values(), pressed)
                    await self.services.replies.answer(interaction, error, get_access(handler))
                    return
                where = find_where(interaction)
        self._errors.report(error, where=where)

    async def _register_commands(self) -> None:
        """Register the commands if they changed since the last time, and learn their ids.

        They are one set for the whole bot, so only the process of the first shard registers them.
        """
        if self._sharding.is_first:
            with note_unreached("commands are not registered, the next connect tries again", self._errors):
                await self._register.update(self.services.languages.all)
        with note_unreached("the ids of the commands are not known", self._errors):
            self.services.languages.know_commands(await self._register.read_ids())

    async def _answer_ended(self, interaction: discord.Interaction) -> None:
        await answer_ended(interaction, self.services)

    async def _answer_press(self, interaction: discord.Interaction) -> None:
        """Answer a press of a lasting button, once; ``on_error`` answers its failure."""
        pressed = read_pressed(interaction)
        if pressed is None or self.services.views.is_repeated(interaction, "press"):
            return
        ctx = KillfeedContext(self, interaction)
        ctx.line = self._begin_line(interaction, f"button {pressed.name}")
        with ctx.line.bind(), self._throttle.answering():
            try:
                with self.services.limits.working(ctx.member_id):
                    await self._carry_out(ctx, pressed)
            except Exception as error:
                ctx.line.end(error)
                raise
            ctx.line.end()

    async def _carry_out(self, ctx: KillfeedContext, pressed: PressedId) -> None:
        """Answer the press of a lasting button by the method that stands for it."""
        self.services.limits.spend(ctx.member_id, PRESS_COST)
        handler = find_handler(self.cogs.values(), pressed)
        if handler is None:
            raise NotFoundError(OUTDATED)
        ctx.command = handler  # type: ignore[assignment] # the context asks it for its access alone
        await ctx.begin(self.services, cost=ctx.access.cost)
        await handler.callback(ctx, pressed.argument)


class ShardedKillfeedBot(KillfeedBot, commands.AutoShardedBot):  # type: ignore[misc] # like the library's own two classes
    """The bot with several shards in one process: a gateway connection for each, one of all else."""

    _has_launched = False

    def list_connections(self) -> Sequence[ShardConnection]:
        """Return the connection of each shard; one that was never opened is not open."""
        found = {shard: self.get_shard(shard) for shard in self._sharding.ids}
        return [
            ShardConnection(shard, is_open=False, latency_seconds=math.nan)
            if one is None or one.is_closed()
            else ShardConnection(shard, is_open=True, latency_seconds=one.latency)
            for shard, one in found.items()
        ]

    async def launch_shards(self) -> None:
        """Open all connections, once; the library retries each, but not the first request for the address."""
        while not self._has_launched:
            try:
                await super().launch_shards()
            except (discord.GatewayNotFound, *UNREACHED) as failure:
                report_unreached("the gateway is not reached, trying again", failure, self._errors)
                await asyncio.sleep(GATEWAY_RETRY_SECONDS)
            else:
                self._has_launched = True


def choose_bot(sharding: Sharding) -> type[KillfeedBot]:
    """Return the class for this number of shards."""
    return KillfeedBot if len(sharding.ids) == 1 else ShardedKillfeedBot


def choose_shard_options(sharding: Sharding) -> dict[str, Any]:
    """Return the library's arguments about shards; none if there is only one."""
    if sharding.count == 1:
        return {}
    if len(sharding.ids) == 1:
        return {"shard_id": sharding.ids[0], "shard_count": sharding.count}
    return {"shard_ids": list(sharding.ids), "shard_count": sharding.count}
