"""Transactions, as what runs within one has them.

A unit of work is plain code: a function of a ``Transaction`` that reads and writes through it and returns a
value. It runs in a thread (``threads``), once or, after a transient error, several times, so it waits for
nothing else and leaves nothing behind but its value.
"""

from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from utils.database.core.blocking import BlockingCollection, Request, write_requests
from utils.database.core.operations import Document, Operations
from utils.database.core.scope_rules import scope_of_guild, scope_of_server
from utils.models.scope import GuildId, ServerScope

P = ParamSpec("P")
T = TypeVar("T")


class Transaction:
    """One open transaction.

    Attributes:
        session: of pymongo, for what ``unscoped`` gives.
    """

    def __init__(self, operations: Operations, session: ClientSession) -> None:
        self._operations = operations
        self.session = session

    def of_guild(self, name: str, guild_id: GuildId) -> BlockingCollection:
        """Return a guild's part of a collection."""
        return BlockingCollection(self._operations, name, scope_of_guild(guild_id), session=self.session)

    def of_server(self, name: str, scope: ServerScope) -> BlockingCollection:
        """Return a game server's part of a collection."""
        return BlockingCollection(self._operations, name, scope_of_server(scope), session=self.session)

    def unscoped(self, name: str) -> Collection[Document]:
        """Return a bare collection: for leases and migrations; its operations go through ``run``."""
        return self._operations.get_collection(name)

    def run(self, operation: str, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Carry out one operation of a bare collection, which is told the session by name.

        Raises:
            StorageError: it went wrong; the class says how.
        """
        return self._operations.run(operation, method, *args, **kwargs)

    def write(self, name: str, requests: Sequence[Request]) -> int:
        """Carry out what collections of one name have built; return how many found a document to change.

        Raises:
            StorageError: it went wrong; the class says how.
        """
        return write_requests(self._operations, name, requests, session=self.session)
