"""The data folder: one process uses it at a time, and it has an id of its own."""

import secrets
from pathlib import Path

from filelock import FileLock, Timeout

from utils.errors import ConfigurationError

LOCK_NAME = "bot.lock"
INSTANCE_NAME = "instance.id"
OTHERS = 0o077  # the rights of all users but the owner


def lock_data_folder(data_dir: Path) -> FileLock:
    """Take the data folder for this process, until it ends or the returned lock is released.

    Raises:
        ConfigurationError: another bot uses it, or it cannot be written.
    """
    lock = FileLock(data_dir / LOCK_NAME)
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock.acquire(timeout=0)
    except Timeout:
        raise ConfigurationError(
            f"Another bot is running with the data folder {data_dir}. Stop it first, or set another data_dir."
        ) from None
    except OSError as failure:
        raise ConfigurationError(
            f"The data folder {data_dir} cannot be used: {failure.strerror}."
        ) from failure
    return lock


def load_instance_id(data_dir: Path) -> str:
    """Return this installation's id, made once; it tells a restarted bot from a different one."""
    file = data_dir / INSTANCE_NAME
    if not file.exists():
        file.write_text(secrets.token_hex(8), "ascii")
    return file.read_text("ascii").strip()


def list_readable_by_others(config: Path, data_dir: Path) -> list[str]:
    """Return a sentence for each of the two that other users can read, with the command that ends it."""
    found = []
    if config.exists() and config.stat().st_mode & OTHERS:
        found.append(f"{config} holds the token, and others on this machine can read it: chmod 600 {config}")
    if data_dir.exists() and data_dir.stat().st_mode & OTHERS:
        found.append(f"{data_dir} can be read by others on this machine: chmod 700 {data_dir}")
    return found
