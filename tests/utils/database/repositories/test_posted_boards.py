"""Posted boards as they are stored."""

from tests.fakes.clock import START
from utils.database.core.database import SafeDatabase
from utils.database.repositories.posted_boards import PostedBoardRepository
from utils.models.message_places import MessagePlace
from utils.models.posted_boards import BoardKey, PostedBoard
from utils.models.scope import ALL_SERVERS, ChannelId, GuildId, ServerId

PLACE = MessagePlace(ChannelId(7), 8, "nonce", START, "digest")
KILLS = BoardKey(GuildId(1), ALL_SERVERS, "kills")
DEATHS = BoardKey(GuildId(1), ServerId("k3v9x0aa"), "deaths")


async def test_board_is_read_back_as_it_was_written(database: SafeDatabase) -> None:
    """Position and pause are written separately, for one board only."""
    boards = PostedBoardRepository(database)
    for key in (KILLS, DEATHS):
        await boards.insert_board(key)
    assert await boards.save_place(DEATHS, PLACE)
    await boards.set_paused(DEATHS, is_paused=True)
    assert await boards.list_boards(GuildId(1)) == (
        PostedBoard(KILLS),
        PostedBoard(DEATHS, PLACE, is_paused=True),
    )
    assert await boards.find_board(KILLS) == PostedBoard(KILLS)


async def test_removed_board_stays_removed(database: SafeDatabase) -> None:
    """A message that is posted at this moment does not restore the board."""
    boards = PostedBoardRepository(database)
    await boards.insert_board(KILLS)
    await boards.delete_board(KILLS)
    assert not await boards.save_place(KILLS, PLACE)
    await boards.set_paused(KILLS, is_paused=True)
    assert await boards.find_board(KILLS) is None
