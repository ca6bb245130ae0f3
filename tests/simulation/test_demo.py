"""The demo, as a newcomer runs it."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from simulation.starts import PROJECT
from utils.database.process.mongod_binary import find_mongod
from utils.errors import ConfigurationError


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    """Return the folder of the demo's temporary files; skip the test if the machine has no mongod."""
    try:
        find_mongod()
    except ConfigurationError as error:
        pytest.skip(str(error))
    return tmp_path


def list_names(folder: Path) -> list[str]:
    """Return the names of files in a folder."""
    return [path.name for path in folder.iterdir()]


async def start_demo(folder: Path, *, seconds: float) -> asyncio.subprocess.Process:
    """Start the demo as a process that writes into a pipe."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulation.demo", "--seconds", str(seconds)),
        cwd=PROJECT,
        env={**os.environ, "TMPDIR": str(folder), "PYTHONUTF8": "1"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def test_demo_shows_kills_and_answers_and_leaves_nothing(folder: Path) -> None:
    """A short demo posts every death once, ends by itself with code 0, and leaves no files."""
    demo = await start_demo(folder, seconds=12)
    output = (await demo.communicate())[0].decode()
    assert demo.returncode == 0, output
    for expected in (
        "✅ History of Northwatch imported",
        "#killfeed ───",
        "🎯 ",  # a line
        "🩸 ",  # a card: the first kill of the day
        "🏆 Most kills",
        "📊 ",
        "📡 Killfeed status",
        "(only bo can see this)",
        "each once, in order",
    ):
        assert expected in output
    assert "\x1b[" not in output
    assert list_names(folder) == []


async def test_demo_ends_cleanly_on_ctrl_c(folder: Path) -> None:
    """Ctrl-C in the middle ends bot, database and world, and deletes the files; the exit code is 0."""
    demo = await start_demo(folder, seconds=60)
    assert demo.stdout is not None
    await demo.stdout.readuntil(b"/admin channel set")
    demo.send_signal(signal.SIGINT)
    rest = (await demo.communicate())[0].decode()
    assert demo.returncode == 0, rest
    assert "Traceback" not in rest
    assert list_names(folder) == []
