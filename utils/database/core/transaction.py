"""Transactions, as what runs within one has them.

A unit of work is plain code: a function of a ``Transaction`` that reads and writes through it and returns a
value. It runs in a thread (``threads``), once or, after a transient error, several times, so it waits for
nothing else and leaves nothing behind but its value.
"""

from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from utils.database.core.blocking import BlockingCollection, Lookup, Request, find_together, write_requests
from utils.database.core.operations import Document, Operations
from utils.database.core.scope_rules import Query, scope_of_guild, scope_of_server
from utils.errors import LeaseLostError
from utils.models.scope import GuildId, ServerScope

P = ParamSpec("P")
T = TypeVar("T")


class Transaction:
    """One open transaction.

    The lease is looked at before anything else is read or written, or together with the first read where that
    is one over several collections. All reads of a transaction see one moment, so once is enough.

    Args:
        lease: what must be found among the leases; None when nobody asks.

    Attributes:
        session: of pymongo, for what ``unscoped`` gives.
    """

    def __init__(self, operations: Operations, session: ClientSession, *, lease: Query | None = None) -> None:
        self._operations = operations
        self._lease = lease  # until it was found
        self.session = session

    def verify_lease(self) -> None:
        """Make sure that the lease is held, if nothing has yet.

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
        """Return what each of several lookups finds; the lease is among them, if it was not found before."""
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
        """Carry out one operation of a bare collection, which is told the session by name.

        Raises:
            StorageError: it went wrong; the class says how.
        """
        return self._operations.run(operation, method, *args, **kwargs)

    def write(self, name: str, requests: Sequence[Request]) -> int:
        """Carry out what collections of one name have built; return how many found a document, or made it.

        Raises:
            StorageError: it went wrong; the class says how.
        """
        self.verify_lease()
        return write_requests(self._operations, name, requests, session=self.session)

    def _note_lease(self, found: Document | None) -> None:
        if found is None and self._lease is not None:
            raise LeaseLostError(f"Another process holds shard {self._lease['_id']} now.")
        self._lease = None
