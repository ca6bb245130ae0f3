"""The game host as a program of its own."""

import asyncio
import signal
import sys
from pathlib import Path

import asyncssh


async def test_program_serves_a_living_battle_until_it_is_stopped(tmp_path: Path) -> None:
    """The program prints its login, its logs grow, and SIGTERM ends it cleanly."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulation.game_host"),
        *("--folder", str(tmp_path), "--speed", "100000", "--password", "secret"),
        cwd=Path(__file__).parents[3],
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    words = (await process.stdout.readline()).decode().split()
    facts = dict(zip(words[::2], words[1::2], strict=True))
    assert facts | {"port": ""} == {
        "host": "127.0.0.1",
        "port": "",
        "user": "renter",
        "password": "secret",
        "number": "1",
    }
    while b" -> " not in await process.stdout.readline():
        pass
    async with (
        asyncssh.connect(
            facts["host"],
            int(facts["port"]),
            username="renter",
            password="secret",
            known_hosts=None,
            config=None,
        ) as connection,
        connection.start_sftp_client() as sftp,
    ):
        (path, *_) = await sftp.glob("127.0.0.1_1/actual1/deathlogs/world_0/*.csv")
        assert ((await sftp.stat(path)).size or 0) > 0
    process.send_signal(signal.SIGTERM)
    await process.communicate()
    assert process.returncode == 0
