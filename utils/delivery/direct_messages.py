"""Sends the direct messages that members asked for.

Theory of operation: the transaction that stores an event stores its messages as well, each with a nonce. A
timer joins everything that waits for a member into one message, stores its nonce and language, and counts it,
all before the first try. So a process that was killed in between changes nothing: the next one sends the same
message under the same nonce, and looks into the channel first if Discord may have forgotten the nonce. A
message that is sent goes from the database; so does one that is older than an hour.

A member gets one message in ten minutes and ten a day at most. If they accept none, or are gone, everything
is switched off for them at once, and ``/notify`` says why. If Discord limits the bot, all members wait for
ten minutes, because direct messages are what Discord suspects first.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Protocol

import discord
from structlog import get_logger

from utils.clock import Clock
from utils.delivery.decisions import find_match, is_remembered
from utils.delivery.languages import GuildSpeaker
from utils.delivery.pace import MessagePace
from utils.delivery.sender import UNKNOWN_USER_CODE, DiscordSender
from utils.error_sink import ErrorSource, Where
from utils.errors import (
    ChannelUnusableError,
    DeliveryDelayedError,
    DeliveryError,
    DeliveryRefusedError,
)
from utils.models.health import DirectState
from utils.models.notifications import (
    KEPT_FOR,
    TOPICS,
    DirectMessage,
    DirectProblem,
    Notifications,
)
from utils.models.scope import ChannelId, GuildId, MemberId
from utils.tasks import TaskManager

DIRECT_TASK = "notifications:send"
MEASURE_TASK = "notifications:measure"
MESSAGES_A_SECOND = 1.0  # of the whole bot
REST = timedelta(minutes=10)
TOO_FAST_CODE = 40003  # "You are opening direct messages too fast"
PROBLEMS: Mapping[int, DirectProblem] = {50007: DirectProblem.CLOSED, UNKNOWN_USER_CODE: DirectProblem.GONE}
"""The meaning of Discord's codes about a member."""

LOOKED_THROUGH = 20  # messages of a channel of direct messages
CLOCK_TOLERANCE = timedelta(minutes=1)  # between this clock and Discord's

logger = get_logger(__name__)


class DirectMessageStore(Protocol):  # implemented by NotificationRepository
    """Storage of the choices of members, and of the messages that wait for them.

    Raises:
        StorageError: from any method; nothing was written.
    """

    async def find(self, guild_id: GuildId, member_id: MemberId) -> Notifications | None:
        """Return what a member wants to be told; None if they never asked."""

    async def list_choices(
        self, guild_id: GuildId, member_ids: Collection[MemberId]
    ) -> Mapping[MemberId, Notifications]:
        """Return what members want to be told; those who never asked are absent."""

    async def list_waiting(self, guild_id: GuildId) -> Sequence[DirectMessage]:
        """Return the messages that are not known to be sent, oldest first."""

    async def prepare(
        self, guild_id: GuildId, messages: Sequence[DirectMessage], *, at: datetime
    ) -> Sequence[DirectMessage]:
        """Join messages to a member before the first try, and count it; return them as they are stored.

        Nothing happens, and nothing is returned, if the member does not want them any more.
        """

    async def note_channel(
        self, guild_id: GuildId, member_id: MemberId, channel_id: ChannelId | None
    ) -> None:
        """Note the channel of direct messages with a member who still wants some; None: open it again."""

    async def switch_off(self, guild_id: GuildId, member_id: MemberId, problem: DirectProblem) -> None:
        """Switch everything off for a member who cannot be reached, and drop what waits for them."""

    async def delete_messages(self, guild_id: GuildId, messages: Sequence[DirectMessage]) -> None:
        """Delete messages to one member that are sent, or not wanted."""


class WaitingGuilds(Protocol):  # implemented by ScopeIndexRepository
    """Lists the guilds with something to tell."""

    async def list_guilds_with_direct_messages(self) -> Sequence[GuildId]:
        """Return every guild with a direct message that waits."""


