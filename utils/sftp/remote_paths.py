"""Paths on a game host: text with ``/``, as people type them and as hosts name them. No I/O."""

import posixpath
import re

from utils.errors import InvalidInputError
from utils.models.problems import Problem

PATH_LENGTH_MAXIMUM = 400
LOGS_FOLDER = "deathlogs"
GAME_FOLDER = "actual1"  # the game makes it at its start, and the logs in it at the first death
DATED_NAME = re.compile(r"20\d\d\.\d\d\.\d\d-.*\.csv", re.IGNORECASE)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")
_DRIVE = re.compile(r"/?(?P<letter>[A-Za-z]):(?=/|$)")


def validate_base_path(base_path: str, *, root: str = "/") -> str:
    """Return a base path in its shortest form: relative to the login's root if it is in it, else absolute.

    Backslashes become slashes, and a drive is written as OpenSSH on Windows names it (``/C:/servers``).

    Args:
        base_path: as an admin typed it.
        root: the login's folder as the host names it. Hosts that lock a login into its folder call it ``/``.

    Raises:
        InvalidInputError: the path holds ``..``, or is not a path.
    """
    text = base_path.strip().replace("\\", "/")
    if _UNPRINTABLE.search(text) or len(text) > PATH_LENGTH_MAXIMUM:
        raise InvalidInputError(Problem.PATH_UNPRINTABLE.say())
    if ".." in text.split("/"):
        raise InvalidInputError(Problem.PATH_UPWARDS.say())
    if not (text.startswith("/") or _DRIVE.match(text)):
        return posixpath.normpath(text or ".")
    path = _normalize(text)
    return posixpath.relpath(path, _normalize(root)) if is_inside(path, root) else path


def is_inside(path: str, root: str) -> bool:
    """Tell whether an absolute path is a folder or is inside it."""
    path, root = _normalize(path), _normalize(root)
    return path == root or path.startswith(root.rstrip("/") + "/")


def is_name(text: str) -> bool:
    """Tell whether a text can be the name of a file or folder."""
    return bool(text) and "/" not in text and not _UNPRINTABLE.search(text)


def cut_to_logs(path: str) -> str:
    """Return the folder for a path that leads to a log, to a world, or below the logs."""
    parts = path.split("/")
    names = [part.casefold() for part in parts]
    if LOGS_FOLDER in names:
        return "/".join(parts[: names.index(LOGS_FOLDER) + 1])
    return (posixpath.dirname(path) or ".") if names[-1].endswith(".csv") else path


def _normalize(path: str) -> str:
    """Shorten an absolute path: one leading slash (POSIX keeps two), a drive as a capital letter."""
    path = _DRIVE.sub(lambda drive: f"/{drive['letter'].upper()}:", path, count=1)
    return posixpath.normpath("/" + path.lstrip("/"))
