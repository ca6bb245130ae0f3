"""Faults of Discord, its channels and the database while deaths come in."""

import asyncio
import os
import signal
from collections.abc import Callable
from functools import partial

import pytest

from simulation.bot_process import is_mongod_of
from simulation.counting import count_rows
from simulation.discord import GATEWAY_ROUTE, Fault, Permission
from simulation.game_host.log_files import GameServerFiles
from simulation.posts import expect_posts, read_posts
from simulation.town import list_posts
from tests.bot.conftest import StageFactory
from tests.bot.process import until
from tests.bot.stage import Stage
from utils.models.deaths import DeathRow

pytestmark = pytest.mark.fault

POSTING = "/channels/{channel_id}/messages"


async def begin(stage: Stage, *, history: int = 15) -> tuple[GameServerFiles, list[DeathRow]]:
    """Set the killfeed up; return the server's files and their rows."""
    files, rows = stage.open_files(), stage.take(history)
    files.append(*rows)
    await stage.set_channel()
    await stage.add_server("North")
    return files, rows


def is_gone(mongod: int, stage: Stage) -> bool:
    """Tell whether a killed mongod has ended."""
    return not is_mongod_of(mongod, stage.bot.data_dir)


def forbid(stage: Stage) -> None:
    """Remove the bot's permission to write in the killfeed channel."""
    member = stage.guild.members[stage.world.bot_user.id]
    stage.world.set_overwrite(stage.feed, member, deny=int(Permission.SEND_MESSAGES))


def delete(stage: Stage) -> None:
    """Delete the killfeed channel."""
    stage.world.delete_channel(stage.feed)


@pytest.mark.parametrize("spoil", [forbid, delete])
async def test_admins_are_told_once_when_the_channel_cannot_be_used(
    stage: Stage, spoil: Callable[[Stage], None]
) -> None:
    """The admins get one alert. Counting goes on; the waiting posts appear in order in the next channel."""
    files, history = await begin(stage)
    spoil(stage)
    live = stage.take(14)
    files.append(*live[:5])
    [alert] = await stage.wait_for_alerts(1)
    assert "/admin channel set" in alert.replace("\\", "")
    files.append(*live[5:])
    await stage.wait_for_deaths(len(history) + len(live))
    if spoil is forbid:
        refused = await stage.set_channel()
        assert "Send Messages" in refused.embed["description"]

    other = stage.world.create_channel(stage.guild, "killfeed-2")
    await until(lambda: bool(stage.world.gateway.is_connected))
    await stage.set_channel(channel=other)
    await until(lambda: len(list_posts(other)) >= len(live), what=lambda: stage.bot.output)
    assert read_posts(list_posts(other)) == expect_posts(live, history)
    assert len(stage.list_alerts()) == 1


async def test_every_death_is_posted_once_when_discord_stumbles(stage: Stage) -> None:
    """After any failed try, the message is posted once, and later ones follow in order."""
    files, history = await begin(stage)
    faults = [
        Fault(status=500, times=2),
        Fault(status=502, times=2),
        Fault(status=429, retry_after=0.2, times=2),
        Fault(status=429, retry_after=0.2, is_global=True, times=2),
        Fault(status=429, body="<html>banned</html>", times=2),
        Fault(cut="before", times=2),
        Fault(cut="after", times=1),
        Fault(cut="after", times=3),
    ]
    live = stage.take(24 * len(faults))
    for position, fault in enumerate(faults):
        fault.method, fault.route = "POST", POSTING
        stage.world.faults.add(fault)
        rows = live[24 * position : 24 * position + 24]
        files.append(*rows[:12])
        await until(lambda fault=fault: fault.struck > 0)
        files.append(*rows[12:])
        await stage.wait_for_posts(24 * position + 24)
    assert read_posts(stage.posts) == expect_posts(live, history)


async def test_killing_the_bot_posts_once_when_the_answer_was_lost(open_stage: StageFactory) -> None:
    """A bot is killed before it knows whether a message was posted. The next one does not post it again."""
    stage = await open_stage()
    await stage.bot.start()
    files, history = await begin(stage)
    fault = Fault(method="POST", route=POSTING, cut="after", times=None)
    stage.world.faults.add(fault)
    live = stage.take(8)
    files.append(*live)
    await until(lambda: fault.struck > 0)
    await stage.bot.kill()
    stage.world.faults.clear()
    await stage.bot.start()
    more = stage.take(3)
    files.append(*more)
    posts = await stage.wait_for_posts(len(live) + len(more))
    assert read_posts(posts) == expect_posts([*live, *more], history)
    assert await stage.bot.stop() == 0


