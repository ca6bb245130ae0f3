"""Gateway sessions with a real py-cord bot: drops, resumes, replays, zombies; and bare websockets."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from discord.ext import commands

from simulation.discord import GATEWAY_ROUTE, Channel, Fault, Member, SimulatedDiscord
from simulation.discord.clients import BareClient, running_bot
from simulation.discord.signals import PATIENCE_SECONDS


async def _has_resumed(world: SimulatedDiscord, times: int = 1) -> None:
    await world.until(
        lambda: sum(session.resumes for session in world.gateway.sessions.values()) >= times,
        what="a resume",
    )


def _queue_of_authors(bot: commands.Bot) -> "asyncio.Queue[str]":
    """Collect the authors of messages as the bot receives them."""
    authors: asyncio.Queue[str] = asyncio.Queue()

    async def on_message(message: Any) -> None:
        authors.put_nowait(message.author.name)

    bot.add_listener(on_message, "on_message")
    return authors


@pytest.mark.parametrize("how", ["code", "cut", "reconnect", "invalid but resumable"])
async def test_session_resumes_with_replay_when_the_connection_breaks(
    world: SimulatedDiscord, channel: Channel, alice: Member, bot: commands.Bot, how: str
) -> None:
    """After a drop the bot resumes, and the events since then are replayed once."""
    authors = _queue_of_authors(bot)
    bob = world.add_member(alice.guild, "bob")
    async with running_bot(bot, world):
        if how == "code":
            await world.gateway.drop(4000)
        elif how == "cut":
            await world.gateway.drop()
        elif how == "reconnect":
            await world.gateway.request_reconnect()
        else:
            await world.gateway.invalidate_sessions(resumable=True)
        await alice.say(channel, "while away")
        await _has_resumed(world)
        await bob.say(channel, "after")
        heard = [await asyncio.wait_for(authors.get(), PATIENCE_SECONDS) for _ in range(2)]
    assert (heard, world.gateway.identifies, world.violations) == (["alice", "bob"], 1, [])


async def test_bot_identifies_anew_when_resuming_is_refused(
    world: SimulatedDiscord, bot: commands.Bot
) -> None:
    """A session that Discord has forgotten cannot be resumed."""
    async with running_bot(bot, world):
        world.gateway.refuses_resumes = True
        await world.gateway.drop(4000)
        await world.until(lambda: world.gateway.identifies == 2)


async def test_bot_comes_back_when_the_gateway_was_closed_for_a_while(
    world: SimulatedDiscord, bot: commands.Bot
) -> None:
    """The websocket cannot be opened for a while; then the session resumes."""
    refusal = world.faults.add(Fault(route=GATEWAY_ROUTE, cut="before", times=1))
    async with running_bot(bot, world):
        await world.gateway.drop(4000)
        await _has_resumed(world)
    assert refusal.struck == 1


async def test_bot_reconnects_when_the_connection_is_a_zombie() -> None:
    """A client gives up a connection that brings no more data, and resumes."""
    async with SimulatedDiscord(enforce_rate_limits=False, heartbeat_interval_seconds=0.2) as world:
        bot = commands.Bot(cache_default_sounds=False, help_command=None, heartbeat_timeout=0.6)
        async with running_bot(bot, world):
            world.gateway.freeze_connections()
            await _has_resumed(world)


class _Socket:
    """A bare gateway client."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def send(self, op: int, data: Any) -> None:
        await self._socket.send_str(json.dumps({"op": op, "d": data}))

    async def send_text(self, text: str) -> None:
        await self._socket.send_str(text)

    async def next(self) -> dict[str, Any]:
        received: dict[str, Any] = await self._socket.receive_json(timeout=PATIENCE_SECONDS)
        return received

    async def close_code(self) -> int | None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for _ in self._socket:
                pass
        return self._socket.close_code


@asynccontextmanager
async def _connect(world: SimulatedDiscord) -> AsyncIterator[_Socket]:
    async with aiohttp.ClientSession() as session, session.ws_connect(world.gateway.url) as socket:
        client = _Socket(socket)
        hello = await client.next()
        assert (hello["op"], hello["d"]["heartbeat_interval"]) == (10, 41250)
        yield client


