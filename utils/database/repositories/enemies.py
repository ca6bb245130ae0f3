"""Enemies: a read of kills between players, which several repositories share."""

from collections.abc import Sequence
from datetime import date

from utils.database.core.operations import Document
from utils.database.read_models.enemies import build_enemies, build_since
from utils.database.repositories.shown import ShownPlayers
from utils.models.scope import PlayerId
from utils.models.statistics import Enemy, Side

MOST_ENEMIES = 100  # maximum rows; nobody reads more


async def list_enemies(
    players: ShownPlayers,
    player_ids: Sequence[PlayerId],
    side: Side,
    *,
    minimum: int = 1,
    only: Sequence[PlayerId] = (),
) -> list[Enemy]:
    """Return the enemies of players, most kills first, then by name.

    ``side`` is the role of the enemies: ``killer`` for those who killed the players, ``victim`` for their
    victims. ``minimum`` is the lowest number of kills for a row. ``only`` limits the enemies to some players;
    if it is empty, all count.
    """
    found = await _count(players, player_ids, side, minimum=minimum, only=only)
    return await _name(players, found)


async def find_worst_enemy(
    players: ShownPlayers,
    player_ids: Sequence[PlayerId],
    side: Side,
    *,
    since: date | None = None,
    until: date | None = None,
) -> Enemy | None:
    """Return the most frequent enemy on some days. Read only names that may be the answer."""
    found = await _count(players, player_ids, side, days=build_since(since, until))
    named = await _name(players, [one for one in found if one["kills"] == found[0]["kills"]])
    return named[0] if named else None


async def _count(
    players: ShownPlayers,
    player_ids: Sequence[PlayerId],
    side: Side,
    *,
    days: Document | None = None,
    minimum: int = 1,
    only: Sequence[PlayerId] = (),
) -> list[Document]:
    own: Side = "killer" if side == "victim" else "victim"
    match: Document = {"server_id": {"$in": players.server_ids}, **(days or {})}
    if only:
        match[f"{side}_id"] = {"$in": list(only)}
    pipeline = build_enemies(match, player_ids, side, minimum=minimum, limit=MOST_ENEMIES)
    return await players.of("kills").aggregate(pipeline, hint=own)


async def _name(players: ShownPlayers, found: Sequence[Document]) -> list[Enemy]:
    """Return enemies with their newest names, most kills first, then by name."""
    names = await players.find_names(PlayerId(one["_id"]) for one in found)
    enemies = [Enemy(PlayerId(one["_id"]), names.get(one["_id"], ""), one["kills"]) for one in found]
    return sorted(enemies, key=lambda enemy: (-enemy.kills, enemy.name, enemy.player_id))
