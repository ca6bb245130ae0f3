"""Access: from a stored server to its logs, and the memory about it."""

import asyncio
import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest

from simulation.game_host.battle import Battle
from simulation.game_host.host import GameHost
from simulation.game_host.log_files import GameServerFiles
from tests.fakes.clock import FakeClock
from utils.errors import (
    HostKeyChangedError,
    InvalidInputError,
    LoginRefusedError,
    LogsMissingError,
    SecretError,
)
from utils.models.scope import GuildId, ServerId, ServerScope
from utils.models.servers import ConnectionCount, Credentials, GameServer, WayStep
from utils.redaction import Redactor
from utils.secrets import SecretBox
from utils.sftp.access import LOOK_AGAIN_SECONDS, DeathLogAccess
from utils.sftp.pool import SftpConnectionPool

SCOPE = ServerScope(GuildId(42), ServerId("aaaaaaaa"))
BOX = SecretBox("a key for these tests alone")


@pytest.fixture(name="server")
def _server(host: GameHost) -> GameServer:
    return GameServer(
        scope=SCOPE,
        name="Mirny",
        host=host.address,
        port=host.port,
        username="renter",
        secret=BOX.encrypt(SCOPE, Credentials("s3cret-pass")),
        host_key=host.host_key,
    )


@pytest.fixture(name="access")
def _access(pool: SftpConnectionPool) -> DeathLogAccess:
    return DeathLogAccess(pool, BOX, clock=FakeClock())


async def list_names(access: DeathLogAccess, server: GameServer) -> list[str]:
    """Return the names of a server's death logs."""
    async with access.open(server, guild_limit=1) as logs:
        return [file.name for file in await logs.list_sizes()]


async def test_logs_are_found_and_read_from_a_stored_server(
    access: DeathLogAccess, server: GameServer, root: Path
) -> None:
    """The secret is decrypted, the folder found, and bytes are read, from stored data only."""
    GameServerFiles(root).append(*islice(Battle().rows(), 3))
    async with access.open(server, guild_limit=1) as logs:
        [file] = await logs.list_sizes()
        chunks = [chunk async for chunk in logs.read_on({})]
    assert file.world == "world_0"
    assert b"".join(chunk.data for chunk in chunks).count(b"\n") == 3


async def test_what_was_seen_is_remembered_from_poll_to_poll_until_it_is_forgotten(
    access: DeathLogAccess, server: GameServer, root: Path, host: GameHost
) -> None:
    """A second opening does not search the folder; after ``forget`` it does."""
    files = GameServerFiles(root)
    files.append(*islice(Battle().rows(), 1))
    first = await list_names(access, server)
    shutil.copytree(root / f"{host.address}_1", root / f"{host.address}_2")
    assert await list_names(access, server) == first
    access.forget(SCOPE)
    with pytest.raises(InvalidInputError, match="several game servers"):
        await list_names(access, server)


async def test_logs_that_went_are_found_where_they_lie_at_the_next_try(
    access: DeathLogAccess, server: GameServer, root: Path, host: GameHost
) -> None:
    """A hoster moved the folder; neither a restart nor an edit is needed."""
    GameServerFiles(root).append(*islice(Battle().rows(), 1))
    names = await list_names(access, server)
    moved = root / "Deadside" / "Saved"
    moved.mkdir(parents=True)
    (root / f"{host.address}_1" / "actual1").rename(moved / "actual1")
    with pytest.raises(LogsMissingError):
        await list_names(access, server)
    assert access.get_log_folder(SCOPE) is None
    assert await list_names(access, server) == names


async def test_place_without_logs_is_looked_for_again_each_minute(
    pool: SftpConnectionPool, server: GameServer, root: Path
) -> None:
    """The game's folder exists before its first death, but the logs may appear in another one."""
    clock = FakeClock()
    access = DeathLogAccess(pool, BOX, clock=clock)
    server = replace(server, base_path=None, number=None)
    (root / "actual1").mkdir()
    assert await list_names(access, server) == []
    logs = root / "Deadside" / "Saved" / "actual1" / "deathlogs"
    logs.mkdir(parents=True)
    name = "2025.05.01-00.00.00.csv"
    (logs / name).write_bytes(b"")
    clock.move(LOOK_AGAIN_SECONDS - 1)
    assert await list_names(access, server) == []
    clock.move(1)
    assert await list_names(access, server) == [name]
    assert str(access.get_log_folder(SCOPE)).endswith("Deadside/Saved/actual1/deathlogs")


@pytest.mark.fault
async def test_corrected_password_works_once_the_old_one_is_forgotten(
    access: DeathLogAccess, server: GameServer, root: Path
) -> None:
    """A login is kept as long as the server is known, so a changed one needs ``forget``."""
    GameServerFiles(root).append(*islice(Battle().rows(), 1))
    wrong = replace(server, secret=BOX.encrypt(SCOPE, Credentials("old-pass")))
    with pytest.raises(LoginRefusedError):
        await list_names(access, wrong)
    with pytest.raises(LoginRefusedError):
        await list_names(access, server)  # still the remembered login
    access.forget(SCOPE)
    assert len(await list_names(access, server)) == 1


