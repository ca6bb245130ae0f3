"""The data folder: one process uses it at a time, and it has an id of its own."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from utils.errors import ConfigurationError, DataFolderInUseError

LOCK_NAME = "bot.lock"
INSTANCE_NAME = "instance.id"
OTHERS = 0o077  # the rights of all users but the owner


def lock_data_folder(data_dir: Path) -> FileLock:
    """Take the data folder for this process, until it ends or the returned lock is released.

    Raises:
        DataFolderInUseError: another process uses it: a bot, or a call that changes the data.
        ConfigurationError: it cannot be written.
    """
    lock = FileLock(data_dir / LOCK_NAME)
    try:
        with explain_unusable(data_dir):
            data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock.acquire(timeout=0)
    except Timeout:
        raise DataFolderInUseError(
            f"Another bot, or a call like a backup, uses the data folder {data_dir}. "
            "Stop it or let it end first, or set another data_dir."
        ) from None
    return lock


def load_instance_id(data_dir: Path) -> str:
    """Return this installation's id, made once; it tells a restarted bot from a different one.

    Raises:
        ConfigurationError: its file cannot be read or written.
    """
    file = data_dir / INSTANCE_NAME
    with explain_unusable(data_dir):
        if not file.exists():
            file.write_text(secrets.token_hex(8), "ascii")
        return file.read_text("ascii").strip()


@contextmanager
def explain_unusable(data_dir: Path) -> Iterator[None]:
    """Turn what the system says about the folder or a file in it into one sentence with advice.

    Raises:
        ConfigurationError: the block failed with an error of the system.
    """
    try:
        yield
    except Timeout:  # an error of the system as well, but another process has the lock
        raise
    except OSError as failure:
        name = "" if failure.filename is None else f" at {failure.filename}"
        raise ConfigurationError(
            f"The data folder {data_dir} can't be used ({failure.strerror}{name}). "
            "Set data_dir to a folder that the bot's user may write to."
        ) from failure


def list_readable_by_others(config: Path, data_dir: Path) -> list[str]:
    """Return a sentence for each of the two that other users can read, with the command that ends it."""
    found = []
    if config.exists() and config.stat().st_mode & OTHERS:
        found.append(f"{config} holds the token, and others on this machine can read it: chmod 600 {config}")
    if data_dir.exists() and data_dir.stat().st_mode & OTHERS:
        found.append(f"{data_dir} can be read by others on this machine: chmod 700 {data_dir}")
    return found
