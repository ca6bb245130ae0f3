"""Failures: the table that maps the exceptions of asyncssh and the system to our ``RemoteError`` tree.

The most specific class in the table decides. A test goes through every exception class of asyncssh and fails
if one is missing here, also after an update of the library.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import asyncssh
import asyncssh.asn1
import asyncssh.misc
import asyncssh.packet
import asyncssh.saslprep

from utils.errors import (
    ConnectionLostError,
    HandshakeRefusedError,
    HostUnreachableError,
    InvalidSecretError,
    LoginRefusedError,
    NoSshServerError,
    RemoteAnswerError,
    RemoteError,
    RemoteFailureError,
    RemoteFileMissingError,
    RemotePermissionError,
    RemoteTimeoutError,
)
from utils.models.problems import Problem
from utils.models.texts import Command, Text


@dataclass(frozen=True, slots=True)
class ErrorMeaning:
    """The meaning of a group of exceptions: our error, and the problem at a host or with a path there."""

    error: type[RemoteError]
    problem: Problem
    exceptions: tuple[type[Exception], ...]


EDIT_LEGACY = Command("admin server edit", "legacy:True")

MEANINGS = (
    ErrorMeaning(
        LoginRefusedError,
        Problem.LOGIN_REFUSED,
        (
            asyncssh.PermissionDenied,
            asyncssh.IllegalUserName,
            asyncssh.saslprep.SASLPrepError,
        ),
    ),
    ErrorMeaning(
        LoginRefusedError,
        Problem.NEW_PASSWORD_DEMANDED,
        (asyncssh.PasswordChangeRequired,),
    ),
    ErrorMeaning(
        InvalidSecretError,
        Problem.KEY_UNUSABLE,
        (
            asyncssh.KeyImportError,
            asyncssh.KeyEncryptionError,
            asyncssh.KeyExportError,
            asyncssh.KeyGenerationError,
            asyncssh.asn1.ASN1Error,
            asyncssh.asn1.ASN1DecodeError,
            asyncssh.asn1.ASN1EncodeError,
        ),
    ),
    ErrorMeaning(
        HandshakeRefusedError,
        Problem.OLD_ALGORITHMS,
        (asyncssh.KeyExchangeFailed, asyncssh.CompressionError),
    ),
    ErrorMeaning(
        HandshakeRefusedError,
        Problem.OTHER_SERVER,
        (asyncssh.HostKeyNotVerifiable, asyncssh.ConfigParseError),
    ),
    ErrorMeaning(
        NoSshServerError,
        Problem.NO_SSH,
        # a greeting that is not ASCII fails to decode
        (asyncssh.ProtocolError, asyncssh.ProtocolNotSupported, UnicodeDecodeError),
    ),
    ErrorMeaning(
        HostUnreachableError,
        Problem.NO_SUCH_HOST,
        (socket.gaierror, UnicodeError),
    ),
    ErrorMeaning(
        HostUnreachableError,
        Problem.UNREACHABLE,
        (ConnectionRefusedError, OSError),
    ),
    ErrorMeaning(
        RemoteTimeoutError,
        Problem.NO_ANSWER,
        (TimeoutError, asyncssh.TimeoutError),
    ),
    ErrorMeaning(
        ConnectionLostError,
        Problem.CLOSED_BY_HOST,
        (
            ConnectionError,
            BrokenPipeError,
            ConnectionResetError,
            ConnectionAbortedError,
            EOFError,
            asyncssh.Error,
            asyncssh.DisconnectError,
            asyncssh.ConnectionLost,
            asyncssh.ServiceNotAvailable,
            asyncssh.MACError,
            asyncssh.SFTPNoConnection,
            asyncssh.SFTPConnectionLost,
            asyncssh.BreakReceived,
            asyncssh.SignalReceived,
            asyncssh.misc.SoftEOFReceived,
            asyncssh.TerminalSizeChanged,
            asyncssh.ProcessError,
        ),
    ),
    ErrorMeaning(
        RemoteFailureError,
        Problem.NO_SFTP,
        (asyncssh.ChannelOpenError, asyncssh.ChannelListenError),
    ),
    ErrorMeaning(
        RemoteAnswerError,
        Problem.ANSWER_GARBLED,
        (asyncssh.SFTPBadMessage, asyncssh.packet.PacketDecodeError),
    ),
    ErrorMeaning(
        RemoteFileMissingError,
        Problem.MISSING,
        (
            asyncssh.SFTPNoSuchFile,
            asyncssh.SFTPNoSuchPath,
            asyncssh.SFTPNotADirectory,
            asyncssh.SFTPInvalidFilename,
            asyncssh.SFTPDeletePending,
            asyncssh.SFTPFileIsADirectory,
        ),
    ),
    ErrorMeaning(
        RemotePermissionError,
        Problem.NOT_PERMITTED,
        (asyncssh.SFTPPermissionDenied, asyncssh.SFTPWriteProtect, asyncssh.SFTPCannotDelete),
    ),
    ErrorMeaning(
        RemoteFailureError,
        Problem.NOT_READ,
        (
            asyncssh.SFTPError,
            asyncssh.SFTPFailure,
            asyncssh.SFTPEOFError,
            asyncssh.SFTPOpUnsupported,
            asyncssh.SFTPInvalidHandle,
            asyncssh.SFTPFileAlreadyExists,
            asyncssh.SFTPNoMedia,
            asyncssh.SFTPNoSpaceOnFilesystem,
            asyncssh.SFTPQuotaExceeded,
            asyncssh.SFTPUnknownPrincipal,
            asyncssh.SFTPLockConflict,
            asyncssh.SFTPDirNotEmpty,
            asyncssh.SFTPLinkLoop,
            asyncssh.SFTPInvalidParameter,
            asyncssh.SFTPByteRangeLockConflict,
            asyncssh.SFTPByteRangeLockRefused,
            asyncssh.SFTPFileCorrupt,
            asyncssh.SFTPOwnerInvalid,
            asyncssh.SFTPGroupInvalid,
            asyncssh.SFTPNoMatchingByteRangeLock,
        ),
    ),
)

MEANING_BY_EXCEPTION = {exception: meaning for meaning in MEANINGS for exception in meaning.exceptions}


OF_A_PATH = (Problem.ANSWER_GARBLED, Problem.MISSING, Problem.NOT_PERMITTED, Problem.NOT_READ)
OF_NO_HOST = (Problem.KEY_UNUSABLE,)


def translate(error: Exception, *, host: str, path: str = ".", legacy: bool = False) -> RemoteError:
    """Return our error for one of the library's or the system's."""
    meaning = next(MEANING_BY_EXCEPTION[kind] for kind in type(error).__mro__ if kind in MEANING_BY_EXCEPTION)
    return meaning.error(_describe(meaning.problem, error, host=host, path=path, legacy=legacy))


def _describe(problem: Problem, error: Exception, *, host: str, path: str, legacy: bool) -> Text:
    if isinstance(error, asyncssh.KeyExchangeFailed) and "compression" in error.reason:
        return Problem.COMPRESSION.say(host=host)  # the library has one class for every kind of algorithm
    if problem is Problem.OLD_ALGORITHMS:
        if legacy:
            return Problem.NO_COMMON_ALGORITHM.say(host=host)
        return problem.say(host=host, edit=EDIT_LEGACY, add=Command("admin server add"))
    if problem in OF_NO_HOST:
        return problem.say()
    return problem.say(host=host, path=path) if problem in OF_A_PATH else problem.say(host=host)


def build_hang_up_error(host: str, *, has_greeted: bool, legacy: bool) -> ConnectionLostError:
    """Return the error for a host that hung up during the handshake.

    That may pass: the host is busy, or blocks the bot for a while. But an old server does the same: it
    greets, and hangs up when it finds no common algorithm, and its last message is lost with the connection.
    A web server may hang up without an SSH greeting.
    """
    if not has_greeted:
        said = Problem.HUNG_UP_AT_ONCE.say(host=host)
    elif legacy:
        said = Problem.HUNG_UP.say(host=host)
    else:
        said = Problem.HUNG_UP_PERHAPS_OLD.say(host=host, edit=EDIT_LEGACY)
    error = ConnectionLostError(said)
    error.is_of_host = True
    return error


def build_silent_names_error(host: str) -> RemoteTimeoutError:
    """Return the error for a name that was resolved too late, or not at all, to try the host."""
    error = RemoteTimeoutError(Problem.NAMES_SILENT.say(host=host))
    error.tells_of_host = False
    return error


def build_held_up_error(address: str) -> RemoteTimeoutError:
    """Return the error for a host that answered after the guild had used up its allowance."""
    error = RemoteTimeoutError(Problem.HELD_UP.say(host=address))
    error.tells_of_host = False
    return error


def build_closed_door_error(address: str, cause: RemoteError) -> HostUnreachableError:
    """Return the one error for every failure before an SSH server greets.

    It is used if guilds must not learn about the bot's own network (``allow_private_hosts`` is off): more
    detail would tell an open port from a closed one.
    """
    error = HostUnreachableError(Problem.CLOSED_DOOR.say(host=address))
    error.is_of_host, error.tells_of_host = cause.is_of_host, cause.tells_of_host
    return error


def build_second_factor_error(host: str) -> LoginRefusedError:
    """Return the error for a host that asked for more than a password."""
    return LoginRefusedError(Problem.SECOND_FACTOR.say(host=host))


@contextmanager
def map_remote_errors(host: str, *, path: str = ".", legacy: bool = False) -> Iterator[None]:
    """Raise our error instead of those of the library and the system; the arguments are its facts."""
    try:
        yield
    except RemoteError:
        raise
    except tuple(MEANING_BY_EXCEPTION) as error:
        raise translate(error, host=host, path=path, legacy=legacy) from error
