"""Symbolic links are followed within the login's folder, or to any place below a path outside of it."""

from dataclasses import dataclass, field

from utils.errors import RemoteFailureError, RemoteFileMissingError, RemotePermissionError
from utils.sftp.remote_paths import is_inside
from utils.sftp.session import RemoteStat, SftpSession

TOLD_MAXIMUM = 3


@dataclass(slots=True)
class LinkGuide:
    """Follows the links of one listing.

    In the login's folder, links to places outside of it are not followed. Below a path outside of it that an
    admin named, the host decides what the login may read, so all links are followed.

    Args:
        session: the session on the host.
        start: the folder that is searched.
        is_deep: everything below the folder is searched anyway, so links to it are not needed.
        outside: a few of the links that lead out of the login's folder and are not followed.
    """

    session: SftpSession
    start: str
    is_deep: bool
    outside: list[str] = field(default_factory=list)
    _places: tuple[str, str] | None = None

    async def follow(self, path: str) -> RemoteStat | None:
        """Return the target of the link ``path``; None if there is none, or none that may be used.

        In a search of everything below, a link to a folder above would have no end.
        """
        try:
            found = await self.session.stat(path)  # first, because most useless links lead to nothing
            target = await self.session.real_path(path)
            root, start = await self._find_places()
        except (RemoteFileMissingError, RemotePermissionError, RemoteFailureError):
            return None
        if found.is_special:
            return None  # a pipe or a device: opening it could wait for ever
        if self.is_deep and (is_inside(target, start) or is_inside(start, target)):
            return None
        if is_inside(target, root) or not is_inside(start, root):
            return found
        if len(self.outside) < TOLD_MAXIMUM:
            self.outside.append(path)
        return None

    async def _find_places(self) -> tuple[str, str]:
        """Return the login's folder and the start as the host names them; the host is asked once."""
        if self._places is None:
            self._places = await self.session.real_path("."), await self.session.real_path(self.start)
        return self._places
