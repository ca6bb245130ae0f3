"""Links: symbolic links are followed as far as the login's folder, or anywhere below a path outside of it."""

from dataclasses import dataclass, field

from utils.errors import RemoteFailureError, RemoteFileMissingError, RemotePermissionError
from utils.sftp.remote_paths import is_inside
from utils.sftp.session import RemoteStat, SftpSession

TOLD_MAXIMUM = 3


@dataclass(slots=True)
class LinkGuide:
    """Follows the links of one listing.

    In the login's folder a link leads no further than that folder. Where an admin named a path outside of it,
    what the login may read is the host's matter, and so is where links lead.

    Args:
        session: asks the host.
        start: the folder that is looked through.
        is_deep: all below it is looked through, so what lies there needs no link.
        outside: links that lead out of the login's folder and are not followed, a few of them.
    """

    session: SftpSession
    start: str
    is_deep: bool
    outside: list[str] = field(default_factory=list)
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
        """Return the login's folder and the start as the host names them, asked for once."""
        if self._places is None:
            self._places = await self.session.real_path("."), await self.session.real_path(self.start)
        return self._places
