"""The simulated Discord as a whole."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

from aiohttp import web

from simulation.discord.client import Client, Member
from simulation.discord.clock import BEAT_SECONDS
from simulation.discord.commands import CommandRegistry
from simulation.discord.entities import Attachment, Guild, Role, User
from simulation.discord.faults import GATEWAY_ROUTE, FaultPlan
from simulation.discord.gateway import Gateway
from simulation.discord.interaction_desk import ACKNOWLEDGE_WITHIN_SECONDS, InteractionDesk
from simulation.discord.interactions import InteractionRecord
from simulation.discord.messages import NONCE_MEMORY_SECONDS, MessageBoard
from simulation.discord.openapi import ApiContract, tell_obstacle
from simulation.discord.ratelimits import RateLimits
from simulation.discord.requests import ContractViolation, ReceivedRequest, Refusal, RequestJournal
from simulation.discord.rest.channels import ChannelRoutes
from simulation.discord.rest.commands import CommandRoutes
from simulation.discord.rest.front import API_PREFIX, FrontDoor
from simulation.discord.rest.guilds import GuildRoutes
from simulation.discord.rest.interactions import InteractionRoutes
from simulation.discord.rest.messages import MessageRoutes
from simulation.discord.rest.users import UserRoutes
from simulation.discord.session_starts import SessionStarts
from simulation.discord.world import World

HEARTBEAT_INTERVAL_SECONDS = 41.25  # the value of Discord's gateway
_GATEWAY_PATH = "/gateway"
_ATTACHMENT_PATH = "/attachments"
_SHUTDOWN_SECONDS = 1.0
# turns of the event loop: after this many a bot in this process has read an answer that has arrived
_TURNS = 50


class SimulatedDiscord(World):
    """A Discord on loopback: `async with SimulatedDiscord() as discord`.

    Args:
        port: the port to listen on; 0 takes a free one.
        token: the bot's token.
        acknowledge_within_seconds: time for the first answer to an interaction.
        heartbeat_interval_seconds: the interval that the gateway sends in HELLO.
        nonce_memory_seconds: the time for which an enforced nonce is remembered.
        allowed_intents: privileged gateway intents that the application was granted.
        max_concurrency: the number of shards that may identify within five seconds.
        enforce_rate_limits: False lets every request and every identify pass.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        token: str | None = None,
        acknowledge_within_seconds: float = ACKNOWLEDGE_WITHIN_SECONDS,
        heartbeat_interval_seconds: float = HEARTBEAT_INTERVAL_SECONDS,
        nonce_memory_seconds: float = NONCE_MEMORY_SECONDS,
        allowed_intents: int = 0,
        max_concurrency: int = 1,
        enforce_rate_limits: bool = True,
    ) -> None:
        super().__init__()
        self._port = port
        self.token = token or f"simulated.{secrets.token_urlsafe(24)}"
        self.journal = RequestJournal()
        self.faults = FaultPlan()
        self.rate_limits = RateLimits(self.clock)
        self.rate_limits.is_enforced = enforce_rate_limits
        self.contract = ApiContract(self.journal)
        self.events = self.gateway = Gateway(
            self,
            self.journal,
            token=self.token,
            allowed_intents=allowed_intents,
            heartbeat_interval_seconds=heartbeat_interval_seconds,
            starts=SessionStarts(self.clock, max_concurrency=max_concurrency, is_limited=enforce_rate_limits),
        )
        self.commands = CommandRegistry(self.application_id, self.snowflakes)
        self.board = MessageBoard(self, nonce_memory_seconds)
        self.desk = InteractionDesk(self, self.board, acknowledge_within_seconds)
        self._client = Client(self, self.commands, self.desk, self.board)
        self._front = self._build_front()
        self._runner: web.AppRunner | None = None
        self._beating: asyncio.Task[None] | None = None

    def _build_front(self) -> FrontDoor:
        resources = (
            UserRoutes(self.gateway),
            GuildRoutes(),
            ChannelRoutes(self.rate_limits),
            MessageRoutes(self.board),
            CommandRoutes(self.commands),
            InteractionRoutes(self.desk),
        )
        return FrontDoor(
            self,
            [endpoint for resource in resources for endpoint in resource.endpoints()],
            token=self.token,
            journal=self.journal,
            faults=self.faults,
            rate_limits=self.rate_limits,
            contract=self.contract,
        )

    # start and stop

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen on loopback."""
        tell_obstacle()
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_get(_GATEWAY_PATH, self._serve_gateway)
        app.router.add_get(_ATTACHMENT_PATH + "/{channel_id}/{attachment_id}/{name}", self._serve_attachment)
        app.router.add_route("*", API_PREFIX + "/{path:.*}", self._serve_rest)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self.gateway.url = f"ws://127.0.0.1:{self._port}{_GATEWAY_PATH}"
        self.board.attachment_base_url = f"http://127.0.0.1:{self._port}{_ATTACHMENT_PATH}"
        self._beating = asyncio.create_task(self._keep_beating())

    async def _keep_beating(self) -> None:
        """Tick the clock until cancelled."""
        while True:
            self.clock.beat()
            await asyncio.sleep(BEAT_SECONDS)

    async def stop(self) -> None:
        """Close every connection and the port."""
        await self.gateway.drop()
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.wait([self._beating])
            self._beating = None
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    # address and state

    @property
    def api_base_url(self) -> str:
        """The value for `discord.Route.API_BASE_URL`."""
        return f"http://127.0.0.1:{self._port}/api/v{{API_VERSION}}"

    @property
    def requests(self) -> list[ReceivedRequest]:
        """The REST requests in order (the latest 20,000)."""
        return list(self.journal.requests)

    @property
    def refusals(self) -> list[Refusal]:
        """Every request that was refused (4xx), scripted faults and rate limits aside."""
        return self.journal.refusals

    @property
    def violations(self) -> list[Refusal | str]:
        """The refusals and closes that a correct bot never provokes."""
        return self.journal.violations

    @property
    def contract_violations(self) -> list[ContractViolation]:
        """Requests that Discord's API document does not allow."""
        return self.journal.contract_violations

    @property
    def interactions(self) -> list[InteractionRecord]:
        """All interactions, oldest first."""
        return self.desk.interactions

    # people

    def add_member(
        self, guild: Guild, person: str | User, *, roles: Sequence[Role] = (), nick: str | None = None
    ) -> Member:
        """Let a user join a server; a text makes a new user of that name."""
        user = self.create_user(person) if isinstance(person, str) else person
        self.join(guild, user, roles=roles, nick=nick)
        return Member(self._client, guild, user)

    def owner_of(self, guild: Guild) -> Member:
        """Return the member who owns a server."""
        return Member(self._client, guild, guild.owner.user)

    async def settle(self, quiet_seconds: float = 0.02) -> None:
        """Wait until the bot has sent no request for a while, so that every answer has reached it.

        The machine may stand still for all of that while. So a bot in this process gets some turns of the
        event loop afterwards.
        """
        asked = -1
        while self._front.in_flight or asked != self.journal.received:
            asked = self.journal.received
            await asyncio.sleep(quiet_seconds)
            for _ in range(_TURNS):
                await asyncio.sleep(0)

    @asynccontextmanager
    async def outage(self) -> AsyncIterator[None]:
        """Break REST and the gateway for the time of a `with` block."""
        self.faults.begin_outage()
        await self.gateway.drop()
        try:
            yield
        finally:
            self.faults.end_outage()

    # HTTP

    async def _serve_rest(self, request: web.Request) -> web.StreamResponse:
        return await self._front.receive(request)

    async def _serve_gateway(self, request: web.Request) -> web.StreamResponse:
        record = ReceivedRequest("GET", request.path, GATEWAY_ROUTE, self.clock.now())
        if (fault := self.faults.choose(record)) is not None:
            if fault.delay_seconds:
                await asyncio.sleep(fault.delay_seconds)
            if fault.held is not None:
                await fault.held.wait()
            if fault.cut is not None and isinstance(request.transport, asyncio.Transport):
                request.transport.abort()
            if fault.cut is not None or fault.status is not None:
                return web.Response(status=fault.status or 500)
        return await self.gateway.serve(request)

    async def _serve_attachment(self, request: web.Request) -> web.StreamResponse:
        found = self._find_attachment(request.match_info["channel_id"], request.match_info["attachment_id"])
        if found is None:
            return web.Response(status=404)
        return web.Response(body=found.data, content_type=found.content_type)

    def _find_attachment(self, channel_id: str, attachment_id: str) -> Attachment | None:
        channel = self.channels.get(int(channel_id))
        for message in channel.all_messages if channel else ():
            for attachment in message.attachments:
                if str(attachment.id) == attachment_id:
                    return attachment
        return None
