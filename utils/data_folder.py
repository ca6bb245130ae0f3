"""The data folder: used by one process alone, and known by an id of its own."""

import secrets
from pathlib import Path

from filelock import FileLock, Timeout

from utils.errors import ConfigurationError

LOCK_NAME = "bot.lock"
INSTANCE_NAME = "instance.id"


def lock_data_folder(data_dir: Path) -> FileLock:
    """Take the data folder for this process, until it ends or the returned lock is released.

    Raises:
        ConfigurationError: another bot uses it, or it cannot be written.
    """
    lock = FileLock(data_dir / LOCK_NAME)
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
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
    """Return this installation's id, made once; it tells a restarted bot from another one."""
    file = data_dir / INSTANCE_NAME
    if not file.exists():
        file.write_text(secrets.token_hex(8), "ascii")
    return file.read_text("ascii").strip()
