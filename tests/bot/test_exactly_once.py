"""Exactly once: a bot that is killed at any moment neither loses nor repeats a death."""

import asyncio
import random

import pytest

from simulation.counting import count_rows
from simulation.posts import expect_posts, read_posts
from tests.bot.conftest import StageFactory
from tests.bot.process import until
from tests.bot.stage import Stage
from tests.fakes.examples import choose_examples

KILLS_IN_IMPORT = choose_examples(quick=5, deep=12)
KILLS_IN_LIVE = choose_examples(quick=7, deep=20)
LONGEST_LIFE_SECONDS = 0.6  # since its first output; longer than an import or a batch takes

pytestmark = pytest.mark.fault


async def live_and_die(stage: Stage, rng: random.Random) -> None:
    """Start the bot, let it read for a random moment, kill it."""
    before = stage.host.connections_opened
    await stage.bot.start(is_awaited=False)
    await until(lambda: stage.host.connections_opened > before, what=lambda: stage.bot.output)
    await asyncio.sleep(rng.random() * LONGEST_LIFE_SECONDS)  # the exact moment of its death does not matter
    await stage.bot.kill()


async def test_every_death_counts_once_when_the_bot_is_killed_during_an_import(
    open_stage: StageFactory, seed: int
) -> None:
    """The import goes on after the kill; its figures equal an independent count."""
    rng = random.Random(seed)
    stage = await open_stage(is_embedded=True)
    rows = stage.take(12_000)
    stage.open_files().append(*rows)
    # so that the import takes some seconds and the kill is in the middle of it
    stage.host.faults.slow_seconds = 0.01
    await stage.bot.start()
    await stage.set_channel()
    answer = await stage.fill_in_server("North")
    assert answer.embed["title"] == "✅ North added"
    await stage.bot.kill()
    for _ in range(KILLS_IN_IMPORT - 1):
        await live_and_die(stage, rng)
    stage.host.faults.clear()
    await stage.bot.start()
    await stage.wait_for_import("North")

    assert stage.read_counters() == count_rows(rows).summarise()
    assert (stage.count_deaths(), stage.posts) == (len(rows), [])
    assert await stage.bot.stop() == 0


async def test_every_death_is_posted_once_when_the_bot_is_killed_during_live_batches(
    open_stage: StageFactory, seed: int
) -> None:
    """Each row that comes meanwhile is stored once and posted once, in the order of the log."""
    rng = random.Random(seed)
    stage = await open_stage(is_embedded=True)
    files, history = stage.open_files(), stage.take(200)
    files.append(*history)
    await stage.bot.start()
    await stage.set_channel()
    await stage.add_server("North")
    live = stage.take(480)

    async def write() -> None:
        position = 0
        while position < len(live):
            part = live[position : position + rng.randint(1, 9)]
            files.append(*part)
            position += len(part)
            await asyncio.sleep(rng.random() * 0.25)

    writing = asyncio.create_task(write())
    try:
        await asyncio.sleep(rng.random())
        await stage.bot.kill()
        for _ in range(KILLS_IN_LIVE - 1):
            await live_and_die(stage, rng)
        await stage.bot.start()
    finally:
        await asyncio.wait_for(writing, 180)
    posts = await stage.wait_for_posts(len(live))

    assert read_posts(posts) == expect_posts(live, history)
    assert stage.count_deaths() == len(history) + len(live)
    assert stage.read_counters() == count_rows([*history, *live]).summarise()
    assert await stage.bot.stop() == 0
