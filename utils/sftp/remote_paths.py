"""Paths on a game host: text with ``/``, kept inside the login's root. Pure."""

import posixpath
import re

from utils.errors import InvalidInputError

PATH_LENGTH_MAXIMUM = 400
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")


def validate_base_path(base_path: str, *, root: str = "/") -> str:
    """Return a base path relative to the login's root, in its shortest form (``.`` for the root itself).

    Args:
        base_path: as an admin typed it.
        root: the login's folder as the host names it; an absolute path must lie in it. Hosts that lock a
            login into its folder call it ``/``.

    Raises:
        InvalidInputError: the path leaves the root or is none.
    """
    text = base_path.strip()
    if "\\" in text:
        raise InvalidInputError("Write the base path with “/”, not with “\\”.")
    if _UNPRINTABLE.search(text) or len(text) > PATH_LENGTH_MAXIMUM:
        raise InvalidInputError("The base path holds characters that no path has, or is too long.")
    if ".." in text.split("/"):
        raise InvalidInputError("The base path must not hold “..”; it stays inside the login's folder.")
    if text.startswith("/"):
        if not is_inside(text, root):
            raise InvalidInputError(f"The base path must lie inside the login's folder, “{root}”.")
        text = posixpath.relpath(_normalize(text), _normalize(root))
    return posixpath.normpath(text or ".")


def is_inside(path: str, root: str) -> bool:
    """Tell whether an absolute path is a folder or lies in it."""
    path, root = _normalize(path), _normalize(root)
    return path == root or path.startswith(root.rstrip("/") + "/")


def _normalize(path: str) -> str:
    """Shorten an absolute path; two leading slashes, which POSIX keeps, become one."""
    return posixpath.normpath("/" + path.lstrip("/"))
