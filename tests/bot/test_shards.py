"""Several processes over one database: each guild has one process, and a standby takes over."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from simulation.bot_process import BotProcess
from simulation.counting import count_rows
from simulation.posts import expect_posts, read_posts
from tests.bot.conftest import SETTINGS, StageFactory, check_manners
from tests.bot.process import run_command, until
from tests.bot.stage import Stage
from utils.database.repositories.leases import EXPIRY_SECONDS
from utils.errors import ShardCountError
from utils.localization.escape import escape_name
from utils.models.deaths import DeathRow
from utils.services.shards.leases import STANDBY_SECONDS

SECRET_KEY = "one-key-for-all-processes-of-a-bot"
SHARDS = 2
TAKE_OVER_SECONDS = 30.0
COULD_NOT_START = 1


def configure(bot: BotProcess, *shard_ids: int) -> None:
    """Give a process its shards, of two in all."""
    bot.configure(discord={"shard_count": SHARDS, "shard_ids": shard_ids}, secret_key=SECRET_KEY)


@asynccontextmanager
async def open_pair(
    open_stage: StageFactory, folder: Path, *, seed: int
) -> AsyncIterator[tuple[Stage, Stage, BotProcess]]:
    """Open two guilds on two shards with a process each, and prepare a standby for the second.

    They share Discord, database and game host: both guilds have added the same game server.
    """
    first = await open_stage()
    uri = first.bot.mongodb_uri
    bots = [
        BotProcess(folder / name, first.world, settings=SETTINGS, mongodb_uri=uri, starter=first.bot.starter)
        for name in "bc"
    ]
    for bot, shard in ((first.bot, 0), (bots[0], 1), (bots[1], 1)):
        bot.database = first.bot.database
        configure(bot, shard)
    second = Stage.build(first.world, first.host, bots[0], seed=seed, shard=1)
    try:
        for stage in (first, second):
            await stage.bot.start()
            await stage.set_channel()
        yield first, second, bots[1]
        check_manners(second)
    finally:
        for bot in bots:
            await bot.kill()


async def write(stage: Stage, rows: Sequence[DeathRow], rng: random.Random) -> None:
    """Write rows at intervals, for as long as a standby takes to notice a killed process."""
    files, position = stage.open_files(), 0
    while position < len(rows):
        part = rows[position : position + rng.randint(1, 9)]
        files.append(*part)
        position += len(part)
        await asyncio.sleep(rng.random())


def find_server_id(stage: Stage) -> str:
    """Return the id of the game server in the stage's guild."""
    [server] = stage.read("game_servers", guild_id=stage.guild.id)
    return str(server["server_id"])


def read_counters(stage: Stage) -> dict[str, dict[str, int]]:
    """Return the figures of the stage's guild."""
    players = stage.read("players", guild_id=stage.guild.id)
    return {one["player_id"]: one["counters"] | {"current_streak": one["current_streak"]} for one in players}


async def test_each_process_answers_and_posts_for_the_guilds_of_its_shards(
    open_stage: StageFactory, tmp_path: Path, seed: int
) -> None:
    """Deaths of one game server in two guilds are posted once in each of them."""
    async with open_pair(open_stage, tmp_path, seed=seed) as (first, second, _):
        history, live = first.take(40), first.take(30)
        first.open_files().append(*history)
        for stage in (first, second):
            await stage.add_server("North")
        first.open_files().append(*live)
        for stage in (first, second):
            assert read_posts(await stage.wait_for_posts(len(live))) == expect_posts(live, history)
            assert read_counters(stage) == count_rows([*history, *live]).summarise()
            answer = await stage.ask("/stats", player=live[0].victim_name)
            assert escape_name(live[0].victim_name) in answer.embed["title"]
        assert find_server_id(first) != find_server_id(second)
        assert sum("commands registered" in stage.bot.output for stage in (first, second)) == 1

        await second.bot.kill()
        unheard = await second.admin.invoke(second.office, "/help")
        await first.ask("/help")
        assert unheard.acknowledged_after_seconds is None
        assert await first.bot.stop() == 0
        assert [len(stage.posts) for stage in (first, second)] == [len(live)] * 2


@pytest.mark.fault
async def test_standby_takes_over_when_its_shard_s_process_is_killed(
    open_stage: StageFactory, tmp_path: Path, seed: int
) -> None:
    """A standby with another data folder takes over within 30 seconds; the other shard goes on."""
    rng = random.Random(seed)
    async with open_pair(open_stage, tmp_path, seed=seed) as (first, second, standby):
        history, live = first.take(100), first.take(300)
        first.open_files().append(*history)
        for stage in (first, second):
            await stage.add_server("North")
        await standby.start(is_awaited=False)
        await until(lambda: "waiting as its standby" in standby.output, what=lambda: standby.output)
        assert first.world.gateway.identifies == SHARDS

        writing = asyncio.create_task(write(first, live, rng))
        await second.wait_for_posts(20)
        await second.bot.kill()
        posted = len(second.posts)
        await until(
            lambda: not first.world.gateway.is_shard_connected(1)
        )  # the simulation closes its socket a moment later
        assert EXPIRY_SECONDS + STANDBY_SECONDS < TAKE_OVER_SECONDS
        await until(lambda: "leases taken" in standby.output, what=lambda: standby.output)
        await until(lambda: first.world.gateway.is_shard_connected(1), what=lambda: standby.output)
        assert len(first.posts) > posted
        assert first.world.gateway.identifies == SHARDS + 1
        await asyncio.wait_for(writing, 180)
        for stage in (first, second):
            posts = await stage.wait_for_posts(len(live))
            assert read_posts(posts) == expect_posts(live, history)
            assert read_counters(stage) == count_rows([*history, *live]).summarise()
            assert (await stage.ask("/killfeed status")).is_ephemeral
        assert [await first.bot.stop(), await standby.stop()] == [0, 0]
        assert [len(stage.posts) for stage in (first, second)] == [len(live)] * 2


async def test_one_process_holds_several_shards(open_stage: StageFactory) -> None:
    """The process has one connection for each shard, and one bot."""
    stage = await open_stage()
    configure(stage.bot, 0, 1)
    other = Stage.build(stage.world, stage.host, stage.bot, seed=1, shard=1)
    await stage.bot.start()
    history, live = stage.take(20), stage.take(20)
    stage.open_files().append(*history)
    for one in (stage, other):
        await one.set_channel()
        await one.add_server("North")
    stage.open_files().append(*live)
    for one in (stage, other):
        assert read_posts(await one.wait_for_posts(len(live))) == expect_posts(live, history)
    sessions = sorted(session.shard for session in stage.world.gateway.sessions.values())
    assert sessions == [(0, SHARDS), (1, SHARDS)]
    assert await stage.bot.stop() == 0


async def test_other_number_of_shards_is_refused_in_a_sentence(
    open_stage: StageFactory, tmp_path: Path
) -> None:
    """Two processes with different numbers of shards would both serve some guild."""
    stage = await open_stage()
    await stage.bot.start()
    other = BotProcess(tmp_path / "other", stage.world, mongodb_uri=stage.bot.mongodb_uri)
    other.database = stage.bot.database
    configure(other, 1)
    code, _, error = await run_command("--config", str(other.config_path))
    told = str(ShardCountError(own=SHARDS, other=1))
    assert (code, error.splitlines()[-1]) == (COULD_NOT_START, told)
    assert "discord.shard_count 1 is at work on this database; this one has 2." in told
    await stage.ask("/help")
    assert stage.world.gateway.identifies == 1
    assert await stage.bot.stop() == 0
