"""Who killed whom how often, and what players are called: reads that several repositories share."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from utils.database.database import Document, SafeDatabase
from utils.database.enemies import Side, build_enemies, build_since
from utils.database.scoped import ScopedCollection
from utils.database.shown import Shown, build_match
from utils.models.scope import GuildId, PlayerId
from utils.models.statistics import Enemy

MOST_ENEMIES = 100  # nobody looks further down


async def list_enemies(
    database: SafeDatabase,
    guild_id: GuildId,
    shown: Sequence[Shown],
    player_ids: Sequence[PlayerId],
    side: Side,
    *,
    since: date | None = None,
    minimum: int = 1,
    only: Sequence[PlayerId] = (),
) -> list[Enemy]:
    """Return who stood on the other side of players' kills, most kills first, then by name.

    ``side`` is where the others stood: ``killer`` for those who killed the players, ``victim`` for their
    victims. ``since`` is the first day that counts, ``minimum`` the least kills that are worth a line, and
    ``only`` names the others that are asked for; everybody when it is empty.
    """
    server_ids = [server_id for one in shown for server_id in one.server_ids]
    own: Side = "killer" if side == "victim" else "victim"
    match: Document = {"server_id": {"$in": server_ids}}
    if only:
        match[f"{side}_id"] = {"$in": list(only)}
    narrowed = match | build_since(since)
    pipeline = build_enemies(narrowed, player_ids, side, minimum=minimum, limit=MOST_ENEMIES)
    kills = ScopedCollection.of_guild(database, "kills", guild_id)
    found = await kills.aggregate(pipeline, hint=own)
    names = await find_names(database, guild_id, shown, [PlayerId(one["_id"]) for one in found])
    enemies = [Enemy(PlayerId(one["_id"]), names.get(one["_id"], ""), one["kills"]) for one in found]
    return sorted(enemies, key=lambda enemy: (-enemy.kills, enemy.name, enemy.player_id))


async def find_names(
    database: SafeDatabase, guild_id: GuildId, shown: Sequence[Shown], player_ids: Iterable[PlayerId]
) -> Mapping[str, str]:
    """Return players' newest names over servers."""
    wanted = list(dict.fromkeys(player_ids))
    if not shown or not wanted:
        return {}
    found = await ScopedCollection.of_guild(database, "players", guild_id).find(
        build_match(shown, {"player_id": {"$in": wanted}}),
        projection={"player_id": 1, "name": 1, "last_seen_at": 1},
        hint="player",
    )
    newest = sorted(found, key=lambda one: (one["last_seen_at"], one["name"]))
    return {one["player_id"]: one["name"] for one in newest}