def _identify(world: SimulatedDiscord, **changes: Any) -> dict[str, Any]:
    return {"token": world.token, "intents": 1, "properties": {"os": "x"}, **changes}


async def test_greeting_names_the_servers_when_a_client_identifies(
    world: SimulatedDiscord, channel: Channel, alice: Member
) -> None:
    """READY lists servers as unavailable, GUILD_CREATE brings them, with the members the intents allow."""
    async with _connect(world) as socket:
        await socket.send(2, _identify(world))
        ready, created = await socket.next(), await socket.next()
        await socket.send(1, ready["s"])
        assert (await socket.next())["op"] == 11
    assert channel.guild is not None
    assert ready["d"]["guilds"] == [{"id": str(channel.guild.id), "unavailable": True}]
    assert created["t"] == "GUILD_CREATE"
    assert [known["user"]["id"] for known in created["d"]["members"]] == [str(world.bot_user.id)]
    assert (created["d"]["member_count"], alice.id in channel.guild.members) == (3, True)


@pytest.mark.parametrize(
    ("op", "changes", "code"),
    [
        (2, {"token": "nonsense"}, 4004),
        (2, {"intents": 1 << 40}, 4013),
        (2, {"intents": 1 << 15}, 4014),
        (2, {"intents": None}, 4013),
        (2, {"shard": [2, 1]}, 4010),
        (2, {"shard": [0]}, 4010),
        (2, {"shard": None}, 4010),
        (2, {"properties": None}, 4002),
        (3, {}, 4003),
        (99, {}, 4001),
        (6, {"session_id": "x", "seq": 1, "token": "nonsense"}, 4004),
    ],
)
async def test_connection_closes_when_the_protocol_is_broken(
    world: SimulatedDiscord, op: int, changes: dict[str, Any], code: int
) -> None:
    """Each breach closes the connection with its code and is a violation."""
    async with _connect(world) as socket:
        await socket.send(op, _identify(world, **changes))
        assert await socket.close_code() == code
    assert [str(violation).split()[0] for violation in world.violations] == [str(code)]


async def test_connection_closes_when_it_floods_or_talks_nonsense(world: SimulatedDiscord) -> None:
    """More than 120 sends a minute, a second identify and broken JSON end a connection."""
    async with _connect(world) as socket:
        for _ in range(121):
            await socket.send(1, None)
        assert await socket.close_code() == 4008
    async with _connect(world) as socket:
        await socket.send(2, _identify(world))
        await socket.send(2, _identify(world))
        assert await socket.close_code() == 4005
    async with _connect(world) as socket:
        await socket.send_text("{")
        assert await socket.close_code() == 4002


async def test_unknown_session_is_invalid_when_a_client_resumes_it(world: SimulatedDiscord) -> None:
    """A resume of an unknown session gets op 9."""
    async with _connect(world) as socket:
        await socket.send(6, {"token": world.token, "session_id": "x", "seq": 1})
        assert await socket.next() == {"op": 9, "d": False}


async def test_shards_share_the_servers_when_there_are_several(world: SimulatedDiscord) -> None:
    """A server belongs to the shard of its id, in the greeting and in every later event."""
    guilds = [world.create_guild(str(number), shard=(number % 3, 3)) for number in range(5)]
    assert [(guild.id >> 22) % 3 for guild in guilds] == [0, 1, 2, 0, 1]
    seen: list[set[str]] = []
    async with _connect(world) as first, _connect(world) as second:
        for shard, socket in enumerate((first, second)):
            await socket.send(2, _identify(world, shard=[shard, 3]))
            ready = await socket.next()
            assert ready["d"]["shard"] == [shard, 3]
            seen.append({known["id"] for known in ready["d"]["guilds"]})
            created = {(await socket.next())["d"]["id"] for _ in seen[-1]}
            assert created == seen[-1]
        assert [world.gateway.is_shard_connected(shard) for shard in range(3)] == [True, True, False]
        world.create_channel(guilds[2], "of nobody here")
        world.create_channel(guilds[4], "of the second")
        world.create_channel(guilds[0], "of the first")
        heard = [(await socket.next())["d"]["name"] for socket in (first, second)]
    assert seen == [{str(guilds[0].id), str(guilds[3].id)}, {str(guilds[1].id), str(guilds[4].id)}]
    assert heard == ["of the first", "of the second"]


