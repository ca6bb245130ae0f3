"""A full disk under the bot's own data: the bot reports it, survives it, and loses nothing."""

from contextlib import suppress

import pytest
from pymongo.errors import PyMongoError

from simulation.counting import count_rows
from simulation.posts import expect_posts, read_posts
from simulation.small_disk import filled_disk, mounted_disk
from tests.bot.conftest import StageFactory
from tests.bot.process import until
from tests.bot.stage import Stage

DISK_MEGABYTES = 500  # mongod's journal takes half of it


def write_all_to_disk(stage: Stage) -> None:
    """Let mongod write all its data to disk, as it does once a minute."""
    with suppress(PyMongoError), stage.open_database() as database:
        database.client.admin.command("fsync")


async def test_full_disk_is_told_and_survived(open_stage: StageFactory) -> None:
    """Deaths wait in their files until the disk has room; then each counts once and is posted once."""
    stage = await open_stage(is_embedded=True)
    with mounted_disk(stage.bot.data_dir, megabytes=DISK_MEGABYTES) as is_mounted:
        if not is_mounted:
            pytest.skip("mounting a disk is not allowed here")
        await stage.bot.start()
        files, history = stage.open_files(), stage.take(50)
        files.append(*history)
        await stage.set_channel()
        await stage.add_server("North")
        live = stage.take(60)
        with filled_disk(stage.bot.data_dir):
            files.append(*live)
            write_all_to_disk(stage)
            await until(lambda: "is full. Free some space" in stage.bot.output, what=lambda: stage.bot.output)
        posts = await stage.wait_for_posts(len(live), within_seconds=120)
        assert read_posts(posts) == expect_posts(live, history)
        assert stage.read_counters() == count_rows([*history, *live]).summarise()
        assert await stage.bot.stop() == 0
