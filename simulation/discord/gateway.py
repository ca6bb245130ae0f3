"""The gateway: websocket sessions with identify, heartbeats, resume and replay.

Theory of operation
    A *session* outlives its connections. Every event gets the session's next sequence number and is kept for
    replay; a writer task of the connection sends what is not sent yet. Dispatching is therefore synchronous
    and ordered, and a resume only sets the mark "sent up to" back.
"""

import asyncio
import json
import secrets
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from simulation.discord.entities import Guild, Member
from simulation.discord.payloads import guild_create_payload, member_payload, own_user_payload
from simulation.discord.requests import RequestJournal
from simulation.discord.world import World

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
    4013: "Invalid intent(s)",
    4014: "Disallowed intent(s)",
}
# the server's own decisions; every other close code above is a breach of the protocol by the bot
_NO_BREACH = frozenset({4000, 4009})
_MEMBER_EVENTS = frozenset({"GUILD_MEMBER_ADD", "GUILD_MEMBER_REMOVE", "GUILD_MEMBER_UPDATE"})
_MESSAGE_EVENTS = frozenset({"MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE", "MESSAGE_DELETE_BULK"})


@dataclass(eq=False)
class Session:
    """What the gateway knows of one identified client."""

    id: str
    shard: tuple[int, int]
    intents: int
    events: list[dict[str, Any]] = field(default_factory=list)
    sent: int = 0
    connection: "Connection | None" = None
    resumes: int = 0

    def append(self, event: str, data: Any) -> None:
        """Queue an event and wake the connection."""
        self.events.append({"op": DISPATCH, "t": event, "s": len(self.events) + 1, "d": data})
        if self.connection is not None:
            self.connection.wake()

    def serves(self, guild: Guild | None) -> bool:
        """Whether a guild's events go to this shard; what has no guild goes to shard 0."""
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


class Connection:
    """One websocket: reads commands, writes the session's events."""

    def __init__(self, gateway: "Gateway", socket: web.WebSocketResponse, request: web.Request) -> None:
        self.socket = socket
        self.session: Session | None = None
        self.last_heartbeat_at = asyncio.get_running_loop().time()
        self._gateway = gateway
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
        if self._gateway.is_silent or self.socket.closed:
            return
        text = json.dumps(payload, separators=(",", ":"))
        try:
            if self._deflate is None:
                await self.socket.send_str(text)
            else:
                chunk = self._deflate.compress(text.encode()) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
                await self.socket.send_bytes(chunk)
        except ConnectionResetError:
            return  # the client is gone; its session keeps the event for a resume

    async def write_events(self) -> None:
        """Send the session's events as they come; runs until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            session = self.session
            while session is not None and session.connection is self and session.sent < len(session.events):
                session.sent += 1
                await self.send(session.events[session.sent - 1])

    async def watch_heartbeats(self) -> None:
        """Close a connection whose client stopped beating; runs until cancelled."""
        tolerated = self._gateway.heartbeat_interval_seconds * HEARTBEAT_TOLERANCE
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(tolerated / 3)
            if loop.time() - self.last_heartbeat_at > tolerated:
                await self.close(4009)
                return

    async def read(self) -> None:
        """Handle the client's commands until the connection ends."""
        async for message in self.socket:
            if message.type is not WSMsgType.TEXT:
                continue
            try:
                self._count_send()
                await self._gateway.handle(self, _decode(message.data))
            except ProtocolBreachError as breach:
                await self.close(breach.code)
                return

    async def close(self, code: int) -> None:
        """Close with a code, and note it when it is a breach of the client's."""
        reason = _CLOSE_REASONS.get(code, "")
        if code in _CLOSE_REASONS and code not in _NO_BREACH:
            self._gateway.journal.gateway_violations.append(f"{code} {reason}")
        await self.socket.close(code=code, message=reason.encode())

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


