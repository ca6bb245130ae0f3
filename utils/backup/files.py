"""Files of a backup: written to the disk for good, and hashed."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600
PIECE_BYTES = 1024 * 1024


class HashedFile:
    """A file that is written or read once, with its size and SHA-256 so far.

    Attributes:
        size: the bytes so far.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        """The SHA-256 of the bytes so far."""
        return self._digest.hexdigest()

    def write(self, piece: bytes) -> int:
        """Append a piece."""
        self._note(piece)
        return self._file.write(piece)

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes; nothing at the end."""
        piece = self._file.read(size)
        self._note(piece)
        return piece

    def _note(self, piece: bytes) -> None:
        self._digest.update(piece)
        self.size += len(piece)


@contextmanager
def create_file(path: Path) -> Iterator[BinaryIO]:
    """Make a file that only its owner may read; at the end of the block it is on the disk."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def open_from_disk(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading from the disk itself, not from what the system remembers of it."""
    with path.open("rb") as file:
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        yield file


def write_file(path: Path, content: bytes) -> None:
    """Make a small file, on the disk when this returns."""
    with create_file(path) as file:
        file.write(content)


def replace_file(path: Path, content: bytes) -> None:
    """Write a small file whole or not at all, in place of an older one."""
    draft = path.with_name(f".{path.name}.partial")
    draft.unlink(missing_ok=True)
    write_file(draft, content)
    draft.replace(path)
    sync_folder(path.parent)


def make_folder(path: Path) -> None:
    """Make a folder that only its owner may enter; the one around it must be there."""
    path.mkdir(mode=PRIVATE_FOLDER)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Return when the names in a folder are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
