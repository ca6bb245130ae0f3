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
from utils.models.reading import FoundLogs
from utils.models.servers import CheckStep, WayCheck, WayStep
from utils.models.texts import Number, Text, join, plural, text
from utils.sftp.discovery import find_death_logs, find_real_folder
from utils.sftp.listing import LogFileEntry, list_death_logs
from utils.sftp.login import HostLogin
from utils.sftp.session import SftpSession
from utils.sftp.tail import HEAD_BYTES

CONNECTING_STEPS = (WayStep.REACH, WayStep.HANDSHAKE, WayStep.HOST_KEY, WayStep.LOGIN)
FAILING_STEP_BY_ERROR: dict[type[RemoteError], WayStep] = {
    HostUnreachableError: WayStep.REACH,
    RemoteTimeoutError: WayStep.REACH,
    ConnectionLostError: WayStep.HANDSHAKE,
    HandshakeRefusedError: WayStep.HANDSHAKE,
    NoSshServerError: WayStep.HANDSHAKE,
    HostKeyChangedError: WayStep.HOST_KEY,
}
"""Every other error while connecting counts as one of the login."""

SAMPLE_BYTES = 4096
REFUSED_SHOWN = 3  # a field of an embed has at most 1,024 characters


async def check_server(
    loan: AbstractAsyncContextManager[SftpSession],
    *,
    login: HostLogin,
    base_path: str | None,
    number: int | None,
) -> WayCheck:
    """Test each step from connecting to the first bytes of a log; stop at the first step that fails.

    ``loan`` is a loan of the pool, not yet entered. If the login has an open connection, that one is lent, so
    close the login's connections first to test connecting as well.
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
        steps.append(CheckStep(WayStep.CONNECTION, ok=False, detail=error.said))
    return WayCheck(tuple(steps), host_key, logs)


def _describe_connected(session: SftpSession, login: HostLogin) -> list[CheckStep]:
    details = (
        text("{host} answers.", host=login.address),
        text("Encryption agreed, with old algorithms allowed (“legacy”).")
        if login.legacy
        else text("Encryption agreed."),
        text("{fingerprint}, as pinned.", fingerprint=session.fingerprint)
        if login.host_key
        else text("{fingerprint}, not pinned yet.", fingerprint=session.fingerprint),
        text("The host takes user name and secret."),
    )
    return [CheckStep(step, True, detail) for step, detail in zip(CONNECTING_STEPS, details, strict=True)]


def _describe_refused(error: RemoteError, login: HostLogin) -> tuple[CheckStep, ...]:
    """Return the steps of connecting, judged by its error."""
    failing = FAILING_STEP_BY_ERROR.get(type(error), WayStep.LOGIN)
    is_tried = not isinstance(error, InvalidSecretError)
    tried = CONNECTING_STEPS[: CONNECTING_STEPS.index(failing)] if is_tried else ()
    fine = text("{host}: fine.", host=login.address)
    return (*(CheckStep(step, True, fine) for step in tried), CheckStep(failing, False, error.said))


async def _check_logs(
    session: SftpSession,
    steps: list[CheckStep],
    *,
    login: HostLogin,
    base_path: str | None,
    number: int | None,
) -> FoundLogs | None:
    """Find, list and read; the detail of a failed step is its error."""
    step = WayStep.FIND_LOGS
    try:
        folder = await find_death_logs(session, base_path=base_path, host=login.host, number=number)
        listing = await list_death_logs(session, folder)
        found = plural(
            "“{folder}” holds {count} death log.",
            "“{folder}” holds {count} death logs.",
            len(listing.files),
            folder=folder,
        )
        steps.append(CheckStep(step, True, join([found, *listing.refused[:REFUSED_SHOWN]])))
        step = WayStep.READ_NEWEST
        said, head = await _read_newest(session, listing.files)
        steps.append(CheckStep(step, True, said))
        return FoundLogs(
            folder=await find_real_folder(session, folder),
            files=frozenset(entry.file for entry in listing.files),
            newest=listing.files[-1].file if listing.files else None,
            head=head[:HEAD_BYTES],
        )
    except (RemoteError, UserFacingError) as error:
        steps.append(CheckStep(step, False, error.said))
        return None


async def _read_newest(session: SftpSession, files: tuple[LogFileEntry, ...]) -> tuple[Text, bytes]:
    """Return the text about the newest log, and the log's first bytes."""
    if not files:
        return text("There is no log yet; it appears with the first death."), b""
    newest = files[-1]
    data = await session.read(newest.path, offset=0, length=min(newest.size, SAMPLE_BYTES))
    said = plural(
        "“{file}”: {count} byte, {read} of them read.",
        "“{file}”: {count} bytes, {read} of them read.",
        newest.size,
        file=newest.file.name,
        read=Number(len(data)),
    )
    return said, data
