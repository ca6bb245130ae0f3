"""Erasures after a restore: persons who were erased since the backup are erased again.

The restored data is compared with the digests of the erasures that are newer than the backup. Deaths of the
time in between are read from the logs once more by the catch-up, so they are compared as well, up to the
moment of the erasure: a player who has played on since has a new record, which stays.
"""

from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from typing import Protocol

from structlog import get_logger

from utils.models.personal import People, Person, PersonKind
from utils.models.players import NamedPlayer
from utils.models.scope import GuildId, PlayerId, ServerScope
from utils.services.personal.eraser import Eraser
from utils.services.personal.erasure_log import ErasedPersons

logger = get_logger(__name__)


class PeopleStore(Protocol):  # implemented by ErasureRecordRepository
    """Finds all persons in a guild's data."""

    async def list_people(self, guild_id: GuildId) -> People:
        """Return the ids of all persons in the data that backups hold."""

    async def list_players(self, scope: ServerScope) -> frozenset[PlayerId]:
        """Return the players in the deaths of a game server."""


class LineStore(Protocol):  # implemented by ErasureRepository
    """Erases what a catch-up stores besides deaths."""

    async def erase_lines(self, scope: ServerScope, player_id: PlayerId) -> None:
        """Delete the rejected lines with a player's id."""


@dataclass(eq=False, repr=False)
class RestoredErasures:
    """Erases again what a restore has brought back."""

    erased: ErasedPersons
    people: PeopleStore
    lines: LineStore
    _: KW_ONLY
    eraser: Eraser

    async def erase_again(self, guild_id: GuildId, *, since: datetime) -> int:
        """Erase everyone in a guild's restored data who was erased since a moment; return their number.

        Raises:
            StorageError: it is not complete yet; call it again.
        """
        known = await self.erased.list_known(guild_id, since)
        if not known:
            return 0
        people = await self.people.list_people(guild_id)
        members = await self.erased.find(guild_id, PersonKind.MEMBER, people.members, known)
        players = await self.erased.find(guild_id, PersonKind.PLAYER, people.players, known)
        for member_id in members:
            await self.eraser.erase(Person(guild_id, member_id, (), is_asker=False))
        for player_id in players:
            await self.eraser.erase(Person(guild_id, None, (NamedPlayer(player_id, ""),), is_asker=False))
        persons = len(members) + len(players)
        if persons:
            logger.info("erased again after a restore", guild_id=guild_id, persons=persons)
        return persons

    async def erase_caught_up(self, scope: ServerScope, since: datetime) -> int:
        """Erase them from what a game server's catch-up has stored; return how many deaths were changed.

        Raises:
            StorageError: it is not complete yet; call it again.
        """
        known = await self.erased.list_known(scope.guild_id, since)
        if not known:
            return 0
        players = await self.people.list_players(scope)
        deaths = 0
        for player_id, record in (
            await self.erased.find(scope.guild_id, PersonKind.PLAYER, players, known)
        ).items():
            await self.lines.erase_lines(scope, player_id)
            deaths += await self.eraser.erase_deaths(scope, player_id, before=record.at)
        return deaths
