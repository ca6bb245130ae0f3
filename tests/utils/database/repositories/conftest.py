"""Repositories over a fresh database, without a fence unless a test sets one."""

import pytest

from utils.database.core.database import SafeDatabase
from utils.database.read_models.standings.standings import Standings
from utils.database.repositories.imports import ImportRepository
from utils.database.repositories.ingestion import IngestionRepository
from utils.database.repositories.outbox import OutboxRepository
from utils.database.repositories.servers import GameServerRepository
from utils.database.repositories.statistics import StatisticsRepository


@pytest.fixture(name="ingestion")
def _ingestion(database: SafeDatabase) -> IngestionRepository:
    """Return storage of ingestion."""
    return IngestionRepository(database, fences=lambda _: None)


@pytest.fixture(name="imports")
def _imports(database: SafeDatabase) -> ImportRepository:
    """Return storage of imports."""
    return ImportRepository(database, fences=lambda _: None)


@pytest.fixture(name="outbox")
def _outbox(database: SafeDatabase) -> OutboxRepository:
    """Return the outbox."""
    return OutboxRepository(database, fences=lambda _: None, prepare_seconds=0, mark_seconds=0)


@pytest.fixture(name="servers")
def _servers(database: SafeDatabase) -> GameServerRepository:
    """Return storage of game servers."""
    return GameServerRepository(database)


@pytest.fixture(name="statistics")
def _statistics(database: SafeDatabase) -> StatisticsRepository:
    """Return reads of statistics."""
    return StatisticsRepository(database, Standings(database))
