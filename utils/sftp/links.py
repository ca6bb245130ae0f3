"""Links: symbolic links to folders are followed, as far as they stay inside the login's root."""

from utils.errors import RemoteFileMissingError, RemotePermissionError
from utils.sftp.remote_paths import is_inside
from utils.sftp.session import RemoteStat, SftpSession


async def find_linked_folder(
    session: SftpSession, path: str, *, apart_from: str | None = None
) -> RemoteStat | None:
    """Return the folder that the link ``path`` leads to; None when there is none, or none that may be used.

    A folder outside the login's root may not, nor one that holds ``apart_from`` or lies in it: what is there
    is listed anyway, and a link to its own parent would have no end.
    """
    try:
        target = await session.real_path(path)
        if not is_inside(target, await session.real_path(".")):
            return None
        known = await session.real_path(apart_from) if apart_from is not None else None
        if known is not None and (is_inside(target, known) or is_inside(known, target)):
            return None
        found = await session.stat(path)
    except (RemoteFileMissingError, RemotePermissionError):
        return None
    return found if found.is_directory else None
