"""Alerts: telling the admins of a guild once what only they can mend."""

from typing import Protocol

import aiohttp
import discord
from structlog import get_logger

from utils.clock import Clock
from utils.delivery.requests import Requests
from utils.embeds.escape import escape_text
from utils.embeds.factory import EmbedFactory
from utils.errors import StorageError
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.scope import ChannelId, GuildId, MemberId
from utils.tasks import TaskManager

TELL_TASK = "alerts:tell"

logger = get_logger(__name__)


class GuildSettingsSource(Protocol):
    """Where a guild's alerts channel is found."""

    async def get_settings(self, guild_id: GuildId) -> GuildSettings:
        """Return a guild's settings."""


class AdminAlerts:
    """Tells admins in the alerts channel, else the guild's owner directly, else in the system channel.

    What was told is remembered in this process alone: a fault that outlives a restart is told again. What
    reached nobody waits until the bot is connected (again).
    """

    def __init__(
        self,
        bot: discord.Client,
        tasks: TaskManager,
        *,
        settings: GuildSettingsSource,
        factory: EmbedFactory,
        clock: Clock,
    ) -> None:
        self._bot = bot
        self._tasks = tasks
        self._settings = settings
        self._factory = factory
        self._clock = clock
        self._told: set[tuple[GuildId, str]] = set()
        self._requests = Requests()
        self._waiting: dict[tuple[GuildId, str], str] = {}
        bot.add_listener(self.tell_waiting, "on_ready")

    async def notify(self, guild_id: GuildId, sentence: str, key: str) -> None:
        """Tell the admins, unless they were told under this key before; never raises."""
        if (guild_id, key) not in self._told:
            logger.warning("admins are told", guild_id=guild_id, sentence=sentence, key=key)
            await self._tell(guild_id, sentence, key)

    async def tell_member(self, guild_id: GuildId, member_id: MemberId, sentence: str, key: str) -> None:
        """Tell a member in a direct message, unless they were told under this key before; tried once."""
        if (guild_id, f"{member_id}:{key}") in self._told or self._bot.user is None:
            return
        self._told.add((guild_id, f"{member_id}:{key}"))
        guild = self._bot.get_guild(guild_id)
        user = await self._find_user(member_id)
        if guild is not None and user is not None:
            embed = self._factory.build_notice(guild.name, escape_text(sentence, len(sentence)))
            await self._post(user, embed)

    async def clear(self, guild_id: GuildId, key: str) -> None:
        """Note that the matter is settled, so that the next time is told again."""
        self._told.discard((guild_id, key))
        self._waiting.pop((guild_id, key), None)

    async def tell_waiting(self) -> None:
        """Tell what reached nobody before, for example because Discord was away."""

        async def tell(matter: tuple[GuildId, str]) -> None:
            guild_id, key = matter
            if matter in self._waiting:
                await self._tell(guild_id, self._waiting[matter], key)

        await self._tasks.for_each(TELL_TASK, list(self._waiting), tell)

    async def _tell(self, guild_id: GuildId, sentence: str, key: str) -> None:
        self._waiting.pop((guild_id, key), None)
        self._told.add((guild_id, key))  # before the first wait: whoever asks meanwhile adds nothing
        embed = self._factory.build_alert(sentence, at=self._clock.now())
        for place in await self._list_places(guild_id):
            if await self._post(place, embed):
                return
        self._told.discard((guild_id, key))
        self._waiting[guild_id, key] = sentence
        logger.warning("no admin could be reached", guild_id=guild_id, sentence=sentence)

    async def _list_places(self, guild_id: GuildId) -> list[discord.abc.Messageable]:
        places: list[discord.abc.Messageable] = []
        if self._bot.user is None:  # before its first login the library cannot send anything
            return places
        channel_id = await self._find_alerts_channel(guild_id)
        if channel_id is not None:
            places.append(self._bot.get_partial_messageable(channel_id))
        guild = self._bot.get_guild(guild_id)
        if guild is not None and (owner := await self._find_owner(guild)) is not None:
            places.append(owner)
        if guild is not None and guild.system_channel is not None:
            places.append(guild.system_channel)
        return places

    async def _find_owner(self, guild: discord.Guild) -> discord.Member | discord.User | None:
        if guild.owner is not None or guild.owner_id is None:
            return guild.owner
        return await self._find_user(guild.owner_id)

    async def _find_user(self, user_id: int) -> discord.User | None:
        try:
            return await self._requests.wait_for(self._bot.get_or_fetch(discord.User, int(user_id)))
        except (discord.HTTPException, aiohttp.ClientError, OSError) as failure:
            logger.info("somebody to be told is not known", problem=str(failure))
            return None

    async def _find_alerts_channel(self, guild_id: GuildId) -> ChannelId | None:
        try:
            return (await self._settings.get_settings(guild_id)).channels.get(ChannelKind.ALERTS)
        except StorageError as failure:
            logger.info("alerts channel is not known", problem=str(failure))
            return None

    async def _post(self, place: discord.abc.Messageable, embed: discord.Embed) -> bool:
        try:
            await self._requests.wait_for(
                place.send(embed=embed, allowed_mentions=discord.AllowedMentions.none())
            )
        except (discord.HTTPException, aiohttp.ClientError, OSError) as failure:
            logger.info("an alert does not reach its place", problem=str(failure))
            return False
        return True
