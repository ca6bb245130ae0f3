"""From version 1 to 2 of the data: kills by weapon and by hour, counted from the stored kills.

Version 1 counted neither. What is shown of each server is completed; counters that no server shows are left
alone, since an import counts them anew.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence

from pymongo import ReplaceOne, UpdateOne

from utils.database.core.database import Fence, SafeDatabase
from utils.database.core.faults import map_storage_errors
from utils.database.core.keys import build_key_range
from utils.database.core.operations import Document
from utils.database.core.transaction import Transaction
from utils.database.documents.death_documents import decode_documents
from utils.models.deaths import LONGEST_KILL_LIMIT_METRES, DeathKind
from utils.models.players import HOURS_OF_A_WEEK, WeaponCount
from utils.models.scope import GuildId, ServerId, ServerScope

_KILLS = {"$in": [kind.value for kind in DeathKind if kind.is_kill]}
_FIELDS = {"_id": 0, "kind": 1, "killer_id": 1, "weapon": 1, "distance": 1, "written_at": 1}
_BATCH = 5_000
_Weapons = dict[str, WeaponCount]
_Change = ReplaceOne[Document] | UpdateOne


async def count_weapons(database: SafeDatabase, fence: Fence) -> None:
    """Complete every server; what is there already is written again."""
    cursor = database.unscoped("game_servers").find({}, {"guild_id": 1, "server_id": 1, "generation": 1})
    for server in await database.run("migration.servers", cursor.to_list(None)):
        scope = ServerScope(GuildId(server["guild_id"]), ServerId(server["server_id"]))
        await _complete(database, fence, scope, server["generation"])


async def _complete(database: SafeDatabase, fence: Fence, scope: ServerScope, generation: int) -> None:
    players: dict[str, _Weapons] = {}
    months: dict[str, tuple[_Weapons, list[int]]] = {}
    async for encoded in _iterate_kills(database, scope):
        await asyncio.to_thread(_count, decode_documents(encoded), players, months)
    shown = {"guild_id": scope.guild_id, "server_id": scope.server_id, "generation": generation}
    written = [
        ReplaceOne({**shown, "month": month}, {**shown, **_build_month(month, *counted)}, upsert=True)
        for month, counted in months.items()
    ]
    await _write(database, fence, "server_months", written)
    await _begin_players(database, fence, scope)
    changes = [
        UpdateOne({**shown, "player_id": player_id}, {"$set": {"weapons": _build_weapons(weapons.values())}})
        for player_id, weapons in players.items()
    ]
    await _write(database, fence, "players", changes)


async def _begin_players(database: SafeDatabase, fence: Fence, scope: ServerScope) -> None:
    """Give everybody who has none an empty list, also who never killed."""
    query = {"guild_id": scope.guild_id, "server_id": scope.server_id, "weapons": {"$exists": False}}
    found = database.unscoped("players").find(query, {"_id": 1})
    changes = [
        UpdateOne({"_id": one["_id"]}, {"$set": {"weapons": []}})
        for one in await database.run("migration.begin", found.to_list(None))
    ]
    await _write(database, fence, "players", changes)


async def _write(database: SafeDatabase, fence: Fence, name: str, changes: Sequence[_Change]) -> None:
    """Write in transactions of some thousands, each behind the fence."""
    write_all = database.unscoped(name).delegate.bulk_write
    for start in range(0, len(changes), _BATCH):
        some = list(changes[start : start + _BATCH])

        def write(transaction: Transaction, some: list[_Change] = some) -> None:
            transaction.run(f"migration.{name}", write_all, some, ordered=False, session=transaction.session)

        await database.in_transaction(write, fence=fence)


async def _iterate_kills(database: SafeDatabase, scope: ServerScope) -> AsyncIterator[bytes]:
    first, last = build_key_range(scope)
    query = {"_id": {"$gte": first, "$lte": last}, "kind": _KILLS}
    cursor = database.unscoped("kills").find_raw_batches(query, _FIELDS, hint="_id_", batch_size=_BATCH)
    try:
        with map_storage_errors():
            async for encoded in cursor:
                yield encoded
    finally:
        await cursor.close()


def _count(
    kills: Iterable[Document],
    players: dict[str, _Weapons],
    months: dict[str, tuple[_Weapons, list[int]]],
) -> None:
    for kill in kills:
        written_at = kill["written_at"]
        weapons, hours = months.setdefault(f"{written_at:%Y-%m}", ({}, [0] * HOURS_OF_A_WEEK))
        hours[written_at.weekday() * 24 + written_at.hour] += 1
        _add(weapons, kill)
        _add(players.setdefault(kill["killer_id"], {}), kill)


def _add(weapons: _Weapons, kill: Document) -> None:
    before = weapons.get(kill["weapon"], WeaponCount(kill["weapon"], 0, 0))
    is_longest = kill["kind"] == DeathKind.KILL and kill["distance"] <= LONGEST_KILL_LIMIT_METRES
    longest = max(before.longest, kill["distance"]) if is_longest else before.longest
    weapons[kill["weapon"]] = WeaponCount(kill["weapon"], before.kills + 1, longest)


def _build_month(month: str, weapons: _Weapons, hours: list[int]) -> Document:
    return {"month": month, "weapons": _build_weapons(weapons.values()), "hours": hours}


def _build_weapons(weapons: Iterable[WeaponCount]) -> list[Document]:
    return [{"weapon": one.weapon, "kills": one.kills, "longest": one.longest} for one in sorted(weapons)]
