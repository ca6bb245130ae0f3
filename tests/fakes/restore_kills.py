"""A restore in a process of its own that dies before a chosen write, and the start that comes next.

``python -m tests.fakes.restore_kills URI DATABASE FOLDER`` restores again and again. Each time a child of
this process looks at what the last one left, stores the old data again, restores, and dies before its next
write. It prints a line for each look.
"""

import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from pymongo import monitoring

from tests.fakes.restores import NAMES, NEW, OLD, RestoreSetup, digest, fill, write_backup
from utils.backup.archive import Archive
from utils.clock import SystemClock
from utils.database.core.database import SafeDatabase
from utils.database.process.connection import SafeMongoDBConnection

WRITES = {
    *("create", "createIndexes", "drop", "renameCollection"),
    *("insert", "update", "delete", "commitTransaction"),
}
MOST_WRITES = 200
STRIDE = 2  # each second write: between two writes nothing changes but by one of them


class Killer(monitoring.CommandListener):
    """Does something right before a write, once it is armed.

    Attributes:
        left: the number of the write; 0 before it is armed.
    """

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act
        self.left = 0

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """Count a command."""
        name = event.command_name
        # a lease is renewed at any time
        if self.left and name in WRITES and event.command.get(name) != "leases":
            self.left -= 1
            if self.left == 0:
                self._act()

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Ignore an answer."""

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
    return {str(OLD): "old", str(NEW): "new"}.get(str(found), f"mixed: {found}")


async def store_old(database: SafeDatabase) -> None:
    """Store the data from before the restore."""
    for name in (*NAMES, "schema", "outbox", "leases"):
        await database.run(name, database.unscoped(name).delete_many({}))
    await fill(database)


async def go_round(connection: SafeMongoDBConnection, archive: Archive, killer: Killer, number: int) -> None:
    """Look at what is there, then restore until the killer acts."""
    database = await connection.open()
    if number > 1:
        sys.stdout.write(f"{await look(database)}\n")
        sys.stdout.flush()
    await store_old(database)
    killer.left = number
    await RestoreSetup(database, SystemClock()).restore(archive)
    await connection.close()


def run_in_child(uri: str, name: str, archive: Archive, number: int) -> int:
    """Go one round in a child of this process, in which no client lives, and return how it ended."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    code = 1
    try:
        killer = Killer(die)
        monitoring.register(killer)
        connection = SafeMongoDBConnection(uri, database=name, clock=SystemClock())
        asyncio.run(go_round(connection, archive, killer, number))
        code = 0
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(code)


def main(uri: str, name: str, folder: Path) -> int:
    """Kill a restore before every second write; return 0 when one came to its end."""
    archive = write_backup(folder)
    for number in range(1, MOST_WRITES, STRIDE):
        status = run_in_child(uri, name, archive, number)
        if status != signal.SIGKILL:
            return os.waitstatus_to_exitcode(status)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
