"""A storage, a Discord, admins and a clock for delivery, each of which can end the process at any await."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import discord

from utils.delivery.ports import Lane, PostedMessage
from utils.delivery.service import DeliveryService
from utils.embeds.factory import EmbedFactory
from utils.embeds.pictures import Picture
from utils.models.deaths import DeathKind
from utils.models.guilds import ChannelKind
from utils.models.notices import DeathNotice, OutboxEntry, OutgoingMessage
from utils.models.scope import ChannelId, GuildId, ServerId, ServerScope

START = datetime(2026, 5, 1, 12, tzinfo=UTC)
SCOPE = ServerScope(GuildId(1), ServerId("k3v9x0aa"))
LANE = Lane(SCOPE, ChannelKind.KILLFEED)
CHANNEL = ChannelId(77)
MAX_AGE = timedelta(minutes=60)
FACTORY = EmbedFactory()


class ProcessKilled(BaseException):
    """The process ended here."""


class FakeClock:
    """A clock that is moved by hand; ``sleep`` ends when the time has come."""

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
        """Wait until the clock was moved that far."""
        end = self.time + timedelta(seconds=seconds)
        self.sleeps.append(seconds)
        async with self._moved:
            await self._moved.wait_for(lambda: self.time >= end)

    async def advance(self, seconds: float) -> None:
        """Move the clock and wake who waited."""
        self.time += timedelta(seconds=seconds)
        async with self._moved:
            self._moved.notify_all()


class Fuse:
    """Counts the steps of everything and ends the process at one of them."""

    def __init__(self) -> None:
        self.steps = 0
        self.kill_at: int | None = None

    async def step(self) -> None:
        """Pass one point at which a process can end."""
        self.steps += 1
        await asyncio.sleep(0)
        if self.steps == self.kill_at:
            raise ProcessKilled


class FakeOutboxStore:
    """An outbox in memory; each write happens whole, between two points at which the process can end."""

    def __init__(self, fuse: Fuse) -> None:
        self._fuse = fuse
        self.entries: dict[tuple[ChannelKind, int], OutboxEntry] = {}
        self.messages: dict[ChannelKind, OutgoingMessage] = {}
        self.sent: list[OutgoingMessage] = []

    @property
    def message(self) -> OutgoingMessage | None:
        """The message of the killfeed on its way."""
        return self.messages.get(ChannelKind.KILLFEED)

    def add(self, *entries: OutboxEntry) -> None:
        """Put entries into the outbox, as ingestion does."""
        self.entries |= {(entry.channel_kind, entry.sequence): entry for entry in entries}

    async def list_kinds(self, scope: ServerScope) -> Sequence[ChannelKind]:
        """Return the kinds with entries."""
        await self._fuse.step()
        assert scope == SCOPE
        return sorted({kind for kind, _ in self.entries})

    async def list_pending(
        self, scope: ServerScope, kind: ChannelKind, *, limit: int
    ) -> Sequence[OutboxEntry]:
        """Return the first entries of a kind."""
        await self._fuse.step()
        assert scope == SCOPE
        assert kind not in self.messages
        return [entry for key, entry in sorted(self.entries.items()) if key[0] == kind][:limit]

    async def find_prepared(self, scope: ServerScope, kind: ChannelKind) -> OutgoingMessage | None:
        """Return the message on its way."""
        await self._fuse.step()
        assert scope == SCOPE
        return self.messages.get(kind)

    async def list_entries(
        self, scope: ServerScope, kind: ChannelKind, sequences: Sequence[int]
    ) -> Sequence[OutboxEntry]:
        """Return these entries."""
        await self._fuse.step()
        assert scope == SCOPE
        keys = [(kind, sequence) for sequence in sorted(sequences)]
        return [self.entries[key] for key in keys if key in self.entries]

    async def prepare_message(self, scope: ServerScope, message: OutgoingMessage) -> None:
        """Store a message."""
        await self._fuse.step()
        assert scope == message.scope
        assert message.channel_kind not in self.messages
        assert len(message.nonce) <= 25
        self.messages[message.channel_kind] = message
        await self._fuse.step()

    async def mark_sent(self, scope: ServerScope, nonce: str, *, message_id: int, at: datetime) -> None:
        """Take the message and its entries out."""
        await self._fuse.step()
        message = self._get(scope, nonce)
        assert message_id
        assert at >= message.prepared_at
        for sequence in message.sequences:
            del self.entries[message.channel_kind, sequence]
        self.sent.append(message)
        del self.messages[message.channel_kind]
        await self._fuse.step()

    async def drop_entries(self, scope: ServerScope, kind: ChannelKind, *, before: datetime) -> int:
        """Drop what is old."""
        await self._fuse.step()
        assert scope == SCOPE
        assert kind not in self.messages
        old = [key for key, entry in self.entries.items() if key[0] == kind and entry.created_at < before]
        for key in old:
            del self.entries[key]
        await self._fuse.step()
        return len(old)

    async def discard_entries(self, scope: ServerScope, kind: ChannelKind, sequences: Sequence[int]) -> None:
        """Drop these entries."""
        await self._fuse.step()
        assert scope == SCOPE
        for sequence in sequences:
            del self.entries[kind, sequence]
        await self._fuse.step()

    async def drop_message(self, scope: ServerScope, nonce: str) -> None:
        """Forget the message."""
        await self._fuse.step()
        del self.messages[self._get(scope, nonce).channel_kind]
        await self._fuse.step()

    def _get(self, scope: ServerScope, nonce: str) -> OutgoingMessage:
        assert scope == SCOPE
        [message] = [message for message in self.messages.values() if message.nonce == nonce]
        return message


@dataclass
class Answer:
    """What happens to one request: an error, and whether the message was posted all the same."""

    error: Exception
    is_posted: bool = False


@dataclass
class FakeMessageSender:
    """A Discord that remembers nonces for a while, as the real one does, and not a second longer."""

    fuse: Fuse
    clock: FakeClock
    nonce_memory: timedelta = timedelta(minutes=2)
    shows_nonces: bool = False
    answers: list[Answer] = field(default_factory=list)
    looks: list[Exception] = field(default_factory=list)
    posts: list[tuple[ChannelId, PostedMessage, datetime, str, tuple[str, ...]]] = field(default_factory=list)
    tries: int = 0
    refused_text: str | None = None

    async def send(
        self,
        channel_id: ChannelId,
        *,
        embeds: Sequence[discord.Embed],
        pictures: Sequence[Picture],
        nonce: str,
    ) -> int:
        """Post a message once for each remembered nonce."""
        await self.fuse.step()
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
        """Return what stands in the channel."""
        await self.fuse.step()
        if self.looks:
            raise self.looks.pop(0)
        return [post[1] for post in reversed(self.posts) if post[0] == channel_id][:limit]

    def list_victims(self, channel_id: ChannelId = CHANNEL) -> list[int]:
        """Return the numbers of the victims that a reader of the channel sees, in order."""
        numbers = []
        for channel, message, _, _, _ in self.posts:
            if channel == channel_id:
                numbers += [_read_number(description) for _, description in message.texts]
        return numbers

    def _post(
        self, channel_id: ChannelId, embeds: Sequence[discord.Embed], pictures: Sequence[Picture], nonce: str
    ) -> int:
        for _, message, at, known, _ in self.posts:
            if known == nonce and self.clock.now() - at < self.nonce_memory:
                return message.message_id
        texts = tuple((embed.title or "", f"{embed.description} ") for embed in embeds)
        message = PostedMessage(1000 + len(self.posts), nonce if self.shows_nonces else None, texts)
        names = tuple(picture.name for picture in pictures)
        self.posts.append((channel_id, message, self.clock.now(), nonce, names))
        return message.message_id


@dataclass
class FakeChannelDirectory:
    """Channels by kind."""

    channels: dict[ChannelKind, ChannelId] = field(default_factory=lambda: {ChannelKind.KILLFEED: CHANNEL})

    async def find_channel(self, scope: ServerScope, kind: ChannelKind) -> ChannelId | None:
        """Return the channel of a kind."""
        assert scope == SCOPE
        return self.channels.get(kind)


@dataclass
class FakeAdminNotifier:
    """Admins who remember what they were told."""

    told: list[tuple[str, str]] = field(default_factory=list)
    open_keys: set[str] = field(default_factory=set)

    async def notify(self, guild_id: GuildId, sentence: str, key: str) -> None:
        """Tell once for each key."""
        assert guild_id == SCOPE.guild_id
        if key not in self.open_keys:
            self.told.append((key, sentence))
        self.open_keys.add(key)

    async def clear(self, guild_id: GuildId, key: str) -> None:
        """Settle a matter."""
        assert guild_id == SCOPE.guild_id
        self.open_keys.discard(key)


class World:
    """Everything around one delivery service, and a new service on demand, as after a restart."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.fuse = Fuse()
        self.store = FakeOutboxStore(self.fuse)
        self.sender = FakeMessageSender(self.fuse, self.clock)
        self.channels = FakeChannelDirectory()
        self.notifier = FakeAdminNotifier()
        self.service = self.start()

    def start(self) -> DeliveryService:
        """Begin a process: nothing but the storage and Discord is left of the one before."""
        self.fuse.kill_at = None
        self.service = DeliveryService(
            self.store,
            channels=self.channels,
            sender=self.sender,
            notifier=self.notifier,
            factory=FACTORY,
            clock=self.clock,
            max_announce_age=MAX_AGE,
        )
        return self.service


def build_entry(
    number: int, *, kind: ChannelKind = ChannelKind.KILLFEED, created_at: datetime = START
) -> OutboxEntry:
    """Return the entry of a kill whose victim carries a number."""
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
    )
    return OutboxEntry(SCOPE, number, kind, notice, created_at)


def _read_number(description: str) -> int:
    return int(description.partition("Victim ")[2].partition("**")[0])