async def test_second_identify_of_a_bucket_within_five_seconds_is_invalid() -> None:
    """Shards with the same remainder by ``max_concurrency`` wait for each other; others do not."""
    async with SimulatedDiscord(max_concurrency=2) as world:
        world.clock.hold()  # so that the machine's speed does not matter
        answers = []
        for shard in (0, 1, 2):
            async with _connect(world) as socket:
                await socket.send(2, _identify(world, shard=[shard, 4]))
                answers.append((await socket.next())["op"])
        world.clock.advance(5)
        async with _connect(world) as socket:
            await socket.send(2, _identify(world, shard=[2, 4]))
            answers.append((await socket.next())["op"])
        assert (answers, world.violations) == ([0, 0, 9, 0], [])


class _HastyBot(commands.Bot):
    """Identifies again at once, while the library waits five seconds."""

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Do not wait."""


async def test_bot_identifies_again_when_another_shard_came_first() -> None:
    """Two processes that start together are both connected in the end."""
    async with SimulatedDiscord() as world:
        world.clock.hold()  # so that the machine's speed does not matter
        guilds = [world.create_guild(str(shard), shard=(shard, 2)) for shard in (0, 1)]
        bots = [
            _HastyBot(cache_default_sounds=False, help_command=None, shard_id=shard, shard_count=2)
            for shard in (0, 1)
        ]
        async with running_bot(bots[0], world):
            second = asyncio.create_task(_run_until_connected(bots[1], world))
            await world.until(lambda: world.gateway.identifies > 2, what="a second try")
            assert not world.gateway.is_shard_connected(1)
            world.clock.advance(5)
            await asyncio.wait_for(second, PATIENCE_SECONDS)
        assert [[known.id for known in bot.guilds] for bot in bots] == [[guild.id] for guild in guilds]
        assert world.violations == []


async def _run_until_connected(bot: commands.Bot, world: SimulatedDiscord) -> None:
    async with running_bot(bot, world):
        assert world.gateway.is_shard_connected(1)


async def test_address_of_the_gateway_tells_shards_and_session_starts(
    world: SimulatedDiscord, client: BareClient
) -> None:
    """The answer has a shard for each thousand servers, and the remaining identifies with their reset."""
    _, before = await client.call("GET", "/gateway/bot")
    assert before == {
        "url": world.gateway.url,
        "shards": 1,
        "session_start_limit": {"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 1},
    }
    for number in range(1001):
        world.create_guild(str(number))
    async with _connect(world) as socket:
        await socket.send(2, _identify(world, shard=[0, 2]))
        await socket.next()
    world.clock.advance(3600)
    _, after = await client.call("GET", "/gateway/bot")
    limit = after["session_start_limit"]
    assert (after["shards"], limit["remaining"]) == (2, 999)
    assert 22.9 * 3_600_000 < limit["reset_after"] <= 23 * 3_600_000
    world.clock.advance(24 * 3600)
    _, later = await client.call("GET", "/gateway/bot")
    assert later["session_start_limit"]["remaining"] == 1000


async def test_shard_of_too_many_servers_is_refused(world: SimulatedDiscord) -> None:
    """A shard may have at most 2,500 servers."""
    for number in range(2501):
        world.create_guild(str(number), shard=(0, 2))
    async with _connect(world) as socket:
        await socket.send(2, _identify(world))
        assert await socket.close_code() == 4011
    async with _connect(world) as socket:
        await socket.send(2, _identify(world, shard=[1, 2]))
        assert (await socket.next())["t"] == "READY"
