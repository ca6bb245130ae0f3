"""Tests of bringing data of version 4 up to date."""

from utils.database.core.database import Fence, SafeDatabase
from utils.database.core.transaction import Transaction
from utils.database.migrations.number_migration import join_numbers
from utils.database.units.server_numbers import KIND, ServerNumbers, draw_numbers
from utils.models.guilds import ChannelKind
from utils.models.scope import GuildId, ServerId, ServerScope

FENCE = Fence(-1, 7)
COUNTED, QUIET = (ServerScope(GuildId(42), ServerId(one * 8)) for one in "aq")


async def test_numbers_go_on_from_where_they_were_and_doing_it_twice_changes_nothing(
    database: SafeDatabase,
) -> None:
    """A server with a bounty and no kill yet has numbers as well; what else is among cursors stays."""
    cursors = database.unscoped("cursors")
    rest = {"world": "", "name": ""}
    of_counted, of_quiet = ({"guild_id": 42, "server_id": str(one.server_id)} for one in (COUNTED, QUIET))
    file = {**of_counted, "kind": "file", "world": "world_0", "name": "a.csv", "offset": 4}
    await cursors.insert_many(
        [
            {**of_counted, **rest, "kind": "counted", "batches": 7},
            {**of_counted, "kind": "sequence", "world": "", "name": "killfeed", "next": 5},
            {**of_counted, "kind": "sequence", "world": "", "name": "bounties", "next": 2},
            {**of_quiet, "kind": "sequence", "world": "", "name": "bounties", "next": 1},
            file,
        ]
    )
    await database.unscoped("leases").insert_one({"_id": FENCE.shard, "token": FENCE.token})
    for _ in range(2):
        await join_numbers(database, FENCE)
    stored = await cursors.find({}, {"_id": 0}).sort([("server_id", 1), ("kind", 1)]).to_list(None)
    assert stored == [
        {key: value for key, value in file.items() if key != "_id"},
        {**of_counted, **rest, "kind": KIND, "batches": 7, "next": {"killfeed": 5, "bounties": 2}},
        {**of_quiet, **rest, "kind": KIND, "next": {"bounties": 1}},
    ]

    def draw(transaction: Transaction) -> ServerNumbers:
        two = {ChannelKind.KILLFEED: 2, ChannelKind.BOUNTIES: 1}
        return draw_numbers(transaction, COUNTED, notices=two, changes_counters=True)

    unknown = {ChannelKind.KILLFEED: 0, ChannelKind.BOUNTIES: 0}
    assert await database.in_transaction(draw) == ServerNumbers(
        8, {ChannelKind.KILLFEED: 5, ChannelKind.BOUNTIES: 2}, room=unknown
    )
