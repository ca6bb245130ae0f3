"""DiscordSender over a real HTTP server: its requests, and the error of each failure."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import discord
import pytest
from aiohttp import web

from tests.utils.delivery.fakes import CHANNEL, FACTORY, START, FakeClock, build_entry
from utils.delivery.ports import PostedMessage
from utils.delivery.sender import DiscordSender, map_discord_errors
from utils.errors import (
    ChannelUnusableError,
    DeliveryDelayedError,
    DeliveryRefusedError,
    DeliveryUncertainError,
    KillfeedError,
)
from utils.models.post_styles import PostShape, PostStyle

POST = FACTORY.build_feed([build_entry(number).notice for number in (1, 2)], PostShape(PostStyle.CARD))
ME = {"id": "5", "username": "killfeed", "discriminator": "0000", "avatar": None, "bot": True}
YOU = ME | {"id": "6", "username": "somebody"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class RestServer:
    """The routes of Discord that delivery uses; ``handler`` answers posts.

    Attributes:
        gone: status and code of the answer about a single message; None while it exists. ``headers`` are sent
            with it.
        touched: the requests about single messages.
    """

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.history: list[dict[str, Any]] = []
        self.handler: Handler = self._accept
        self.gone: tuple[int, int] | None = None
        self.headers: dict[str, str] = {}
        self.touched: list[str] = []

    async def start(self) -> tuple[web.AppRunner, str]:
        """Listen on a free port and return the address of the API."""
        app = web.Application()
        app.router.add_get("/api/v10/users/@me", self._get_me)
        app.router.add_post("/api/v10/channels/{channel}/messages", self._post)
        app.router.add_get("/api/v10/channels/{channel}/messages", self._get_history)
        one = "/api/v10/channels/{channel}/messages/{message}"
        app.router.add_get(one, self._answer_about_one)
        app.router.add_patch(one, self._answer_about_one)
        app.router.add_delete(one, self._answer_about_one)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        return runner, f"http://{host}:{port}/api/v{{API_VERSION}}"

    async def _get_me(self, _: web.Request) -> web.Response:
        return build_json(ME)

    async def _get_history(self, _: web.Request) -> web.Response:
        return build_json(self.history)

    async def _post(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        payload = json.loads(str(form["payload_json"]))
        files = [part.filename for part in form.values() if isinstance(part, web.FileField)]
        self.requests.append(payload | {"files": files})
        return await self.handler(request)

    async def _answer_about_one(self, request: web.Request) -> web.Response:
        self.touched.append(f"{request.method} {request.match_info['message']}")
        if self.gone is not None:
            return build_json({"code": self.gone[1], "message": "gone"}, self.gone[0], **self.headers)
        if request.method == "DELETE":
            return web.Response(status=204)
        return build_json(build_message(99, ME))

    async def _accept(self, _: web.Request) -> web.Response:
        return build_json(build_message(99, ME))


def build_json(value: object, status: int = 200, **headers: str) -> web.Response:
    """Return JSON for py-cord, with a content type without charset."""
    all_headers = {"Content-Type": "application/json"} | headers
    return web.Response(body=json.dumps(value).encode(), status=status, headers=all_headers)


def build_message(
    message_id: int, author: dict[str, Any], *, nonce: str | None = None, **embed: str
) -> dict[str, Any]:
    """Return a message of the API."""
    message: dict[str, Any] = {
        "id": str(message_id),
        "channel_id": str(CHANNEL),
        "author": author,
        "content": "",
        "timestamp": START.isoformat(),
        "edited_timestamp": None,
        "tts": False,
        "mention_everyone": False,
        "mentions": [],
        "mention_roles": [],
        "attachments": [],
        "embeds": [embed | {"type": "rich"}],
        "pinned": False,
        "type": 0,
        "flags": 0,
    }
    return message if nonce is None else message | {"nonce": nonce}


@pytest.fixture(name="server")
def _server() -> RestServer:
    return RestServer()


@pytest.fixture(name="bot")
async def _bot(server: RestServer) -> AsyncIterator[discord.Client]:
    before = discord.http.Route.API_BASE_URL
    runner, discord.http.Route.API_BASE_URL = await server.start()
    bot = discord.Client(intents=discord.Intents.none())
    await bot.login("token")
    yield bot
    await bot.close()
    await runner.cleanup()
    discord.http.Route.API_BASE_URL = before


@pytest.fixture(name="sender")
def _sender(bot: discord.Client) -> DiscordSender:
    return DiscordSender(bot, clock=FakeClock())


async def _send(sender: DiscordSender) -> int:
    return await sender.send(CHANNEL, embeds=POST.embeds, pictures=POST.pictures, nonce="abc")


async def test_message_is_posted_with_its_nonce_and_without_mentions(
    sender: DiscordSender, server: RestServer
) -> None:
    """The payload enforces its nonce, allows no mentions and has each picture once."""
    assert await _send(sender) == 99
    (request,) = server.requests
    assert (request["nonce"], request["enforce_nonce"], request["files"]) == ("abc", True, ["sniper.png"])
    assert request["allowed_mentions"] == {"parse": [], "roles": []}
    assert request["embeds"] == [json.loads(json.dumps(embed.to_dict())) for embed in POST.embeds]


async def test_post_mentions_its_roles_and_nobody_else(sender: DiscordSender, server: RestServer) -> None:
    """The request names the roles that may be mentioned."""
    await sender.send(CHANNEL, embeds=POST.embeds, pictures=(), nonce="abc", role_ids=(7, 8))
    (request,) = server.requests
    assert request["content"] == "<@&7> <@&8>"
    assert request["allowed_mentions"] == {"parse": [], "roles": [7, 8]}


async def test_own_messages_are_read_from_the_channel(sender: DiscordSender, server: RestServer) -> None:
    """Only the bot's own messages are returned, with titles, descriptions and visible nonces."""
    server.history = [
        build_message(3, ME, nonce="abc", title="t", description="d"),
        build_message(2, YOU, title="t", description="d"),
        build_message(1, ME, title="t"),
    ]
    assert await sender.recent_messages(CHANNEL, 100) == [
        PostedMessage(3, "abc", (("t", "d"),)),
        PostedMessage(1, None, (("t", ""),)),
    ]


