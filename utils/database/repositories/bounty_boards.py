"""The places of the boards of open bounties."""

from utils.database.documents.bounty_board_documents import BOUNTY_BOARDS
from utils.database.repositories.repository import Repository
from utils.models.message_places import MessagePlace
from utils.models.scope import GuildId


class BountyBoardRepository(Repository):
    """The place of the board of each guild."""

    async def find_place(self, guild_id: GuildId) -> MessagePlace:
        """Return the place; an empty one if it is not posted."""
        found = await self._of_guild("bounty_boards", guild_id).find_one({})
        return MessagePlace() if found is None else BOUNTY_BOARDS.read(found)

    async def save_place(self, guild_id: GuildId, place: MessagePlace) -> None:
        """Write the place."""
        changed = {"$set": BOUNTY_BOARDS.build(place)}
        await self._of_guild("bounty_boards", guild_id).update_one({}, changed, upsert=True)
