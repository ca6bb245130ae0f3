"""Fixtures for the tests of SFTP: a game host, its files, and a pool."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from simulation.game_host.host import GameHost
from utils.models.scope import GuildId
from utils.sftp.login import PoolLimits
from utils.sftp.pool import SftpConnectionPool

GUILD = GuildId(42)


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    root = tmp_path / "host"
    root.mkdir()
    return root


@pytest.fixture(name="host")
async def _host(root: Path) -> AsyncIterator[GameHost]:
    async with GameHost(root, {"renter": "s3cret-pass"}) as host:
        yield host


@pytest.fixture(name="limits")
def _limits() -> PoolLimits:
    """Short limits for tests that reach them, but long enough for a busy machine."""
    return PoolLimits(connect_timeout_seconds=30, operation_timeout_seconds=30, wait_timeout_seconds=30)


@pytest.fixture(name="pool")
async def _pool(limits: PoolLimits) -> AsyncIterator[SftpConnectionPool]:
    pool = SftpConnectionPool(limits)
    yield pool
    await pool.aclose()
