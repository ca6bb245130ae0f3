"""File check: every file of a backup is read back from the disk and compared with its manifest."""

import hashlib
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

from zstandard import ZstdDecompressor, ZstdError

from utils.backup.archive import Archive, read_archive, refuse_missing
from utils.backup.files import PIECE_BYTES, HashedFile, open_from_disk
from utils.backup.manifest import CollectionFacts
from utils.backup.steps import Steps
from utils.database.archives.raw_documents import DocumentSplitter
from utils.errors import ArchiveRefusedError
from utils.models.backups import BackupProgress, BackupStep
from utils.models.texts import text

COMPRESSED_BYTES = 64 * 1024  # read at once; it becomes about half a megabyte of documents


def check_files(archive: Archive) -> Steps[Archive]:
    """Read and compare every file, and return the backup as it is on the disk now.

    Raises:
        ArchiveRefusedError: a file is missing, cut or changed.
    """
    found = read_archive(archive.path)
    collections = found.manifest.collections
    progress = BackupProgress(BackupStep.CHECKING, collections=len(collections))
    for number, (name, facts) in enumerate(collections.items()):
        progress = replace(progress, collection=name, collections_done=number)
        progress = yield from _check_file(found, facts, progress)
    yield replace(progress, collections_done=len(collections))
    return found


def _check_file(
    archive: Archive, facts: CollectionFacts, progress: BackupProgress
) -> Generator[BackupProgress, None, BackupProgress]:
    content, raw_bytes, documents = hashlib.sha256(), 0, 0
    for piece, stored in read_documents(archive, facts):
        for document in piece:
            content.update(document)
            raw_bytes += len(document)
        documents += len(piece)
        yield replace(
            progress,
            documents=progress.documents + documents,
            stored_bytes=progress.stored_bytes + stored,
        )
    if (documents, raw_bytes, content.hexdigest()) != (
        facts.documents,
        facts.raw_bytes,
        facts.content_sha256,
    ):
        raise refuse_damaged(archive, facts)
    return replace(
        progress,
        documents=progress.documents + documents,
        stored_bytes=progress.stored_bytes + facts.file_bytes,
    )


def read_documents(archive: Archive, facts: CollectionFacts) -> Iterator[tuple[list[bytes], int]]:
    """Yield the raw documents of a file, many at once, and the bytes of the file that are read by now.

    The file is read from the disk to its end.

    Raises:
        ArchiveRefusedError: it is missing, or not as it was written; some documents may have been yielded.
    """
    try:
        with open_from_disk(archive.path / facts.file) as file:
            source, splitter = HashedFile(file), DocumentSplitter()
            decompressor = ZstdDecompressor().decompressobj()
            while not decompressor.eof and (piece := source.read(COMPRESSED_BYTES)):
                yield splitter.feed(decompressor.decompress(piece)), source.size
            while source.read(PIECE_BYTES):
                pass  # bytes behind the frame are hashed as well
    except FileNotFoundError as error:
        raise refuse_missing(archive.id, facts.file) from error
    except (OSError, ZstdError, ArchiveRefusedError) as error:
        raise refuse_damaged(archive, facts) from error
    is_whole = decompressor.eof and splitter.is_empty
    if not is_whole or (source.size, source.sha256) != (facts.file_bytes, facts.sha256):
        raise refuse_damaged(archive, facts)


def hash_file(path: Path) -> Generator[int, None, str]:
    """Read a file from the disk, yield the bytes so far, and return its SHA-256.

    Raises:
        OSError: it cannot be read.
    """
    with open_from_disk(path) as file:
        source = HashedFile(file)
        while source.read(PIECE_BYTES):
            yield source.size
    return source.sha256


def refuse_damaged(archive: Archive, facts: CollectionFacts) -> ArchiveRefusedError:
    """Return the error about a file that is not as it was written."""
    return ArchiveRefusedError(
        text("The backup {id} is damaged: {file} is not as it was written.", id=archive.id, file=facts.file)
    )
