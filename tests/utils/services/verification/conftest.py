"""A community whose data is right, and its repairs."""

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.verified import Community, RepairShop
from utils.database.core.database import SafeDatabase
from utils.database.migrations.migrations import MIGRATIONS


@pytest.fixture(name="community")
async def _community(database: SafeDatabase) -> Community:
    """A community whose data is right."""
    await MIGRATIONS.ensure_version(database)
    community = Community(database)
    await community.store()
    return community


@pytest.fixture(name="shop")
def _shop(database: SafeDatabase, mongod_uri: str, clock: FakeClock) -> RepairShop:
    """Return the repairs of the database."""
    return RepairShop(database, mongod_uri, clock)
