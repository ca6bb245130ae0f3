"""A trial database: a backup is loaded into it without decoding a document, and read back.

It is a scratch mongod, or collections of the bot's own database with names of their own: ``proving.…`` for a
trial, ``restoring.…`` for a restore, which takes them over.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from bson.raw_bson import RawBSONDocument
from pymongo import WriteConcern

from utils.clock import Clock
from utils.database.archives.snapshot import BATCH_DOCUMENTS, count_by_guild
from utils.database.core.indexes import INDEXES, Index, build_model
from utils.database.core.operations import Operations
from utils.database.process.blocking_client import open_operations
from utils.database.process.mongod_binary import find_mongod
from utils.database.process.scratch import open_scratch
from utils.database.verification.stored_data import StoredData
from utils.errors import ConfigurationError

OWN_PREFIX = "proving."
"""Begins the names of trial collections in the bot's own database."""

UNIQUE_INDEXES = {name: tuple(one for one in indexes if one.unique) for name, indexes in INDEXES.items()}
"""The indexes that a trial needs: they show whether two documents exclude each other."""


@dataclass(frozen=True, slots=True)
class TrialPlace:
    """The places in which a trial may happen.

    Attributes:
        scratch: the folder for scratch databases.
        mongod_path: the configured mongod; searched for if None.
        uri: the bot's own database, for a machine without a mongod; it may hold a password.
        database: its name.
    """

    scratch: Path
    mongod_path: Path | None
    uri: str = field(repr=False)
    database: str


class TrialDatabase:
    """Collections for one trial; every method blocks.

    Args:
        prefix: begins the names of its collections; empty in a database of its own.
        indexes: the indexes of each collection.

    Attributes:
        stored: the data for its verification.
    """

    def __init__(
        self,
        operations: Operations,
        *,
        prefix: str = "",
        indexes: Mapping[str, Sequence[Index]] = UNIQUE_INDEXES,
    ) -> None:
        self._operations = operations
        self._prefix = prefix
        self._indexes = indexes
        self.stored = StoredData(operations, prefix=prefix, is_trial=True)

    def create(self, name: str) -> None:
        """Create a collection, which may stay empty."""
        database = self._operations.get_collection("schema").database
        self._operations.run(f"{name}.create", database.create_collection, self._prefix + name)

    def load(self, name: str, documents: Sequence[bytes]) -> None:
        """Store raw documents.

        Raises:
            StorageError: MongoDB refuses one, for example because its ``_id`` is there twice.
        """
        if not documents:
            return
        collection = self._operations.get_collection(self._prefix + name)
        raw = [RawBSONDocument(document) for document in documents]
        quick = collection.with_options(write_concern=WriteConcern(w=1))
        self._operations.run(f"{name}.trial", quick.insert_many, raw)

    def build_indexes(self, name: str) -> None:
        """Build the indexes of a collection.

        Raises:
            StorageConflictError: two documents have the same key.
        """
        models = [build_model(index) for index in self._indexes.get(name, ())]
        if models:
            collection = self._operations.get_collection(self._prefix + name)
            self._operations.run(f"{name}.trial", collection.create_indexes, models)

    def read(self, name: str) -> Iterator[bytes]:
        """Yield the raw documents of a collection by ``_id``, many in each piece."""
        collection = self._operations.get_collection(self._prefix + name)
        cursor = collection.find_raw_batches(sort=[("_id", 1)], hint="_id_", batch_size=BATCH_DOCUMENTS)
        with cursor:
            while (piece := self._operations.run(f"{name}.trial", next, cursor, None)) is not None:
                yield cast("bytes", piece)  # typed as if it were a document

    def count_by_guild(self, name: str) -> dict[int | None, int]:
        """Return how many documents each guild has, and how many belong to none."""
        return count_by_guild(self._operations, self._prefix + name)

    def drop(self) -> None:
        """Drop every collection of a trial with this prefix, also those that an earlier one left."""
        database = self._operations.get_collection("schema").database
        query = {"name": {"$regex": f"^{self._prefix.replace('.', '[.]')}"}}
        for name in self._operations.run("listCollections", database.list_collection_names, filter=query):
            self._operations.run(f"{name}.drop", database.drop_collection, name)


@contextmanager
def open_trial(place: TrialPlace, *, clock: Clock) -> Iterator[tuple[TrialDatabase, str]]:
    """Open an empty trial database, and drop it at the end; the text says where it is.

    Raises:
        ConfigurationError: there is a mongod, but it does not start.
        StorageError: the bot's own database cannot be used.
    """
    try:
        mongod = find_mongod(place.mongod_path)
    except ConfigurationError:
        with open_operations(place.uri, place.database, clock=clock) as operations:
            trial = TrialDatabase(operations, prefix=OWN_PREFIX)
            trial.drop()  # an earlier trial may have been killed
            try:
                yield trial, "the bot's own database"
            finally:
                trial.drop()
    else:
        with open_scratch(place.scratch, mongod, clock=clock) as operations:
            yield TrialDatabase(operations), "a scratch mongod"