@dataclass(eq=False, repr=False)
class DirectMessages:
    """Sends what waits for members."""

    bot: discord.Client
    sender: DiscordSender
    store: DirectMessageStore
    guilds: WaitingGuilds
    _: KW_ONLY
    languages: GuildSpeaker
    pace: MessagePace
    tasks: TaskManager
    clock: Clock

    def __post_init__(self) -> None:
        self._rests_until: datetime | None = None

    async def send_due(self) -> None:
        """Send everything that may be sent now, in all guilds.

        Raises:
            StorageError: the database is away; the next time goes on.
        """
        if not self._is_resting():
            guild_ids = await self.guilds.list_guilds_with_direct_messages()
            await self.tasks.for_each(DIRECT_TASK, guild_ids, self._send_in)

    async def measure(self) -> DirectState:
        """Return how many messages wait, and for how long.

        Raises:
            StorageError: the database is away.
        """
        now, waiting, due = self.clock.now(), list[DirectMessage](), list[datetime]()

        async def look(guild_id: GuildId) -> None:
            messages = await self.store.list_waiting(guild_id)
            waiting.extend(messages)
            if self.bot.get_guild(guild_id) is not None:
                chosen = await self.store.list_choices(guild_id, {one.member_id for one in messages})
                due.extend(_list_due(messages, chosen))

        guild_ids = await self.guilds.list_guilds_with_direct_messages()
        await self.tasks.for_each(MEASURE_TASK, guild_ids, look)
        seconds = (now - min(due, default=now)).total_seconds()
        return DirectState(len(waiting), max(0.0, seconds), is_resting=self._is_resting())

    async def _send_in(self, guild_id: GuildId) -> None:
        waiting = sorted(await self.store.list_waiting(guild_id), key=lambda one: int(one.member_id))
        for member_id, messages in groupby(waiting, key=lambda one: one.member_id):
            if self._is_resting():
                return
            await self._send_to(guild_id, member_id, list(messages))

    async def _send_to(self, guild_id: GuildId, member_id: MemberId, messages: list[DirectMessage]) -> None:
        """Send one message with all that waits for a member, if it may be sent now."""
        now, wanted = self.clock.now(), await self.store.find(guild_id, member_id)
        topics = frozenset() if wanted is None else wanted.topics
        fresh = [one for one in messages if one.created_at >= now - KEPT_FOR and TOPICS[one.event] in topics]
        await self.store.delete_messages(guild_id, [one for one in messages if one not in fresh])
        guild = self.bot.get_guild(guild_id)
        if wanted is None or guild is None or not fresh:
            return
        group: Sequence[DirectMessage] = [one for one in fresh if one.prepared_at is not None]
        if not group and wanted.is_free(now):
            group = await self.store.prepare(guild_id, fresh, at=now)
        if group:
            await self.pace.wait_for_turn()
            await self._try(guild_id, wanted, group, guild.name)

    async def _try(
        self, guild_id: GuildId, wanted: Notifications, group: Sequence[DirectMessage], guild_name: str
    ) -> None:
        """Make one try, and store what became of it."""
        try:
            channel_id = wanted.channel_id
            if channel_id is None:
                channel_id = await self.sender.open_direct(wanted.member_id)
                await self.store.note_channel(guild_id, wanted.member_id, channel_id)
            await self._send(channel_id, group, guild_name)
        except DeliveryError as failure:
            await self._note_failure(guild_id, wanted, group, failure)
        else:
            await self.store.delete_messages(guild_id, group)

    async def _send(self, channel_id: ChannelId, group: Sequence[DirectMessage], guild_name: str) -> None:
        """Send the message, unless it is found in its channel."""
        embeds = await self.languages.speak_to_member(group[0].locale)
        embed = embeds.build_direct_message(group, guild_name)
        nonce, prepared_at = group[0].joined, group[0].prepared_at
        if prepared_at is not None and not is_remembered(prepared_at, self.clock.now()):
            posted = await self.sender.recent_messages(channel_id, LOOKED_THROUGH)
            texts = ((embed.title or "", embed.description or ""),)
            after = discord.utils.time_snowflake(prepared_at - CLOCK_TOLERANCE)
            if find_match(posted, nonce=nonce, texts=texts, after=after) is not None:
                return
        await self.sender.send(channel_id, embeds=[embed], pictures=(), nonce=nonce)

    async def _note_failure(
        self, guild_id: GuildId, wanted: Notifications, group: Sequence[DirectMessage], failure: DeliveryError
    ) -> None:
        logger.info("a direct message waits or ends", guild_id=guild_id, problem=str(failure))
        problem = PROBLEMS.get(failure.code)
        if problem is not None:
            await self.store.switch_off(guild_id, wanted.member_id, problem)
            return
        self.tasks.errors.report(failure, where=Where(source=ErrorSource.MESSAGE, guild_id=guild_id))
        if self._is_of_pace(failure):
            self._rests_until = self.clock.now() + REST
        elif isinstance(failure, ChannelUnusableError) and wanted.channel_id is not None:
            await self.store.note_channel(guild_id, wanted.member_id, None)
        elif isinstance(failure, ChannelUnusableError | DeliveryRefusedError):
            await self.store.delete_messages(guild_id, group)

    @staticmethod
    def _is_of_pace(failure: DeliveryError) -> bool:
        """Tell whether Discord means all direct messages, and not this one."""
        is_limited = isinstance(failure, DeliveryDelayedError) and failure.is_limited
        # the library waits inside the request while Discord limits it
        return is_limited or failure.code == TOO_FAST_CODE or isinstance(failure.__cause__, TimeoutError)

    def _is_resting(self) -> bool:
        return self._rests_until is not None and self.clock.now() < self._rests_until


def _list_due(
    messages: Sequence[DirectMessage], chosen: Mapping[MemberId, Notifications]
) -> Iterator[datetime]:
    """Yield since when each message could be sent, if its member still wants it."""
    for one in messages:
        wanted = chosen.get(one.member_id)
        if wanted is not None and TOPICS[one.event] in wanted.topics:
            yield one.prepared_at or max(one.created_at, wanted.free_at or one.created_at)
