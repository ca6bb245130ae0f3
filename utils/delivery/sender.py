"""Sends messages with py-cord and maps all its errors."""

from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

import aiohttp
import discord

from utils.clock import Clock
from utils.delivery.ports import PostedMessage
from utils.delivery.requests import REQUEST_TIMEOUT_SECONDS, Requests
from utils.embeds.buttons import LastingView
from utils.embeds.pictures import Picture, build_file
from utils.errors import (
    ChannelUnusableError,
    DeliveryDelayedError,
    DeliveryError,
    DeliveryRefusedError,
    DeliveryUncertainError,
)
from utils.log_context import bind_log_context
from utils.models.scope import ChannelId, GuildId, MemberId

T = TypeVar("T")

UNKNOWN_MESSAGE_CODE = 10008
UNKNOWN_USER_CODE = 10013
_WAIT_FIELD = "retry_after"
EDIT_LIMIT_CODE = 30046  # too many edits of messages older than an hour
RENAME_TIMEOUT_SECONDS = 900.0
"""Longer than Discord makes a third rename in ten minutes wait."""

_ROLE_REFUSED_STATUSES = frozenset({400, 403, 404})
_REFUSED_STATUSES = frozenset({400, 413})  # statuses that mean the payload is wrong
_LIMITED_STATUS = 429


class DiscordSender:
    """Posts messages through the bot's session, without a channel from the cache.

    Every request raises a ``DeliveryError`` and nothing else:

    * ``ChannelUnusableError``, ``DeliveryRefusedError``: it cannot succeed until a person changes something;
    * ``DeliveryDelayedError``: it was not carried out, but the same request may succeed later;
    * ``DeliveryUncertainError``: it is unknown whether it was carried out.

    Attributes:
        sent: posted messages since the start.
    """

    def __init__(
        self, bot: discord.Client, *, clock: Clock, timeout_seconds: float = REQUEST_TIMEOUT_SECONDS
    ) -> None:
        self._bot = bot
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._requests = Requests()
        self.sent = 0

    async def send(
        self,
        channel_id: ChannelId,
        *,
        embeds: Sequence[discord.Embed],
        pictures: Sequence[Picture],
        nonce: str,
        buttons: LastingView | None = None,
        role_ids: Sequence[int] = (),
    ) -> int:
        """Post a message and return its id; for minutes Discord ignores a repeated nonce.

        It mentions the roles and nobody else.
        """
        self._require_login()
        files = [build_file(picture) for picture in pictures]
        channel = self._bot.get_partial_messageable(channel_id)
        with bind_log_context(correlation_id=nonce), map_discord_errors(self._clock):
            message = await self._wait_for(
                channel.send(
                    " ".join(f"<@&{role_id}>" for role_id in role_ids) or None,
                    embeds=list(embeds),
                    files=files,
                    view=buttons,  # type: ignore[arg-type] # the library takes None
                    nonce=nonce,
                    enforce_nonce=True,
                    allowed_mentions=_allow_roles(role_ids),
                )
            )
        self.sent += 1
        return message.id

    async def reply(
        self, channel_id: ChannelId, message_id: int, content: str, *, member_id: MemberId, nonce: str
    ) -> None:
        """Answer a message, and ping one member alone if the content names them.

        If that message was deleted, the answer is posted without it.
        """
        self._require_login()
        channel = self._bot.get_partial_messageable(channel_id)
        answered = discord.MessageReference(
            message_id=message_id, channel_id=channel_id, fail_if_not_exists=False
        )
        allowed = discord.AllowedMentions(
            everyone=False, roles=False, users=[discord.Object(member_id)], replied_user=False
        )
        with map_discord_errors(self._clock):
            await self._wait_for(
                channel.send(
                    content,
                    reference=answered,
                    nonce=nonce,
                    enforce_nonce=True,
                    allowed_mentions=allowed,
                )
            )

    async def open_direct(self, user_id: int) -> ChannelId:
        """Return the channel of direct messages with a user."""
        self._require_login()

        async def open_channel() -> discord.DMChannel | None:
            user = await self._bot.get_or_fetch(discord.User, user_id)
            return None if user is None else user.dm_channel or await user.create_dm()

        with map_discord_errors(self._clock):
            channel = await self._wait_for(open_channel())
        if channel is None:
            raise ChannelUnusableError("Discord knows no such user.", code=UNKNOWN_USER_CODE)
        return ChannelId(channel.id)

    async def edit(
        self,
        channel_id: ChannelId,
        message_id: int,
        *,
        embeds: Sequence[discord.Embed],
        buttons: LastingView | None = None,
    ) -> bool:
        """Change a message of the bot, which loses its buttons without new ones; tell whether it exists."""
        self._require_login()
        message = self._bot.get_partial_messageable(channel_id).get_partial_message(message_id)
        try:
            return await self._reach(message.edit(embeds=list(embeds), view=buttons))
        except DeliveryUncertainError as failure:
            if failure.__cause__ is not None and failure.__cause__.args == (_WAIT_FIELD,):
                # the library asks how long to wait, and the limit of edits of old messages does not tell
                raise DeliveryDelayedError("limited for an unknown time", is_of_old_message=True) from failure
            raise

    async def rename(self, channel_id: ChannelId, name: str) -> str:
        """Rename a channel and return the name that Discord gave it.

        The library sleeps in it while Discord limits the renames of this channel, perhaps ten minutes.
        """
        self._require_login()
        channel = self._bot.get_channel(channel_id)
        if not isinstance(channel, discord.TextChannel | discord.VoiceChannel):
            raise ChannelUnusableError("The channel does not exist.")
        with map_discord_errors(self._clock):
            renamed = await self._requests.wait_for(channel.edit(name=name), seconds=RENAME_TIMEOUT_SECONDS)
        return name if renamed is None else renamed.name

    async def edit_role(
        self, guild_id: GuildId, member_id: MemberId, role_id: int, *, is_given: bool, reason: str
    ) -> int | None:
        """Give a member one role, or take it; return Discord's code if that is refused for good."""
        self._require_login()
        edit = self._bot.http.add_role if is_given else self._bot.http.remove_role
        with map_discord_errors(self._clock):
            try:
                await self._wait_for(edit(guild_id, member_id, role_id, reason=reason))
            except discord.HTTPException as error:
                if error.status not in _ROLE_REFUSED_STATUSES or _is_of_edge(error):
                    raise
                return error.code
        return None

    async def find_members(
        self, guild_id: GuildId, member_ids: Sequence[MemberId]
    ) -> Sequence[discord.Member]:
        """Return those of at most 100 users who are members of a guild; nothing is kept of them.

        The library's own defaults are five members and a cache that grows.
        """
        guild = self._bot.get_guild(guild_id)
        if guild is None or guild.unavailable:
            raise DeliveryDelayedError("Discord does not show the guild")
        user_ids: list[int] = list(member_ids)
        try:
            with map_discord_errors(self._clock):
                return await self._wait_for(
                    guild.query_members(user_ids=user_ids, limit=len(user_ids), cache=False)
                )
        except RuntimeError as error:  # the library's word for a shard without a connection
            raise DeliveryDelayedError("the shard is not connected") from error

    async def has_message(self, channel_id: ChannelId, message_id: int) -> bool:
        """Tell whether a message exists."""
        self._require_login()
        channel = self._bot.get_partial_messageable(channel_id)
        return await self._reach(channel.fetch_message(message_id))

    async def delete(self, channel_id: ChannelId, message_id: int) -> None:
        """Delete a message of the bot; a missing one is not an error."""
        self._require_login()
        channel = self._bot.get_partial_messageable(channel_id)

        async def find_and_delete() -> None:
            message = await channel.fetch_message(message_id)
            await message.delete()

        await self._reach(find_and_delete())

    async def _reach(self, request: Coroutine[Any, Any, object]) -> bool:
        """Carry out a request about one message; tell whether the message exists."""
        with map_discord_errors(self._clock):
            try:
                await self._wait_for(request)
            except discord.NotFound as error:
                if error.code != UNKNOWN_MESSAGE_CODE:
                    raise
                return False
        return True

    async def recent_messages(self, channel_id: ChannelId, limit: int) -> Sequence[PostedMessage]:
        """Return the bot's own recent messages of a channel, newest first."""
        own_id = self._require_login()
        channel = self._bot.get_partial_messageable(channel_id)
        with map_discord_errors(self._clock):
            messages = await self._wait_for(channel.history(limit=limit).flatten())
        return [_read_message(message) for message in messages if message.author.id == own_id]

    async def _wait_for(self, request: Coroutine[Any, Any, T]) -> T:
        return await self._requests.wait_for(request, seconds=self._timeout_seconds)

    def _require_login(self) -> int:
        """Return the bot's own id; before its first login the library cannot send anything."""
        if self._bot.user is None:
            raise DeliveryDelayedError("the bot is not logged in yet")
        return self._bot.user.id


