"""Requests that go on after their caller has stopped waiting, with a Discord that limits everything."""

import asyncio

import pytest
from discord.ext import commands

from simulation.discord import Channel, Fault, Guild, SimulatedDiscord
from simulation.discord.clients import running_bot
from tests.utils.delivery.fakes import FACTORY, FakeClock, build_entry
from utils.delivery.requests import Requests
from utils.delivery.sender import DiscordSender
from utils.errors import DeliveryUncertainError
from utils.models.scope import ChannelId

POSTING = "/channels/{channel_id}/messages"
LIMIT_SECONDS = 0.4
PATIENCE_SECONDS = 60.0  # much longer than the limit and than a stall of the machine
UNTIMED_LIMIT = {"message": "You are being rate limited.", "global": False}

pytestmark = pytest.mark.fault


async def send(bot: commands.Bot, channel: Channel, nonce: str, *, patience: float) -> int:
    """Post two deaths with a nonce."""
    post = FACTORY.build_feed([build_entry(number).notice for number in (1, 2)])
    sender = DiscordSender(bot, clock=FakeClock(), timeout_seconds=patience)
    return await sender.send(ChannelId(channel.id), embeds=post.embeds, pictures=post.pictures, nonce=nonce)


async def test_everything_is_sent_again_after_a_limit_that_outlasted_all_patience(
    world: SimulatedDiscord, bot: commands.Bot, guild: Guild
) -> None:
    """A caller that stops waiting during a global limit blocks no others, and nothing is posted twice."""
    first, second = world.create_channel(guild, "first"), world.create_channel(guild, "second")
    world.faults.add(
        Fault(method="POST", route=POSTING, status=429, retry_after=LIMIT_SECONDS, is_global=True)
    )
    async with running_bot(bot, world):
        with pytest.raises(DeliveryUncertainError):
            await send(bot, first, "a" * 24, patience=LIMIT_SECONDS / 4)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await send(bot, second, "b" * 24, patience=PATIENCE_SECONDS)
            await send(bot, first, "a" * 24, patience=PATIENCE_SECONDS)
        await world.settle()
    assert (len(first.messages), len(second.messages)) == (1, 1)


async def test_limit_that_does_not_say_how_long_is_uncertain(
    world: SimulatedDiscord, bot: commands.Bot, channel: Channel
) -> None:
    """The library reads a missing time; that is a failed try like any other."""
    world.faults.add(Fault(method="POST", route=POSTING, status=429, body=UNTIMED_LIMIT))
    async with running_bot(bot, world):
        with pytest.raises(DeliveryUncertainError):
            await send(bot, channel, "c" * 24, patience=PATIENCE_SECONDS)
        assert await send(bot, channel, "c" * 24, patience=PATIENCE_SECONDS) == channel.messages[0].id


async def test_request_goes_on_when_whoever_waited_is_cancelled() -> None:
    """Neither a timeout nor a cancelled task ends the request, and its failure is ignored."""
    requests, is_over, ended = Requests(), asyncio.Event(), list[str]()

    async def ask(name: str) -> None:
        await is_over.wait()
        ended.append(name)
        raise ConnectionError(name)

    waiting = asyncio.create_task(requests.wait_for(ask("cancelled"), seconds=60))
    await asyncio.sleep(0)
    with pytest.raises(TimeoutError):
        await requests.wait_for(ask("given up"), seconds=0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    is_over.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert ended == ["cancelled", "given up"]
