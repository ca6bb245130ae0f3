"""Deadside.log on its host: its place, and the requests of a poll."""

from pathlib import Path

import pytest

from simulation.game_host.host import GameHost
from utils.models.game_log import LogSize
from utils.models.scope import GuildId
from utils.sftp.game_log import GameLogFile, place_game_log
from utils.sftp.pool import SftpConnectionPool


@pytest.mark.parametrize(
    ("folder", "place"),
    [
        ("192.0.2.1_7/actual1/deathlogs", "192.0.2.1_7/Logs/Deadside.log"),
        ("x_7/Deadside/Saved/actual1/deathlogs", "x_7/Deadside/Saved/Logs/Deadside.log"),
        ("actual1/deathlogs", "Logs/Deadside.log"),
        ("/srv/north/actual1/deathlogs", "/srv/north/Logs/Deadside.log"),
        ("/srv/north/logs of deaths", "/srv/north/Logs/Deadside.log"),
    ],
)
def test_log_lies_beside_the_folder_of_the_game(folder: str, place: str) -> None:
    """The death logs are found first, in any layout of a hoster; the other log has its place beside them."""
    assert place_game_log(folder) == place


async def test_quiet_poll_is_one_request_and_a_read_with_the_head_one_opening(
    host: GameHost, pool: SftpConnectionPool, root: Path
) -> None:
    """A missing file is a size of nothing, and not an error."""
    path = root / "Logs" / "Deadside.log"
    async with pool.lend(GuildId(42), host.login("renter"), guild_limit=1) as session:
        log = GameLogFile(session, "Logs/Deadside.log")
        assert await log.look() is None
        path.parent.mkdir()
        path.write_bytes(b"x" * 600 + b"end")
        host.requests.clear()
        found = await log.look()
        assert (found, dict(host.requests)) == (LogSize(603, int(path.stat().st_mtime)), {"stat": 1})
        assert await log.read(600, 3) == (b"", b"end")
        assert await log.read(600, 3, has_head=True) == (b"x" * 512, b"end")
        assert host.requests["open"] == 2
