"""Listing death logs."""

import os
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.game_host.host import GameHost
from tests.fakes.host_files import FOLDER, FakeSession
from utils.errors import LogsMissingError, RemoteAnswerError, RemotePermissionError
from utils.models.deaths import LogFile
from utils.models.scope import GuildId
from utils.models.servers import ConnectionCount
from utils.sftp.listing import (
    LIMITS,
    DeathLogListing,
    ListingLimits,
    LogFileEntry,
    LogFolder,
    list_death_logs,
)
from utils.sftp.pool import SftpConnectionPool
from utils.sftp.session import SftpSession

GUILD = GuildId(42)


def write(path: Path, size: int, changed_at: int) -> None:
    """Write a file with that size and time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, (changed_at, changed_at))


async def list_logs(
    host: GameHost, pool: SftpConnectionPool, limits: ListingLimits = LIMITS
) -> DeathLogListing:
    """List like the bot."""
    async with pool.lend(GUILD, host.login("renter"), guild_limit=1) as session:
        return await list_death_logs(session, "logs", limits=limits)


async def test_files_come_by_world_and_name_with_the_times_of_their_folders(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """Files come in the order of reading, worlds by their folder; other files are left out."""
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
    """Hosters move big folders; links to a parent, to nothing or to a file are ignored."""
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
    """A foreign folder next to the worlds does not hide them; the death logs' own folder must be readable."""
    write(root / "logs/world_0/2025.05.01-00.00.00.csv", 1, 1)
    (root / "logs/private").mkdir()
    host.faults.denied_paths = {"logs/private"}
    listing = await list_logs(host, pool)
    assert [entry.file.world for entry in listing.files] == ["world_0"]
    [sentence] = map(str, listing.refused)
    assert "allowed to read “logs/private”" in sentence
    host.faults.denied_paths = {"logs"}
    with pytest.raises(RemotePermissionError):
        await list_logs(host, pool)


async def test_folders_deeper_than_any_game_makes_them_are_not_entered(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """The search ends for any depth of folders."""
    write(root / "logs/a/b/c/kept.csv", 1, 1)
    write(root / "logs/a/b/c/d/left.csv", 1, 1)
    listing = await list_logs(host, pool)
    assert [entry.file for entry in listing.files] == [LogFile("a/b/c", "kept.csv")]


async def test_folder_that_is_gone_is_told(host: GameHost, pool: SftpConnectionPool) -> None:
    """The logs of a moved server are missing, and the error says so."""
    with pytest.raises(LogsMissingError, match="“logs” is gone"):
        await list_logs(host, pool)


async def test_newest_folders_are_listed_and_the_rest_is_told(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """Above 99 folders only the newest are read."""
    for number in range(100):
        write(root / f"logs/{number}/2025.05.01-00.00.00.csv", 1, 1)
        os.utime(root / f"logs/{number}", (1000 + number, 1000 + number))
    listing = await list_logs(host, pool)
    assert {entry.file.world for entry in listing.files} == {str(number) for number in range(1, 100)}
    assert tuple(map(str, listing.refused)) == ("“logs” has 100 folders. I read the newest 99.",)


async def test_newest_files_are_listed_and_the_rest_is_told() -> None:
    """Above 20,000 files, those without a date in their name are dropped first, then the oldest."""
    session = FakeSession()
    names = [f"20{number // 9999 + 10}.01.01-{number % 9999:04}.csv" for number in range(LIMITS.files)]
    for name in ("notes.csv", *names):
        session.write(f"world_0/{name}", b"x")
    listing = await list_death_logs(cast("SftpSession", session), FOLDER)
    assert [entry.file.name for entry in listing.files] == sorted(names)
    assert tuple(map(str, listing.refused)) == (
        f"“{FOLDER}” has 20,001 death logs. I read the newest 20,000.",
    )


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40), st.booleans()), max_size=60),
    st.integers(1, 12),
    st.integers(1, 30),
)
async def test_limits_hold_whatever_is_listed(
    found: list[tuple[int, int, bool]], files: int, entries: int
) -> None:
    """There are never more names, folders and files than the limits; the newest files stay."""
    session = FakeSession()
    for world, number, is_log in found:
        session.write(f"world_{world}/2025.05.01-00.00.{number:02}.{'csv' if is_log else 'txt'}", b"x")
    limits = ListingLimits(entries=entries, folders=3, files=files, looks=0)
    listing = await list_death_logs(cast("SftpSession", session), FOLDER, limits=limits)
    assert len(listing.files) <= files
    assert len(listing.folders) <= 3
    assert listing.cost <= 4 * (entries + 3)
    if not listing.refused:
        assert len(listing.files) == len({(world, number) for world, number, is_log in found if is_log})
    if listing.whole_worlds is None:
        kept = {entry.file.name for entry in listing.files}
        listed = {folder.path.removeprefix(f"{FOLDER}/") for folder in listing.folders}
        there = {path.split("/")[1] for path in session.files if path.split("/")[0] in listed}
        left = {name for name in there if name.endswith(".csv")} - kept
        assert not left or max(left) <= min(kept)


