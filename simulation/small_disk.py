"""A small disk under a folder, which can be filled."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

BLOCK = b"\0" * 65_536


@contextmanager
def mounted_disk(folder: Path, *, megabytes: int) -> Iterator[bool]:
    """Put a small disk under a folder for the time of a block; tell whether the system allows it."""
    folder.mkdir(parents=True, exist_ok=True)
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    options = ("-t", "tmpfs", "-o", f"size={megabytes}m", "killfeed-disk", str(folder))
    if mount is None or unmount is None or not _succeeds(mount, *options):
        yield False
        return
    try:
        yield True
    finally:
        _succeeds(unmount, "--lazy", str(folder))


def _succeeds(*command: str) -> bool:
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - constants and a path
    return done.returncode == 0


@contextmanager
def filled_disk(folder: Path) -> Iterator[None]:
    """Fill the disk of a folder completely for the time of a block."""
    ballast = folder / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as target:
        while target.write(BLOCK):
            pass
    try:
        yield
    finally:
        ballast.unlink()
