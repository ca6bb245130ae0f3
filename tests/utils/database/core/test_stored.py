"""After save: the number that MongoDB stored is compared with what was asked."""

import pytest

from utils.database.core.blocking import verify_stored
from utils.database.core.database import SafeDatabase
from utils.database.core.transaction import Transaction
from utils.errors import StorageError


async def test_transaction_is_undone_when_less_was_stored_than_asked(database: SafeDatabase) -> None:
    """Deaths that are missing would never be read again, because the cursor is moved with them."""

    def store(transaction: Transaction) -> None:
        transaction.insert("kills", [{"_id": b"first", "guild_id": 42}])
        verify_stored("kills", asked=2, stored=1)

    with pytest.raises(StorageError, match="MongoDB stored 1 of 2 new documents of kills"):
        await database.in_transaction(store)
    assert await database.unscoped("kills").count_documents({}) == 0
