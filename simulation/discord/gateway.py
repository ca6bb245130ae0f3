"""The gateway: identify, heartbeats, resume and replay, and the events that each session sees."""

import asyncio
import secrets
from collections.abc import Iterable
from typing import Any

from aiohttp import web

from simulation.discord.entities import Guild, Membership
from simulation.discord.payloads import guild_create_payload, member_payload, own_user_payload
from simulation.discord.requests import MembersRequest, RequestJournal
from simulation.discord.session_starts import MOST_GUILDS, SessionStarts, recommend_shards
from simulation.discord.sessions import (
    HEARTBEAT,
    HEARTBEAT_ACK,
    HELLO,
    IDENTIFY,
    INTENT_GUILD_MEMBERS,
    INTENT_GUILDS,
    INTENT_MESSAGE_CONTENT,
    INVALID_SESSION,
    KNOWN_INTENTS,
    PRESENCE,
    PRIVILEGED_INTENTS,
    RECONNECT,
    REQUEST_MEMBERS,
    RESUME,
    VOICE_STATE,
    Connection,
    ProtocolBreachError,
    Session,
)
from simulation.discord.signals import PATIENCE_SECONDS
from simulation.discord.world import World

MOST_USER_IDS = 100  # in one request for members
MOST_NONCE_CHARACTERS = 32
MEMBERS_A_CHUNK = 1_000


class Gateway:
    """All sessions of the bot, and the faults of a gateway.

    Args:
        world: the world whose events the sessions get.
        journal: the journal that notes breaches of the protocol.
        token: the bot's token.
        allowed_intents: privileged intents that the application was granted.
        heartbeat_interval_seconds: the interval of HELLO.
        starts: the limit of identifies.
    """

    def __init__(
        self,
        world: World,
        journal: RequestJournal,
        *,
        token: str,
        allowed_intents: int,
        heartbeat_interval_seconds: float,
        starts: SessionStarts,
    ) -> None:
        self._journal = journal
        self.heartbeat_interval_seconds = heartbeat_interval_seconds
        self.url = ""
        self.sessions: dict[str, Session] = {}
        self.connections: set[Connection] = set()
        self.identifies = 0
        self.acknowledges_heartbeats = True
        self.refuses_resumes = False
        self.refuses_identifies = False
        self.answers_members_requests = True
        self.members_a_chunk = MEMBERS_A_CHUNK
        self._world = world
        self._token = token
        self._allowed_intents = allowed_intents
        self.starts = starts

    # methods for tests

    @property
    def is_connected(self) -> bool:
        """Whether a client is identified and connected."""
        return any(connection.session is not None for connection in self.connections)

    def is_shard_connected(self, shard_id: int) -> bool:
        """Whether a client is identified as this shard and connected."""
        sessions = [connection.session for connection in self.connections]
        return any(session is not None and session.shard[0] == shard_id for session in sessions)

    @property
    def recommended_shards(self) -> int:
        """How many shards the bot should have."""
        return recommend_shards(sum(guild.has_bot for guild in self._world.guilds.values()))

    async def wait_until_connected(self, within_seconds: float = PATIENCE_SECONDS) -> None:
        """Wait for an identified client."""
        await self._world.signal.until(
            lambda: self.is_connected, within_seconds=within_seconds, what="the bot's gateway connection"
        )

    async def drop(self, code: int | None = None) -> None:
        """Break all connections, with a close code or (None) without a close frame."""
        for connection in tuple(self.connections):
            if code is None:
                connection.abort()
            else:
                await connection.close(code)

    def freeze_connections(self) -> None:
        """Send nothing more on the present connections, which stay open; new ones work."""
        for connection in self.connections:
            connection.is_frozen = True

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
            if session.serves(guild) and (session.wants(event, guild) or self._is_own(event, data)):
                if guild is not None and event == "GUILD_DELETE" and not data.get("unavailable"):
                    session.known_guilds.discard(guild.id)
                session.append(event, self._redacted(session, event, data))

    def _is_own(self, event: str, data: dict[str, Any]) -> bool:
        """Whether it is a change of the bot as a member, which needs no intent."""
        return event == "GUILD_MEMBER_UPDATE" and data["user"]["id"] == str(self._world.bot_user.id)

    def announce_guild(self, guild: Guild) -> None:
        """Queue GUILD_CREATE, with the members that each session may see."""
        for session in self.sessions.values():
            if not session.serves(guild) or not session.intents & INTENT_GUILDS:
                continue
            data = guild_create_payload(guild, self._visible_members(session, guild))
            if guild.id not in session.known_guilds:
                del data["unavailable"]  # Discord sends it only when a server comes back, not with a new one
            session.known_guilds.add(guild.id)
            session.append("GUILD_CREATE", data)

    def _visible_members(self, session: Session, guild: Guild) -> list[Membership]:
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
        connection = Connection(socket, request)
        self.connections.add(connection)
        interval_ms = int(self.heartbeat_interval_seconds * 1000)
        await connection.send({"op": HELLO, "d": {"heartbeat_interval": interval_ms, "_trace": []}})
        tasks = [
            asyncio.create_task(connection.write_events()),
            asyncio.create_task(connection.watch_heartbeats(self.heartbeat_interval_seconds)),
        ]
        try:
            await connection.read(self._handle)
        except ProtocolBreachError as breach:
            self._journal.gateway_violations.append(f"{breach.code} {breach}")
            await connection.close(breach.code)
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
            said_goodbye = connection.socket.close_code in (1000, 1001) and not connection.was_closed_here
            if said_goodbye:
                self.sessions.pop(session.id, None)
        self._world.signal.notify()

    async def _handle(self, connection: Connection, payload: dict[str, Any]) -> None:
        """Carry out one command of the client.

        Raises:
            ProtocolBreachError: the command is unknown, or not allowed now.
        """
        op, data = payload["op"], payload.get("d")
        if op == HEARTBEAT:
            connection.last_heartbeat_at = asyncio.get_running_loop().time()
            if self.acknowledges_heartbeats:
                await connection.send({"op": HEARTBEAT_ACK, "d": None})
        elif op == IDENTIFY:
            await self._identify(connection, data)
        elif op == RESUME:
            await self._resume(connection, data)
        elif op not in (PRESENCE, VOICE_STATE, REQUEST_MEMBERS):
            raise ProtocolBreachError(4001)
        elif connection.session is None:
            raise ProtocolBreachError(4003)
        elif op == REQUEST_MEMBERS:
            self._send_members(connection.session, data)

    async def _identify(self, connection: Connection, data: Any) -> None:
        if connection.session is not None:
            raise ProtocolBreachError(4005)
        if not isinstance(data, dict) or not isinstance(data.get("properties"), dict):
            raise ProtocolBreachError(4002)
        if data.get("token") != self._token:
            raise ProtocolBreachError(4004)
        session = Session(secrets.token_hex(16), _shard(data), self._intents(data))
        if len(self._list_guilds(session)) > MOST_GUILDS:
            raise ProtocolBreachError(4011)
        self.identifies += 1
        if not self.starts.take(session.shard[0]) or self.refuses_identifies:
            await connection.send({"op": INVALID_SESSION, "d": False})
            return
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
        guilds = self._list_guilds(session)
        session.known_guilds = {guild.id for guild in guilds}
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

    def _list_guilds(self, session: Session) -> list[Guild]:
        """Return the bot's servers that belong to the session's shard."""
        return [guild for guild in self._world.guilds.values() if guild.has_bot and session.serves(guild)]

    async def _resume(self, connection: Connection, data: Any) -> None:
        if not isinstance(data, dict) or data.get("token") != self._token:
            raise ProtocolBreachError(4004)
        session = self.sessions.get(str(data.get("session_id")))
        if session is None or self.refuses_resumes:
            await connection.send({"op": INVALID_SESSION, "d": False})
            return
        sequence = data.get("seq")
        if not isinstance(sequence, int) or not 0 <= sequence <= session.last_sequence:
            raise ProtocolBreachError(4007)
        if not session.can_replay_after(sequence):
            await connection.send({"op": INVALID_SESSION, "d": False})
            return
        connection.session = session
        session.connection = connection
        session.sent = sequence
        session.resumes += 1
        session.append("RESUMED", {"_trace": ["simulated-gateway"]})
        self._world.signal.notify()

    def _send_members(self, session: Session, data: Any) -> None:
        """Answer op 8 in chunks.

        Raises:
            ProtocolBreachError: more ids than Discord takes, or all members without the intent for them.
        """
        guild = self._world.guilds.get(int(data["guild_id"]))
        if guild is None or not guild.has_bot:
            return
        user_ids = [int(user_id) for user_id in data.get("user_ids") or ()]
        if len(user_ids) > MOST_USER_IDS:
            raise ProtocolBreachError(4002)
        if not user_ids and not data.get("query") and not session.intents & INTENT_GUILD_MEMBERS:
            raise ProtocolBreachError(4014)
        request = MembersRequest(guild.id, tuple(user_ids), self._world.clock.now())
        self._journal.members_requests.append(request)
        self._world.signal.notify()
        if self.answers_members_requests:
            for chunk in _build_chunks(guild, data, self.members_a_chunk):
                session.append("GUILD_MEMBERS_CHUNK", chunk)


