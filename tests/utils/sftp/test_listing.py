"""Listing death logs."""

import os
from pathlib import Path

import pytest

from simulation.game_host.host import GameHost
from utils.errors import LogsMissingError, RemotePermissionError
from utils.models.deaths import LogFile
from utils.models.scope import GuildId
from utils.sftp.listing import DeathLogListing, LogFileEntry, LogFolder, list_death_logs
from utils.sftp.pool import SftpConnectionPool

GUILD = GuildId(42)


def write(path: Path, size: int, changed_at: int) -> None:
    """Write a file of that size and time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, (changed_at, changed_at))


async def list_logs(host: GameHost, pool: SftpConnectionPool) -> DeathLogListing:
    """List as the bot does."""
    async with pool.lease(GUILD, host.login("renter"), guild_limit=1) as session:
        return await list_death_logs(session, "logs")


async def test_files_come_by_world_and_name_with_the_times_of_their_folders(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """The order of reading, worlds by their folder; what is no log is left out."""
    write(root / "logs/world_1/2025.05.01-00.00.00.csv", 3, 30)
    write(root / "logs/world_0/2025.05.02-00.00.00.CSV", 2, 20)
    write(root / "logs/world_0/2025.05.01-00.00.00.csv", 1, 10)
    write(root / "logs/2024.01.01-00.00.00.csv", 0, 5)
    write(root / "logs/notes.txt", 1, 1)
    (root / "logs/world_9").symlink_to("/etc")
    for number, name in enumerate(("logs/world_0", "logs/world_1", "logs")):
        os.utime(root / name, (1000 + number, 1000 + number))
    assert await list_logs(host, pool) == DeathLogListing(
        files=(
            LogFileEntry(LogFile("", "2024.01.01-00.00.00.csv"), "logs/2024.01.01-00.00.00.csv", 0, 5),
            *(
                LogFileEntry(LogFile(world, name), f"logs/{world}/{name}", size, changed_at)
                for world, name, size, changed_at in (
                    ("world_0", "2025.05.01-00.00.00.csv", 1, 10),
                    ("world_0", "2025.05.02-00.00.00.CSV", 2, 20),
                    ("world_1", "2025.05.01-00.00.00.csv", 3, 30),
                )
            ),
        ),
        folders=(
            LogFolder("logs", 1002),
            LogFolder("logs/world_0", 1000),
            LogFolder("logs/world_1", 1001),
        ),
    )


async def test_linked_worlds_are_listed_when_they_lie_inside_the_root(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """Hosters move big folders elsewhere; a link to a parent, to nothing or to a file is left out."""
    write(root / "disk2/world_1/2025.05.01-00.00.00.csv", 1, 1)
    write(root / "logs/world_0/2025.05.01-00.00.00.csv", 1, 1)
    for name, target in (
        ("world_1", "../disk2/world_1"),
        ("again", ".."),
        ("alias", "world_0"),
        ("gone", "nothing"),
        ("file.csv", "world_0/2025.05.01-00.00.00.csv"),
        ("etc", "/etc"),
    ):
        (root / "logs" / name).symlink_to(target)
    os.utime(root / "disk2/world_1", (500, 500))
    listing = await list_logs(host, pool)
    assert [entry.path for entry in listing.files] == [
        "logs/world_0/2025.05.01-00.00.00.csv",
        "logs/world_1/2025.05.01-00.00.00.csv",
    ]
    assert listing.folders[-1] == LogFolder("logs/world_1", 500)


async def test_folder_that_may_not_be_listed_is_told_and_not_in_the_way(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """A foreign folder beside the worlds does not hide them; the death logs themselves must be open."""
    write(root / "logs/world_0/2025.05.01-00.00.00.csv", 1, 1)
    (root / "logs/private").mkdir()
    host.faults.denied_paths = {"logs/private"}
    listing = await list_logs(host, pool)
    assert [entry.file.world for entry in listing.files] == ["world_0"]
    [sentence] = listing.refused
    assert "does not let this login read “logs/private”" in sentence
    host.faults.denied_paths = {"logs"}
    with pytest.raises(RemotePermissionError):
        await list_logs(host, pool)


async def test_folders_deeper_than_any_game_makes_them_are_not_entered(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """The search ends, whatever lies there."""
    write(root / "logs/a/b/c/kept.csv", 1, 1)
    write(root / "logs/a/b/c/d/left.csv", 1, 1)
    listing = await list_logs(host, pool)
    assert [entry.file for entry in listing.files] == [LogFile("a/b/c", "kept.csv")]


async def test_folder_that_is_gone_is_told(host: GameHost, pool: SftpConnectionPool) -> None:
    """A server that was moved has no logs where they were."""
    with pytest.raises(LogsMissingError, match="“logs” is gone"):
        await list_logs(host, pool)


async def test_folder_with_far_too_many_folders_is_refused(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """A base path that points at something else does not keep the bot listing for ever."""
    for number in range(101):
        (root / f"logs/{number}").mkdir(parents=True)
    with pytest.raises(LogsMissingError, match="far too much"):
        await list_logs(host, pool)


async def test_hundreds_of_files_are_listed_whole(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """A host hands out long folders in parts; none is lost."""
    names = [f"{number:05}.csv" for number in range(700)]
    for name in names:
        write(root / "logs/world_0" / name, 1, 1)
    listing = await list_logs(host, pool)
    assert [entry.file.name for entry in listing.files] == names
