"""Invented migrations: a guild's figure gets a new name, then a new unit."""

from typing import Any

from utils.database.core.database import Fence, SafeDatabase
from utils.database.core.operations import Document
from utils.database.core.transaction import Transaction
from utils.database.migrations.migrations import Migration, Migrations

KEY = {"guild_id": 42}
OLDEST: Document = {**KEY, "length": 9}
NEWEST: Document = {**KEY, "metres": 900}


async def _rename(database: SafeDatabase, fence: Fence) -> None:
    await _update(database, fence, {"length": {"$exists": True}}, {"$rename": {"length": "kilometres"}})


async def _convert(database: SafeDatabase, fence: Fence) -> None:
    convert = [{"$set": {"metres": {"$multiply": ["$kilometres", 100]}}}, {"$unset": "kilometres"}]
    await _update(database, fence, {"kilometres": {"$exists": True}}, convert)


async def _update(database: SafeDatabase, fence: Fence, own: Document, update: Any) -> None:
    def write(transaction: Transaction) -> None:
        change = transaction.unscoped("guilds").update_many
        transaction.run("sample", change, own, update, session=transaction.session)

    await database.in_transaction(write, fence=fence)


TOUCHED = frozenset({"guilds"})
SAMPLE = Migrations({3: Migration(_convert, TOUCHED), 2: Migration(_rename, TOUCHED)})