def _shard(data: dict[str, Any]) -> tuple[int, int]:
    match data.get("shard", [0, 1]):
        case [int(index), int(count)] if 0 <= index < count:
            return index, count
    raise ProtocolBreachError(4010)


def _build_chunks(guild: Guild, data: dict[str, Any], size: int) -> Iterable[dict[str, Any]]:
    """Yield the chunks that answer op 8; they have its nonce, unless that is too long."""
    limit = int(data.get("limit") or 0)
    found = list(_matching_members(guild, data))[: limit or None]
    missing = [one for one in data.get("user_ids") or () if int(one) not in guild.members]
    pieces = [found[start : start + size] for start in range(0, len(found), size)] or [[]]
    for index, members in enumerate(pieces):
        chunk: dict[str, Any] = {
            "guild_id": str(guild.id),
            "members": [member_payload(member) for member in members],
            "chunk_index": index,
            "chunk_count": len(pieces),
            "not_found": [str(one) for one in missing],
        }
        if 0 < len(str(data.get("nonce", ""))) <= MOST_NONCE_CHARACTERS:
            chunk["nonce"] = data["nonce"]
        yield chunk


def _matching_members(guild: Guild, data: dict[str, Any]) -> Iterable[Membership]:
    """Return the members that op 8 asks for: by ids, or by the beginning of their names."""
    if data.get("user_ids"):
        wanted = {int(user_id) for user_id in data["user_ids"]}
        return (member for member in guild.members.values() if member.id in wanted)
    prefix = str(data.get("query") or "").lower()
    return (member for member in guild.members.values() if member.user.username.lower().startswith(prefix))
