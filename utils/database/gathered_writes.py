"""Gathered writes: those of one transaction wait for its end, so that each collection is written once.

A read of the same transaction sees nothing of them before they are carried out.
"""

from collections import defaultdict
from collections.abc import Iterable

from utils.database.database import Document, SafeDatabase
from utils.database.scope_rules import scope_document, scope_filter
from utils.database.scoped import Change, Replacement, ScopedCollection
from utils.database.sessions import Session
from utils.errors import CursorMovedError
from utils.models.scope import GuildId, ServerScope


class GatheredWrites:
    """What a transaction is to write about game servers of one guild."""

    def __init__(self, database: SafeDatabase, guild_id: GuildId, session: Session) -> None:
        self._database = database
        self._guild_id = guild_id
        self._session = session
        self._moves: dict[str, list[Change]] = defaultdict(list)
        self._documents: dict[str, list[Document]] = defaultdict(list)
        self._replacements: dict[str, list[Replacement]] = defaultdict(list)

    def insert(self, name: str, scope: ServerScope, documents: Iterable[Document]) -> None:
        """Store new documents of a server in a collection."""
        server = _build_server(scope)
        self._documents[name] += [scope_document(server, document) for document in documents]

    def replace(self, name: str, scope: ServerScope, replacements: Iterable[Replacement]) -> None:
        """Write whole documents of a server, new or changed; the last one wins."""
        server = _build_server(scope)
        self._replacements[name] += [
            Replacement(scope_filter(server, one.query), scope_document(server, one.document))
            for one in replacements
        ]

    def move(self, scope: ServerScope, file_name: str, move: Change) -> None:
        """Change a cursor of a server, which must be there as the filter says."""
        query = scope_filter(_build_server(scope), move.query)
        self._moves[file_name].append(Change(query, move.update))

    async def carry_out(self) -> None:
        """Write all of it.

        Raises:
            CursorMovedError: a cursor is not as it was read.
            StorageConflictError: a new document is there already.
        """
        moves = [move for some in self._moves.values() for move in some]
        # the cursors first: whoever reads from an old place is told so, and not of what was stored meanwhile
        if await self._of_guild("cursors").bulk_write(moves, session=self._session) != len(moves):
            names = ", ".join(sorted(self._moves))
            raise CursorMovedError(f"The cursor of {names} is not where it was read any more.")
        self._moves.clear()
        for name in list(self._documents):
            await self.carry_out_inserts(name)
        while self._replacements:
            name, replacements = self._replacements.popitem()
            await self._of_guild(name).bulk_write(replacements, session=self._session)

    async def carry_out_inserts(self, name: str) -> None:
        """Write a collection's new documents alone, for whoever reads them.

        Raises:
            StorageConflictError: one is there already.
        """
        documents = self._documents.pop(name, [])
        await self._of_guild(name).insert_many(documents, session=self._session)

    def _of_guild(self, name: str) -> ScopedCollection:
        return ScopedCollection.of_guild(self._database, name, self._guild_id)


def _build_server(scope: ServerScope) -> Document:
    return {"server_id": str(scope.server_id)}
