"""Fixtures for tests of the database."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest

from utils.clock import SystemClock
from utils.database.core.database import SafeDatabase
from utils.database.process.connection import SafeMongoDBConnection
from utils.models.deaths import Death, DeathKind, DeathRow, LogFile
from utils.models.notices.deaths import DeathNotice
from utils.models.players import Counters, NameSeen, PlayerRecord
from utils.models.scope import GuildId, PlayerId, ServerId, ServerScope
from utils.models.servers import EncryptedSecret, GameServer
from utils.services.ingestion.fingerprint import build_scope_prefix, compute_death_id

NOON = datetime(2025, 4, 30, 12, 0, 0)  # noqa: DTZ001 - a wall-clock time as written in a log
MakeDeath = Callable[..., Death]
MakePlayer = Callable[..., PlayerRecord]
MakeServer = Callable[..., GameServer]
MakeNotice = Callable[..., DeathNotice]


@pytest.fixture(name="scope")
def _scope() -> ServerScope:
    """Return a game server."""
    return ServerScope(GuildId(42), ServerId("aaaaaaaa"))


@pytest.fixture(name="neighbour")
def _neighbour() -> ServerScope:
    """Return another game server of the same guild."""
    return ServerScope(GuildId(42), ServerId("bbbbbbbb"))


@pytest.fixture(name="stranger")
def _stranger() -> ServerScope:
    """Return the same server id in another guild."""
    return ServerScope(GuildId(43), ServerId("aaaaaaaa"))


@pytest.fixture(name="make_death")
def _make_death() -> MakeDeath:
    """Return a maker of deaths: ``killer`` and ``victim`` by a short name, ``second`` after noon."""

    def make(
        scope: ServerScope,
        killer: str | None,
        victim: str,
        *,
        second: int = 0,
        kind: DeathKind = DeathKind.KILL,
        weapon: str = "AK-SU",
        name: str | None = None,
    ) -> Death:
        written_at = NOON + timedelta(seconds=second)
        row = DeathRow(
            written_at=written_at,
            kind=kind,
            killer_id=None if killer is None else PlayerId(killer),
            killer_name=name or killer or "",
            victim_id=PlayerId(victim),
            victim_name=victim,
            weapon=weapon,
            distance=20,
            killer_platform="PS5" if killer else "",
            victim_platform="XSX",
        )
        death_id = compute_death_id(build_scope_prefix(scope), row)
        file = LogFile("world_0", "2025.04.30-00.00.00.csv")
        return Death(death_id, row, written_at.replace(tzinfo=UTC), file, offset=second * 100)

    return make


@pytest.fixture(name="make_player")
def _make_player() -> MakePlayer:
    """Return a maker of players' records."""

    def make(player: str, *, name: str | None = None, seen: int = 0, **counters: int) -> PlayerRecord:
        at = NOON.replace(tzinfo=UTC) + timedelta(seconds=seen)
        name = name or player
        return PlayerRecord(
            player_id=PlayerId(player),
            name=name,
            names=(NameSeen(name, at, at),),
            counters=Counters(**counters),
            current_streak=seen,
            last_order=(NOON, "world_0", "2025.04.30-00.00.00.csv", seen),
            last_seen_at=at,
        )

    return make


@pytest.fixture(name="make_server")
def _make_server() -> MakeServer:
    """Return a maker of game servers."""

    def make(scope: ServerScope, **fields: object) -> GameServer:
        known = {
            "name": f"Server {scope.server_id}",
            "host": "host.example",
            "port": 8822,
            "username": "renter",
            "secret": EncryptedSecret(b"sealed"),
            "added_at": NOON.replace(tzinfo=UTC),
        }
        return GameServer(scope=scope, **{**known, **fields})  # type: ignore[arg-type] # the fields of a test

    return make


@pytest.fixture(name="make_notice")
def _make_notice() -> MakeNotice:
    """Return a maker of notices, which differ by a number."""

    def make(number: int) -> DeathNotice:
        return DeathNotice(
            event_id=bytes([number]) * 32,
            kind=DeathKind.KILL,
            server_name="Server",
            killer_name="Killer",
            victim_name=f"Victim {number}",
            weapon="Mosin",
            distance=number,
            at=NOON.replace(tzinfo=UTC),
            killer_kills=number,
            killer_deaths=1,
            killer_streak=2,
        )

    return make


@pytest.fixture(name="other")
async def _other(mongod_uri: str, database: SafeDatabase) -> AsyncIterator[SafeDatabase]:
    """Return the same database, opened by another process."""
    connection = SafeMongoDBConnection(mongod_uri, database=database.name, clock=SystemClock())
    yield await connection.open()
    await connection.close()
