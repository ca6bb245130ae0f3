"""Fixtures for tests of restores."""

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.restores import RestoreSetup, fill
from utils.database.core.database import SafeDatabase


@pytest.fixture(name="setup")
async def _setup(database: SafeDatabase, clock: FakeClock) -> RestoreSetup:
    """Return a restorer over a database with a few documents."""
    await fill(database)
    return RestoreSetup(database, clock)
