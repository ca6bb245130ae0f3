"""A restore in a process of its own that dies after a chosen write, and the start that comes next.

``python -m tests.fakes.restore_kills URI DATABASE FOLDER KIND`` restores again and again, all of a backup or
one guild (the kind is ``whole`` or ``guild``). Each time a child of this process looks at what the last one
left, stores the old data again, restores, and dies after its next write. It prints a line for each look.
"""

import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from pymongo import monitoring

from tests.fakes.restores import GUILD, NAMES, NEW, NEW_GUILD, OLD, RestoreSetup, digest, fill, write_backup
from utils.backup.restore import RestoreOrder
from utils.clock import SystemClock
from utils.database.core.database import SafeDatabase
from utils.database.process.connection import SafeMongoDBConnection

WRITES = {
    *("create", "createIndexes", "drop", "renameCollection"),
    *("insert", "update", "delete", "commitTransaction"),
}
MOST_WRITES = 200
STRIDE = 3  # a round takes half a second
FIRST = {"whole": 2, "guild": 3}  # so that both kinds together die at different writes


class Killer(monitoring.CommandListener):
    """Does something right after a write, once it is armed; a write that fails and is repeated counts once.

    Attributes:
        left: the number of the write; 0 before it is armed.
    """

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act
        self._writes: set[int] = set()
        self.left = 0

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """Remember a write; a lease is renewed at any time, so it is none."""
        name = event.command_name
        is_write = name in WRITES and event.command.get(name) != "leases"
        if self.left and (is_write or "$merge" in str(event.command.get("pipeline"))):
            self._writes.add(event.request_id)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Count a write."""
        if event.request_id in self._writes:
            self.left -= 1
            if self.left == 0:
                self._act()

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Ignore a failure."""


def die() -> None:
    """End this process as SIGKILL does."""
    os.kill(os.getpid(), signal.SIGKILL)


async def look(database: SafeDatabase) -> str:
    """Do what the next start does, and return the state of the data."""
    setup = RestoreSetup(database, SystemClock())
    await setup.recovery.recover(waits=False)
    found = await digest(database)
    if await setup.recovery.marks.find() is not None:
        return "unfinished"
    states = [(OLD, "old"), (NEW, "new"), (NEW_GUILD, "new")]
    return next((name for state, name in states if found == state), f"mixed: {found}")


async def store_old(database: SafeDatabase) -> None:
    """Store the data from before the restore."""
    for name in (*NAMES, "schema", "outbox", "leases"):
        await database.run(name, database.unscoped(name).delete_many({}))
    await fill(database)


async def go_round(
    connection: SafeMongoDBConnection, order: RestoreOrder, killer: Killer, number: int
) -> None:
    """Look at what is there, then restore until the killer acts."""
    database = await connection.open()
    if number > STRIDE:
        sys.stdout.write(f"{await look(database)}\n")
        sys.stdout.flush()
    await store_old(database)
    killer.left = number
    await RestoreSetup(database, SystemClock()).restore(order.archive, guild_id=order.guild_id)
    await connection.close()


def run_in_child(uri: str, name: str, order: RestoreOrder, number: int) -> int:
    """Go one round in a child of this process, in which no client lives, and return how it ended."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    code = 1
    try:
        killer = Killer(die)
        monitoring.register(killer)
        connection = SafeMongoDBConnection(uri, database=name, clock=SystemClock())
        asyncio.run(go_round(connection, order, killer, number))
        code = 0
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(code)


def main(uri: str, name: str, folder: Path, kind: str) -> int:
    """Kill a restore after every third write; return 0 when one came to its end."""
    order = RestoreOrder(write_backup(folder), guild_id=GUILD if kind == "guild" else None)
    for number in range(FIRST[kind], MOST_WRITES, STRIDE):
        status = run_in_child(uri, name, order, number)
        if status != signal.SIGKILL:
            return os.waitstatus_to_exitcode(status)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4]))
