"""Erasures after a restore: persons who were erased since the backup are erased again.

The restored data is compared with the digests of the erasures that are newer than the backup. Deaths of the
time in between are read from the logs once more by the catch-up, so they are compared as well, up to the
moment of the erasure: a player who has played on since has a new record, which stays.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from structlog import get_logger

from utils.models.personal import ErasureRecord, People, Person, PersonKind
from utils.models.players import NamedPlayer
from utils.models.scope import GuildId, PlayerId, ServerScope
from utils.services.personal.eraser import Eraser
from utils.services.personal.erasure_log import Digests, ErasureRecords, compute_digest

T = TypeVar("T")

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

    records: ErasureRecords
    people: PeopleStore
    lines: LineStore
    digests: Digests
    _: KW_ONLY
    eraser: Eraser

    async def erase_again(self, guild_id: GuildId, *, since: datetime) -> int:
        """Erase everyone in a guild's restored data who was erased since a moment; return their number.

        Raises:
            StorageError: it is not complete yet; call it again.
        """
        known = await self._list_known(guild_id, since)
        if not known:
            return 0
        people = await self.people.list_people(guild_id)
        members = await self._find(guild_id, PersonKind.MEMBER, people.members, known)
        players = await self._find(guild_id, PersonKind.PLAYER, people.players, known)
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
        known = await self._list_known(scope.guild_id, since)
        if not known:
            return 0
        players = await self.people.list_players(scope)
        deaths = 0
        for player_id, record in (
            await self._find(scope.guild_id, PersonKind.PLAYER, players, known)
        ).items():
            await self.lines.erase_lines(scope, player_id)
            deaths += await self.eraser.erase_deaths(scope, player_id, before=record.at)
        return deaths

    async def _list_known(self, guild_id: GuildId, since: datetime) -> Mapping[bytes, ErasureRecord]:
        """Return the records by digest; those of another key fit nobody."""
        records = await self.records.list_erasures(guild_id, since=since)
        foreign = sum(record.key != self.digests.fingerprint for record in records)
        if foreign:
            logger.warning(
                "erasures were noted with another secret key, so the persons cannot be found",
                guild_id=guild_id,
                erasures=foreign,
            )
        return {record.digest: record for record in records if record.key == self.digests.fingerprint}

    async def _find(
        self, guild_id: GuildId, kind: PersonKind, ids: Iterable[T], known: Mapping[bytes, ErasureRecord]
    ) -> Mapping[T, ErasureRecord]:
        """Return the persons with a record; there may be 100,000 ids, so they are compared in a thread."""

        def compare() -> Mapping[T, ErasureRecord]:
            digests = ((one, compute_digest(self.digests, guild_id, kind, one)) for one in ids)
            return {one: known[digest] for one, digest in digests if digest in known}

        return await asyncio.to_thread(compare)
