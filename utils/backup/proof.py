"""Proof: a backup is loaded into a database and compared with its manifest, document by document.

A trial takes a minute of a processor, so it runs in a child process with low priority
(``utils.backup.child``). A restore loads its backup in the same way, before it touches the present data.
"""

import hashlib
from collections.abc import Generator
from dataclasses import dataclass, replace

from utils.backup.archive import Archive
from utils.backup.checking import read_documents
from utils.backup.manifest import CollectionFacts
from utils.backup.steps import Steps
from utils.database.archives.raw_documents import count_documents
from utils.database.archives.trial import TrialDatabase
from utils.errors import ArchiveRefusedError, StorageConflictError
from utils.models.backups import BackupProgress, BackupStep
from utils.models.texts import Text, text

LOADED_DOCUMENTS = 2_000  # at once
LOADED_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Proof:
    """A trial that succeeded.

    Attributes:
        documents: the number of documents that were loaded and compared.
    """

    documents: int


def prove(archive: Archive, trial: TrialDatabase) -> Steps[Proof]:
    """Load a backup into an empty trial database, and compare all of it.

    Raises:
        ArchiveRefusedError: the restored data is not that of the manifest; the text names what differs.
        StorageError: the trial database failed.
    """
    progress = BackupProgress(BackupStep.LOADING, collections=len(archive.manifest.collections))
    for number, (name, facts) in enumerate(archive.manifest.collections.items()):
        progress = replace(progress, collection=name, collections_done=number)
        progress = yield from _load(archive, name, facts, trial, progress)
        try:
            trial.build_indexes(name)
        except StorageConflictError as error:
            said = text(
                "Two documents of {collection} in the backup {id} exclude each other.",
                collection=name,
                id=archive.id,
            )
            raise ArchiveRefusedError(said) from error
    progress = BackupProgress(BackupStep.COMPARING, collections=len(archive.manifest.collections))
    for number, (name, facts) in enumerate(archive.manifest.collections.items()):
        progress = replace(progress, collection=name, collections_done=number)
        progress = yield from _compare(archive, name, facts, trial, progress)
    yield replace(progress, collections_done=len(archive.manifest.collections))
    return Proof(progress.documents)


def _load(
    archive: Archive, name: str, facts: CollectionFacts, trial: TrialDatabase, progress: BackupProgress
) -> Generator[BackupProgress, None, BackupProgress]:
    waiting: list[bytes] = []
    waiting_bytes = loaded = 0
    yield progress
    trial.create(name)
    for documents, _ in read_documents(archive, facts):
        waiting += documents
        waiting_bytes += sum(map(len, documents))
        if len(waiting) >= LOADED_DOCUMENTS or waiting_bytes >= LOADED_BYTES:
            trial.load(name, waiting)
            loaded += len(waiting)
            waiting, waiting_bytes = [], 0
            yield replace(progress, documents=progress.documents + loaded)
    trial.load(name, waiting)
    return replace(progress, documents=progress.documents + loaded + len(waiting))


def _compare(
    archive: Archive, name: str, facts: CollectionFacts, trial: TrialDatabase, progress: BackupProgress
) -> Generator[BackupProgress, None, BackupProgress]:
    content, documents, raw_bytes = hashlib.sha256(), 0, 0
    for piece in trial.read(name):
        content.update(piece)
        documents += count_documents(piece)
        raw_bytes += len(piece)
        yield replace(progress, documents=progress.documents + documents)
    found = (documents, raw_bytes, content.hexdigest())
    if found != (facts.documents, facts.raw_bytes, facts.content_sha256):
        raise _refuse(archive, name)
    expected = {
        int(guild): counts[name] for guild, counts in archive.manifest.guilds.items() if name in counts
    }
    counted = {guild: count for guild, count in trial.count_by_guild(name).items() if guild is not None}
    if counted != expected:
        raise _refuse(archive, name)
    return replace(progress, documents=progress.documents + documents)


def _refuse(archive: Archive, name: str) -> ArchiveRefusedError:
    said: Text = text(
        "{collection} of the backup {id} is not the same once it is loaded into a database.",
        collection=name,
        id=archive.id,
    )
    return ArchiveRefusedError(said)
