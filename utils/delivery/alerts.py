"""AlertNotifier: tells a guild's admins in their alerts channel, once for each matter."""

from typing import Protocol

from structlog import get_logger

from utils.clock import Clock
from utils.delivery.decisions import make_nonce
from utils.delivery.ports import MessageSender
from utils.embeds.factory import EmbedFactory
from utils.errors import DeliveryError, StorageError
from utils.models.scope import ChannelId, GuildId

_log = get_logger(__name__)


class AlertDirectory(Protocol):
    """Knows where a guild wants to be alerted."""

    async def find_alerts_channel(self, guild_id: GuildId) -> ChannelId | None:
        """Return the guild's channel for alerts, None when none is set."""


class AlertNotifier:
    """The ``AdminNotifier`` of the bot; what was told is remembered until the process ends."""

    def __init__(
        self, directory: AlertDirectory, *, sender: MessageSender, factory: EmbedFactory, clock: Clock
    ) -> None:
        self._directory = directory
        self._sender = sender
        self._factory = factory
        self._clock = clock
        self._told: set[tuple[GuildId, str]] = set()

    async def notify(self, guild_id: GuildId, sentence: str, key: str) -> None:
        """Post a sentence, unless this key was told before.

        What could not be posted counts as not told: the next time tries again.
        """
        if (guild_id, key) in self._told:
            return
        self._told.add((guild_id, key))
        try:
            is_posted = await self._post(guild_id, sentence)
        except (DeliveryError, StorageError) as error:
            is_posted = False
            _log.warning("alert not posted", guild=guild_id, key=key, reason=str(error))
        if not is_posted:
            self._told.discard((guild_id, key))

    async def clear(self, guild_id: GuildId, key: str) -> None:
        """Note that the matter is settled."""
        self._told.discard((guild_id, key))

    async def _post(self, guild_id: GuildId, sentence: str) -> bool:
        channel_id = await self._directory.find_alerts_channel(guild_id)
        if channel_id is None:
            return False
        embed = self._factory.build_alert(sentence, at=self._clock.now())
        await self._sender.send(channel_id, embeds=[embed], pictures=(), nonce=make_nonce())
        return True