async def test_deaths_follow_when_the_gateway_drops(stage: Stage) -> None:
    """The bot reconnects to the gateway; commands work again, and deaths are posted once."""
    files, history = await begin(stage)
    live = stage.take(9)
    for position, drop in enumerate((None, 4000, None)):
        await stage.world.gateway.drop(drop)
        files.append(*live[position * 3 : position * 3 + 3])
        await stage.world.gateway.wait_until_connected()
    posts = await stage.wait_for_posts(len(live))
    assert read_posts(posts) == expect_posts(live, history)
    assert (await stage.ask("/killfeed status")).embed["title"] == "📡 Killfeed status"


async def test_deaths_wait_when_all_of_discord_is_away(open_stage: StageFactory) -> None:
    """During an outage of Discord deaths are counted; afterwards each is posted once, in order."""
    stage = await open_stage()
    await stage.bot.start()
    files, history = await begin(stage)
    live = stage.take(12)
    async with stage.world.outage():
        files.append(*live)
        await stage.wait_for_deaths(len(history) + len(live))
        await until(lambda: "delivery waits" in stage.bot.output, what=lambda: stage.bot.output)
    posts = await stage.wait_for_posts(len(live))
    assert read_posts(posts) == expect_posts(live, history)


async def test_bot_starts_and_counts_when_discord_is_away(open_stage: StageFactory) -> None:
    """Kills are read and stored while Discord cannot be reached, and posted when it can."""
    stage = await open_stage()
    await stage.bot.start()
    files, history = await begin(stage)
    assert await stage.bot.stop() == 0
    live = stage.take(7)
    identified = stage.world.gateway.identifies
    async with stage.world.outage():
        files.append(*live)
        await stage.bot.start(is_awaited=False)
        await stage.wait_for_deaths(len(history) + len(live))
    await stage.bot.wait_until_ready(identified)
    posts = await stage.wait_for_posts(len(live))
    assert read_posts(posts) == expect_posts(live, history)
    assert await stage.bot.stop() == 0


async def test_nothing_is_lost_or_doubled_when_mongod_is_killed(open_stage: StageFactory) -> None:
    """The bot restarts its own mongod.

    Meanwhile commands report the outage, and counting goes on afterwards.
    """
    stage = await open_stage(is_embedded=True)
    await stage.bot.start()
    files, history = await begin(stage, history=100)
    live = stage.take(90)
    for position in range(3):
        mongod = stage.bot.read_mongod().pid
        files.append(*live[position * 30 : position * 30 + 15])
        await asyncio.sleep(0.1 * position)  # with and without an open transaction
        os.kill(mongod, signal.SIGKILL)
        files.append(*live[position * 30 + 15 : position * 30 + 30])
        await until(partial(is_gone, mongod, stage))
        await stage.wait_for_posts(position * 30 + 30)
    assert read_posts(stage.posts) == expect_posts(live, history)
    assert stage.read_counters() == count_rows([*history, *live]).summarise()
    assert await stage.bot.stop() == 0


async def test_deaths_wait_unposted_when_no_channel_is_set(stage: Stage) -> None:
    """Without a channel no notice is stored. A channel set later shows only later deaths."""
    files = stage.open_files()
    rows = stage.take(30)
    files.append(*rows[:10])
    await stage.add_server("North")
    files.append(*rows[10:20])
    await stage.wait_for_deaths(20)
    await stage.set_channel()
    files.append(*rows[20:])
    posts = await stage.wait_for_posts(10)
    assert read_posts(posts) == expect_posts(rows[20:], rows[:20])


@pytest.mark.parametrize("is_ready", [False, True], ids=["while starting", "when ready"])
async def test_left_guild_is_read_on_when_it_takes_the_bot_back(stage: Stage, *, is_ready: bool) -> None:
    """After a guild removes the bot, its servers are not read; after an invitation they are read again."""
    files, history = await begin(stage)
    if is_ready:
        await until(lambda: "ready" in stage.bot.output)
    stage.world.remove_bot(stage.guild)
    await until(lambda: stage.host.connections == 0)
    live = stage.take(5)
    files.append(*live)
    stage.world.add_bot(stage.guild)
    posts = await stage.wait_for_posts(len(live))
    assert read_posts(posts) == expect_posts(live, history)


async def test_guild_is_read_again_when_it_left_and_came_back_behind_the_bots_back(stage: Stage) -> None:
    """After a new gateway session, the bot catches up on guild joins and leaves."""
    files, history = await begin(stage)
    await until(lambda: "ready" in stage.bot.output)
    stage.world.remove_bot(stage.guild)
    await until(lambda: stage.host.connections == 0)
    blocked = Fault(route=GATEWAY_ROUTE, method=None, cut="before", times=None)
    stage.world.faults.add(blocked)
    await stage.world.gateway.invalidate_sessions()
    await until(lambda: blocked.struck > 0)
    stage.world.add_bot(stage.guild)
    live = stage.take(5)
    files.append(*live)
    stage.world.faults.remove(blocked)
    posts = await stage.wait_for_posts(len(live))
    assert read_posts(posts) == expect_posts(live, history)
