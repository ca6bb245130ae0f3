"""After save: the number that MongoDB stored is compared with what was asked."""

from collections.abc import Callable

import pytest

from utils.database.core.blocking import Replacement, Update
from utils.database.core.database import SafeDatabase
from utils.database.core.pending_writes import PendingWrites
from utils.database.core.transaction import Transaction
from utils.errors import StorageError
from utils.models.scope import GuildId, ServerId, ServerScope

SCOPE = ServerScope(GuildId(42), ServerId("aaaaaaaa"))
THERE = Replacement({"player_id": "a"}, {"player_id": "a", "generation": 1})
GONE = Update({"player_id": "b"}, {"$set": {"generation": 1}})


def write_pending(transaction: Transaction) -> None:
    """Write as a batch of deaths does."""
    pending, players = PendingWrites(transaction), transaction.of_server("players", SCOPE)
    pending.insert(transaction.of_server("kills", SCOPE), [{"_id": b"first"}])
    pending.add(players, [THERE, GONE])
    pending.carry_out()


def write_bulk(transaction: Transaction) -> None:
    """Write as an import does when it begins."""
    transaction.of_server("kills", SCOPE).insert_one({"_id": b"first"})
    transaction.of_server("players", SCOPE).bulk_write([THERE, GONE])


@pytest.mark.parametrize("work", [write_pending, write_bulk])
async def test_transaction_is_undone_when_less_was_stored_than_asked(
    database: SafeDatabase, work: Callable[[Transaction], None]
) -> None:
    """A missing document would never be written again, because the cursor is moved with it."""
    with pytest.raises(StorageError, match="MongoDB stored 1 of 2 documents of players"):
        await database.in_transaction(work)
    assert await database.unscoped("kills").count_documents({}) == 0


async def test_write_that_may_miss_its_document_undoes_nothing(database: SafeDatabase) -> None:
    """A message that is sent leaves the outbox, whether its own document is still there or not."""

    def store(transaction: Transaction) -> None:
        pending, players = PendingWrites(transaction), transaction.of_server("players", SCOPE)
        pending.add(players, [THERE])
        pending.add(players, [GONE], may_miss=True)
        pending.carry_out()

    await database.in_transaction(store)
    assert await database.unscoped("players").count_documents({}) == 1
