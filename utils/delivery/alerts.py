"""Alerts: telling the admins of a guild once what only they can mend."""

from typing import Protocol

import discord
from structlog import get_logger

from utils.clock import Clock
from utils.embeds.factory import EmbedFactory
from utils.errors import StorageError
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.scope import ChannelId, GuildId

logger = get_logger(__name__)


class GuildSettingsSource(Protocol):
    """Where a guild's alerts channel is found."""

    async def get_settings(self, guild_id: GuildId) -> GuildSettings:
        """Return a guild's settings."""


class AdminAlerts:
    """Tells admins in the alerts channel, else the guild's owner directly, else in the system channel.

    What was told is remembered in this process alone: a fault that outlives a restart is told again.
    """

    def __init__(
        self, bot: discord.Client, *, settings: GuildSettingsSource, factory: EmbedFactory, clock: Clock
    ) -> None:
        self._bot = bot
        self._settings = settings
        self._factory = factory
        self._clock = clock
        self._told: set[tuple[GuildId, str]] = set()

    async def notify(self, guild_id: GuildId, sentence: str, key: str) -> None:
        """Tell the admins, unless they were told under this key before; never raises."""
        if (guild_id, key) in self._told:
            return
        logger.warning("admins are told", guild_id=guild_id, sentence=sentence, key=key)
        embed = self._factory.build_alert(sentence, at=self._clock.now())
        for place in await self._list_places(guild_id):
            if await self._post(place, embed):
                self._told.add((guild_id, key))
                return
        logger.warning("no admin could be reached", guild_id=guild_id, sentence=sentence)

    async def clear(self, guild_id: GuildId, key: str) -> None:
        """Note that the matter is settled, so that the next time is told again."""
        self._told.discard((guild_id, key))

    async def _list_places(self, guild_id: GuildId) -> list[discord.abc.Messageable]:
        places: list[discord.abc.Messageable] = []
        channel_id = await self._find_alerts_channel(guild_id)
        if channel_id is not None:
            places.append(self._bot.get_partial_messageable(channel_id))
        guild = self._bot.get_guild(guild_id)
        if guild is not None and guild.owner_id is not None:
            owner = guild.owner or await self._bot.get_or_fetch_user(guild.owner_id)
            places += [owner] if owner is not None else []
        if guild is not None and guild.system_channel is not None:
            places.append(guild.system_channel)
        return places

    async def _find_alerts_channel(self, guild_id: GuildId) -> ChannelId | None:
        try:
            return (await self._settings.get_settings(guild_id)).channels.get(ChannelKind.ALERTS)
        except StorageError as failure:
            logger.info("alerts channel is not known", problem=str(failure))
            return None

    async def _post(self, place: discord.abc.Messageable, embed: discord.Embed) -> bool:
        try:
            await place.send(embed=embed, allowed_mentions=discord.AllowedMentions.none())
        except (discord.HTTPException, OSError) as failure:
            logger.info("an alert does not reach its place", problem=str(failure))
            return False
        return True
