"""The table of failures."""

import importlib
import inspect
import pkgutil
import socket

import asyncssh
import pytest

from utils.errors import (
    ConnectionLostError,
    HandshakeRefusedError,
    HostUnreachableError,
    InvalidSecretError,
    LoginRefusedError,
    RemoteError,
    RemoteFailureError,
    RemoteFileMissingError,
    RemoteTimeoutError,
)
from utils.models.texts import text
from utils.sftp.failures import MEANING_BY_EXCEPTION, map_remote_errors, translate

OPTIONAL_MODULES = {"asyncssh.crypto.x509", "asyncssh.gss_unix", "asyncssh.gss_win32"}
"""these need packages that the bot does not install"""

NEVER_RAISED = {"GSSError"}
"""Errors of Kerberos, which the bot switches off."""


def find_exceptions() -> set[type[Exception]]:
    """Return every exception class that asyncssh defines, public or not."""
    found: set[type[Exception]] = set()
    for module in pkgutil.walk_packages(asyncssh.__path__, "asyncssh."):
        if module.name not in OPTIONAL_MODULES:
            for _, value in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
                if issubclass(value, Exception) and value.__module__.startswith("asyncssh"):
                    found.add(value)
    return found


def test_every_exception_of_the_library_stands_in_the_table_itself() -> None:
    """A class of a new release of the library needs an entry in the table."""
    exceptions = find_exceptions()
    assert len(exceptions) > 50
    assert {e.__name__ for e in exceptions if e not in MEANING_BY_EXCEPTION} - NEVER_RAISED == set()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (asyncssh.PermissionDenied("no"), LoginRefusedError),
        (asyncssh.KeyExchangeFailed("no"), HandshakeRefusedError),
        (asyncssh.KeyImportError("no"), InvalidSecretError),
        (asyncssh.SFTPNoSuchFile("no"), RemoteFileMissingError),
        (asyncssh.SFTPFailure("no"), RemoteFailureError),
        (asyncssh.ConnectionLost("no"), ConnectionLostError),
        (socket.gaierror(-2, "no"), HostUnreachableError),
        (ConnectionRefusedError(111, "no"), HostUnreachableError),
        (OSError(113, "no route"), HostUnreachableError),
        (ConnectionResetError(104, "no"), ConnectionLostError),
        (TimeoutError(), RemoteTimeoutError),
    ],
)
def test_the_most_specific_class_decides_when_an_error_is_translated(
    error: Exception, expected: type[RemoteError]
) -> None:
    """A subclass with its own entry does not use that of its parent."""
    assert type(translate(error, host="host:22")) is expected


def test_every_sentence_can_be_filled_in_and_ends_as_a_sentence() -> None:
    """Each text is a complete sentence without placeholders."""
    for exception in MEANING_BY_EXCEPTION:
        is_exchange = exception is asyncssh.KeyExchangeFailed
        error = asyncssh.KeyExchangeFailed("no") if is_exchange else exception.__new__(exception)
        said = str(translate(error, host="host:22", path="a"))
        assert said.endswith(".")
        assert "{" not in said


def test_the_handshake_sentence_follows_whether_legacy_is_on() -> None:
    """The sentence names the offered algorithms; with the option on, it does not suggest the option."""
    error = asyncssh.KeyExchangeFailed("no")
    assert str(translate(error, host="h:22")) == (
        "h:22 only has old SSH encryption. "
        "To allow it, use /admin server edit legacy:True, or /admin server add with the same option."
    )
    assert str(translate(error, host="h:22", legacy=True)) == (
        "h:22 and I have no encryption in common, even with old SSH encryption allowed."
        " Ask your hosting company which SSH algorithms the server uses."
    )


def test_our_own_errors_and_strangers_pass_when_mapped() -> None:
    """Only errors of the library or the system are translated."""
    mine = LoginRefusedError(text("mine"))
    with pytest.raises(LoginRefusedError) as caught, map_remote_errors("h:22"):
        raise mine
    assert caught.value is mine
    with pytest.raises(ZeroDivisionError), map_remote_errors("h:22"):
        raise ZeroDivisionError
