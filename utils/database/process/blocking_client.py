"""A database for a process without an event loop: a child of the bot, beside the bot's own connection."""

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo import MongoClient

from utils.clock import Clock
from utils.database.core.operations import Document, Operations
from utils.database.process.connection import OPTIONS


@contextmanager
def open_operations(uri: str, database: str, *, clock: Clock) -> Iterator[Operations]:
    """Open a database; every operation blocks."""
    client: MongoClient[Document] = MongoClient(uri, **OPTIONS)
    try:
        yield Operations(client[database], clock=clock)
    finally:
        client.close()
