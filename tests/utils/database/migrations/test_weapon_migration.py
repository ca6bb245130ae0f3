"""Tests of bringing data of version 1 up to date."""

from collections.abc import Callable

from utils.database.core.database import Fence, SafeDatabase
from utils.database.migrations.weapon_migration import count_weapons
from utils.database.repositories.imports import ImportRepository
from utils.database.repositories.ingestion import IngestionRepository
from utils.database.repositories.servers import GameServerRepository
from utils.database.units.ingestion_unit import IngestionTransaction
from utils.models.deaths import Death, DeathKind
from utils.models.scope import ServerScope
from utils.models.servers import GameServer
from utils.services.ingestion.counting import Counting


async def test_weapons_and_hours_are_counted_from_the_stored_kills(
    database: SafeDatabase,
    scope: ServerScope,
    make_server: Callable[..., GameServer],
    make_death: Callable[..., Death],
) -> None:
    """Data without them comes to what ingestion would have counted; doing it twice changes nothing."""
    deaths = [
        make_death(scope, "a", "b", second=1),
        make_death(scope, "a", "b", second=2, weapon="Mosin"),
        make_death(scope, "b", "a", second=3, kind=DeathKind.VEHICLE, weapon="boat"),
        make_death(scope, "c", "c", second=4, kind=DeathKind.FALL, weapon="falling"),
        make_death(scope, "a", "b", second=40 * 86_400),
    ]
    counting = Counting()
    for death in deaths:
        counting.add(death)
    await GameServerRepository(database).insert_server(scope, make_server(scope, generation=3))

    def store(unit: IngestionTransaction) -> None:
        unit.insert_deaths(deaths)

    await IngestionRepository(database, fences=lambda _: None).in_transaction(scope, store)
    imports = ImportRepository(database, fences=lambda _: None)
    await imports.write_generation(
        scope, 3, players=list(counting.freeze_players()), months=list(counting.freeze_months())
    )
    wanted = await read(database)
    await database.unscoped("players").update_many({}, {"$unset": {"weapons": ""}})
    await database.unscoped("server_months").delete_many({})
    fence = Fence(-1, 7)
    await database.unscoped("leases").insert_one({"_id": fence.shard, "token": fence.token})
    for _ in range(2):
        await count_weapons(database, fence)
        assert await read(database) == wanted


async def read(database: SafeDatabase) -> list[list[dict[str, object]]]:
    """Return players and months without MongoDB's own ids."""
    return [
        await database.unscoped(name)
        .find({}, {"_id": 0})
        .sort([("player_id", 1), ("month", 1)])
        .to_list(None)
        for name in ("players", "server_months")
    ]
