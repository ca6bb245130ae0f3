"""What an import and an erasure of one server both write, so that neither misses the other.

An import counts all stored deaths without a transaction around it. A change of stored deaths while
one is under way therefore moves it on to the next generation: what it has counted until then is not switched
in, and it counts again. An import that begins at the same moment meets the lock and begins after.
"""

from utils.database.core.blocking import BlockingCollection

IMPORT_KEY = {"kind": "import", "world": "", "name": ""}
_LOCK_KEY = {"kind": "count", "world": "", "name": ""}


def hold_counts(cursors: BlockingCollection) -> None:
    """Write the lock: of two transactions that do, one runs again after the other."""
    cursors.find_one_and_update(_LOCK_KEY, {"$inc": {"next": 1}})


def void_import(cursors: BlockingCollection) -> None:
    """Have an import that is under way count again; nothing without one."""
    cursors.update_one(IMPORT_KEY, {"$inc": {"job.generation": 1}})
