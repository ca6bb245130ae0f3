"""Collects the writes of a transaction and sends them at its end, one bulk write per collection.

A read of the same transaction sees nothing of them before they are carried out.
"""

from collections import defaultdict
from collections.abc import Iterable

from utils.database.core.blocking import BlockingCollection, Change, Request, Write
from utils.database.core.transaction import Transaction
from utils.errors import CursorMovedError


class PendingWrites:
    """What a transaction is to write, about any number of game servers."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._requests: dict[str, list[Request]] = defaultdict(list)
        self._moves: list[Request] = []
        self._moved_files: set[str] = set()

    def add(self, collection: BlockingCollection, writes: Iterable[Write]) -> None:
        """Write to a collection; of two writes of one document the last one wins."""
        self._requests[collection.name] += collection.build_requests(writes)

    def move(self, cursors: BlockingCollection, file_name: str, move: Change) -> None:
        """Update a file's cursor. It must match the filter."""
        self._moves += cursors.build_requests([move])
        self._moved_files.add(file_name)

    def carry_out(self) -> None:
        """Write all of it.

        Raises:
            CursorMovedError: a cursor is not as it was read.
            StorageConflictError: a new document is there already.
        """
        # write cursors first, so an outdated batch raises CursorMovedError and not StorageConflictError
        writes = [*self._moves, *self._requests.pop("cursors", [])]
        if self._transaction.write("cursors", writes) != len(writes):
            names = ", ".join(sorted(self._moved_files))
            raise CursorMovedError(f"The cursor of {names} is not where it was read any more.")
        self._moves.clear()
        self._moved_files.clear()
        for name in list(self._requests):
            self.carry_out_to(name)

    def carry_out_to(self, name: str) -> None:
        """Write to one collection alone, before somebody reads from it.

        Raises:
            StorageConflictError: a new document is there already.
        """
        self._transaction.write(name, self._requests.pop(name, []))
