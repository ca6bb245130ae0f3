"""The log of erasures: keyed digests of the erased persons, so that no older backup brings them back.

A digest is stored in the database, which no restore touches there, and in a file beside the backups, for the
day on which the database is lost. Without the secret key nobody can tell whom a digest means.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from structlog import get_logger

from utils.clock import Clock
from utils.models.personal import ErasureRecord, Person, PersonKind
from utils.models.scope import GuildId, PlayerId

T = TypeVar("T")

PURPOSE = "erasure"
DIGEST_BYTES = 16
KEPT = timedelta(days=400)

logger = get_logger(__name__)


class Digests(Protocol):  # implemented by SecretBox
    """Makes digests under the secret key."""

    @property
    def fingerprint(self) -> str:
        """Characters by which people know the key, and which do not tell it."""

    def compute_digest(self, purpose: str, message: str) -> bytes:
        """Return the HMAC-SHA256 of a message under a key for a purpose."""


class ErasureRecords(Protocol):  # implemented by ErasureRecordRepository
    """Storage of digests."""

    async def put_erasures(self, guild_id: GuildId, records: Sequence[ErasureRecord]) -> None:
        """Store records; of two with one digest the later time stays."""

    async def list_erasures(
        self, guild_id: GuildId, *, since: datetime | None = None
    ) -> Sequence[ErasureRecord]:
        """Return the records that are newer than a moment, or all."""

    async def prune_erasures(self, guild_id: GuildId, *, before: datetime) -> None:
        """Delete the records that are older than a moment."""


class ErasureFiles(Protocol):  # implemented by ErasureFolders
    """The files beside the backups."""

    async def append(self, records: Sequence[ErasureRecord]) -> None:
        """Add records to the file of each place; when this returns, they are on the disk."""

    async def tidy(self, records: Sequence[ErasureRecord], *, before: datetime) -> None:
        """Add what a place has missed, and remove what is older than a moment."""


def compute_digest(digests: Digests, guild_id: GuildId, kind: PersonKind, person_id: object) -> bytes:
    """Return the digest of a person."""
    return digests.compute_digest(PURPOSE, f"{guild_id}:{kind}:{person_id}")[:DIGEST_BYTES]


@dataclass(frozen=True, eq=False, repr=False)
class ErasedPersons:
    """Finds the persons who were erased, by their digests."""

    records: ErasureRecords
    digests: Digests

    async def list_known(self, guild_id: GuildId, since: datetime) -> Mapping[bytes, ErasureRecord]:
        """Return the records that are newer than a moment, by digest; those of another key fit nobody."""
        records = await self.records.list_erasures(guild_id, since=since)
        foreign = sum(record.key != self.digests.fingerprint for record in records)
        if foreign:
            logger.warning(
                "erasures were noted with another secret key, so the persons cannot be found",
                guild_id=guild_id,
                erasures=foreign,
            )
        return {record.digest: record for record in records if record.key == self.digests.fingerprint}

    async def find(
        self, guild_id: GuildId, kind: PersonKind, ids: Iterable[T], known: Mapping[bytes, ErasureRecord]
    ) -> Mapping[T, ErasureRecord]:
        """Return the persons with a record; there may be 100,000 ids, so they are compared in a thread."""

        def compare() -> Mapping[T, ErasureRecord]:
            digests = ((one, compute_digest(self.digests, guild_id, kind, one)) for one in ids)
            return {one: known[digest] for one, digest in digests if digest in known}

        return await asyncio.to_thread(compare)

    async def find_players(
        self, guild_id: GuildId, player_ids: Collection[PlayerId], *, since: datetime
    ) -> Mapping[PlayerId, datetime]:
        """Return when each of these players was erased last, as far as that was after a moment."""
        known = await self.list_known(guild_id, since)
        if not known:
            return {}
        found = await self.find(guild_id, PersonKind.PLAYER, player_ids, known)
        return {player_id: record.at for player_id, record in found.items()}


@dataclass(eq=False, repr=False)
class ErasureLog:
    """Keeps digests of erased persons for 400 days."""

    store: ErasureRecords
    files: ErasureFiles
    digests: Digests
    _: KW_ONLY
    clock: Clock

    async def note(self, person: Person) -> None:
        """Note that everything about a person is erased up to now.

        Raises:
            StorageError: nothing is noted.
        """
        now = self.clock.now()
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)  # as MongoDB stores it
        key = self.digests.fingerprint
        ids: list[tuple[PersonKind, object]] = [(PersonKind.PLAYER, one) for one in person.player_ids]
        if person.member_id is not None:
            ids.append((PersonKind.MEMBER, int(person.member_id)))
        records = [
            ErasureRecord(person.guild_id, compute_digest(self.digests, person.guild_id, kind, one), now, key)
            for kind, one in ids
        ]
        await self.store.put_erasures(person.guild_id, records)
        await self.files.append(records)

    async def prune(self, guild_id: GuildId) -> Sequence[ErasureRecord]:
        """Delete old records of a guild, and return the others."""
        await self.store.prune_erasures(guild_id, before=self.clock.now() - KEPT)
        return await self.store.list_erasures(guild_id)

    async def tidy_files(self, records: Sequence[ErasureRecord]) -> None:
        """Give the file of each place what it has missed of these records, and remove old ones."""
        await self.files.tidy(records, before=self.clock.now() - KEPT)
