"""Finding the death logs on a host."""

import os
from pathlib import Path
from typing import cast

import pytest

from simulation.game_host.host import GameHost
from simulation.game_host.log_files import GameServerFiles
from tests.fakes.host_files import FOLDER, FakeSession
from utils.errors import InvalidInputError, LogsMissingError, RemotePermissionError
from utils.models.scope import GuildId
from utils.sftp.discovery import find_death_logs
from utils.sftp.pool import SftpConnectionPool
from utils.sftp.session import SftpSession

GUILD = GuildId(42)


async def find(
    host: GameHost,
    pool: SftpConnectionPool,
    *,
    base_path: str | None = None,
    number: int | None = None,
    name: str = "127.0.0.1",
) -> str:
    """Find the death logs like the bot."""
    async with pool.lend(GUILD, host.login("renter"), guild_limit=1) as session:
        return await find_death_logs(session, base_path=base_path, host=name, number=number)


@pytest.mark.parametrize(
    ("number", "is_saved", "expected"),
    [
        (7, False, "127.0.0.1_7/actual1/deathlogs"),
        (7, True, "127.0.0.1_7/Deadside/Saved/actual1/deathlogs"),
        (None, False, "actual1/deathlogs"),
        (None, True, "Deadside/Saved/actual1/deathlogs"),
    ],
)
async def test_death_logs_are_found_in_every_layout(
    host: GameHost,
    pool: SftpConnectionPool,
    root: Path,
    number: int | None,
    is_saved: bool,  # noqa: FBT001 - a row of the table
    expected: str,
) -> None:
    """Hosters differ; the admin need not know the layout."""
    GameServerFiles(root, number=number, is_saved=is_saved)
    (root / "other").mkdir()
    assert await find(host, pool) == expected
    assert await find(host, pool, number=7) == expected


