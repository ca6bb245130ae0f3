"""A short soak: three communities share their game servers while faults happen."""

import asyncio
import sys
from pathlib import Path

import pytest

from simulation.starts import PROJECT
from utils.database.process.mongod_binary import find_mongod
from utils.errors import ConfigurationError


@pytest.mark.fault
async def test_every_death_is_there_once_after_some_seconds_of_random_faults(tmp_path: Path) -> None:
    """A seeded run ends with its verdict and code 0."""
    try:
        find_mongod()
    except ConfigurationError as error:
        pytest.skip(str(error))
    soak = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulation.soak"),
        *(
            "--minutes",
            "0.25",
            "--seed",
            "3",
            "--no-calls",
            "--deadside-log",
            "--keep",
            str(tmp_path / "soak"),
        ),
        cwd=PROJECT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await soak.communicate())[0].decode()
    assert soak.returncode == 0, output
    assert "VERDICT: every death once, in order, counted right" in output
