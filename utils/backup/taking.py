"""Taking: writes a snapshot into a new folder of a place, whole or not at all.

*Theory of operation.* Everything is written into ``.partial-<id>``. Each file is on the disk before the next
one begins, the manifest comes last, and one rename makes it a backup. Whenever the process dies, there is
either a backup or a partial folder, which the next run deletes. A backup is never resumed: it takes a minute.
"""

import errno
import hashlib
import shutil
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from zstandard import ZstdCompressor

from utils.backup.archive import PARTIAL, Archive, read_archive, write_manifest
from utils.backup.files import HashedFile, create_file, make_folder, sync_folder
from utils.backup.manifest import FILE_ENDING, CollectionFacts, Manifest
from utils.backup.steps import Steps
from utils.database.archives.raw_documents import count_documents
from utils.database.archives.snapshot import SnapshotFacts
from utils.errors import BackupError
from utils.models.backups import BackupProgress, BackupReason, BackupStep
from utils.models.texts import Number, text

COMPRESSION_LEVEL = 3  # level 1 is 8 % larger and hardly faster; zlib is 50 % larger and slow


class SnapshotReader(Protocol):  # implemented by Snapshot
    """One moment of the database."""

    def read_facts(self) -> SnapshotFacts:
        """Return the facts about the moment."""

    def read(self, name: str) -> Iterator[bytes]:
        """Yield the raw documents of a collection by ``_id``, many in each piece."""

    def count_by_guild(self, name: str) -> Mapping[int | None, int]:
        """Return the number of documents of each guild, and of those that belong to none."""

    def count_deaths(self) -> Mapping[int, Mapping[str, int]]:
        """Return the number of deaths by guild and game server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The wanted backup, with the facts for the manifest that are known before.

    Attributes:
        key_check: 8 bytes as hex that tell which secret key the logins need; None without a key.
        collections: the names of the collections.
    """

    id: str
    reason: BackupReason
    database: str
    bot_version: str
    mongodb_version: str
    key_check: str | None
    collections: Sequence[str]


def take_backup(
    order: Order, snapshot: SnapshotReader, place: Path, *, now: Callable[[], datetime]
) -> Steps[Archive]:
    """Write a snapshot into a place and return the backup.

    Raises:
        BackupError: the disk is full, or cannot be written; nothing of it is left.
        StorageError: the database could not be read to the end; nothing of it is left.
    """
    started_at = now()
    partial = place / f"{PARTIAL}{order.id}"
    with explain_disk(place), removed_on_failure(partial):
        make_folder(partial)
        facts = snapshot.read_facts()
        collections: dict[str, CollectionFacts] = {}
        guilds: dict[str, dict[str, int]] = {}
        progress = BackupProgress(BackupStep.TAKING, collections=len(order.collections))
        for name in order.collections:
            progress = replace(progress, collection=name, collections_done=len(collections))
            collections[name], progress = yield from _write_collection(
                partial / f"{name}{FILE_ENDING}", snapshot.read(name), progress
            )
            counts = snapshot.count_by_guild(name)
            _compare(name, collections[name].documents, sum(counts.values()))
            for guild_id, documents in counts.items():
                if guild_id is not None:
                    guilds.setdefault(str(guild_id), {})[name] = documents
        manifest = Manifest(
            id=order.id,
            reason=order.reason,
            database=order.database,
            data_version=facts.data_version,
            upgraded_from=facts.upgraded_from,
            bot_version=order.bot_version,
            mongodb_version=order.mongodb_version,
            cluster_time=facts.cluster_time,
            started_at=started_at,
            finished_at=now(),
            lease_tokens=facts.lease_tokens,
            key_check=order.key_check,
            collections=collections,
            guilds=guilds,
            servers={str(guild_id): deaths for guild_id, deaths in snapshot.count_deaths().items()},
        )
        write_manifest(partial, manifest)
        yield replace(progress, collections_done=len(collections))
        return complete_folder(partial, place / order.id)


def complete_folder(partial: Path, final: Path) -> Archive:
    """Make a backup of a folder in which everything is written."""
    sync_folder(partial)
    partial.rename(final)
    sync_folder(final.parent)
    return read_archive(final)


def _write_collection(
    path: Path, pieces: Iterator[bytes], progress: BackupProgress
) -> Generator[BackupProgress, None, tuple[CollectionFacts, BackupProgress]]:
    """Write one file; return its facts and the progress with it."""
    content = hashlib.sha256()
    documents = raw_bytes = 0
    yield progress
    with create_file(path) as file:
        target = HashedFile(file)
        compressor = ZstdCompressor(level=COMPRESSION_LEVEL, write_checksum=True).compressobj()
        for piece in pieces:
            content.update(piece)
            target.write(compressor.compress(piece))
            documents += count_documents(piece)
            raw_bytes += len(piece)
            yield _advance(progress, documents, target.size)
        target.write(compressor.flush())
    facts = CollectionFacts(path.name, documents, raw_bytes, target.size, target.sha256, content.hexdigest())
    return facts, _advance(progress, documents, target.size)


def _compare(name: str, written: int, counted: int) -> None:
    """Compare what was read with what MongoDB counts in the same snapshot.

    Raises:
        BackupError: they differ.
    """
    if written != counted:
        raise BackupError(
            text(
                "MongoDB counts {counted} documents of {collection} and sent {written}. Try again.",
                counted=Number(counted),
                collection=name,
                written=Number(written),
            )
        )


def _advance(progress: BackupProgress, documents: int, stored_bytes: int) -> BackupProgress:
    return replace(
        progress,
        documents=progress.documents + documents,
        stored_bytes=progress.stored_bytes + stored_bytes,
    )


@contextmanager
def removed_on_failure(partial: Path) -> Iterator[None]:
    """Remove a partial folder if the block does not end well; a process that is killed leaves it."""
    try:
        yield
    except BaseException:
        with suppress(OSError):  # the disk may be gone; the next run tries again
            shutil.rmtree(partial)
        raise


@contextmanager
def explain_disk(place: Path) -> Iterator[None]:
    """Turn an error of the system into a sentence.

    Raises:
        BackupError: the block failed with an error of the system.
    """
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise BackupError(
                text(
                    "The disk of {place} is full. The backup was given up: free some space.",
                    place=str(place),
                )
            ) from error
        raise BackupError(
            text(
                "The backup can't be written to {place}: {why}.",
                place=str(place),
                why=error.strerror or type(error).__name__,
            )
        ) from error
