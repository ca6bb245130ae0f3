"""The places where the owners of the bot are told something."""

from collections.abc import Awaitable, Callable, Collection

import discord
from structlog import get_logger

from utils.delivery.admin_places import AdminPlaces
from utils.delivery.sender import DiscordSender
from utils.errors import ChannelUnusableError, DeliveryRefusedError
from utils.models.scope import GuildId

logger = get_logger(__name__)


class OwnerPlaces:
    """The alerts channel of the home guild, else each owner directly.

    Args:
        list_owner_ids: returns the owners of the bot.
        home_guild_id: the guild of the people who host the bot, if there is one.
    """

    def __init__(
        self,
        places: AdminPlaces,
        sender: DiscordSender,
        *,
        list_owner_ids: Callable[[], Awaitable[Collection[int]]],
        home_guild_id: GuildId | None,
    ) -> None:
        self._places = places
        self._sender = sender
        self._list_owner_ids = list_owner_ids
        self._home_guild_id = home_guild_id

    async def send(self, embed: discord.Embed, nonce: str) -> None:
        """Send a message; if nobody can be reached, the log says so.

        Raises:
            DeliveryError: it was not delivered, and a later try may succeed.
        """
        if self._home_guild_id is not None:
            channel_id = await self._places.find_alerts_channel(self._home_guild_id)
            try:
                if channel_id is not None:
                    await self._sender.send(channel_id, embeds=[embed], pictures=(), nonce=nonce)
                    return
            except (ChannelUnusableError, DeliveryRefusedError) as failure:
                logger.info("the home guild's alerts channel takes nothing", problem=str(failure))
        reached = 0
        for owner_id in sorted(await self._list_owner_ids()):
            try:
                place = await self._sender.open_direct(owner_id)
                await self._sender.send(place, embeds=[embed], pictures=(), nonce=nonce)
            except (ChannelUnusableError, DeliveryRefusedError) as failure:
                logger.info("an owner cannot be told", problem=str(failure))
            else:
                reached += 1
        if not reached:
            logger.warning("no owner can be told: it is in the log and the status alone")
