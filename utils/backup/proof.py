"""Proof: a backup is loaded into a database and compared with its manifest, document by document.

A trial takes a minute of a processor, so it runs in a child process with low priority
(``utils.backup.child``). A restore loads its backup in the same way, before it touches the present data.
"""

import hashlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace

from utils.backup.archive import Archive
from utils.backup.checking import read_documents
from utils.backup.manifest import CollectionFacts
from utils.backup.steps import Steps
from utils.database.archives.raw_documents import choose_of_guild, count_documents
from utils.database.archives.trial import TrialDatabase
from utils.errors import ArchiveRefusedError, StorageConflictError
from utils.models.backups import BackupProgress, BackupStep
from utils.models.scope import GuildId
from utils.models.texts import Text, text

LOADED_DOCUMENTS = 2_000  # at once
LOADED_BYTES = 4 * 1024 * 1024

_Content = tuple[int, int, str]
"""The number of documents, their size and their SHA-256."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A trial that succeeded.

    Attributes:
        documents: the number of documents that were loaded and compared.
    """

    documents: int


def prove(archive: Archive, trial: TrialDatabase, *, guild_id: GuildId | None = None) -> Steps[Proof]:
    """Load a backup into an empty trial database, and compare all of it.

    With ``guild_id`` only the documents of that guild are loaded, and compared with those in the files.

    Raises:
        ArchiveRefusedError: the restored data is not that of the manifest; the text names what differs.
        StorageError: the trial database failed.
    """
    collections = archive.manifest.collections
    progress = BackupProgress(BackupStep.LOADING, collections=len(collections))
    expected: dict[str, _Content] = {}
    for number, (name, facts) in enumerate(collections.items()):
        progress = replace(progress, collection=name, collections_done=number)
        source = _Source(archive, facts, guild_id)
        progress = yield from _load(name, source.read(), trial, progress)
        expected[name] = source.content
        _build_indexes(archive, name, trial)
    progress = BackupProgress(BackupStep.COMPARING, collections=len(collections))
    for number, name in enumerate(collections):
        progress = replace(progress, collection=name, collections_done=number)
        counts = _list_counts(archive, name, guild_id)
        progress = yield from _compare(archive, name, (expected[name], counts), trial, progress)
    yield replace(progress, collections_done=len(collections))
    return Proof(progress.documents)


class _Source:
    """The documents of a file, or of one guild in it, and what they should be once they are loaded."""

    def __init__(self, archive: Archive, facts: CollectionFacts, guild_id: GuildId | None) -> None:
        self._archive = archive
        self._facts = facts
        self._guild_id = guild_id
        self._digest = hashlib.sha256()
        self._documents = self._raw_bytes = 0

    @property
    def content(self) -> _Content:
        """The number, size and digest of all documents that were read."""
        if self._guild_id is None:  # read_documents has compared the file with these facts
            return self._facts.documents, self._facts.raw_bytes, self._facts.content_sha256
        return self._documents, self._raw_bytes, self._digest.hexdigest()

    def read(self) -> Iterator[list[bytes]]:
        """Yield the documents, many at once."""
        for documents, _ in read_documents(self._archive, self._facts):
            if self._guild_id is None:
                yield documents
            else:
                yield self._note(choose_of_guild(documents, self._guild_id))

    def _note(self, documents: list[bytes]) -> list[bytes]:
        for document in documents:
            self._digest.update(document)
            self._raw_bytes += len(document)
        self._documents += len(documents)
        return documents


def _build_indexes(archive: Archive, name: str, trial: TrialDatabase) -> None:
    try:
        trial.build_indexes(name)
    except StorageConflictError as error:
        said = text(
            "The backup {id} has the same entry twice in {collection}. Choose another backup.",
            collection=name,
            id=archive.id,
        )
        raise ArchiveRefusedError(said) from error


def _load(
    name: str, source: Iterator[list[bytes]], trial: TrialDatabase, progress: BackupProgress
) -> Generator[BackupProgress, None, BackupProgress]:
    waiting: list[bytes] = []
    waiting_bytes = loaded = 0
    yield progress
    trial.create(name)
    for documents in source:
        waiting += documents
        waiting_bytes += sum(map(len, documents))
        if len(waiting) >= LOADED_DOCUMENTS or waiting_bytes >= LOADED_BYTES:
            trial.load(name, waiting)
            loaded += len(waiting)
            waiting, waiting_bytes = [], 0
            yield replace(progress, documents=progress.documents + loaded)
    trial.load(name, waiting)
    return replace(progress, documents=progress.documents + loaded + len(waiting))


def _list_counts(archive: Archive, name: str, guild_id: GuildId | None) -> dict[int, int]:
    """Return the number of documents of each guild by the manifest; of one guild, if it is named."""
    guilds = archive.manifest.guilds
    wanted = {
        guild: counts for guild, counts in guilds.items() if guild_id is None or guild == str(int(guild_id))
    }
    return {int(guild): counts[name] for guild, counts in wanted.items() if name in counts}


def _compare(
    archive: Archive,
    name: str,
    expected: tuple[_Content, dict[int, int]],
    trial: TrialDatabase,
    progress: BackupProgress,
) -> Generator[BackupProgress, None, BackupProgress]:
    content, documents, raw_bytes = hashlib.sha256(), 0, 0
    for piece in trial.read(name):
        content.update(piece)
        documents += count_documents(piece)
        raw_bytes += len(piece)
        yield replace(progress, documents=progress.documents + documents)
    counted = {guild: count for guild, count in trial.count_by_guild(name).items() if guild is not None}
    if ((documents, raw_bytes, content.hexdigest()), counted) != expected:
        raise _refuse(archive, name)
    return replace(progress, documents=progress.documents + documents)


def _refuse(archive: Archive, name: str) -> ArchiveRefusedError:
    said: Text = text(
        "{collection} of the backup {id} is not the same once it is loaded into a database.",
        collection=name,
        id=archive.id,
    )
    return ArchiveRefusedError(said)
