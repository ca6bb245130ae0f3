"""Tests of bringing data of version 2 up to date."""

from utils.database.core.database import Fence, SafeDatabase
from utils.database.migrations.head_migration import digest_heads
from utils.models.reading import digest_head

FENCE = Fence(-1, 7)
ROWS = b"2025.05.01-12.00.00;Wolf;0002;Bear;0002;Mosin;12;PS5;XSX;\n"


async def test_heads_become_digests_and_doing_it_twice_changes_nothing(database: SafeDatabase) -> None:
    """Files not read yet have none; what is no file's cursor is left alone."""
    cursors = database.unscoped("cursors")
    key = {"guild_id": 42, "server_id": "aaaaaaaa", "world": "world_0"}
    await cursors.insert_many(
        [
            {**key, "kind": "file", "name": "1.csv", "offset": len(ROWS), "head": ROWS},
            {**key, "kind": "file", "name": "2.csv", "offset": 0, "head": b""},
            {**key, "kind": "lines", "name": "", "lines_read": 3},
        ]
    )
    await database.unscoped("leases").insert_one({"_id": FENCE.shard, "token": FENCE.token})
    await digest_heads(database, FENCE)
    await digest_heads(database, FENCE)
    found = {one["name"]: one.get("head") for one in await cursors.find({}).to_list(None)}
    assert found == {"1.csv": digest_head(ROWS), "2.csv": b"", "": None}
