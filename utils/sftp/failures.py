"""Failures: the one table that turns what asyncssh and the system raise into our ``RemoteError`` tree.

The most specific class of an exception that stands in the table decides. A test walks every exception class
of asyncssh and fails when one is missing here, so a new release of the library cannot slip one past us.
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


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a group of exceptions means: our error and its sentence (``{host}``, ``{what}``, ``{legacy}``)."""

    error: type[RemoteError]
    sentence: str
    exceptions: tuple[type[Exception], ...]


_LEGACY_OFF = (
    "offers only old algorithms, which the bot does not use unless it is told to:"
    " /admin server edit legacy:True (or the same option of /admin server add)."
)
_LEGACY_ON = (
    "and the bot found no common encryption, although “legacy” is on."
    " Ask the hoster which SSH algorithms the server speaks."
)
_COMPRESSION = (
    "insists on compression, which the bot does not use, because a few bytes could fill its memory."
    " Ask the hoster to allow SSH without compression."
)
_PERHAPS_OLD = " Old SSH servers look like this as well; for one of those: /admin server edit legacy:True."

MEANINGS = (
    Meaning(
        LoginRefusedError,
        "{host} refused the login. Check user name and password (or key) with the hoster.",
        (
            asyncssh.PermissionDenied,
            asyncssh.IllegalUserName,
            asyncssh.saslprep.SASLPrepError,
        ),
    ),
    Meaning(
        LoginRefusedError,
        "{host} demands a new password before it lets anybody in. Change it there, then enter it here.",
        (asyncssh.PasswordChangeRequired,),
    ),
    Meaning(
        InvalidSecretError,
        "The private key cannot be used. Paste the whole file again, or make a new key with"
        " “ssh-keygen -t ed25519”.",
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
    Meaning(
        HandshakeRefusedError,
        "{host} {legacy}",
        (asyncssh.KeyExchangeFailed, asyncssh.CompressionError),
    ),
    Meaning(
        HandshakeRefusedError,
        "What answers at {host} is not the SSH server expected. Check host and port.",
        (asyncssh.HostKeyNotVerifiable, asyncssh.ConfigParseError),
    ),
    Meaning(
        NoSshServerError,
        "What answers at {host} does not speak SSH as it should: a maintenance page, perhaps, or another"
        " port. Unless that passes by itself, check host and port.",
        # a greeting in another alphabet than ASCII is a failure to decode it
        (asyncssh.ProtocolError, asyncssh.ProtocolNotSupported, UnicodeDecodeError),
    ),
    Meaning(
        HostUnreachableError,
        "There is no host named {host}. Check the name.",
        (socket.gaierror, UnicodeError),
    ),
    Meaning(
        HostUnreachableError,
        "{host} cannot be reached: nothing answers at that port, or the server is down.",
        (ConnectionRefusedError, OSError),
    ),
    Meaning(
        RemoteTimeoutError,
        "{host} did not answer in time.",
        (TimeoutError, asyncssh.TimeoutError),
    ),
    Meaning(
        ConnectionLostError,
        "{host} closed the connection.",
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
    Meaning(
        RemoteFailureError,
        "{host} lets the login in but opens no SFTP channel for it. Check that the login may use SFTP.",
        (asyncssh.ChannelOpenError, asyncssh.ChannelListenError),
    ),
    Meaning(
        RemoteAnswerError,
        "{host} gave an answer about {what} that the bot cannot understand, so it passes over that answer.",
        (asyncssh.SFTPBadMessage, asyncssh.packet.PacketDecodeError),
    ),
    Meaning(
        RemoteFileMissingError,
        "{host} has no {what}.",
        (
            asyncssh.SFTPNoSuchFile,
            asyncssh.SFTPNoSuchPath,
            asyncssh.SFTPNotADirectory,
            asyncssh.SFTPInvalidFilename,
            asyncssh.SFTPDeletePending,
            asyncssh.SFTPFileIsADirectory,
        ),
    ),
    Meaning(
        RemotePermissionError,
        "{host} does not let this login read {what}.",
        (asyncssh.SFTPPermissionDenied, asyncssh.SFTPWriteProtect, asyncssh.SFTPCannotDelete),
    ),
    Meaning(
        RemoteFailureError,
        "{host} failed to read {what}.",
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


def translate(
    error: Exception, *, host: str, what: str = "that file or folder", legacy: bool = False
) -> RemoteError:
    """Return our error for one of the library's or the system's."""
    meaning = next(MEANING_BY_EXCEPTION[kind] for kind in type(error).__mro__ if kind in MEANING_BY_EXCEPTION)
    handshake = _LEGACY_ON if legacy else _LEGACY_OFF
    if isinstance(error, asyncssh.KeyExchangeFailed) and "compression" in error.reason:
        handshake = _COMPRESSION  # the library has one class for all that is not in common
    return meaning.error(meaning.sentence.format(host=host, what=what, legacy=handshake))


def build_hang_up_error(host: str, *, has_greeted: bool, legacy: bool) -> ConnectionLostError:
    """Return the error of a host that hung up in the middle of the handshake.

    That may pass (it is busy, or holds the bot off for a while). It is also how an old server can look: it
    greets, hangs up when it finds no common algorithm, and what it said last is lost with the connection. A
    web server may hang up without an SSH greeting.
    """
    if has_greeted:
        hint = "" if legacy else _PERHAPS_OLD
        sentence = f"{host} hung up during the handshake: it is busy, or blocks the bot.{hint}"
    else:
        sentence = (
            f"{host} hung up before it greeted as an SSH server: it is busy, blocks the bot, or something"
            " else answers at that port."
        )
    error = ConnectionLostError(sentence)
    error.is_of_host = True
    return error


def build_silent_names_error(host: str) -> RemoteTimeoutError:
    """Return the error of a name that nobody could tell the address of in time, to ask the host as well."""
    error = RemoteTimeoutError(
        f"The address of {host} was not found in time: the name server does not answer."
        " Check the name, or enter the address instead."
    )
    error.tells_of_host = False
    return error


def build_held_up_error(address: str) -> RemoteTimeoutError:
    """Return the error of a host that answered, to a guild that had used up what it may take of our time."""
    error = RemoteTimeoutError(
        f"There was no time for {address}, because game hosts of this Discord server send more than the bot"
        " takes. It will be tried again. If that goes on, remove the game server whose host floods the bot."
    )
    error.tells_of_host = False
    return error


def build_closed_door_error(address: str, cause: RemoteError) -> HostUnreachableError:
    """Return the one error for all that goes wrong before an SSH server greets.

    It is for bots whose own network is none of their guilds' business (``allow_private_hosts`` is off): more
    words would tell an open port from a closed one.
    """
    error = HostUnreachableError(
        f"The bot finds no SSH server at {address} that it may connect to. Check host and port with the"
        " hoster. Addresses inside a private network cannot be used with this bot."
    )
    error.is_of_host, error.tells_of_host = cause.is_of_host, cause.tells_of_host
    return error


def build_second_factor_error(host: str) -> LoginRefusedError:
    """Return the error of a host that asked for more than a password, which nobody is there to type."""
    return LoginRefusedError(
        f"{host} asks for more than a password: a one-time code, perhaps, or a confirmation. The bot cannot"
        " answer that. Ask the hoster for a login with a password or a key alone."
    )


@contextmanager
def map_remote_errors(
    host: str, *, what: str = "that file or folder", legacy: bool = False
) -> Iterator[None]:
    """Raise our error in place of the library's and the system's; the arguments are for its sentence."""
    try:
        yield
    except RemoteError:
        raise
    except tuple(MEANING_BY_EXCEPTION) as error:
        raise translate(error, host=host, what=what, legacy=legacy) from error
