"""A storage, a Discord, admins and a clock for delivery; each can end the process at any await."""

import asyncio
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import discord
from discord.utils import time_snowflake

from tests.fakes.errors import FakeErrorSink
from tests.fakes.languages import FakeGuildLanguages
from tests.fakes.server_loops import FakeShapes
from utils.delivery.ports import Lane, PostedMessage
from utils.delivery.service import DeliveryOutcome, DeliveryService
from utils.embeds.buttons import LastingView
from utils.embeds.factory import EmbedFactory
from utils.embeds.pictures import Picture
from utils.events import EventDispatcher
from utils.models.deaths import DeathKind
from utils.models.guilds import ChannelKind
from utils.models.lasting_buttons import LastingButton
from utils.models.notices.deaths import DeathNotice
from utils.models.notices.highlights import Highlight
from utils.models.notices.outbox import EntryKey, Feed, OutboxEntry, OutgoingMessage
from utils.models.post_styles import NEW_STYLE, ChannelStyle
from utils.models.scope import ChannelId, GuildId, ServerId, ServerScope
from utils.models.texts import Text, text

START = datetime(2026, 5, 1, 12, tzinfo=UTC)
GUILD = GuildId(1)
SCOPE = ServerScope(GUILD, ServerId("k3v9x0aa"))
CHANNEL = ChannelId(77)
LANE = Lane(GUILD, CHANNEL)
MAX_AGE = timedelta(minutes=60)
FACTORY = EmbedFactory()


class ProcessKilled(BaseException):
    """Simulates the end of the process."""