async def test_forgotten_server_takes_its_connection_along_unless_another_needs_it(
    access: DeathLogAccess, server: GameServer, root: Path, host: GameHost
) -> None:
    """Two servers share a login: the connection stays for the second and ends with the last."""
    other_scope = ServerScope(SCOPE.guild_id, ServerId("bbbbbbbb"))
    other = replace(server, scope=other_scope, secret=BOX.encrypt(other_scope, Credentials("s3cret-pass")))
    GameServerFiles(root)
    for one in (server, other):
        await list_names(access, one)
    assert access.count_connections(SCOPE.guild_id) == ConnectionCount(1, 0)
    access.forget(SCOPE)
    assert host.connections == 1
    access.forget(other_scope)
    await host.wait_for_connections(0)


@pytest.mark.fault
async def test_what_is_in_the_way_is_known_by_server_until_it_is_renewed(
    access: DeathLogAccess, server: GameServer, root: Path, host: GameHost
) -> None:
    """A server that was never opened has no obstacle; a refused one waits for a change by an admin."""
    GameServerFiles(root)
    assert access.find_obstacle(SCOPE) is None
    await access.wait_for_way(SCOPE, guild_limit=1)
    host.faults.refuse_logins = True
    with pytest.raises(LoginRefusedError):
        await list_names(access, server)
    obstacle = access.find_obstacle(SCOPE)
    assert obstacle is not None
    assert obstacle.next_try_at is None
    waiter = asyncio.create_task(access.wait_for_way(SCOPE, guild_limit=1))
    host.faults.clear()
    with pytest.raises(LoginRefusedError):
        await list_names(access, server)  # from memory
    access.renew(SCOPE)
    await waiter
    assert await list_names(access, server) == []


@pytest.mark.fault
async def test_tests_by_hand_ask_the_host_although_it_is_known_to_fail(
    access: DeathLogAccess, server: GameServer, root: Path, host: GameHost
) -> None:
    """An admin's test asks the host again; its success also counts for the server."""
    GameServerFiles(root)
    host.faults.refuse_logins = True
    with pytest.raises(LoginRefusedError):
        await list_names(access, server)
    assert (await access.read_host_keys(server, guild_limit=1)).problem is not None
    host.faults.clear()
    assert (await access.check(server, guild_limit=1)).failure is None
    assert await list_names(access, server) == []


async def test_secret_of_another_server_opens_nothing(access: DeathLogAccess, server: GameServer) -> None:
    """A ciphertext that was copied to another guild is refused before any connection."""
    thief = replace(server, scope=ServerScope(GuildId(43), SCOPE.server_id))
    with pytest.raises(SecretError, match="can't decrypt the saved login"):
        await list_names(access, thief)
    with pytest.raises(SecretError):
        await access.check(thief, guild_limit=1)


async def test_check_shows_the_host_key_and_pinning_it_holds(
    access: DeathLogAccess, server: GameServer, root: Path, host: GameHost, pool: SftpConnectionPool
) -> None:
    """The shown key can be pinned; then another host in its place is refused."""
    GameServerFiles(root)
    new = replace(server, host_key=None)
    check = await access.check(new, guild_limit=1, credentials=Credentials("s3cret-pass"))
    assert (check.failure, check.host_key) == (None, host.host_key)
    pinned = replace(server, host_key=check.host_key)
    assert await list_names(access, pinned) == []
    await pool.close_guild(SCOPE.guild_id)
    await host.change_host_key()
    access.forget(SCOPE)
    with pytest.raises(HostKeyChangedError):
        await list_names(access, pinned)


@pytest.mark.fault
async def test_check_without_a_login_shows_no_key(access: DeathLogAccess, server: GameServer) -> None:
    """The key of a host that refused the login is not pinned."""
    wrong = replace(server, secret=BOX.encrypt(SCOPE, Credentials("wrong")))
    check = await access.check(wrong, guild_limit=1)
    assert (check.steps[-1].name, check.steps[-1].ok, check.host_key) == (WayStep.LOGIN, False, None)


async def test_stored_secret_is_offered_to_no_host_whose_key_is_not_pinned(
    access: DeathLogAccess, server: GameServer, root: Path, host: GameHost
) -> None:
    """Without a pin the host shows its key and gets no secret; with an accepted key reading goes on."""
    GameServerFiles(root)
    unpinned = replace(server, host_key=None)
    with pytest.raises(
        HostKeyChangedError, match=r"haven't saved a host key for .* yet, so I don't send it a password"
    ):
        await list_names(access, unpinned)
    check = await access.check(unpinned, guild_limit=1)
    assert (check.failure and check.failure.name, check.host_key) == (WayStep.HOST_KEY, None)
    keys = await access.read_host_keys(unpinned, guild_limit=1)
    assert (keys.pinned, keys.shown and keys.shown.text, keys.is_changed) == (None, host.host_key, True)
    assert host.offered == []
    access.renew(SCOPE)
    assert await list_names(access, server) == []
    assert host.offered == [("renter", "s3cret-pass")]


