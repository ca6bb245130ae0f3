"""Samples: posts of each kind of channel, on request of an admin."""

from utils.clock import Clock
from utils.delivery.languages import GuildSpeaker
from utils.delivery.ports import ShapeFinder
from utils.delivery.sender import DiscordSender
from utils.embeds.factory import Post
from utils.errors import (
    ChannelUnusableError,
    DeliveryError,
    DiscordAwayError,
    NotFoundError,
    PermissionMissingError,
)
from utils.models.event_settings import OF_PLAYERS, PostedKind
from utils.models.guilds import CHANNEL_KIND_NAMES, ChannelKind
from utils.models.scope import ALL_SERVERS, ChannelId, GuildId, ServerScope
from utils.models.servers import GameServer
from utils.models.texts import Command, text
from utils.services.ports import ChannelFinder


class SamplePosts:
    """Posts samples."""

    def __init__(
        self,
        sender: DiscordSender,
        *,
        channels: ChannelFinder,
        shapes: ShapeFinder,
        languages: GuildSpeaker,
        clock: Clock,
    ) -> None:
        self._sender = sender
        self._channels = channels
        self._shapes = shapes
        self._languages = languages
        self._clock = clock

    async def post(self, guild_id: GuildId, kind: ChannelKind, server: GameServer | None) -> ChannelId:
        """Post a sample of the kind of channel, and return its channel.

        Raises:
            NotFoundError: no channel of that kind is set.
            PermissionMissingError: the bot may not post there.
            DiscordAwayError: Discord does not accept it now.
        """
        channel_id = await self._find_channel(guild_id, kind, server)
        embeds, now = await self._languages.speak(guild_id), self._clock.now()
        shape = await self._shapes.find_shape(guild_id, channel_id)
        post = await embeds.build_sample(kind, server.name if server else None, at=now, shape=shape)
        await self._send(kind, channel_id, post)
        return channel_id

    async def post_kind(self, guild_id: GuildId, posted: PostedKind, server: GameServer | None) -> ChannelId:
        """Post a sample about an event or a player, and return its channel.

        Raises:
            NotFoundError, PermissionMissingError, DiscordAwayError: as above.
        """
        kind = ChannelKind.CONNECTIONS if posted in OF_PLAYERS else ChannelKind.EVENTS
        channel_id = await self._find_channel(guild_id, kind, server)
        embeds, now = await self._languages.speak(guild_id), self._clock.now()
        shape = await self._shapes.find_shape(guild_id, channel_id)
        post = embeds.build_kind_sample(posted, server.name if server else None, at=now, shape=shape)
        await self._send(kind, channel_id, post)
        return channel_id

    async def _find_channel(
        self, guild_id: GuildId, kind: ChannelKind, server: GameServer | None
    ) -> ChannelId:
        scope = server.scope if server else ServerScope(guild_id, ALL_SERVERS)
        channel_id = await self._channels.find_channel(scope, kind)
        if channel_id is None:
            raise NotFoundError(
                text("No {kind} channel is set yet.", kind=CHANNEL_KIND_NAMES[kind]),
                hint=text("Choose one with {set}.", set=Command("admin channel set")),
            )
        return channel_id

    async def _send(self, kind: ChannelKind, channel_id: ChannelId, post: Post) -> None:
        nonce = f"sample{int(self._clock.now().timestamp() * 1000)}"
        try:
            await self._sender.send(
                channel_id,
                embeds=post.embeds,
                pictures=post.pictures,
                nonce=nonce,
                buttons=post.buttons,
            )
        except ChannelUnusableError:
            raise PermissionMissingError(
                text(
                    "I can't post in the {kind} channel. Check that it still exists and that I have "
                    "View Channel, Send Messages, Embed Links and Attach Files in it.",
                    kind=CHANNEL_KIND_NAMES[kind],
                )
            ) from None
        except DeliveryError as failure:
            raise DiscordAwayError(
                text("Discord isn't taking the sample right now. Try again in a minute.")
            ) from failure
