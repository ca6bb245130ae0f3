"""A process that holds the lease of a shard and a transaction of it: it is stopped there, and wakes later.

``python -m tests.fakes.sleeper URI DATABASE`` prints a line when its transaction is open, and how it ended.
"""

import asyncio
import sys
from threading import Event

from tests.fakes.restores import NAMES
from utils.clock import SystemClock
from utils.database.core.database import Fence
from utils.database.core.transaction import Transaction
from utils.database.process.connection import SafeMongoDBConnection
from utils.database.repositories.leases import LeaseRepository
from utils.errors import LeaseLostError
from utils.models.scope import GuildId

OPEN, LOST, COMMITTED = "open", "lost", "committed"
SLOW_SECONDS = 1.0  # time to be stopped within the transaction


def write(transaction: Transaction) -> None:
    """Write into every collection, and say so before the commit."""
    for name in NAMES:
        transaction.of_guild(name, GuildId(99)).insert_one({"_id": 10**6, "member_id": 99, "player_id": "x"})
    sys.stdout.write(f"{OPEN}\n")
    sys.stdout.flush()
    Event().wait(SLOW_SECONDS)


async def main(uri: str, name: str) -> str:
    """Take the lease, write in a transaction, and return how that ended."""
    clock = SystemClock()
    connection = SafeMongoDBConnection(uri, database=name, clock=clock)
    database = await connection.open()
    leases = LeaseRepository(database, shard_count=1)
    token = await leases.acquire(0, instance_id="sleeper", now=clock.now())
    try:
        await database.in_transaction(write, fence=Fence(0, token or 0))
    except LeaseLostError:
        return LOST
    finally:
        await connection.close()
    return COMMITTED


if __name__ == "__main__":
    sys.stdout.write(f"{asyncio.run(main(sys.argv[1], sys.argv[2]))}\n")