class FakeClock:
    """A clock that tests move; ``sleep`` ends when the time has come."""

    def __init__(self) -> None:
        self.time = START
        self.sleeps: list[float] = []
        self._moved = asyncio.Condition()

    def now(self) -> datetime:
        """Return the time."""
        return self.time

    def monotonic(self) -> float:
        """Return seconds since the start."""
        return (self.time - START).total_seconds()

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has moved that far."""
        end = self.time + timedelta(seconds=seconds)
        self.sleeps.append(seconds)
        async with self._moved:
            await self._moved.wait_for(lambda: self.time >= end)

    async def advance(self, seconds: float) -> None:
        """Move the clock and wake the sleepers whose time has come."""
        self.time += timedelta(seconds=seconds)
        async with self._moved:
            self._moved.notify_all()


class Fuse:
    """Counts all steps and ends the process at one of them."""

    def __init__(self) -> None:
        self.steps = 0
        self.kill_at: int | None = None

    async def step(self) -> None:
        """Pass a point at which the process can end."""
        self.steps += 1
        await asyncio.sleep(0)
        if self.steps == self.kill_at:
            raise ProcessKilled


class FakeOutboxStore:
    """An outbox in memory. A write happens completely, between two points at which the process can end.

    Attributes:
        failures: the errors of the next operations, one each; None: no error.
        reads: the number of reads of feeds.
    """

    def __init__(self, fuse: Fuse) -> None:
        self._fuse = fuse
        self.entries: dict[EntryKey, OutboxEntry] = {}
        self.messages: dict[str, OutgoingMessage] = {}
        self.sent: list[OutgoingMessage] = []
        self.sent_ids: list[tuple[ChannelId, int]] = []
        self.failures: list[Exception | None] = []
        self.reads = 0

    @property
    def message(self) -> OutgoingMessage | None:
        """The prepared message, if any; there must be at most one."""
        assert len(self.messages) <= 1
        return next(iter(self.messages.values()), None)

    @property
    def feeds(self) -> list[Feed]:
        """The feeds with entries."""
        return sorted({key.feed for key in self.entries})

    def add(self, *entries: OutboxEntry) -> None:
        """Add entries to the outbox, like ingestion."""
        self.entries |= {entry.key: entry for entry in entries}

    async def list_feeds(self, guild_id: GuildId) -> Sequence[Feed]:
        """Return the feeds with entries."""
        await self._step(guild_id)
        return self.feeds

    async def list_pending(
        self, guild_id: GuildId, feeds: Collection[Feed], *, limit: int
    ) -> Mapping[Feed, Sequence[OutboxEntry]]:
        """Return the first entries of each feed; no message may have entries of these feeds."""
        self.reads += 1
        await self._step(guild_id)
        assert all(not message.feeds.intersection(feeds) for message in self.messages.values())
        return {feed: self._list(feed)[:limit] for feed in feeds}

    async def list_prepared(self, guild_id: GuildId) -> Sequence[OutgoingMessage]:
        """Return the prepared messages."""
        await self._step(guild_id)
        return list(self.messages.values())

    async def find_last_sent(self, guild_id: GuildId, channel_id: ChannelId) -> int:
        """Return the newest message of the channel that is marked as sent."""
        await self._step(guild_id)
        return max((number for at, number in self.sent_ids if at == channel_id), default=0)

    async def list_entries(self, guild_id: GuildId, keys: Sequence[EntryKey]) -> Sequence[OutboxEntry]:
        """Return these entries."""
        await self._step(guild_id)
        return [self.entries[key] for key in keys if key in self.entries]

    async def prepare_message(self, guild_id: GuildId, message: OutgoingMessage) -> None:
        """Store a message; no other message may have its entries."""
        await self._step(guild_id)
        assert len(message.nonce) <= 25
        taken = {key for other in self.messages.values() if other != message for key in other.entries}
        assert not taken & set(message.entries)
        self.messages.setdefault(message.nonce, message)
        await self._fuse.step()

    async def mark_sent(
        self, guild_id: GuildId, message: OutgoingMessage, *, message_id: int, at: datetime
    ) -> None:
        """Remove the message and its entries."""
        await self._step(guild_id)
        assert message_id
        assert at >= message.prepared_at
        assert self.messages.pop(message.nonce) == message
        for key in message.entries:
            self.entries.pop(key, None)
        self.sent.append(message)
        self.sent_ids.append((message.channel_id, message_id))
        await self._fuse.step()

    async def drop_entries(self, scope: ServerScope, kind: ChannelKind, *, before: datetime) -> int:
        """Remove old entries."""
        await self._step(scope.guild_id)
        old = [entry.key for entry in self._list(Feed(scope, kind)) if entry.due_at < before]
        for key in old:
            del self.entries[key]
        await self._fuse.step()
        return len(old)

    async def discard_entries(self, guild_id: GuildId, keys: Sequence[EntryKey]) -> None:
        """Remove these entries."""
        await self._step(guild_id)
        for key in keys:
            del self.entries[key]
        await self._fuse.step()

    async def drop_message(self, guild_id: GuildId, nonce: str) -> None:
        """Remove the message."""
        await self._step(guild_id)
        self.messages.pop(nonce, None)
        await self._fuse.step()

    def _list(self, feed: Feed) -> list[OutboxEntry]:
        own = [entry for key, entry in self.entries.items() if key.feed == feed]
        return sorted(own, key=lambda entry: entry.sequence)

    async def _step(self, guild_id: GuildId) -> None:
        """Pass a point at which the process can end or the storage can fail."""
        assert guild_id == GUILD
        await self._fuse.step()
        if self.failures and (failure := self.failures.pop(0)):
            raise failure


@dataclass
class Answer:
    """The result of one request: an error, and whether the message was posted anyway."""

    error: Exception
    is_posted: bool = False


@dataclass
class FakeMessageSender:
    """A Discord that remembers nonces for a time and no longer, like the real one."""

    fuse: Fuse
    clock: FakeClock
    nonce_memory: timedelta = timedelta(minutes=2)
    shows_nonces: bool = False
    answers: list[Answer] = field(default_factory=list)
    looks: list[Exception] = field(default_factory=list)
    posts: list[tuple[ChannelId, PostedMessage, datetime, str, tuple[str, ...]]] = field(default_factory=list)
    tries: int = 0
    mentions: list[tuple[int, ...]] = field(default_factory=list)
    refused_text: str | None = None

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
        """Post a message once for each remembered nonce."""
        del buttons
        await self.fuse.step()
        self.mentions.append(tuple(role_ids))
        self.tries += 1
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None and not answer.is_posted:
            raise answer.error
        message_id = self._post(channel_id, embeds, pictures, nonce)
        await self.fuse.step()
        if answer is not None:
            raise answer.error
        return message_id

    async def recent_messages(self, channel_id: ChannelId, limit: int) -> Sequence[PostedMessage]:
        """Return the newest messages of the channel."""
        await self.fuse.step()
        if self.looks:
            raise self.looks.pop(0)
        return [post[1] for post in reversed(self.posts) if post[0] == channel_id][:limit]

    def list_victims(self, channel_id: ChannelId = CHANNEL) -> list[int]:
        """Return the numbers of the victims in the channel, in order."""
        numbers = []
        for channel, message, _, _, _ in self.posts:
            if channel == channel_id:
                numbers += [number for _, said in message.texts for number in _read_numbers(said)]
        return numbers

    def _post(
        self, channel_id: ChannelId, embeds: Sequence[discord.Embed], pictures: Sequence[Picture], nonce: str
    ) -> int:
        for _, message, at, known, _ in self.posts:
            if known == nonce and self.clock.now() - at < self.nonce_memory:
                return message.message_id
        texts = tuple((embed.title or "", f"{embed.description} ") for embed in embeds)
        number = time_snowflake(self.clock.now()) + len(self.posts)
        message = PostedMessage(number, nonce if self.shows_nonces else None, texts)
        names = tuple(picture.name for picture in pictures)
        self.posts.append((channel_id, message, self.clock.now(), nonce, names))
        return message.message_id


@dataclass
class FakeChannelFinder:
    """Channels by kind, and the own channels of servers."""

    channels: dict[ChannelKind, ChannelId] = field(default_factory=lambda: {ChannelKind.KILLFEED: CHANNEL})
    own: dict[Feed, ChannelId] = field(default_factory=dict)

    async def find_channel(self, scope: ServerScope, kind: ChannelKind) -> ChannelId | None:
        """Return the channel of a kind; like with a cache, this sometimes takes a turn."""
        assert scope.guild_id == GUILD
        await asyncio.sleep(0)
        return self.own.get(Feed(scope, kind)) or self.channels.get(kind)

    async def find_style(self, guild_id: GuildId, channel_id: ChannelId) -> ChannelStyle:
        """Return the style of a new channel."""
        assert (guild_id, bool(channel_id)) == (GUILD, True)
        return NEW_STYLE


@dataclass
class FakeAdminNotifier:
    """Admins that record their alerts."""

    told: list[tuple[str, str]] = field(default_factory=list)
    open_keys: set[str] = field(default_factory=set)

    async def notify(
        self,
        guild_id: GuildId,
        sentence: Text,
        key: str,
        *,
        buttons: Sequence[LastingButton] = (),
        **_: object,
    ) -> None:
        """Send one alert for each key."""
        del buttons
        assert guild_id == GUILD
        if key not in self.open_keys:
            self.told.append((key, str(sentence)))
        self.open_keys.add(key)

    async def clear(self, guild_id: GuildId, key: str) -> None:
        """Close an alert."""
        assert guild_id == GUILD
        self.open_keys.discard(key)


class World:
    """Everything around one delivery service, and a new service on demand, as after a restart."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.fuse = Fuse()
        self.store = FakeOutboxStore(self.fuse)
        self.sender = FakeMessageSender(self.fuse, self.clock)
        self.channels = FakeChannelFinder()
        self.notifier = FakeAdminNotifier()
        self.languages = FakeGuildLanguages()
        self.shapes = FakeShapes()
        self.events = EventDispatcher()
        self.errors = FakeErrorSink()
        self.service = self.start()

    def start(self) -> DeliveryService:
        """Begin a process; only the storage and Discord remain of the old one."""
        self.fuse.kill_at = None
        self.service = DeliveryService(
            self.store,
            channels=self.channels,
            sender=self.sender,
            notifier=self.notifier,
            languages=self.languages,
            shapes=self.shapes,
            events=self.events,
            clock=self.clock,
            max_announce_age=MAX_AGE,
            errors=self.errors,
        )
        return self.service

    async def deliver(self, lane: Lane = LANE) -> DeliveryOutcome:
        """Do one round of a lane over all waiting entries."""
        return await self.service.deliver_once(lane, self.store.feeds)


def build_entry(
    number: int,
    *,
    scope: ServerScope = SCOPE,
    kind: ChannelKind = ChannelKind.KILLFEED,
    due_at: datetime = START,
    highlights: tuple[Highlight, ...] = (),
) -> OutboxEntry:
    """Return the entry of a kill; the victim's name has the number."""
    notice = DeathNotice(
        event_id=number.to_bytes(12),
        kind=DeathKind.KILL,
        server_name="North",
        killer_name="Killer",
        victim_name=f"Victim {number}",
        weapon="Mosin",
        distance=100 + number,
        at=START + timedelta(seconds=number),
        killer_kills=number,
        killer_deaths=1,
        killer_streak=number,
        highlights=highlights,
    )
    return OutboxEntry(scope, number, kind, notice, due_at)


def _read_numbers(description: str) -> list[int]:
    return [int(number) for number in re.findall(r"Victim (\d+)\*\*", description)]


class FakeKillChannels:
    """Posts kills nowhere in particular."""

    async def describe(self, scope: ServerScope) -> Text:
        """Return a sentence."""
        del scope
        return text("New kills appear.")
