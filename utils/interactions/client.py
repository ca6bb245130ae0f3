"""The bot as Discord sees it: connects, knows its guilds, hands commands to the cogs.

The library has one class for a connection and another for several. ``KillfeedBot`` is a ``commands.Bot``
and holds one shard, the whole bot unless more are configured. ``ShardedKillfeedBot`` is the same bot over the
library's ``AutoShardedBot``, for a process of several shards. Nothing else knows the difference.
"""

import asyncio
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import discord
from discord.ext import commands
from structlog import get_logger

from utils.errors import TooMuchAtOnceError
from utils.events import EventDispatcher, GuildLeft
from utils.interactions.command_set import CommandRegister
from utils.interactions.context import KillfeedContext
from utils.interactions.declarations import get_access
from utils.interactions.operators import list_owner_ids
from utils.interactions.reaching import UNREACHED, note_unreached
from utils.interactions.replies import ErrorReporter
from utils.interactions.services import Services
from utils.interactions.views import answer_ended
from utils.models.scope import GuildId
from utils.models.sharding import Sharding
from utils.services.ingestion.import_throttle import ImportThrottle

logger = get_logger(__name__)

GATEWAY_RETRY_SECONDS = 5.0
GROUPS = (
    discord.SlashCommandOptionType.sub_command.value,
    discord.SlashCommandOptionType.sub_command_group.value,
)


class GuildFollower(Protocol):
    """Looks after the guilds the bot is in."""

    async def follow_guilds(self, is_member: Callable[[GuildId], bool]) -> None:
        """Look after these and no others."""


class LogContext(Protocol):
    """Names guild and command in every log record inside a block."""

    def __call__(self, guild_id: GuildId | None, *, command: str | None) -> AbstractContextManager[None]:
        """Return the block's context."""


