"""The database as the health checks see it."""

from datetime import timedelta

import pytest

from tests.fakes.clock import FakeClock
from utils.clock import SystemClock
from utils.database.core.database import SafeDatabase
from utils.database.process.inspector import DatabaseInspector
from utils.errors import StorageError


async def test_real_database_is_written_read_and_asked(database: SafeDatabase, clock: FakeClock) -> None:
    """A transaction leaves one document for each process; a replica set of one has no members to miss."""
    for process in ("", "@2", ""):
        await DatabaseInspector(database, process=process, clock=clock).write_and_read()
    inspector = DatabaseInspector(database, process="", clock=clock)
    assert sorted(await database.unscoped("schema").distinct("_id", {"at": clock.now()})) == [
        "probe",
        "probe@2",
    ]
    assert abs(await inspector.read_clock() - SystemClock().now()) < timedelta(minutes=1)
    assert await inspector.count_members() is None


async def test_members_are_counted_and_a_refusal_is_no_failure(clock: FakeClock) -> None:
    """Primary, secondaries and arbiters are up; a user who may not ask learns nothing."""

    class Cluster(SafeDatabase):
        """A database of a replica set of three."""

        def __init__(self) -> None:
            self.error: StorageError | None = None

        async def admin_command(self, command: str) -> dict[str, object]:
            """Return the state of each member."""
            assert command == "replSetGetStatus"
            if self.error is not None:
                raise self.error
            return {"members": [{"state": 1}, {"state": 7}, {"state": 8}]}

    cluster = Cluster()
    inspector = DatabaseInspector(cluster, process="", clock=clock)
    assert await inspector.count_members() == (2, 3)
    cluster.error = StorageError("not authorized")
    assert await inspector.count_members() is None
    cluster.error.may_pass = True
    with pytest.raises(StorageError):
        await inspector.count_members()
