"""The places where a guild's admins can be told something: the first that takes it gets it."""

from collections.abc import AsyncIterator, Sequence

import discord
from structlog import get_logger

from utils.delivery.sender import DiscordSender
from utils.embeds.buttons import LastingView
from utils.error_sink import ErrorSink, ErrorSource, Where
from utils.errors import (
    ChannelUnusableError,
    DeliveryDelayedError,
    DeliveryError,
    DeliveryUncertainError,
    StorageError,
)
from utils.models.guilds import ChannelKind
from utils.models.incidents import IncidentMessage
from utils.models.scope import ChannelId, GuildId
from utils.services.ports import SettingsSource

LOOK_BACK_MESSAGES = 100  # one request

logger = get_logger(__name__)


class AdminPlaces:
    """The alerts channel of a guild, else direct messages of its owner, else the system channel."""

    def __init__(
        self, bot: discord.Client, sender: DiscordSender, *, settings: SettingsSource, errors: ErrorSink
    ) -> None:
        self._bot = bot
        self._sender = sender
        self._settings = settings
        self._errors = errors

    async def send(
        self,
        guild_id: GuildId,
        embeds: Sequence[discord.Embed],
        *,
        nonce: str,
        buttons: LastingView | None = None,
        looks_first: bool = False,
    ) -> IncidentMessage | None:
        """Send a message to the first place that takes it, with buttons where a press has a guild.

        With ``looks_first`` it is not sent where it is already, perhaps from a process that was killed.
        Return where it is now, if it was sent.

        Raises:
            DeliveryError: it was not delivered, and a later try may succeed.
        """
        async for place, is_direct in self._list_places(guild_id):
            try:
                if looks_first and await self._is_sent(place, nonce):
                    return None
                message_id = await self._sender.send(
                    place, embeds=embeds, pictures=(), nonce=nonce, buttons=None if is_direct else buttons
                )
            except (DeliveryDelayedError, DeliveryUncertainError):
                raise  # the same place again: in another one it could be sent a second time
            except DeliveryError as failure:
                logger.info("an alert does not reach its place", problem=str(failure))
                self._errors.report(failure, where=Where(source=ErrorSource.MESSAGE, guild_id=guild_id))
            else:
                return IncidentMessage(place, message_id)
        raise ChannelUnusableError("No admin could be reached.")

    async def find_alerts_channel(self, guild_id: GuildId) -> ChannelId | None:
        """Return the alerts channel of a guild; None if there is none, or if the database is away."""
        try:
            return (await self._settings.get_settings(guild_id)).channels.get(ChannelKind.ALERTS)
        except StorageError as failure:
            logger.info("alerts channel is not known", problem=str(failure))
            self._errors.report(failure, where=Where(source=ErrorSource.DATABASE, guild_id=guild_id))
            return None

    async def _is_sent(self, place: ChannelId, nonce: str) -> bool:
        recent = await self._sender.recent_messages(place, LOOK_BACK_MESSAGES)
        return any(posted.nonce == nonce for posted in recent)

    async def _list_places(self, guild_id: GuildId) -> AsyncIterator[tuple[ChannelId, bool]]:
        """Yield the channels to try, and whether each is one of direct messages."""
        channel_id = await self.find_alerts_channel(guild_id)
        if channel_id is not None:
            yield channel_id, False
        guild = self._bot.get_guild(guild_id)
        if guild is None:
            return
        try:
            if guild.owner_id is not None:
                yield await self._sender.open_direct(guild.owner_id), True
        except ChannelUnusableError as failure:
            logger.info("a guild's owner is not known", problem=str(failure))
        if guild.system_channel is not None:
            yield ChannelId(guild.system_channel.id), False
