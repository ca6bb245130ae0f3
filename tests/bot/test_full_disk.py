"""A full disk under the bot's own data: the bot reports it, survives it, and loses nothing."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from pymongo.errors import PyMongoError

from simulation.counting import count_rows
from simulation.posts import expect_posts, read_posts
from tests.bot.conftest import StageFactory
from tests.bot.process import until
from tests.bot.stage import Stage

DISK_MEGABYTES = 500  # mongod's journal takes half of it
BLOCK = b"\0" * 65_536


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Mount a small disk under a folder; that needs the right to mount."""
    folder.mkdir(parents=True)
    mount = shutil.which("mount") or pytest.skip("there is no mount command")
    options = ["-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m", "killfeed-test"]
    if subprocess.run([mount, *options, str(folder)], capture_output=True, check=False).returncode:  # noqa: S603 - constants alone
        pytest.skip("mounting a disk is not allowed here")
    try:
        yield
    finally:
        subprocess.run(["/bin/umount", "--lazy", str(folder)], check=True)  # noqa: S603 - constants alone


@contextmanager
def ballast(folder: Path) -> Iterator[None]:
    """Fill the disk completely for the time of a block."""
    file = folder / "ballast"
    with suppress(OSError), file.open("wb", buffering=0) as target:
        while target.write(BLOCK):
            pass
    try:
        yield
    finally:
        file.unlink()


def write_all_to_disk(stage: Stage) -> None:
    """Let mongod write all its data to disk, as it does once a minute."""
    with suppress(PyMongoError), stage.open_database() as database:
        database.client.admin.command("fsync")


async def test_full_disk_is_told_and_survived(open_stage: StageFactory) -> None:
    """Deaths wait in their files until the disk has room; then each counts once and is posted once."""
    stage = await open_stage(is_embedded=True)
    with small_disk(stage.bot.data_dir):
        await stage.bot.start()
        files, history = stage.open_files(), stage.take(50)
        files.append(*history)
        await stage.set_channel()
        await stage.add_server("North")
        live = stage.take(60)
        with ballast(stage.bot.data_dir):
            files.append(*live)
            write_all_to_disk(stage)
            await until(lambda: "is full. Free some space" in stage.bot.output, what=lambda: stage.bot.output)
        posts = await stage.wait_for_posts(len(live), within_seconds=120)
        assert read_posts(posts) == expect_posts(live, history)
        assert stage.read_counters() == count_rows([*history, *live]).summarise()
        assert await stage.bot.stop() == 0