@contextmanager
def map_discord_errors(clock: Clock) -> Iterator[None]:
    """Map every failure of a request to Discord to an error of delivery."""
    try:
        yield
    except discord.HTTPException as error:
        raise _map_response(error, clock.now()) from error
    except discord.DiscordException as error:
        # refused by py-cord itself, before the request was sent
        raise DeliveryRefusedError(str(error)) from error
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise DeliveryUncertainError(f"{type(error).__name__}: {error}") from error
    except (ValueError, LookupError, TypeError) as error:
        # the answer is unreadable, but the request was made
        raise DeliveryUncertainError("the answer could not be read") from error


def _map_response(error: discord.HTTPException, now: datetime) -> DeliveryError:
    if isinstance(error, discord.Forbidden | discord.NotFound) and not _is_of_edge(error):
        return ChannelUnusableError(str(error), code=error.code)
    if error.status in _REFUSED_STATUSES:
        return DeliveryRefusedError(str(error), code=error.code)
    return DeliveryDelayedError(
        str(error),
        code=error.code,
        retry_at=_read_retry_at(error, now),
        is_of_old_message=error.code == EDIT_LIMIT_CODE,
        is_limited=error.status == _LIMITED_STATUS,
    )


def _allow_roles(role_ids: Sequence[int]) -> discord.AllowedMentions:
    """Return the permission to mention exactly these roles."""
    roles: Any = [discord.Object(role_id) for role_id in role_ids]
    return discord.AllowedMentions(everyone=False, users=False, roles=roles, replied_user=False)


def _is_of_edge(error: discord.HTTPException) -> bool:
    """Tell whether Discord's proxy answered, and not its API: that says nothing about the channel."""
    return str(error.response.headers.get("Content-Type", "")).startswith("text/html")


def _read_retry_at(error: discord.HTTPException, now: datetime) -> datetime | None:
    text = error.response.headers.get("Retry-After", "")
    return now + timedelta(seconds=int(text)) if text.isdecimal() else None


def _read_message(message: discord.Message) -> PostedMessage:
    return PostedMessage(
        message_id=message.id,
        nonce=None if message.nonce is None else str(message.nonce),
        texts=tuple((embed.title or "", embed.description or "") for embed in message.embeds),
        replied_to=None if message.reference is None else message.reference.message_id,
    )
