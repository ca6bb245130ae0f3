"""Checkup: the way to a server's logs, step by step, for the admin who set it up."""

from contextlib import AbstractAsyncContextManager

from utils.errors import (
    ConnectionLostError,
    HandshakeRefusedError,
    HostKeyChangedError,
    HostUnreachableError,
    InvalidSecretError,
    NoSshServerError,
    RemoteError,
    RemoteTimeoutError,
    UserFacingError,
)
from utils.models.quantities import write_quantity
from utils.models.reading import FoundLogs
from utils.models.servers import CheckStep, WayCheck
from utils.sftp.discovery import find_death_logs, find_real_folder
from utils.sftp.listing import LogFileEntry, list_death_logs
from utils.sftp.login import HostLogin
from utils.sftp.session import SftpSession
from utils.sftp.tail import HEAD_BYTES

CONNECTING_STEPS = ("Reach the host", "SSH handshake", "Host key", "Login")
FAILING_STEP_BY_ERROR: dict[type[RemoteError], int] = {
    HostUnreachableError: 0,
    RemoteTimeoutError: 0,
    ConnectionLostError: 1,
    HandshakeRefusedError: 1,
    NoSshServerError: 1,
    HostKeyChangedError: 2,
}
"""All else that goes wrong while connecting goes wrong at the login."""

SAMPLE_BYTES = 4096
REFUSED_SHOWN = 3  # a field of an embed takes 1,024 characters


async def check_server(
    loan: AbstractAsyncContextManager[SftpSession],
    *,
    login: HostLogin,
    base_path: str | None,
    number: int | None,
) -> WayCheck:
    """Go the way from the host's door to a log's first bytes; stops at the first step that fails.

    ``loan`` is a loan of the pool, not yet entered. Where the login has an open connection it is lent once
    more, so close the login's connections first to see the host's door as well.
    """
    steps: list[CheckStep] = []
    host_key: str | None = None
    logs: FoundLogs | None = None
    try:
        async with loan as session:
            host_key = session.host_key
            steps += _describe_connected(session, login)
            logs = await _check_logs(session, steps, login=login, base_path=base_path, number=number)
    except RemoteError as error:
        if not steps:
            return WayCheck(_describe_refused(error, login))
        steps.append(CheckStep("Connection", ok=False, detail=str(error)))
    return WayCheck(tuple(steps), host_key, logs)


def _describe_connected(session: SftpSession, login: HostLogin) -> list[CheckStep]:
    pinned = "as pinned" if login.host_key else "not pinned yet"
    details = (
        f"{login.address} answers.",
        "Encryption agreed" + (", with old algorithms allowed (“legacy”)." if login.legacy else "."),
        f"{session.fingerprint}, {pinned}.",
        "The host takes user name and secret.",
    )
    return [CheckStep(name, True, detail) for name, detail in zip(CONNECTING_STEPS, details, strict=True)]


def _describe_refused(error: RemoteError, login: HostLogin) -> tuple[CheckStep, ...]:
    """Tell how far connecting came from what it failed with."""
    failing = FAILING_STEP_BY_ERROR.get(type(error), len(CONNECTING_STEPS) - 1)
    tried = () if isinstance(error, InvalidSecretError) else CONNECTING_STEPS[:failing]
    passed = [CheckStep(name, True, f"{login.address}: fine.") for name in tried]
    return (*passed, CheckStep(CONNECTING_STEPS[failing], False, str(error)))


async def _check_logs(
    session: SftpSession,
    steps: list[CheckStep],
    *,
    login: HostLogin,
    base_path: str | None,
    number: int | None,
) -> FoundLogs | None:
    """Find, list and read; each step's failure is its detail."""
    name = "Find the death logs"
    try:
        folder = await find_death_logs(session, base_path=base_path, host=login.host, number=number)
        listing = await list_death_logs(session, folder)
        found = f"“{folder}” holds {write_quantity(len(listing.files), 'death log')}."
        steps.append(CheckStep(name, True, " ".join((found, *listing.refused[:REFUSED_SHOWN]))))
        name = "Read the newest log"
        sentence, head = await _read_newest(session, listing.files)
        steps.append(CheckStep(name, True, sentence))
        return FoundLogs(
            folder=await find_real_folder(session, folder),
            files=frozenset(entry.file for entry in listing.files),
            newest=listing.files[-1].file if listing.files else None,
            head=head[:HEAD_BYTES],
        )
    except (RemoteError, UserFacingError) as error:
        steps.append(CheckStep(name, False, str(error)))
        return None


async def _read_newest(session: SftpSession, files: tuple[LogFileEntry, ...]) -> tuple[str, bytes]:
    """Return the sentence about the newest log, and its first bytes."""
    if not files:
        return "There is no log yet; it appears with the first death.", b""
    newest = files[-1]
    data = await session.read(newest.path, offset=0, length=min(newest.size, SAMPLE_BYTES))
    return f"“{newest.file.name}”: {newest.size:,} bytes, {len(data):,} of them read.", data
