"""The step-by-step test of a server."""

import itertools
import os
import re
from pathlib import Path

import pytest

from simulation.game_host.battle import Battle
from simulation.game_host.host import GameHost
from simulation.game_host.log_files import GameServerFiles
from utils.models.deaths import LogFile
from utils.models.scope import GuildId
from utils.models.servers import CheckStep, Credentials, WayStep
from utils.models.texts import text
from utils.sftp.checkup import check_server, describe_newest
from utils.sftp.listing import LogFileEntry
from utils.sftp.login import HostLogin
from utils.sftp.pool import SftpConnectionPool

GUILD = GuildId(42)


async def check(
    pool: SftpConnectionPool, login: HostLogin, *, number: int | None = None
) -> tuple[CheckStep, ...]:
    """Check like ``/admin server test``."""
    loan = pool.lend(GUILD, login, guild_limit=1)
    return (await check_server(loan, login=login, base_path=None, number=number)).steps


def write_nameless(folder: Path) -> None:
    """Make a file with a name that is not text."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / os.fsdecode(b"\xff.csv")).touch()


def show(steps: tuple[CheckStep, ...]) -> list[tuple[str, bool]]:
    """Return the steps without their sentences."""
    return [(str(step.name.say()), step.ok) for step in steps]


async def test_every_step_is_shown_when_all_is_well(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """One line is about the connection, one about the folder, one about the first bytes of a log."""
    GameServerFiles(root).append(*itertools.islice(Battle().rows(), 3))
    steps = await check(pool, host.login("renter"))
    assert [(step.name, step.ok) for step in steps] == [
        (WayStep.LOGIN, True),
        (WayStep.FIND_LOGS, True),
        (WayStep.READ_NEWEST, True),
    ]
    said = [str(step.detail) for step in steps]
    assert said[:2] == [
        "Connected and logged in (new host key saved)",
        "1 death log in “127.0.0.1_1/actual1/deathlogs”",
    ]
    assert re.fullmatch(r"Newest log is readable \(\d\d \w{3} 20\d\d, \d+ bytes\)", said[2])
    await pool.close_guild(GUILD)
    [connected, *_] = await check(pool, host.login("renter", host_key=host.host_key))
    assert str(connected.detail) == "Connected and logged in"


@pytest.mark.parametrize(
    ("name", "size", "said"),
    [
        ("2025.04.30-00.00.00.csv", 0, "30 Apr 2025, 0 bytes"),
        ("2025.04.30-00.00.00.csv", 1, "30 Apr 2025, 1 byte"),
        ("2025.04.30-00.00.00.csv", 2130, "30 Apr 2025, 2 kB"),
        ("2025.04.30-00.00.00.csv", 3_400_000, "30 Apr 2025, 3 MB"),
        ("2025.13.30-00.00.00.csv", 5, "2025.13.30-00.00.00.csv, 5 bytes"),
    ],
)
def test_newest_log_is_named_by_day_and_size(name: str, size: int, said: str) -> None:
    """A name that does not name a day of the calendar is shown as it is."""
    entry = LogFileEntry(LogFile("world_0", name), name, size, 0)
    assert str(describe_newest(entry)) == f"Newest log is readable ({said})"


async def test_new_server_without_a_log_passes(host: GameHost, pool: SftpConnectionPool, root: Path) -> None:
    """Before the first death there is nothing to read, and no error is raised."""
    GameServerFiles(root)
    steps = await check(pool, host.login("renter"))
    assert steps[-1] == CheckStep(
        WayStep.READ_NEWEST, True, text("No log yet; the game makes one with the first death")
    )


async def test_game_without_a_death_yet_passes(host: GameHost, pool: SftpConnectionPool, root: Path) -> None:
    """A new server can be saved; it is read once its logs appear."""
    (root / "127.0.0.1_1/actual1").mkdir(parents=True)
    steps = await check(pool, host.login("renter"))
    assert all(step.ok for step in steps)
    assert str(steps[1].detail) == (
        "0 death logs in “127.0.0.1_1/actual1/deathlogs”. “127.0.0.1_1/actual1” has no folder"
        " “deathlogs” yet. The game makes it with the first death."
    )


async def test_what_is_there_and_not_read_is_told(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """An admin sees why the bot does not read such a log."""
    files = GameServerFiles(root)
    write_nameless(files.deathlogs / "world_0")
    steps = await check(pool, host.login("renter"))
    assert str(steps[1].detail) == (
        "0 death logs in “127.0.0.1_1/actual1/deathlogs”. “127.0.0.1_1/actual1/deathlogs/world_0”"
        " has 1 name I can't read. Rename it if it's a log."
    )


@pytest.mark.fault
async def test_check_stops_at_the_step_that_fails(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """The failing step comes last with its reason; the earlier ones are shown as passed."""
    steps = await check(pool, host.login("renter"))
    assert show(steps)[-1] == ("Find the death logs", False)
    await pool.close_guild(GUILD)

    wrong = HostLogin(host.address, host.port, "renter", Credentials("wrong"))
    steps = await check(pool, wrong)
    assert show(steps) == [("Reach the host", True), ("Login", False)]
    assert "refused the login" in str(steps[-1].detail)

    steps = await check(pool, HostLogin(host.address, host.port, "renter", Credentials(private_key="no key")))
    assert show(steps) == [("Login", False)]

    old_key = host.host_key
    await host.change_host_key()
    steps = await check(pool, host.login("renter", host_key=old_key))
    assert show(steps)[-1] == ("Host key", False)

    await host.stop()
    steps = await check(pool, host.login("renter"))
    assert show(steps) == [("Reach the host", False)]

    async with GameHost(root, {"renter": "x"}, is_legacy=True) as old:
        steps = await check(pool, old.login("renter"))
        assert show(steps) == [("Reach the host", True), ("SSH handshake", False)]


@pytest.mark.fault
async def test_connection_lost_on_the_way_is_a_failing_step(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """The step in which the connection was lost fails."""
    GameServerFiles(root).append(*itertools.islice(Battle().rows(), 3))
    host.faults.cut_after_bytes = 10
    steps = await check(pool, host.login("renter"))
    assert show(steps)[-1] == ("Read the newest log", False)
    assert "closed the connection" in str(steps[-1].detail)
