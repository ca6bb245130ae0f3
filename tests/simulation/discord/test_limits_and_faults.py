"""Rate limits and scripted faults, over bare HTTP and with py-cord."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import discord
import pytest
from discord.ext import commands

from simulation.discord import Channel, Fault, SimulatedDiscord
from simulation.discord.clients import BareClient, running_bot

MESSAGES = "/channels/{channel_id}/messages"


@pytest.fixture(name="strict")
async def _strict() -> AsyncIterator[SimulatedDiscord]:
    """A Discord with rate limits and a stopped clock, so that the limits strike even in a slow test."""
    async with SimulatedDiscord() as strict:
        strict.clock.hold()
        yield strict


async def test_sixth_message_is_limited_when_five_came_at_once(strict: SimulatedDiscord) -> None:
    """The limit is five messages in five seconds per channel; headers count down, the 429 has the wait."""
    channel, other = (strict.create_channel(strict.create_guild("g"), name) for name in "ab")
    async with BareClient(strict) as client:
        answers = []
        for _ in range(6):
            url = client.url(f"/channels/{channel.id}/messages")
            async with client.session.post(url, json={"content": "x"}, headers=client.headers) as response:
                answers.append((response.status, response.headers["X-RateLimit-Remaining"]))
                body, headers = await response.json(), response.headers
        assert answers == [(200, "4"), (200, "3"), (200, "2"), (200, "1"), (200, "0"), (429, "0")]
        assert (body["global"], 4 < body["retry_after"] <= 5) == (False, True)
        assert (headers["Retry-After"], headers["X-RateLimit-Scope"], "Via" in headers) == ("5", "user", True)
        elsewhere, _ = await client.call("POST", f"/channels/{other.id}/messages", json={"content": "x"})
        strict.clock.advance(5)
        later, _ = await client.call("POST", f"/channels/{channel.id}/messages", json={"content": "x"})
        strict.rate_limits.relax()
        relaxed = [await client.call("GET", f"/channels/{channel.id}") for _ in range(60)]
    assert (elsewhere, later, len(strict.rate_limits.hits), strict.refusals) == (200, 200, 1, [])
    assert {status for status, _ in relaxed} == {200}


async def test_third_rename_is_limited_for_minutes(strict: SimulatedDiscord) -> None:
    """Name or topic of a channel may change twice in ten minutes; other changes are free."""
    channel = strict.create_channel(strict.create_guild("g"), "a")
    async with BareClient(strict) as client:
        path = f"/channels/{channel.id}"
        statuses = [
            (await client.call("PATCH", path, json=body))[0]
            for body in ({"name": "b"}, {"topic": "t"}, {"position": 3}, {"name": "c"})
        ]
        _, limited = await client.call("PATCH", path, json={"name": "c"})
    assert statuses == [200, 200, 200, 429]
    assert (channel.name, channel.topic, limited["retry_after"] > 590) == ("b", "t", True)


async def test_everything_is_limited_when_fifty_requests_come_in_a_second(strict: SimulatedDiscord) -> None:
    """The global limit names itself; interaction endpoints are exempt."""
    guild = strict.create_guild("g")
    channel = strict.create_channel(guild, "a")
    async with BareClient(strict) as client:
        await client.register({"name": "ping", "description": "Answers"})
        reply = await strict.owner_of(guild).invoke(channel, "/ping")
        routes = ["/users/@me", "/gateway/bot"] * 30
        answers = await asyncio.gather(*(client.call("GET", route) for route in routes))
        limited = [body for status, body in answers if status == 429]
        exempt, _ = await client.acknowledge(reply, 4, {"content": "pong"})
    assert (len(limited), limited[0]["global"], exempt) == (11, True, 200)


async def test_five_messages_pass_without_a_hit_when_pycord_counts(strict: SimulatedDiscord) -> None:
    """py-cord follows the headers, so a burst is slowed down and never refused."""
    channel = strict.create_channel(strict.create_guild("g"), "a")
    bot = commands.Bot(cache_default_sounds=False, help_command=None)
    async with running_bot(bot, strict):
        place = bot.get_partial_messageable(channel.id)
        for number in range(5):
            await place.send(str(number))
        sixth = asyncio.create_task(place.send("5"))
        await asyncio.wait({sixth}, timeout=0.1)
        sixth.cancel()
        await asyncio.gather(sixth, return_exceptions=True)
    assert (len(channel.messages), sixth.cancelled(), strict.rate_limits.hits) == (5, True, [])


async def test_pycord_tries_again_when_discord_fails_twice(
    world: SimulatedDiscord, channel: Channel, bot: commands.Bot
) -> None:
    """A scripted 500 or 502 strikes the set number of times, then the message is written once."""
    fault = world.faults.add(Fault(method="POST", route=MESSAGES, status=502))
    async with running_bot(bot, world):
        await bot.get_partial_messageable(channel.id).send("x")
    assert (fault.struck, len(channel.messages), world.refusals) == (1, 1, [])


async def test_pycord_waits_when_a_limit_is_scripted(
    world: SimulatedDiscord, channel: Channel, bot: commands.Bot
) -> None:
    """A scripted 429 has the fields that py-cord needs to wait and repeat."""
    world.faults.add(Fault(method="POST", route=MESSAGES, status=429, retry_after=0.02))
    async with running_bot(bot, world):
        await bot.get_partial_messageable(channel.id).send("x")
    statuses = [request.status for request in world.journal.requests_to("POST", MESSAGES)]
    assert (statuses, len(channel.messages), world.rate_limits.hits) == ([429, 200], 1, [])


@pytest.mark.parametrize(("cut", "written"), [("before", 0), ("after", 1)])
async def test_send_fails_when_the_connection_is_cut(
    world: SimulatedDiscord, channel: Channel, bot: commands.Bot, cut: str, written: int
) -> None:
    """A cut "before" leaves no message, a cut "after" leaves one; py-cord raises both times."""
    world.faults.add(Fault(method="POST", route=MESSAGES, cut="before" if cut == "before" else "after"))
    async with running_bot(bot, world):
        place = bot.get_partial_messageable(channel.id)
        with pytest.raises((aiohttp.ClientError, OSError)):
            await place.send("x", nonce="n", enforce_nonce=True)
        assert len(channel.messages) == written
        await place.send("x", nonce="n", enforce_nonce=True)
    assert len(channel.messages) == 1


async def test_fault_strikes_precisely_when_it_is_narrowed(
    world: SimulatedDiscord, channel: Channel, client: BareClient
) -> None:
    """A fault can skip requests, check their bodies, and be removed."""
    path = f"/channels/{channel.id}/messages"
    fault = world.faults.add(
        Fault(
            method="POST",
            route=MESSAGES,
            status=403,
            body={"message": "Missing Access", "code": 50001},
            times=None,
            skip=1,
            only_if=lambda request: request.body["content"] == "b",
        )
    )
    contents = ["a", "b", "b", "a", "b"]
    statuses = [(await client.call("POST", path, json={"content": text}))[0] for text in contents]
    world.faults.remove(fault)
    last, _ = await client.call("POST", path, json={"content": "b"})
    assert (statuses, last, fault.struck) == ([200, 200, 403, 200, 403], 200, 2)
    assert world.refusals == []


async def test_nothing_is_noted_when_a_client_ends_in_the_middle_of_its_request(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A bot that is killed while it sends leaves neither a message nor an error."""
    async with SimulatedDiscord() as world:
        channel = world.create_channel(world.create_guild("Community"), "general")
        host, _, port = world.api_base_url.removeprefix("http://").partition("/")[0].partition(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            f"POST /api/v10/channels/{channel.id}/messages HTTP/1.1\r\nHost: {host}\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 500\r\n\r\n--b\r\n".encode()
        )
        async with asyncio.timeout(60):
            while not world.requests:  # noqa: ASYNC110 - a request that never ends has no event
                await asyncio.sleep(0)
        writer.transport.abort()
    assert (channel.messages, caplog.records) == ([], [])


async def test_answer_is_late_when_a_delay_is_scripted(world: SimulatedDiscord, client: BareClient) -> None:
    """A delay alone changes only the time of the answer."""
    world.faults.add(Fault(route="/users/@me", delay_seconds=0.05))
    started = asyncio.get_running_loop().time()
    status, _ = await client.call("GET", "/users/@me")
    assert (status, asyncio.get_running_loop().time() - started >= 0.05) == (200, True)


async def test_bot_comes_back_when_everything_was_down(
    world: SimulatedDiscord, channel: Channel, bot: commands.Bot
) -> None:
    """During an outage requests fail; afterwards the bot resumes and writes."""
    async with running_bot(bot, world):
        place = bot.get_partial_messageable(channel.id)
        async with world.outage():
            await world.until(lambda: not world.gateway.is_connected)
            with pytest.raises((aiohttp.ClientError, OSError, discord.HTTPException)):
                await place.send("x")
        await world.gateway.wait_until_connected()
        await place.send("back")
    assert [message.content for message in channel.messages] == ["back"]
