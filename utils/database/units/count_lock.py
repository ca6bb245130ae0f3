"""The count lock: an import and an erasure of one server both write it, so that they run one after the other.

An import counts all stored deaths without a transaction around it. So a change of stored deaths moves a
running import on to the next generation: its counts are not shown, and it counts again. An import that begins
at the same moment conflicts on the lock and begins afterwards.
"""

from utils.database.core.blocking import BlockingCollection

IMPORT_KEY = {"kind": "import", "world": "", "name": ""}
LEFT_OUT_KEY = {"kind": "left_out", "world": "", "name": ""}
_LOCK_KEY = {"kind": "count", "world": "", "name": ""}


def hold_counts(cursors: BlockingCollection) -> None:
    """Write the lock: if two transactions do, one of them runs again after the other."""
    cursors.find_one_and_update(_LOCK_KEY, {"$inc": {"next": 1}})


def void_import(cursors: BlockingCollection) -> None:
    """Make a running import count again, if there is one."""
    cursors.update_one(IMPORT_KEY, {"$inc": {"job.generation": 1}})
