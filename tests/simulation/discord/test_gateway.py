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
from simulation.discord.clients import running_bot


async def _has_resumed(world: SimulatedDiscord, times: int = 1) -> None:
    await world.until(
        lambda: sum(session.resumes for session in world.gateway.sessions.values()) >= times,
        within_seconds=20,
        what="a resume",
    )


def _queue_of_authors(bot: commands.Bot) -> "asyncio.Queue[str]":
    """Collect the authors of messages as the bot hears of them."""
    authors: asyncio.Queue[str] = asyncio.Queue()

    async def on_message(message: Any) -> None:
        authors.put_nowait(message.author.name)

    bot.add_listener(on_message, "on_message")
    return authors


@pytest.mark.parametrize("how", ["code", "cut", "reconnect", "invalid but resumable"])
async def test_session_resumes_with_replay_when_the_connection_breaks(
    world: SimulatedDiscord, channel: Channel, alice: Member, bot: commands.Bot, how: str
) -> None:
    """After a drop the bot resumes, and events of the time between are replayed once."""
    authors = _queue_of_authors(bot)
    bob = alice.guild.add_member("bob")
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
        heard = [await asyncio.wait_for(authors.get(), 10) for _ in range(2)]
    assert (heard, world.gateway.identifies, world.violations) == (["alice", "bob"], 1, [])


async def test_bot_identifies_anew_when_resuming_is_refused(
    world: SimulatedDiscord, bot: commands.Bot
) -> None:
    """A session that Discord has forgotten cannot be resumed."""
    async with running_bot(bot, world):
        world.gateway.refuses_resumes = True
        await world.gateway.drop(4000)
        await world.until(lambda: world.gateway.identifies == 2, within_seconds=30)


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
    """A connection that brings nothing any more is given up by the client and resumed."""
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
        received: dict[str, Any] = await self._socket.receive_json(timeout=5)
        return received

    async def close_code(self) -> int | None:
        async with asyncio.timeout(5):
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
        (2, {"properties": None}, 4002),
        (3, {}, 4003),
        (99, {}, 4001),
        (6, {"session_id": "x", "seq": 1, "token": "nonsense"}, 4004),
    ],
)
async def test_connection_closes_when_the_protocol_is_broken(
    world: SimulatedDiscord, op: int, changes: dict[str, Any], code: int
) -> None:
    """Each breach closes with its code and is on the list of violations."""
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
    """A resume of a session that is not there gets op 9."""
    async with _connect(world) as socket:
        await socket.send(6, {"token": world.token, "session_id": "x", "seq": 1})
        assert await socket.next() == {"op": 9, "d": False}


async def test_shards_share_the_servers_when_there_are_several(world: SimulatedDiscord) -> None:
    """A server belongs to the shard of its id."""
    guilds = [world.create_guild(str(number)) for number in range(4)]
    seen: list[set[str]] = []
    for shard in (0, 1):
        async with _connect(world) as socket:
            await socket.send(2, _identify(world, shard=[shard, 2]))
            ready = await socket.next()
            seen.append({known["id"] for known in ready["d"]["guilds"]})
    assert seen == [{str(guild.id) for guild in guilds if (guild.id >> 22) % 2 == shard} for shard in (0, 1)]
