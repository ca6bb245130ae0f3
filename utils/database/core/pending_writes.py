"""Collects the writes of a transaction and sends them at its end, one bulk write per collection.

A read of the same transaction does not see them before they are carried out.
"""

from collections import defaultdict
from collections.abc import Iterable

from utils.database.core.blocking import BlockingCollection, Request, Update, Write, verify_written
from utils.database.core.operations import Document
from utils.database.core.transaction import Transaction
from utils.errors import CursorMovedError


class PendingWrites:
    """The writes of a transaction, for any number of game servers."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._new: dict[str, list[Document]] = defaultdict(list)
        self._requests: dict[str, list[Request]] = defaultdict(list)
        self._spare: dict[str, int] = defaultdict(int)
        self._moves: list[Request] = []
        self._moved_files: set[str] = set()

    def insert(self, collection: BlockingCollection, documents: Iterable[Document]) -> None:
        """Add new documents to a collection."""
        self._new[collection.name] += collection.build_documents(documents)

    def add(self, collection: BlockingCollection, writes: Iterable[Write], *, may_miss: bool = False) -> None:
        """Change a collection, after the inserts; if two writes concern one document, the last one wins.

        With ``may_miss`` an update whose document is gone changes nothing; otherwise it undoes all.
        """
        requests = collection.build_requests(writes)
        self._requests[collection.name] += requests
        if may_miss:
            self._spare[collection.name] += len(requests)

    def move(self, cursors: BlockingCollection, file_name: str, move: Update) -> None:
        """Update a file's cursor. It must match the filter."""
        self._moves += cursors.build_requests([move])
        self._moved_files.add(file_name)

    def carry_out(self) -> None:
        """Write all of it.

        Raises:
            CursorMovedError: a cursor was changed after it was read.
            StorageConflictError: a new document exists already.
            StorageError: MongoDB stored another number of documents.
        """
        # write cursors first, so an outdated batch raises CursorMovedError and not StorageConflictError
        writes = [*self._moves, *self._requests.pop("cursors", [])]
        if self._transaction.write("cursors", writes) != len(writes):
            names = ", ".join(sorted(self._moved_files))
            raise CursorMovedError(f"The cursor of {names} is not where it was read any more.")
        self._moves.clear()
        self._moved_files.clear()
        for name in {**self._new, **self._requests}:
            self.carry_out_to(name)

    def carry_out_to(self, name: str) -> None:
        """Carry out the writes of one collection, before the transaction reads from it.

        Raises:
            StorageConflictError: a new document exists already.
            StorageError: MongoDB stored another number of documents.
        """
        self._transaction.insert(name, self._new.pop(name, []))
        requests = self._requests.pop(name, [])
        stored = self._transaction.write(name, requests)
        verify_written(name, requests, stored=stored, spare=self._spare.pop(name, 0))