class Gateway:
    """All sessions of the bot, and the faults of a gateway.

    Args:
        world: what the sessions see.
        journal: where breaches of the protocol are noted.
        token: the bot's token.
        allowed_intents: privileged intents that the application was granted.
        heartbeat_interval_seconds: what HELLO asks for.
    """

    def __init__(
        self,
        world: World,
        journal: RequestJournal,
        *,
        token: str,
        allowed_intents: int,
        heartbeat_interval_seconds: float,
    ) -> None:
        self.journal = journal
        self.heartbeat_interval_seconds = heartbeat_interval_seconds
        self.url = ""
        self.sessions: dict[str, Session] = {}
        self.connections: set[Connection] = set()
        self.identifies = 0
        self.acknowledges_heartbeats = True
        self.is_silent = False
        self.refuses_resumes = False
        self._world = world
        self._token = token
        self._allowed_intents = allowed_intents

    # what tests ask and do

    @property
    def is_connected(self) -> bool:
        """Whether a client is identified and connected."""
        return any(connection.session is not None for connection in self.connections)

    async def wait_until_connected(self, within_seconds: float = 10.0) -> None:
        """Wait for an identified client."""
        await self._world.signal.until(
            lambda: self.is_connected, within_seconds=within_seconds, what="the bot's gateway connection"
        )

    async def drop(self, code: int | None = None) -> None:
        """Break all connections: with a close code, or None for a cut without a word."""
        for connection in tuple(self.connections):
            if code is None:
                connection.abort()
            else:
                await connection.close(code)

    async def request_reconnect(self) -> None:
        """Send op 7 to all clients."""
        await self._send_to_all({"op": RECONNECT, "d": None})

    async def invalidate_sessions(self, *, resumable: bool = False) -> None:
        """Send op 9 to all clients; sessions that are not resumable are forgotten."""
        if not resumable:
            self.sessions.clear()
        await self._send_to_all({"op": INVALID_SESSION, "d": resumable})

    async def _send_to_all(self, payload: dict[str, Any]) -> None:
        for connection in tuple(self.connections):
            await connection.send(payload)

    # events

    def dispatch(self, event: str, data: dict[str, Any], *, guild: Guild | None = None) -> None:
        """Queue an event for every session that may see it."""
        if guild is not None and not guild.has_bot and event != "GUILD_DELETE":
            return
        for session in self.sessions.values():
            if session.serves(guild) and session.wants(event, guild):
                session.append(event, self._redacted(session, event, data))

    def announce_guild(self, guild: Guild) -> None:
        """Queue GUILD_CREATE, with the members that each session may see."""
        for session in self.sessions.values():
            if session.serves(guild) and session.intents & INTENT_GUILDS:
                data = guild_create_payload(guild, self._visible_members(session, guild))
                if not self._was_announced(session, guild):
                    del data["unavailable"]  # how Discord tells a new server from one that came back
                session.append("GUILD_CREATE", data)

    @staticmethod
    def _was_announced(session: Session, guild: Guild) -> bool:
        wanted = str(guild.id)
        for event in reversed(session.events):
            if event["t"] == "GUILD_DELETE" and event["d"]["id"] == wanted:
                return bool(event["d"].get("unavailable"))
            if event["t"] == "READY":
                return any(known["id"] == wanted for known in event["d"]["guilds"])
        return False

    def _visible_members(self, session: Session, guild: Guild) -> list[Member]:
        if session.intents & INTENT_GUILD_MEMBERS:
            return list(guild.members.values())
        return [guild.bot]

    def _redacted(self, session: Session, event: str, data: dict[str, Any]) -> dict[str, Any]:
        """Take the content of others' messages away where the intent for it is missing."""
        if event not in ("MESSAGE_CREATE", "MESSAGE_UPDATE") or session.intents & INTENT_MESSAGE_CONTENT:
            return data
        own = str(self._world.bot_user.id)
        is_addressed = any(user["id"] == own for user in data["mentions"])
        if data["author"]["id"] == own or is_addressed or "guild_id" not in data:
            return data
        return {**data, "content": "", "embeds": [], "attachments": [], "components": []}

    # the protocol

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Hold one websocket from HELLO to its end."""
        socket = web.WebSocketResponse(max_msg_size=4096 * 4, compress=False)
        await socket.prepare(request)
        connection = Connection(self, socket, request)
        self.connections.add(connection)
        interval_ms = int(self.heartbeat_interval_seconds * 1000)
        await connection.send({"op": HELLO, "d": {"heartbeat_interval": interval_ms, "_trace": []}})
        tasks = [
            asyncio.create_task(connection.write_events()),
            asyncio.create_task(connection.watch_heartbeats()),
        ]
        try:
            await connection.read()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._forget(connection)
        return socket

    def _forget(self, connection: Connection) -> None:
        self.connections.discard(connection)
        session = connection.session
        if session is not None and session.connection is connection:
            session.connection = None
            if connection.socket.close_code in (1000, 1001):  # the client said goodbye for good
                self.sessions.pop(session.id, None)
        self._world.signal.notify()

    async def handle(self, connection: Connection, payload: dict[str, Any]) -> None:
        """Carry out one command of the client.

        Raises:
            ProtocolBreachError: it is none, or not allowed now.
        """
        op, data = payload["op"], payload.get("d")
        if op == HEARTBEAT:
            connection.last_heartbeat_at = asyncio.get_running_loop().time()
            if self.acknowledges_heartbeats:
                await connection.send({"op": HEARTBEAT_ACK, "d": None})
        elif op == IDENTIFY:
            self._identify(connection, data)
        elif op == RESUME:
            await self._resume(connection, data)
        elif op not in (PRESENCE, VOICE_STATE, REQUEST_MEMBERS):
            raise ProtocolBreachError(4001)
        elif connection.session is None:
            raise ProtocolBreachError(4003)
        elif op == REQUEST_MEMBERS:
            self._send_members(connection.session, data)

    def _identify(self, connection: Connection, data: Any) -> None:
        if connection.session is not None:
            raise ProtocolBreachError(4005)
        if not isinstance(data, dict) or not isinstance(data.get("properties"), dict):
            raise ProtocolBreachError(4002)
        if data.get("token") != self._token:
            raise ProtocolBreachError(4004)
        session = Session(secrets.token_hex(16), _shard(data), self._intents(data))
        self.identifies += 1
        self.sessions[session.id] = session
        connection.session = session
        session.connection = connection
        self._greet(session)
        self._world.signal.notify()

    def _intents(self, data: dict[str, Any]) -> int:
        intents = data.get("intents")
        if not isinstance(intents, int) or intents & ~KNOWN_INTENTS:
            raise ProtocolBreachError(4013)
        if intents & PRIVILEGED_INTENTS & ~self._allowed_intents:
            raise ProtocolBreachError(4014)
        return intents

    def _greet(self, session: Session) -> None:
        """Queue READY and the servers of the shard."""
        guilds = [guild for guild in self._world.guilds.values() if guild.has_bot and session.serves(guild)]
        session.append(
            "READY",
            {
                "v": 10,
                "user": own_user_payload(self._world.bot_user),
                "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
                "session_id": session.id,
                "resume_gateway_url": self.url,
                "shard": list(session.shard),
                "application": {"id": str(self._world.application_id), "flags": 0},
                "session_type": "normal",
                "private_channels": [],
                "presences": [],
                "relationships": [],
                "user_settings": {},
                "_trace": ["simulated-gateway"],
            },
        )
        for guild in guilds:
            if guild.is_available and session.intents & INTENT_GUILDS:
                session.append(
                    "GUILD_CREATE", guild_create_payload(guild, self._visible_members(session, guild))
                )

    async def _resume(self, connection: Connection, data: Any) -> None:
        if not isinstance(data, dict) or data.get("token") != self._token:
            raise ProtocolBreachError(4004)
        session = self.sessions.get(str(data.get("session_id")))
        if session is None or self.refuses_resumes:
            await connection.send({"op": INVALID_SESSION, "d": False})
            return
        sequence = data.get("seq")
        if not isinstance(sequence, int) or not 0 <= sequence <= len(session.events):
            raise ProtocolBreachError(4007)
        connection.session = session
        session.connection = connection
        session.sent = sequence
        session.resumes += 1
        session.append("RESUMED", {"_trace": ["simulated-gateway"]})
        self._world.signal.notify()

    def _send_members(self, session: Session, data: Any) -> None:
        guild = self._world.guilds.get(int(data["guild_id"]))
        if guild is None:
            return
        found = list(_matching_members(guild, data))
        chunk: dict[str, Any] = {
            "guild_id": str(guild.id),
            "members": [member_payload(member) for member in found],
            "chunk_index": 0,
            "chunk_count": 1,
            "not_found": [],
        }
        if "nonce" in data:
            chunk["nonce"] = data["nonce"]
        session.append("GUILD_MEMBERS_CHUNK", chunk)


def _shard(data: dict[str, Any]) -> tuple[int, int]:
    index, count = data.get("shard") or (0, 1)
    if not 0 <= index < count:
        raise ProtocolBreachError(4010)
    return index, count


def _matching_members(guild: Guild, data: dict[str, Any]) -> Iterable[Member]:
    """Return the members that op 8 asks for: by ids, or by the beginning of their names."""
    if data.get("user_ids"):
        wanted = {int(user_id) for user_id in data["user_ids"]}
        return (member for member in guild.members.values() if member.id in wanted)
    prefix = str(data.get("query") or "").lower()
    return (member for member in guild.members.values() if member.user.username.lower().startswith(prefix))
