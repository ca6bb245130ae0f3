"""Links: symbolic links are followed as far as the login's folder, or anywhere below a path outside of it."""

from dataclasses import dataclass

from utils.errors import RemoteFailureError, RemoteFileMissingError, RemotePermissionError
from utils.sftp.remote_paths import is_inside
from utils.sftp.session import RemoteStat, SftpSession


@dataclass(slots=True)
class LinkGuide:
    """Follows the links of one listing.

    In the login's folder a link leads no further than that folder. Where an admin named a path outside of it,
    what the login may read is the host's matter, and so is where links lead.

    Args:
        session: asks the host.
        start: the folder that is looked through.
        is_deep: all below it is looked through, so what lies there needs no link.
    """

    session: SftpSession
    start: str
    is_deep: bool
    _places: tuple[str, str] | None = None

    async def follow(self, path: str) -> RemoteStat | None:
        """Return what the link ``path`` leads to; None when there is nothing, or nothing that may be used.

        A link to what holds the folder would have no end where all below it is looked through.
        """
        try:
            found = await self.session.stat(path)  # first: most links that are of no use lead to nothing
            target = await self.session.real_path(path)
            root, start = await self._find_places()
        except (RemoteFileMissingError, RemotePermissionError, RemoteFailureError):
            return None
        if self.is_deep and (is_inside(target, start) or is_inside(start, target)):
            return None
        return found if is_inside(target, root) or not is_inside(start, root) else None

    async def _find_places(self) -> tuple[str, str]:
        """Return the login's folder and the start as the host names them, asked for once."""
        if self._places is None:
            self._places = await self.session.real_path("."), await self.session.real_path(self.start)
        return self._places