class KillfeedBot(commands.Bot):
    """The Discord side.

    ``services`` and ``follower`` must be set before the extensions are loaded.

    Args:
        events: learns of guilds that were left.
        sharding: which part of the bot's guilds it is told of.
        reporter: writes down errors nobody caught.
        log_context: opened around each command.
        throttle: lets imports wait meanwhile.
        commands_file: remembers which commands Discord was told.
    """

    services: Services
    follower: GuildFollower

    def __init__(
        self,
        events: EventDispatcher,
        *,
        sharding: Sharding,
        reporter: ErrorReporter,
        log_context: LogContext,
        throttle: ImportThrottle,
        commands_file: Path,
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
        self._reporter = reporter
        self._log_context = log_context
        self._throttle = throttle
        self._is_following = False  # until it is ready
        self._register = CommandRegister(self, commands_file)
        self.add_listener(self._answer_ended, "on_interaction")

    async def on_connect(self) -> None:
        """Register the commands, if they changed since they were registered last.

        They are one set for the whole bot, so only the process of the first shard does.
        """
        logger.info("connected to Discord")
        self._is_following = False
        if not self._sharding.is_first:
            return
        try:
            await self._register.update()
        except UNREACHED as failure:
            logger.warning("commands are not registered, the next connect tries again", problem=str(failure))

    async def on_ready(self) -> None:
        """Look after the guilds the bot is in; it may have come and gone while it was away."""
        logger.info("ready", guilds=len(self.guilds))
        self._is_following = True
        await self.follower.follow_guilds(self.is_member_of)

    async def on_resumed(self) -> None:
        """Note a reconnect that lost nothing."""
        logger.info("connection to Discord resumed")

    async def on_disconnect(self) -> None:
        """Note a lost connection; the library reconnects by itself."""
        logger.warning("connection to Discord lost")

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Go on with the servers of a guild that had the bot before."""
        logger.info("joined a guild", guild_id=guild.id)
        await self.follower.follow_guilds(self.is_member_of)

    async def on_guild_available(self, guild: discord.Guild) -> None:
        """Follow a guild that comes back like one that joins: it may have been left meanwhile.

        After a new connection all of them come like this, one by one, and ``on_ready`` follows them together.
        """
        if self._is_following:
            logger.info("a guild is available", guild_id=guild.id)
            await self.follower.follow_guilds(self.is_member_of)

    def is_member_of(self, guild_id: GuildId) -> bool:
        """Tell whether the bot is in a guild now, be it available or not."""
        return self.get_guild(guild_id) is not None

    async def find_owner_ids(self) -> frozenset[int]:
        """Return who owns the application (``list_owner_ids``).

        Raises:
            discord.HTTPException: Discord does not tell.
        """
        return list_owner_ids(await self.application_info())

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """End all that a guild holds; what is stored stays."""
        logger.info("left a guild", guild_id=guild.id)
        self._events.dispatch(GuildLeft(guild_id=GuildId(guild.id)))

    async def get_application_context(
        self, interaction: discord.Interaction, cls: type[discord.ApplicationContext] = KillfeedContext
    ) -> discord.ApplicationContext:
        """Return the context that cogs work with."""
        return await super().get_application_context(interaction, cls)

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """Run a command, or offer choices; once, though Discord may send an interaction twice."""
        if not self.services.views.is_repeated(interaction, "command"):
            await self.process_application_commands(interaction)

    async def on_application_command_auto_complete(
        self, interaction: discord.Interaction, command: discord.ApplicationCommand[Any, Any, Any]
    ) -> None:
        """Offer choices to a member who types, unless they type faster than anybody can.

        The library's own way ends what it looks up for one member as soon as another one types into the
        same command or group, in any guild.
        """
        if interaction.user is None or not self.services.limits.may_type(interaction.user.id):
            return
        if not isinstance(command, discord.SlashCommand | discord.SlashCommandGroup):
            raise TypeError("slash commands alone have options")
        interaction.command = command
        ctx = await self.get_autocomplete_context(interaction)
        with note_unreached("choices do not reach their member"):
            await command.invoke_autocomplete_callback(ctx)

    async def invoke_application_command(self, ctx: discord.ApplicationContext) -> None:
        """Run a command unless its member has too many; every log record of it names guild and command."""
        guild_id = ctx.interaction.guild_id
        command = name_command(ctx.interaction)
        named = self._log_context(GuildId(guild_id) if guild_id else None, command=command)
        with named, self._throttle.answering():
            try:
                with self.services.limits.working(ctx.author.id):
                    await super().invoke_application_command(ctx)
            except TooMuchAtOnceError as refusal:
                await self.services.replies.answer(ctx.interaction, refusal)

    async def on_application_command_error(
        self, ctx: discord.ApplicationContext, error: discord.DiscordException
    ) -> None:
        """Answer a failed command; the one place for all of them."""
        await self.services.replies.answer(ctx.interaction, error, get_access(ctx.command))

    async def on_error(self, event_method: str, *_: object, **__: object) -> None:
        """Write down an error nobody caught."""
        error = sys.exc_info()[1]
        if error is not None:
            reference = self._reporter.report(error)
            logger.error("event handler failed", event_name=event_method, reference=reference)

    async def _answer_ended(self, interaction: discord.Interaction) -> None:
        await answer_ended(interaction, self.services)


class ShardedKillfeedBot(KillfeedBot, commands.AutoShardedBot):  # type: ignore[misc] # as the library's own two
    """The bot with several shards in one process: a gateway connection for each, one of everything else."""

    async def launch_shards(self) -> None:
        """Open all connections; the library tries each again, but not the first question for the address."""
        while True:
            try:
                return await super().launch_shards()
            except (discord.GatewayNotFound, *UNREACHED) as failure:
                logger.warning("the gateway is not reached, trying again", problem=str(failure))
            await asyncio.sleep(GATEWAY_RETRY_SECONDS)


def choose_bot(sharding: Sharding) -> type[KillfeedBot]:
    """Return the class for as many shards."""
    return KillfeedBot if len(sharding.ids) == 1 else ShardedKillfeedBot


def choose_shard_options(sharding: Sharding) -> dict[str, Any]:
    """Return what the library is told of shards: nothing while there is but one."""
    if sharding.count == 1:
        return {}
    if len(sharding.ids) == 1:
        return {"shard_id": sharding.ids[0], "shard_count": sharding.count}
    return {"shard_ids": list(sharding.ids), "shard_count": sharding.count}


def name_command(interaction: discord.Interaction) -> str | None:
    """Return the full name of the command that was used; the library knows its group alone at first."""
    level: Any = interaction.data
    names: list[str] = []
    while level:
        names.append(level["name"])
        level = next((option for option in level.get("options", ()) if option["type"] in GROUPS), None)
    return " ".join(names) or None
