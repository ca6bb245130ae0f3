"""The transaction object that a unit of work gets.

A unit of work is plain code: a function of a ``Transaction`` that reads and writes through it and returns a
value. It runs in a thread (``threads``), once or, after a transient error, several times, so it must not
await, and must have no side effects.
"""

from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from utils.database.core.blocking import (
    BlockingCollection,
    Lookup,
    Request,
    find_together,
    insert_documents,
    write_requests,
)
from utils.database.core.operations import Document, Operations
from utils.database.core.scope_rules import Query, scope_of_guild, scope_of_server
from utils.errors import LeaseLostError
from utils.models.scope import GuildId, ServerScope

P = ParamSpec("P")
T = TypeVar("T")


class Transaction:
    """One open transaction.

    The transaction checks the lease first, or together with the first read (``find_together``). All reads see
    one snapshot, so one check is enough.

    Args:
        lease: filter of the lease to check; None for no check.

    Attributes:
        session: pymongo's session, for the collections of ``unscoped``.
    """

    def __init__(self, operations: Operations, session: ClientSession, *, lease: Query | None = None) -> None:
        self._operations = operations
        self._lease = lease  # None after the check
        self.session = session

    def verify_lease(self) -> None:
        """Check the lease unless it is already checked.

        Raises:
            LeaseLostError: another process holds the shard.
        """
        if self._lease is not None:
            leases = self._operations.get_collection("leases")
            self._note_lease(
                self._operations.run("fence", leases.find_one, self._lease, session=self.session)
            )

    def of_guild(self, name: str, guild_id: GuildId) -> BlockingCollection:
        """Return a guild's part of a collection."""
        self.verify_lease()
        return BlockingCollection(self._operations, name, scope_of_guild(guild_id), session=self.session)

    def of_server(self, name: str, scope: ServerScope) -> BlockingCollection:
        """Return a game server's part of a collection."""
        self.verify_lease()
        return BlockingCollection(self._operations, name, scope_of_server(scope), session=self.session)

    def find_together(self, lookups: Sequence[Lookup], *, hint: str) -> list[list[Document]]:
        """Return the documents of each lookup, in one read; the first such read also checks the lease."""
        if self._lease is None:
            return find_together(self._operations, lookups, hint=hint, session=self.session)
        all_lookups = [*lookups, Lookup("leases", {}, self._lease)]
        *found, leases = find_together(self._operations, all_lookups, hint=hint, session=self.session)
        self._note_lease(next(iter(leases), None))
        return found

    def unscoped(self, name: str) -> Collection[Document]:
        """Return a bare collection: for leases and migrations; its operations go through ``run``."""
        self.verify_lease()
        return self._operations.get_collection(name)

    def run(self, operation: str, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Carry out one operation of a bare collection; it gets the session as a keyword.

        Raises:
            StorageError: it went wrong; the class says how.
        """
        return self._operations.run(operation, method, *args, **kwargs)

    def insert(self, name: str, documents: Sequence[Document]) -> None:
        """Store new documents that collections of one name have built.

        Raises:
            StorageError: it went wrong; the class says how.
        """
        self.verify_lease()
        insert_documents(self._operations, name, documents, session=self.session)

    def write(self, name: str, requests: Sequence[Request]) -> int:
        """Write requests to one collection; return how many matched or inserted a document.

        Raises:
            StorageError: it went wrong; the class says how.
        """
        self.verify_lease()
        return write_requests(self._operations, name, requests, session=self.session)

    def _note_lease(self, found: Document | None) -> None:
        if found is None and self._lease is not None:
            raise LeaseLostError(f"Another process holds shard {self._lease['_id']} now.")
        self._lease = None
