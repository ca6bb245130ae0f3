"""Checkup: the way to a server's logs, step by step, for the admin who set it up."""

from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime

from utils.errors import (
    ConnectionLostError,
    HandshakeRefusedError,
    HostKeyChangedError,
    HostUnreachableError,
    InvalidSecretError,
    LogsMissingError,
    NoSshServerError,
    RemoteError,
    RemoteTimeoutError,
    SeveralServersError,
    UserFacingError,
)
from utils.models.reading import FoundLogs, ServerPlace
from utils.models.servers import CheckStep, WayCheck, WayStep
from utils.models.texts import Day, Number, Text, Value, join, plural, text, text_in
from utils.sftp.discovery import find_death_logs, find_real_folder
from utils.sftp.listing import DeathLogListing, LogFileEntry, list_death_logs
from utils.sftp.login import HostLogin
from utils.sftp.session import SftpSession
from utils.sftp.tail import HEAD_BYTES

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
KILOBYTE = 1000
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
    check: WayCheck | None = None
    try:
        async with loan as session:
            check = await _check_logs(session, login=login, base_path=base_path, number=number)
    except RemoteError as error:
        if check is None:
            return WayCheck(_describe_refused(error, login))
        lost = CheckStep(WayStep.CONNECTION, ok=False, detail=error.said)
        return replace(check, steps=(*check.steps, lost), logs=None)
    return check


async def _check_logs(
    session: SftpSession, *, login: HostLogin, base_path: str | None, number: int | None
) -> WayCheck:
    """Find, list and read; the detail of a failed step is its error."""
    steps: list[CheckStep] = []
    step = WayStep.FIND_LOGS
    try:
        folder = await find_death_logs(session, base_path=base_path, host=login.host, number=number)
        listing = await list_death_logs(session, folder)
        steps.append(CheckStep(step, True, _describe_found(folder, listing)))
        step = WayStep.READ_NEWEST
        said, head = await _read_newest(session, listing.files)
        steps.append(CheckStep(step, True, said))
        logs = FoundLogs(
            folder=await find_real_folder(session, folder),
            files=frozenset(entry.file for entry in listing.files),
            newest=listing.files[-1].file if listing.files else None,
            head=head[:HEAD_BYTES],
        )
        connected = _describe_connected(login, is_new=login.host_key is None)
        return WayCheck((connected, *steps), session.host_key, logs)
    except (RemoteError, UserFacingError) as error:
        connected = _describe_connected(login, is_new=False)  # without logs, the key is not saved
        failed = CheckStep(step, False, error.said)
        return WayCheck((connected, *steps, failed), session.host_key, places=_list_places(error))


def _describe_connected(login: HostLogin, *, is_new: bool) -> CheckStep:
    """Return the one line about a connection that works; ``is_new``: its host key is saved now."""
    if login.legacy:
        said = text("Connected and logged in, with old encryption")
        if is_new:
            said = text("Connected and logged in, with old encryption (new host key saved)")
    else:
        said = text("Connected and logged in")
        if is_new:
            said = text("Connected and logged in (new host key saved)")
    return CheckStep(WayStep.LOGIN, True, said)


def _describe_refused(error: RemoteError, login: HostLogin) -> tuple[CheckStep, ...]:
    """Return the step of connecting that failed, judged by its error, after that of reaching the host."""
    failing = FAILING_STEP_BY_ERROR.get(type(error), WayStep.LOGIN)
    failed = CheckStep(failing, False, error.said)
    if failing is WayStep.REACH or isinstance(error, InvalidSecretError):
        return (failed,)
    return CheckStep(WayStep.REACH, True, text("{host} answers", host=login.address)), failed


def _list_places(error: RemoteError | UserFacingError) -> tuple[ServerPlace, ...]:
    return error.places if isinstance(error, LogsMissingError | SeveralServersError) else ()


def _describe_found(folder: str, listing: DeathLogListing) -> Text:
    found = plural(
        "{count} death log in “{folder}”",
        "{count} death logs in “{folder}”",
        len(listing.files),
        folder=folder,
    )
    if not listing.refused:
        return found
    noted = join(listing.refused[:REFUSED_SHOWN])
    return text("{found}. {noted}", found=found, noted=noted)


async def _read_newest(session: SftpSession, files: tuple[LogFileEntry, ...]) -> tuple[Text, bytes]:
    """Return the text about the newest log, and the log's first bytes."""
    if not files:
        return text("No log yet; the game makes one with the first death"), b""
    newest = files[-1]
    data = await session.read(newest.path, offset=0, length=min(newest.size, SAMPLE_BYTES))
    return describe_newest(newest), data


def describe_newest(newest: LogFileEntry) -> Text:
    """Return the line about a log that could be read: its day and its size."""
    return text(
        "Newest log is readable ({day}, {size})",
        day=_name_day(newest.file.name),
        size=_describe_size(newest.size),
    )


def _name_day(file_name: str) -> Value:
    """Return the day that a log's name begins with; the name itself if there is none in the calendar."""
    try:
        return Day(datetime.strptime(file_name[:10], "%Y.%m.%d").date())  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return file_name


def _describe_size(size: int) -> Text:
    if size < KILOBYTE:
        return plural("{count} byte", "{count} bytes", size)
    if size < KILOBYTE**2:
        return text_in("size of a file", "{number} kB", number=Number(size / KILOBYTE))
    return text_in("size of a file", "{number} MB", number=Number(size / KILOBYTE**2))
