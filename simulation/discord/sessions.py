"""Gateway sessions and their connections.

Theory of operation
    A *session* outlives its connections. Every event gets the session's next sequence number and is kept for
    replay; a writer task of the connection sends the unsent events. Dispatching is therefore synchronous and
    ordered, and a resume only moves the mark "sent up to" back.
"""

import asyncio
import json
import zlib
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from simulation.discord.entities import Guild

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, VOICE_STATE, RESUME, RECONNECT = 0, 1, 2, 3, 4, 6, 7
REQUEST_MEMBERS, INVALID_SESSION, HELLO, HEARTBEAT_ACK = 8, 9, 10, 11

INTENT_GUILDS = 1 << 0
INTENT_GUILD_MEMBERS = 1 << 1
INTENT_GUILD_MESSAGES = 1 << 9
INTENT_DIRECT_MESSAGES = 1 << 12
INTENT_MESSAGE_CONTENT = 1 << 15
PRIVILEGED_INTENTS = INTENT_GUILD_MEMBERS | (1 << 8) | INTENT_MESSAGE_CONTENT
KNOWN_INTENTS = (1 << 26) - 1
SENDS_PER_MINUTE = 120  # more, and Discord closes with 4008
REPLAY_LIMIT = 5000  # number of events kept for a resume
HEARTBEAT_TOLERANCE = 1.5  # intervals without a heartbeat before the server gives up

_CLOSE_REASONS = {
    4001: "Unknown opcode",
    4002: "Error while decoding payload",
    4003: "Not authenticated",
    4004: "Authentication failed",
    4005: "Already authenticated",
    4007: "Invalid seq",
    4008: "Rate limited",
    4009: "Session timed out",
    4010: "Invalid shard",
    4011: "Sharding required",
    4013: "Invalid intent(s)",
    4014: "Disallowed intent(s)",
}
_MEMBER_EVENTS = frozenset({"GUILD_MEMBER_ADD", "GUILD_MEMBER_REMOVE", "GUILD_MEMBER_UPDATE"})
_MESSAGE_EVENTS = frozenset({"MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE", "MESSAGE_DELETE_BULK"})


@dataclass(eq=False)
class Session:
    """The state of one identified client."""

    id: str
    shard: tuple[int, int]
    intents: int
    events: deque[dict[str, Any]] = field(default_factory=deque)
    last_sequence: int = 0
    sent: int = 0
    known_guilds: set[int] = field(default_factory=set)
    connection: "Connection | None" = None
    resumes: int = 0

    def append(self, event: str, data: Any) -> None:
        """Queue an event and wake the connection."""
        self.last_sequence += 1
        self.events.append({"op": DISPATCH, "t": event, "s": self.last_sequence, "d": data})
        while len(self.events) > REPLAY_LIMIT and self.events[0]["s"] <= self.sent:
            self.events.popleft()
        if self.connection is not None:
            self.connection.wake()

    def take_unsent(self) -> dict[str, Any] | None:
        """Return the next event to send, counted as sent."""
        if self.sent >= self.last_sequence:
            return None
        self.sent += 1
        return self.events[self.sent - self.events[0]["s"]]

    def can_replay_after(self, sequence: int) -> bool:
        """Whether all events after a sequence number are still in memory."""
        oldest: int = self.events[0]["s"]
        return oldest <= sequence + 1

    def serves(self, guild: Guild | None) -> bool:
        """Whether this shard gets a guild's events; shard 0 gets events without a guild."""
        index, count = self.shard
        return index == ((guild.id >> 22) % count if guild else 0)

    def wants(self, event: str, guild: Guild | None) -> bool:
        """Whether the intents ask for an event."""
        if event in _MEMBER_EVENTS:
            return bool(self.intents & INTENT_GUILD_MEMBERS)
        if event in _MESSAGE_EVENTS:
            return bool(self.intents & (INTENT_GUILD_MESSAGES if guild else INTENT_DIRECT_MESSAGES))
        if event == "INTERACTION_CREATE":
            return True
        return bool(self.intents & INTENT_GUILDS)


class ProtocolBreachError(Exception):
    """The client broke the protocol; the connection closes with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(_CLOSE_REASONS[code])
        self.code = code


CommandHandler = Callable[["Connection", dict[str, Any]], Awaitable[None]]


class Connection:
    """One websocket. It reads commands and writes the session's events."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.socket = socket
        self.session: Session | None = None
        self.is_frozen = False  # True: it reads everything and writes nothing
        self.was_closed_here = False
        self.last_heartbeat_at = asyncio.get_running_loop().time()
        self._transport = request.transport
        is_compressed = request.query.get("compress") == "zlib-stream"
        self._deflate = zlib.compressobj() if is_compressed else None
        self._wake = asyncio.Event()
        self._received: list[float] = []

    def wake(self) -> None:
        """Let the writer look for unsent events."""
        self._wake.set()

    async def send(self, payload: dict[str, Any]) -> None:
        """Send one payload, compressed into the connection's zlib stream when the client asked for that."""
        if self.is_frozen or self.socket.closed:
            return
        text = json.dumps(payload, separators=(",", ":"))
        try:
            if self._deflate is None:
                await self.socket.send_str(text)
            else:
                chunk = self._deflate.compress(text.encode()) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
                await self.socket.send_bytes(chunk)
        except ConnectionResetError:
            return  # the client has left; the session keeps the event for a resume

    async def write_events(self) -> None:
        """Send the session's events as they come; runs until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self.session is not None and self.session.connection is self:
                event = self.session.take_unsent()
                if event is None:
                    break
                await self.send(event)

    async def watch_heartbeats(self, interval_seconds: float) -> None:
        """Close a connection whose client sends no more heartbeats; runs until cancelled."""
        tolerated = interval_seconds * HEARTBEAT_TOLERANCE
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(tolerated / 3)
            if loop.time() - self.last_heartbeat_at > tolerated:
                await self.close(4009)
                return

    async def read(self, handle: CommandHandler) -> None:
        """Let the client's commands be handled until the connection ends.

        Raises:
            ProtocolBreachError: the client broke the protocol.
        """
        async for message in self.socket:
            if message.type is WSMsgType.TEXT:
                self._count_send()
                await handle(self, _decode(message.data))

    async def close(self, code: int) -> None:
        """Close with a code."""
        self.was_closed_here = True
        await self.socket.close(code=code, message=_CLOSE_REASONS.get(code, "").encode())

    def abort(self) -> None:
        """Cut the connection without a close frame, as a broken network does."""
        if isinstance(self._transport, asyncio.Transport):
            self._transport.abort()

    def _count_send(self) -> None:
        now = asyncio.get_running_loop().time()
        self._received = [*(at for at in self._received if at > now - 60), now]
        if len(self._received) > SENDS_PER_MINUTE:
            raise ProtocolBreachError(4008)


def _decode(text: str) -> dict[str, Any]:
    try:
        payload = json.loads(text)
    except json.JSONDecodeError as error:
        raise ProtocolBreachError(4002) from error
    if not isinstance(payload, dict) or not isinstance(payload.get("op"), int):
        raise ProtocolBreachError(4002)
    return payload
