"""Groups of errors are counted for the health of the bot."""

from datetime import timedelta

from tests.fakes.clock import START
from utils.database.core.database import SafeDatabase
from utils.database.repositories.errors import ErrorRepository
from utils.models.incidents import WHOLE_BOT

DAY = timedelta(days=1)


async def test_open_groups_are_counted_and_so_are_the_new_ones_among_them(database: SafeDatabase) -> None:
    """Resolved groups and those of guilds are not counted."""
    groups = [(0, "open", 2 * DAY), (0, "open", DAY / 2), (0, "resolved", DAY / 2), (42, "open", DAY / 2)]
    await database.unscoped("errors").insert_many(
        [
            {
                "guild_id": guild_id,
                "fingerprint": str(number),
                "state": state,
                "first_seen_at": START - age,
                "last_seen_at": START,
            }
            for number, (guild_id, state, age) in enumerate(groups)
        ]
    )
    assert await ErrorRepository(database).count_open(WHOLE_BOT, since=START - DAY) == (2, 1)