async def test_single_message_is_changed_found_and_deleted(sender: DiscordSender, server: RestServer) -> None:
    """A deleted message returns False; a deleted channel raises."""
    embed = discord.Embed(title="T")
    assert await sender.edit(CHANNEL, 99, embeds=[embed])
    assert await sender.has_message(CHANNEL, 99)
    await sender.delete(CHANNEL, 99)
    assert server.touched == ["PATCH 99", "GET 99", "GET 99", "DELETE 99"]
    server.gone = (404, 10008)
    assert not await sender.edit(CHANNEL, 99, embeds=[embed])
    assert not await sender.has_message(CHANNEL, 99)
    await sender.delete(CHANNEL, 99)
    for server.gone in ((404, 10003), (403, 50001)):
        with pytest.raises(ChannelUnusableError):
            await sender.edit(CHANNEL, 99, embeds=[embed])


@pytest.mark.parametrize(
    ("code", "headers", "is_of_old_message"),
    [(30046, {}, True), (0, {}, False), (30046, {"Via": "1.1 google"}, True)],
    ids=["limit of old messages", "another limit", "limit that the library waits for"],
)
async def test_limit_of_edits_of_old_messages_is_told_apart(
    sender: DiscordSender, server: RestServer, code: int, headers: dict[str, str], *, is_of_old_message: bool
) -> None:
    """Discord may leave out how long it lasts, which the library does not expect."""
    server.gone, server.headers = (429, code), headers
    with pytest.raises(DeliveryDelayedError) as raised:
        await sender.edit(CHANNEL, 99, embeds=[discord.Embed(title="T")])
    assert raised.value.is_of_old_message is is_of_old_message
    assert server.touched == ["PATCH 99"]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, DeliveryRefusedError),
        (413, DeliveryRefusedError),
        (401, DeliveryDelayedError),
        (403, ChannelUnusableError),
        (404, ChannelUnusableError),
        (501, DeliveryDelayedError),
    ],
)
async def test_each_status_has_one_meaning(
    sender: DiscordSender, server: RestServer, status: int, error: type[KillfeedError]
) -> None:
    """A refusal means a wrong payload, an unusable channel, or a temporary failure."""

    async def refuse(_: web.Request) -> web.Response:
        return build_json({"message": "no", "code": 0}, status)

    server.handler = refuse
    with pytest.raises(error):
        await _send(sender)
    with pytest.raises(error):
        raise_mapped(_build_http_error(status))


