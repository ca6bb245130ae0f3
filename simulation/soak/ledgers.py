"""Reads the data of the soak's bot directly from its database."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from simulation.soak.games import Game
from simulation.soak.town import Registration, TroubledTown
from utils.database.core.database import SafeDatabase
from utils.database.process.connection import SafeMongoDBConnection
from utils.errors import StorageError
from utils.models.deaths import DeathRow

PATIENCE_SECONDS = 20.0
STORM = "a storm of errors"
"""Stands in each broken entry, and so in each error of a storm."""

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """The stored data of one registered server.

    Attributes:
        deaths: written time and victim of each death, in the order of time.
        counters: every player's figures by id.
        waiting: notices not delivered yet.
        is_importing: an import runs, for example after a restore; its counts are not shown yet.
        log_offset: the bytes of Deadside.log that were read.
        online: the ids of the players in the world.
        playtimes: the seconds of each player's sessions, and of their days.
    """

    deaths: list[tuple[Any, str]]
    counters: Mapping[str, Mapping[str, int]]
    waiting: int
    is_importing: bool
    log_offset: int
    online: frozenset[str]
    playtimes: Mapping[str, tuple[int, int]]


@asynccontextmanager
async def open_ledger(town: TroubledTown) -> AsyncIterator[SafeDatabase]:
    """Open the bot's database for reading.

    Raises:
        StorageError: it cannot be reached at the moment.
    """
    connection = SafeMongoDBConnection(
        town.bot.mongodb_uri,
        database=town.bot.database,
        clock=town.clock,
        patience_seconds=PATIENCE_SECONDS,
    )
    try:
        yield await connection.open()
    finally:
        await connection.close()


@asynccontextmanager
async def broken_audit(town: TroubledTown, guild_id: int) -> AsyncIterator[None]:
    """Store an entry that no code expects: each look at the audit of a guild is an error then.

    Raises:
        StorageError: the database cannot be reached at the moment.
    """
    entry = {"guild_id": guild_id, "at": STORM, "action": STORM, "facts": STORM}
    async with open_ledger(town) as database:
        audit = database.unscoped("audit")
        await database.run("insert_one", audit.insert_one(entry))
        try:
            yield
        finally:
            with suppress(StorageError):
                await database.run("delete_many", audit.delete_many({"at": STORM}))


async def list_documents(database: SafeDatabase, collection: str, **query: Any) -> list[Document]:
    """Return the documents of a collection."""
    cursor = database.unscoped(collection).find(query)
    return await database.run("find", cursor.to_list(None))


async def read_stored(database: SafeDatabase, registration: Registration) -> Stored:
    """Return the stored data of a server."""
    guild_id = registration.community.guild.id
    [server] = await list_documents(database, "game_servers", guild_id=guild_id, name=registration.name)
    scope = {"guild_id": guild_id, "server_id": server["server_id"]}
    kills = await list_documents(database, "kills", **scope)
    players = await list_documents(database, "players", **scope, generation=server["generation"])
    waiting = await list_documents(database, "outbox", **scope)
    jobs = await list_documents(database, "cursors", **scope, kind="import")
    states = await list_documents(database, "log_state", **scope)
    presence = await list_documents(database, "presence", **scope)
    sessions = await _sum_seconds(database, "sessions", scope)
    days = await _sum_seconds(database, "play_days", scope)
    return Stored(
        deaths=sorted((kill["written_at"].replace(tzinfo=None), kill["victim_id"]) for kill in kills),
        counters={
            player["player_id"]: player["counters"] | {"current_streak": player["current_streak"]}
            for player in players
        },
        waiting=len(waiting),
        is_importing=bool(jobs),
        log_offset=states[0]["offset"] if states else 0,
        online=frozenset(
            one["key"] for one in presence if one["state"] == "online" and not one.get("left_at")
        ),
        playtimes={key: (sessions[key], days[key]) for key in {*sessions, *days}},
    )


def _read_online(player: Document) -> str:
    """Return the id of a player who is online, else nothing."""
    is_online = player["state"] == "online" and not player.get("left_at")
    return str(player["key"]) if is_online else ""


async def _sum_seconds(database: SafeDatabase, name: str, scope: Mapping[str, Any]) -> Counter[str]:
    """Return the seconds of each player in a collection."""
    seconds: Counter[str] = Counter()
    for one in await list_documents(database, name, **scope):
        seconds[one["player_id"]] += one["seconds"]
    return seconds


async def is_all_stored(town: TroubledTown, game: Game) -> bool:
    """Tell whether every community with a game's server has stored all rows of the game."""
    expected = len(game.history) + len(game.written)
    try:
        async with open_ledger(town) as database:
            for registration in town.registrations:
                if registration.game is game:
                    stored = await read_stored(database, registration)
                    if len(stored.deaths) != expected:
                        return False
    except StorageError:
        return False
    return True


async def is_stored(town: TroubledTown, row: DeathRow) -> bool:
    """Tell whether a death is stored for any server.

    Raises:
        StorageError: the database cannot be reached at the moment.
    """
    async with open_ledger(town) as database:
        return bool(await list_documents(database, "kills", killer_id=row.killer_id, victim_id=row.victim_id))
