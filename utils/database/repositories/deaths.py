"""Reads of stored deaths for answers: the latest ones."""

import asyncio
from collections.abc import Sequence

from utils.database.core.keys import build_key_range
from utils.database.core.operations import Document
from utils.database.core.scope_rules import Query
from utils.database.core.scoped import ScopedCollection
from utils.database.documents.death_documents import read_death
from utils.database.repositories.repository import Repository
from utils.models.deaths import Death
from utils.models.scope import PlayerId, ServerId, ServerScope
from utils.models.statistics import CoveredDeaths


class DeathRepository(Repository):
    """Deaths of a guild's game servers."""

    async def list_recent(
        self, covered: CoveredDeaths, *, limit: int, player_id: PlayerId | None = None
    ) -> tuple[tuple[ServerId, Death], ...]:
        """Return the latest deaths with their servers, newest first; for one player also their kills."""
        scopes = [ServerScope(covered.guild_id, server_id) for server_id in covered.server_ids]
        found = await asyncio.gather(*(self._list_newest(scope, limit, player_id) for scope in scopes))
        deaths = [
            (scope.server_id, death) for scope, some in zip(scopes, found, strict=True) for death in some
        ]
        newest = sorted(deaths, key=lambda pair: (pair[1].at, pair[1].order), reverse=True)
        return tuple(newest[:limit])

    async def _list_newest(
        self, scope: ServerScope, limit: int, player_id: PlayerId | None
    ) -> Sequence[Death]:
        kills = self._of_server("kills", scope)
        if player_id is None:
            found = await _list_of_server(kills, scope, limit)
        else:
            found = await _list_of_player(kills, player_id, limit)
        return [read_death(document) for document in {one["_id"]: one for one in found}.values()]


async def _list_of_server(kills: ScopedCollection, scope: ServerScope, limit: int) -> list[Document]:
    first, last = build_key_range(scope)
    newest = {"_id": {"$gte": first, "$lte": last}}
    found = await kills.find(newest, sort=[("_id", -1)], limit=limit, hint="_id_")
    return [*found, *await _list_set_back(kills, found, {}, limit)]


async def _list_of_player(kills: ScopedCollection, player_id: PlayerId, limit: int) -> list[Document]:
    found: dict[bytes, Document] = {}
    for side in ("killer", "victim"):
        own = {f"{side}_id": player_id}
        newest = await kills.find(own, sort=[("written_at", -1)], limit=limit, hint=side)
        newest += await _list_set_back(kills, newest, own, limit)
        found.update((document["_id"], document) for document in newest)
    return list(found.values())


async def _list_set_back(
    kills: ScopedCollection, newest: Sequence[Document], query: Query, limit: int
) -> list[Document]:
    """Return deaths that may be newer than their wall clock says, because the clock was set back."""
    if len(newest) < limit:
        return []
    set_back = {**query, "ordered_at": {"$gte": newest[-1]["written_at"]}}
    return await kills.find(set_back, sort=[("ordered_at", -1)], limit=limit, hint="set_back")
