"""The places of the boards of open bounties."""

from utils.database.core.database import SafeDatabase
from utils.database.repositories.bounty_boards import BountyBoardRepository
from utils.models.message_places import MessagePlace
from utils.models.scope import ChannelId, GuildId


async def test_place_of_each_guild_is_kept_apart_and_replaced(database: SafeDatabase) -> None:
    """A guild without a board has an empty place."""
    boards = BountyBoardRepository(database)
    for message_id in (6, 7):
        place = MessagePlace(ChannelId(5), message_id, digest="x")
        await boards.save_place(GuildId(1), place)
        assert await boards.find_place(GuildId(1)) == place
    assert await boards.find_place(GuildId(2)) == MessagePlace()
