"""Collections that nothing may have changed since a backup: counted and compared with its manifest."""

import hashlib
from collections.abc import Generator
from dataclasses import replace

from utils.backup.archive import Archive
from utils.backup.manifest import CollectionFacts
from utils.backup.steps import Steps
from utils.database.archives.raw_documents import count_documents
from utils.database.archives.snapshot import Snapshot, SnapshotSource
from utils.errors import ArchiveRefusedError
from utils.models.backups import BackupProgress, BackupStep
from utils.models.texts import Number, text


def compare_untouched(archive: Archive, source: SnapshotSource, touched: frozenset[str]) -> Steps[None]:
    """Compare every collection of a backup with the database, except those that were touched on purpose.

    Raises:
        ArchiveRefusedError: one of them differs; the text names it.
        StorageError: the database does not answer.
    """
    facts = {name: one for name, one in archive.manifest.collections.items() if name not in touched}
    progress = BackupProgress(BackupStep.COMPARING, collections=len(facts))
    with source.open() as snapshot:
        for number, (name, expected) in enumerate(facts.items()):
            progress = replace(progress, collection=name, collections_done=number)
            progress = yield from _compare(name, expected, snapshot, progress)


def _compare(
    name: str, expected: CollectionFacts, snapshot: Snapshot, progress: BackupProgress
) -> Generator[BackupProgress, None, BackupProgress]:
    content, documents = hashlib.sha256(), 0
    yield progress
    for piece in snapshot.read(name):
        content.update(piece)
        documents += count_documents(piece)
        yield replace(progress, documents=progress.documents + documents)
    if (documents, content.hexdigest()) != (expected.documents, expected.content_sha256):
        raise ArchiveRefusedError(
            text(
                "The upgrade changed {collection}, which it may not touch: it has {found} documents, and it "
                "had {expected}.",
                collection=name,
                found=Number(documents),
                expected=Number(expected.documents),
            )
        )
    return replace(progress, documents=progress.documents + documents)