async def test_ban_of_the_edge_waits_as_long_as_it_says(sender: DiscordSender, server: RestServer) -> None:
    """A 429 that is not from the API ends the try; its Retry-After is kept."""

    async def ban(_: web.Request) -> web.Response:
        return web.Response(text="banned", status=429, headers={"Retry-After": "90"})

    server.handler = ban
    with pytest.raises(DeliveryDelayedError) as caught:
        await _send(sender)
    assert caught.value.retry_at is not None
    assert (caught.value.retry_at - START).total_seconds() == 90


@pytest.mark.parametrize("status", [403, 404])
async def test_page_of_the_edge_says_nothing_of_the_channel(
    sender: DiscordSender, server: RestServer, status: int
) -> None:
    """Only the API itself can report that a channel is deleted or closed."""

    async def deny(_: web.Request) -> web.Response:
        return web.Response(text="<html>Access denied</html>", status=status, content_type="text/html")

    server.handler = deny
    with pytest.raises(DeliveryDelayedError):
        await _send(sender)


async def test_cut_connection_is_uncertain(sender: DiscordSender, server: RestServer) -> None:
    """If the connection ends without an answer, the message may be posted or not."""

    async def cut(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    server.handler = cut
    with pytest.raises(DeliveryUncertainError):
        await _send(sender)


async def test_unreadable_answer_is_uncertain(sender: DiscordSender, server: RestServer) -> None:
    """Invalid JSON does not show whether the message was posted."""

    async def garble(_: web.Request) -> web.Response:
        return web.Response(body=b"{", headers={"Content-Type": "application/json"})

    server.handler = garble
    with pytest.raises(DeliveryUncertainError):
        await _send(sender)


async def test_silence_is_uncertain(bot: discord.Client, server: RestServer) -> None:
    """A request that takes too long is given up; its result is unknown."""
    is_over = asyncio.Event()

    async def be_silent(_: web.Request) -> web.Response:
        await is_over.wait()
        return web.Response()

    server.handler = be_silent
    with pytest.raises(DeliveryUncertainError):
        await _send(DiscordSender(bot, clock=FakeClock(), timeout_seconds=0.05))
    is_over.set()


async def test_look_before_the_login_waits() -> None:
    """Before login, the bot does not know its own id and raises."""
    bot = discord.Client(intents=discord.Intents.none())
    with pytest.raises(DeliveryDelayedError):
        await DiscordSender(bot, clock=FakeClock()).recent_messages(CHANNEL, 100)


def _list_subclasses(base: type[Exception]) -> list[type[Exception]]:
    found = [base]
    for child in base.__subclasses__():
        found += _list_subclasses(child)
    return found


class FakeResponse:
    """The fields of a response that py-cord's HTTP errors need."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.reason = "reason"
        self.headers: dict[str, str] = {}


def _build_http_error(status: int) -> Exception:
    kinds = {403: discord.Forbidden, 404: discord.NotFound}
    kind = kinds.get(status, discord.DiscordServerError if status >= 500 else discord.HTTPException)
    return kind(FakeResponse(status), "no")


def raise_mapped(error: BaseException) -> None:
    """Raise an error within the mapping."""
    with map_discord_errors(FakeClock()):
        raise error


@pytest.mark.parametrize(
    "kind", [*_list_subclasses(discord.DiscordException), *_list_subclasses(aiohttp.ClientError)]
)
async def test_no_exception_of_the_libraries_slips_through(kind: type[Exception]) -> None:
    """Every exception of py-cord and aiohttp becomes one of the bot's own."""
    error = kind.__new__(kind)
    if isinstance(error, discord.HTTPException):
        error = type(error)(FakeResponse(500), "no")
    elif isinstance(error, aiohttp.ClientError):
        error = aiohttp.ClientError("cut")
    with pytest.raises(
        (ChannelUnusableError, DeliveryRefusedError, DeliveryDelayedError, DeliveryUncertainError)
    ):
        raise_mapped(error)