@pytest.mark.fault
async def test_folder_without_end_hides_no_other(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """An endless folder uses up its share of the budget; the other worlds are read, and it is reported."""
    write(root / "logs/world_0/2025.05.01-00.00.00.csv", 1, 1)
    write(root / "logs/world_1/2025.05.01-00.00.00.csv", 1, 1)
    host.faults.endless_folders = {"logs/world_1"}
    listing = await list_logs(host, pool, ListingLimits(entries=1_000, files=100))
    newest = {entry.file.world: entry.file.name for entry in listing.files}
    assert newest == {"world_0": "2025.05.01-00.00.00.csv", "world_1": "2025.05.01-00.00.00.csv"}
    assert len(listing.files) == 100
    assert "“logs/world_1” has more entries than I list. I read the newest logs that I saw." in map(
        str, listing.refused
    )
    assert listing.cost < 1_100
    assert pool.count(GUILD) == ConnectionCount(1, 0)


@pytest.mark.fault
async def test_name_that_is_no_text_is_passed_over_and_told(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """Such a file costs neither the server nor the connection."""
    for name in ("2025.05.01-00.00.00.csv", os.fsdecode(b"n\xf6tes.csv"), "two\nlines.csv"):
        write(root / "logs/world_0" / name, 1, 1)
    listing = await list_logs(host, pool)
    assert [entry.file.name for entry in listing.files] == ["2025.05.01-00.00.00.csv"]
    assert tuple(map(str, listing.refused)) == (
        "“logs/world_0” has 2 names I can't read. Rename them if they're logs.",
    )
    assert pool.count(GUILD) == ConnectionCount(1, 0)


@pytest.mark.fault
async def test_answer_that_cannot_be_understood_costs_no_more_than_itself(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """The neighbouring world is listed, the old files of the folder stay, and the connection goes on."""
    for world in ("world_0", "world_1"):
        write(root / f"logs/{world}/2025.05.01-00.00.00.csv", 1, 1)
    before = await list_logs(host, pool)
    write(root / "logs/world_1/2025.05.02-00.00.00.csv", 1, 1)
    host.faults.garbled_folders = {"logs/world_0"}
    listing = await list_logs(host, pool)
    assert {entry.file.world for entry in listing.files} == {"world_1"}
    [sentence] = map(str, listing.refused)
    assert "about “logs/world_0”, so I skip it" in sentence
    mended = listing.mend(before)
    assert [(entry.file.world, entry.file.name) for entry in mended.files] == [
        ("world_0", "2025.05.01-00.00.00.csv"),
        ("world_1", "2025.05.01-00.00.00.csv"),
        ("world_1", "2025.05.02-00.00.00.csv"),
    ]
    host.faults.garbled_folders = {"logs"}
    with pytest.raises(RemoteAnswerError):
        await list_logs(host, pool)
    assert (host.connections_opened, pool.count(GUILD)) == (1, ConnectionCount(1, 0))


@pytest.mark.fault
async def test_files_and_folders_without_types_are_told_apart_by_opening(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """Some servers send attributes without types."""
    write(root / "logs/world_0/2025.05.01-00.00.00.csv", 3, 30)
    write(root / "logs/notes.txt", 3, 30)
    host.faults.hide_types = True
    listing = await list_logs(host, pool)
    assert [entry.path for entry in listing.files] == ["logs/world_0/2025.05.01-00.00.00.csv"]
    assert [(entry.size, entry.modified_at_seconds) for entry in listing.files] == [(3, 30)]


async def test_torn_listings_add_up_to_no_more_files_than_are_kept() -> None:
    """A host that shows other names each time does not fill the memory."""
    listings = [
        DeathLogListing(
            files=tuple(
                LogFileEntry(LogFile("world_0", name), f"logs/world_0/{name}", 1, 1)
                for name in (f"2025.01.{day:02}-{number}.csv" for number in range(4))
            ),
            folders=(),
            whole_worlds=frozenset(),
        )
        for day in (3, 1, 2)
    ]
    known = listings[0]
    for listing in listings[1:]:
        known = listing.mend(known, maximum=6)
    assert [entry.file.name for entry in known.files] == [
        "2025.01.02-2.csv",
        "2025.01.02-3.csv",
        *(f"2025.01.03-{number}.csv" for number in range(4)),
    ]


@pytest.mark.fault
async def test_link_to_a_pipe_is_passed_over(host: GameHost, pool: SftpConnectionPool, root: Path) -> None:
    """Opening a pipe would wait for a writer, and block all later requests."""
    write(root / "logs/world_0/2025.05.01-00.00.00.csv", 1, 1)
    os.mkfifo(root / "pipe")
    os.mkfifo(root / "logs/world_0/2025.05.02-00.00.00.csv")
    (root / "logs/world_0/2025.05.03-00.00.00.csv").symlink_to("../../pipe")
    listing = await list_logs(host, pool)
    assert [entry.file.name for entry in listing.files] == ["2025.05.01-00.00.00.csv"]


async def test_linked_logs_are_read_when_they_lie_inside_the_root(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """Some hosters link each file; size and time are those of the linked file."""
    write(root / "store/one.csv", 7, 70)
    write(root / "logs/world_0/2025.05.01-00.00.00.csv", 1, 1)
    (root / "logs/world_0/2025.05.02-00.00.00.csv").symlink_to("../../store/one.csv")
    listing = await list_logs(host, pool)
    assert listing.files[-1] == LogFileEntry(
        LogFile("world_0", "2025.05.02-00.00.00.csv"), "logs/world_0/2025.05.02-00.00.00.csv", 7, 70
    )


@pytest.mark.fault
async def test_links_to_nowhere_cost_no_more_looks_than_may_be(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """The newest links are followed, and their cost is counted."""
    write(root / "logs/world_0/2025.05.01-00.00.00.csv", 1, 1)
    for number in range(60):
        (root / f"logs/world_0/2025.05.01-00.01.{number:02}.csv").symlink_to("nothing")
    host.requests.clear()
    listing = await list_logs(host, pool, ListingLimits(looks=20))
    assert len(listing.files) == 1
    assert tuple(map(str, listing.refused)) == (
        "“logs/world_0” has 60 links or special files. I read the newest 20.",
    )
    assert host.requests["stat"] == 21
    assert listing.cost >= 20 * 20


async def test_game_without_a_death_yet_has_an_empty_listing(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """The game creates the folder with the first death; the parent's time shows it."""
    (root / "actual1").mkdir()
    os.utime(root / "actual1", (50, 50))
    async with pool.lend(GUILD, host.login("renter"), guild_limit=1) as session:
        listing = await list_death_logs(session, "actual1/deathlogs")
    assert (listing.files, listing.folders) == ((), (LogFolder("actual1", 50),))
    assert tuple(map(str, listing.refused)) == (
        "“actual1” has no folder “deathlogs” yet. The game makes it with the first death.",
    )


async def test_hundreds_of_files_are_listed_whole(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """A host sends long folders in parts, and all of them are read."""
    names = [f"{number:05}.csv" for number in range(700)]
    for name in names:
        write(root / "logs/world_0" / name, 1, 1)
    listing = await list_logs(host, pool)
    assert [entry.file.name for entry in listing.files] == names