async def test_folder_is_the_same_however_it_is_written(
    access: DeathLogAccess, server: GameServer, root: Path
) -> None:
    """Number, base path, link and host name all lead to one folder, with the host's own name for it."""
    files = GameServerFiles(root)
    files.append(*islice(Battle().rows(), 1))
    (root / "link").symlink_to("127.0.0.1_1")
    spelled = [
        replace(server, number=1),
        replace(server, base_path="127.0.0.1_1"),
        replace(server, base_path="./127.0.0.1_1/actual1/"),
        replace(server, base_path="/127.0.0.1_1/actual1/deathlogs"),
        replace(server, base_path="link"),
        replace(server, host="LOCALHOST", base_path="link/actual1"),
    ]
    found = [(await access.check(one, guild_limit=1)).logs for one in spelled]
    assert {logs and logs.folder for logs in found} == {"/127.0.0.1_1/actual1/deathlogs"}
    [name] = await list_names(access, server)
    assert {logs and logs.head for logs in found} == {files.current().read_bytes()[:256]}
    assert {logs and logs.newest and logs.newest.name for logs in found} == {name}
    assert access.get_log_folder(SCOPE) == "/127.0.0.1_1/actual1/deathlogs"


async def test_login_is_kept_out_of_logs_while_it_is_tried_and_while_it_is_used(
    pool: SftpConnectionPool, server: GameServer, root: Path, host: GameHost
) -> None:
    """A failed test, ``forget`` and ``let_go`` leave no login behind."""
    GameServerFiles(root)
    redactor = Redactor()
    box = SecretBox("a key for these tests alone", redactor=redactor)
    access, typed = DeathLogAccess(pool, box, clock=FakeClock()), "typed-Pa55!"
    host.faults.slow_login_seconds = 0.2
    trying = asyncio.create_task(access.check(server, guild_limit=1, credentials=Credentials(typed)))
    await host.wait_for_connections(1)
    assert redactor.redact(f"{typed} s3cret-pass") == "*** s3cret-pass"
    assert (await trying).failure is not None
    host.faults.clear()
    await list_names(access, server)
    assert redactor.redact(f"{typed} s3cret-pass") == f"{typed} ***"
    access.forget(SCOPE)
    access.let_go(server)
    assert redactor.redact("s3cret-pass") == "s3cret-pass"


async def test_connection_of_a_test_stays_only_for_a_server_that_is_to_be_read(
    access: DeathLogAccess, server: GameServer, root: Path, host: GameHost
) -> None:
    """Failed tests, tests of paused servers and tests of servers that are not stored keep no connection."""
    assert (await access.check(server, guild_limit=1)).failure is not None  # no logs exist yet
    await host.wait_for_connections(0)
    GameServerFiles(root)
    paused = replace(server, is_paused=True)
    await access.check(paused, guild_limit=1)
    await access.read_host_keys(paused, guild_limit=1)
    await host.wait_for_connections(0)
    await access.check(server, guild_limit=1)
    await asyncio.sleep(0.1)
    assert host.connections == 1
    access.let_go(server)
    await host.wait_for_connections(0)


async def test_failed_test_takes_no_connection_from_a_server_that_is_read(
    access: DeathLogAccess, server: GameServer, root: Path, host: GameHost
) -> None:
    """An edit to a wrong folder fails, and the login goes on with the old settings."""
    GameServerFiles(root)
    await list_names(access, server)
    assert (await access.check(replace(server, base_path="nowhere"), guild_limit=1)).failure is not None
    access.let_go(server)
    await asyncio.sleep(0.1)
    assert (host.connections, host.connections_opened) == (1, 1)


@pytest.mark.parametrize(
    ("zone", "lists"),
    [("UTC", False), ("Europe/Berlin", False), ("Asia/Kathmandu", False), ("Etc/GMT-12", True)],
)
async def test_midnight_is_that_of_the_game_server(
    pool: SftpConnectionPool, server: GameServer, root: Path, zone: str, *, lists: bool
) -> None:
    """Folders are listed around midnight of the server's own zone, which is noon UTC in the far east."""
    clock = FakeClock(datetime(2025, 5, 1, 11, 59, tzinfo=UTC))
    access = DeathLogAccess(pool, BOX, clock=clock)
    files = GameServerFiles(root)
    files.append(*islice(Battle().rows(), 1))
    there = replace(server, timezone=zone)

    async def poll() -> set[str]:
        clock.move(61)
        async with access.open(there, guild_limit=1) as logs:
            return {chunk.after.file.name async for chunk in logs.read_on({})}

    [known] = await poll()
    await poll()  # now the listing is older than a tick of the folder's time, and trusted
    folder = root / f"{server.host}_1" / "actual1" / "deathlogs" / "world_0"
    stamp = folder.stat()
    (folder / "2099.01.01-00.00.00.csv").write_bytes((folder / known).read_bytes())
    os.utime(folder, (stamp.st_atime, stamp.st_mtime))  # a host with meaningless folder times
    assert ("2099.01.01-00.00.00.csv" in await poll()) is lists