async def test_number_chooses_among_several_servers(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """With a number only the folder with exactly this number counts."""
    for number in (1, 12, 2):
        GameServerFiles(root, number=number)
    assert await find(host, pool, number=2) == "127.0.0.1_2/actual1/deathlogs"


async def test_number_is_found_among_hundreds_of_servers_of_one_login(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """An account of a large hoster may have hundreds of servers; each of them is found."""
    for number in range(1, 202):
        GameServerFiles(root, number=number)
    assert await find(host, pool, number=99) == "127.0.0.1_99/actual1/deathlogs"


async def test_several_servers_without_number_are_ambiguous_and_named(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """The refusal lists the possible numbers."""
    for number in (1, 12):
        GameServerFiles(root, number=number)
    with pytest.raises(InvalidInputError, match=r"“1” \(127\.0\.0\.1_1\), “12” \(127\.0\.0\.1_12\)"):
        await find(host, pool)


async def test_only_folder_with_logs_is_taken_when_others_are_empty(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """A folder without death logs does not count."""
    GameServerFiles(root, number=1)
    (root / "127.0.0.1_2").mkdir()
    assert await find(host, pool) == "127.0.0.1_1/actual1/deathlogs"


async def test_folder_of_another_host_name_is_taken_when_none_has_this_one(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """Folders may be named by address although the login uses a name; an exact name goes first."""
    GameServerFiles(root, host="10.0.0.9", number=1)
    assert await find(host, pool, number=1, name="sftp.example.com") == "10.0.0.9_1/actual1/deathlogs"
    GameServerFiles(root, host="SFTP.example.com", number=1)
    found = await find(host, pool, number=1, name="sftp.example.com")
    assert found == "SFTP.example.com_1/actual1/deathlogs"


@pytest.mark.parametrize(
    "typed",
    [
        "rented/one",
        "/rented/one/",
        "rented/one/127.0.0.1_1",
        "rented/one/127.0.0.1_1/actual1",
        "rented/one/127.0.0.1_1/actual1/deathlogs",
        "rented/one/127.0.0.1_1/actual1/deathlogs/world_0",
        "rented/one/127.0.0.1_1/actual1/deathlogs/world_0/2025.05.01-00.00.00.csv",
        "rented\\one\\127.0.0.1_1\\",
    ],
)
async def test_base_path_may_stop_at_any_level(
    host: GameHost, pool: SftpConnectionPool, root: Path, typed: str
) -> None:
    """People paste the path that their file browser shows."""
    GameServerFiles(root / "rented" / "one")
    expected = "rented/one/127.0.0.1_1/actual1/deathlogs"
    assert await find(host, pool, base_path=typed) == expected


async def test_base_path_is_looked_in_alone(host: GameHost, pool: SftpConnectionPool, root: Path) -> None:
    """A base path without logs is an error, not a reason to guess."""
    GameServerFiles(root, number=1)
    (root / "empty").mkdir()
    with pytest.raises(LogsMissingError, match="looked in “empty”"):
        await find(host, pool, base_path="empty")


async def test_missing_logs_are_described(host: GameHost, pool: SftpConnectionPool, root: Path) -> None:
    """The sentence has the expected folder and the existing ones."""
    (root / "127.0.0.1_3").mkdir()
    with pytest.raises(LogsMissingError, match=r"“127\.0\.0\.1_8”.*“127\.0\.0\.1_3”"):
        await find(host, pool, number=8)
    with pytest.raises(LogsMissingError, match="no folder “gone”"):
        await find(host, pool, base_path="gone")


async def test_paths_and_links_out_of_the_root_are_never_followed(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """Neither a text nor a link leads out of the login's folder."""
    elsewhere = GameServerFiles(root.parent / "elsewhere", number=1)
    (root / "127.0.0.1_1").symlink_to(elsewhere.folder)
    with pytest.raises(InvalidInputError):
        await find(host, pool, base_path="../elsewhere")
    with pytest.raises(LogsMissingError):
        await find(host, pool)


async def test_linked_server_folder_is_found_when_it_stays_inside_the_root(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """Some hosters link a server's folder to another disk."""
    GameServerFiles(root / "disk2", number=1)
    (root / "127.0.0.1_1").symlink_to("disk2/127.0.0.1_1")
    assert await find(host, pool) == "127.0.0.1_1/actual1/deathlogs"


async def test_folder_that_may_not_be_read_is_told_as_that(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """A missing permission is not the same as missing logs."""
    GameServerFiles(root, number=1)
    host.faults.denied_paths = {"127.0.0.1_1"}
    with pytest.raises(RemotePermissionError):
        await find(host, pool)


async def test_place_that_is_refused_means_the_next(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """A closed folder does not hide logs in other possible folders, or of other servers."""
    GameServerFiles(root, number=1, is_saved=True)
    GameServerFiles(root, number=2)
    host.faults.denied_paths = {"127.0.0.1_1/actual1", "127.0.0.1_2"}
    assert await find(host, pool) == "127.0.0.1_1/Deadside/Saved/actual1/deathlogs"


@pytest.mark.fault
async def test_logs_are_found_where_attributes_bear_no_types(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """The bot finds out which entries are folders by opening them."""
    GameServerFiles(root, number=1, is_saved=True)
    (root / "127.0.0.1_1/actual1").write_text("no folder")
    host.faults.hide_types = True
    assert await find(host, pool) == "127.0.0.1_1/Deadside/Saved/actual1/deathlogs"


@pytest.mark.fault
async def test_logs_are_found_in_a_root_that_cannot_be_listed(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """With its number the folder can be opened by name, independent of its neighbours."""
    GameServerFiles(root, number=7)
    (root / os.fsdecode(b"Sauvegarde_f\xe9vrier.zip")).touch()
    assert await find(host, pool) == "127.0.0.1_7/actual1/deathlogs"
    host.faults.garbled_folders = {""}
    assert await find(host, pool, number=7) == "127.0.0.1_7/actual1/deathlogs"


async def test_game_without_a_death_yet_is_found_where_no_other_has_logs(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """A new server has only its game's folder; a server with logs goes before it."""
    (root / "127.0.0.1_1/Deadside/Saved/actual1").mkdir(parents=True)
    begun = "127.0.0.1_1/Deadside/Saved/actual1/deathlogs"
    assert await find(host, pool) == begun
    assert await find(host, pool, base_path=begun) == begun
    assert await find(host, pool, base_path="127.0.0.1_1/Deadside/Saved/actual1") == begun
    GameServerFiles(root, number=2)
    assert await find(host, pool) == "127.0.0.1_2/actual1/deathlogs"
    assert await find(host, pool, number=1) == begun


class StrictSession(FakeSession):
    """A host that resolves only existing paths."""

    async def real_path(self, path: str) -> str:
        """Return an absolute path."""
        if path == FOLDER:
            await self.stat(path)
        return await super().real_path(path)


async def test_path_to_logs_that_are_not_there_yet_is_taken_though_the_host_cannot_resolve_it() -> None:
    """Some hosts resolve only complete paths; the game's folder above exists."""
    session = StrictSession()
    session.has_logs = False
    found = await find_death_logs(cast("SftpSession", session), base_path=FOLDER, host="host", number=None)
    assert found == FOLDER


async def test_servers_that_share_a_number_are_told_apart_by_their_folders(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """Both have the same number, so the error does not offer it."""
    GameServerFiles(root, host="198.51.100.7", number=8111)
    GameServerFiles(root, host="203.0.113.9", number=8111)
    with pytest.raises(InvalidInputError) as caught:
        await find(host, pool, number=8111, name="games.example")
    assert str(caught.value) == (
        "This login has several game servers, and some share a number. Choose a log folder:"
        " “198.51.100.7_8111”, “203.0.113.9_8111”."
    )
    found = await find(host, pool, number=8111, base_path="203.0.113.9_8111")
    assert found == "203.0.113.9_8111/actual1/deathlogs"


async def test_folder_of_logs_under_another_name_is_taken_when_it_is_named(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """A base path with dated logs is used as it is."""
    (root / "mirror").mkdir()
    (root / "mirror/2025.05.01-00.00.00.csv").touch()
    assert await find(host, pool, base_path="mirror") == "mirror"
    assert await find(host, pool, base_path="mirror/2025.05.01-00.00.00.csv") == "mirror"
