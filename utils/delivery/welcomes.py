"""The message after joining a guild: one, once per guild ever, with the button that begins the set-up."""

from datetime import datetime
from typing import Protocol

import discord
from structlog import get_logger

from utils.clock import Clock
from utils.delivery.decisions import make_nonce
from utils.delivery.languages import GuildSpeaker
from utils.delivery.sender import DiscordSender
from utils.error_sink import ErrorSource, Where
from utils.errors import DeliveryError, DeliveryUncertainError
from utils.events import GuildJoined
from utils.models.scope import ChannelId, GuildId
from utils.models.setup import SET_UP_BUTTON
from utils.queues import WorkQueue
from utils.tasks import TaskManager

TRIES = 2  # with one nonce: if an answer was lost, the message is found and not posted twice
WELCOME_TASK = "guild:welcome"

logger = get_logger(__name__)


class WelcomeStore(Protocol):  # implemented by GuildRepository
    """Storage of the guilds that were welcomed."""

    async def note_welcome(self, guild_id: GuildId, *, at: datetime) -> bool:
        """Note that a guild is welcomed now; return False if the bot knew it before."""


class WelcomeMessages:
    """Welcomes a guild in its system channel, else in the channel for news of Discord.

    If the bot may write in neither, it says nothing: no channel is guessed, and no person is written to.
    The welcome is noted before it is sent, so a crash in between loses it instead of sending it twice.
    """

    def __init__(
        self,
        bot: discord.Client,
        store: WelcomeStore,
        sender: DiscordSender,
        tasks: TaskManager,
        *,
        languages: GuildSpeaker,
        clock: Clock,
    ) -> None:
        self._bot = bot
        self._store = store
        self._sender = sender
        self._languages = languages
        self._clock = clock
        self._tasks = tasks
        self._joined = WorkQueue(WELCOME_TASK, self._welcome, tasks=tasks)

    def on_guild_joined(self, event: GuildJoined) -> None:
        """Welcome the guild, unless the bot was there before."""
        self._joined.put(event.guild_id, guild_id=event.guild_id)

    async def _welcome(self, guild_id: GuildId) -> None:
        guild = self._bot.get_guild(guild_id)
        channel_id = None if guild is None else find_welcome_channel(guild)
        if channel_id is None or not await self._store.note_welcome(guild_id, at=self._clock.now()):
            return
        embeds, nonce = await self._languages.speak(guild_id), make_nonce()
        embed, buttons = embeds.build_welcome(), embeds.build_buttons([SET_UP_BUTTON])
        for _ in range(TRIES):
            try:
                await self._sender.send(channel_id, embeds=[embed], pictures=(), nonce=nonce, buttons=buttons)
            except DeliveryError as failure:
                logger.info("no welcome", guild_id=guild_id, problem=str(failure))
                self._tasks.errors.report(failure, where=Where(source=ErrorSource.MESSAGE, guild_id=guild_id))
                if not isinstance(failure, DeliveryUncertainError):
                    return
            else:
                return


def find_welcome_channel(guild: discord.Guild) -> ChannelId | None:
    """Return the channel for the message after joining; None if the bot may write in neither."""
    for channel in (guild.system_channel, guild.public_updates_channel):
        if channel is not None:
            granted = channel.permissions_for(guild.me)
            if granted.view_channel and granted.send_messages and granted.embed_links:
                return ChannelId(channel.id)
    return None
