"""Personal data as it is stored: all documents about a member or a player, for an export."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass

from utils.database.core.indexes import INDEXES
from utils.database.core.operations import Document
from utils.database.core.scoped import ScopedCollection
from utils.database.documents.death_documents import decode_documents
from utils.database.documents.personal_fields import (
    PERSONAL_FIELDS,
    SHOWN,
    ExportPart,
    FieldContent,
    PersonalField,
)
from utils.database.repositories.repository import Repository
from utils.models.player_ids import find_player_ids
from utils.models.scope import GuildId, MemberId, PlayerId, ServerId, ServerScope

DEATHS_AT_ONCE = 1_000
_PLAIN: Document = {"_id": 0, "guild_id": 0}
_OLDEST_FIRST = [("written_at", 1)]

Parts = Mapping[str, Sequence[Document]]
"""Documents by the name of their part."""


class PersonalDataRepository(Repository):
    """Reads of one person's data; documents are returned as they are stored, without the ids of others."""

    async def list_servers(self, guild_id: GuildId) -> Mapping[ServerScope, str]:
        """Return the names of all servers with stored statistics, also removed ones."""
        found = await self._of_guild("game_servers", guild_id).find(
            {}, projection={"server_id": 1, "name": 1}, hint="server"
        )
        return {ServerScope(guild_id, ServerId(one["server_id"])): one["name"] for one in found}

    async def list_parts_of_player(self, scope: ServerScope, player_id: PlayerId) -> Parts:
        """Return one server's documents about a player, besides their deaths.

        Only the id finds rejected lines, because a player can choose the name of another player, or a common
        word.
        """
        generation = await self._get_generation(scope)
        parts: dict[str, Sequence[Document]] = {}
        for one in _list_exported(FieldContent.PLAYER, of_server=True):
            shown = {"generation": generation} if SHOWN.items() <= one.part.only.items() else {}
            query = {**one.part.only, **shown, one.field.path: player_id}
            parts[one.part.name] = await one.read(self._of_server(one.collection, scope), query)
        for one in _list_exported(FieldContent.LINE, of_server=True):
            lines = await one.read(self._of_server(one.collection, scope), {})
            parts[one.part.name] = [
                line for line in lines if player_id in find_player_ids(line[one.field.path])
            ]
        return parts

    async def list_guild_parts_of_player(self, guild_id: GuildId, player_id: PlayerId) -> Parts:
        """Return a guild's documents about a player beyond its servers: the link, requests, changes."""
        return await self._read_parts(guild_id, FieldContent.PLAYER, player_id, of_server=False)

    async def list_parts_of_member(self, guild_id: GuildId, member_id: MemberId) -> Parts:
        """Return a guild's documents about a member: links, money, bounties, and changes by hand."""
        return await self._read_parts(guild_id, FieldContent.MEMBER, int(member_id), of_server=None)

    async def iterate_deaths(
        self, scope: ServerScope, player_ids: Sequence[PlayerId]
    ) -> AsyncIterator[Sequence[Document]]:
        """Yield the death rows that players take part in, each once, many at a time.

        Their kills come first, then their deaths, each in order of time.
        """
        for player_id in player_ids:
            others = {"$nin": list(player_ids)}
            queries = (
                ("killer", {"killer_id": player_id}),
                ("victim", {"victim_id": player_id, "killer_id": others}),
            )
            for hint, query in queries:
                batches = self._of_server("kills", scope).iterate_raw(
                    query, sort=_OLDEST_FIRST, hint=hint, batch=DEATHS_AT_ONCE
                )
                async for encoded in batches:
                    yield await asyncio.to_thread(decode_documents, encoded)

    async def _read_parts(
        self, guild_id: GuildId, holds: FieldContent, value: int | str, *, of_server: bool | None
    ) -> Parts:
        return {
            one.part.name: await one.read(
                self._of_guild(one.collection, guild_id), {**one.part.only, one.field.path: value}
            )
            for one in _list_exported(holds, of_server=of_server)
        }

    async def _get_generation(self, scope: ServerScope) -> int:
        server = await self._of_server("game_servers", scope).find_one({}, projection={"generation": 1})
        return int(server["generation"]) if server else 0


@dataclass(frozen=True, slots=True)
class _Exported:
    """The documents of an export that hold a person in one of their fields."""

    collection: str
    field: PersonalField
    part: ExportPart

    async def read(self, stored: ScopedCollection, query: Document) -> Sequence[Document]:
        """Return documents without the ids of others; of an array only the entries that fit."""
        hidden = {
            other.path: 0
            for other in PERSONAL_FIELDS[self.collection]
            if other.is_id and other.path not in self.field.paths and not other.is_shared
        }
        found = await stored.find(query, projection={**_PLAIN, **hidden}, hint=self.part.index)
        root, _, leaf = self.field.path.partition(".")
        if not any(isinstance(document[root], list) for document in found):
            return found
        wanted = query[self.field.path]
        return [entry for document in found for entry in document[root] if entry[leaf] == wanted]


def _list_exported(holds: FieldContent, *, of_server: bool | None) -> Iterator[_Exported]:
    """Yield the parts of an export with such a field: of servers, of the guild, or (None) of both."""
    for collection, declared in PERSONAL_FIELDS.items():
        is_of_server = any("server_id" in index.fields for index in INDEXES[collection])
        for one in declared:
            if one.holds is holds and one.part is not None and of_server in (None, is_of_server):
                yield _Exported(collection, one, one.part)
