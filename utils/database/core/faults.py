"""Faults: the table that maps the exceptions of pymongo and bson to the bot's ``StorageError`` tree.

Many failures of MongoDB differ only in their code, so a known code decides first, then the most specific
class of the exception in the table. A test goes through every exception class of both libraries and fails if
one is missing here, also after an update.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bson import errors as bson_errors
from pymongo import errors

from utils.errors import (
    DiskFullError,
    SnapshotGoneError,
    StorageConflictError,
    StorageError,
    StorageUnavailableError,
    TransactionsUnsupportedError,
)


@dataclass(frozen=True, slots=True)
class ErrorMeaning:
    """The meaning of a group of exceptions: our error and its sentence."""

    error: type[StorageError]
    sentence: str
    exceptions: tuple[type[Exception], ...] = ()
    codes: tuple[int, ...] = ()


MEANINGS = (
    ErrorMeaning(
        DiskFullError,
        "The disk of MongoDB is full; nothing was written.",
        codes=(14031,),  # OutOfDiskSpace
    ),
    ErrorMeaning(
        StorageConflictError,
        "Somebody else wrote the same document first.",
        (errors.DuplicateKeyError,),
        codes=(112, 11000, 11001, 12582),  # WriteConflict; DuplicateKey in three versions of the server
    ),
    ErrorMeaning(
        StorageUnavailableError,
        "MongoDB is not reachable.",
        (
            errors.ConnectionFailure,
            errors.AutoReconnect,
            errors._OperationCancelled,  # noqa: SLF001 - raised to callers when a pool is closed
            errors.NotPrimaryError,
            errors.ServerSelectionTimeoutError,
        ),
        # HostUnreachable, HostNotFound, ShutdownInProgress, PrimarySteppedDown, SocketException,
        # NotWritablePrimary, InterruptedAtShutdown, InterruptedDueToReplStateChange, NotPrimaryNoSecondaryOk,
        # NotPrimaryOrSecondary, LegacyNotPrimary
        codes=(6, 7, 91, 189, 9001, 10107, 11600, 11602, 13435, 13436, 10058),
    ),
    ErrorMeaning(
        StorageUnavailableError,
        "MongoDB did not answer in time.",
        (
            errors.NetworkTimeout,
            errors.WaitQueueTimeoutError,
            errors.ExecutionTimeout,
            errors.WTimeoutError,
            errors.CursorNotFound,
        ),
        # LockTimeout, CursorNotFound, MaxTimeMSExpired, WriteConcernFailed, NetworkTimeout, ExceededTimeLimit
        codes=(24, 43, 50, 64, 89, 262),
    ),
    ErrorMeaning(
        StorageUnavailableError,
        "MongoDB gave the transaction up.",
        codes=(225, 244, 251, 11601),  # TransactionTooOld, TransactionAborted, NoSuchTransaction, Interrupted
    ),
    ErrorMeaning(
        SnapshotGoneError,
        "MongoDB cannot read the data of that moment any more.",
        codes=(239, 246),  # SnapshotTooOld, SnapshotUnavailable
    ),
    ErrorMeaning(
        TransactionsUnsupportedError,
        "This MongoDB has no transactions: run it as a replica set (one node is enough).",
        codes=(
            20,
        ),  # IllegalOperation: "Transaction numbers are only allowed on a replica set member or mongos"
    ),
    ErrorMeaning(
        StorageError,
        "MongoDB refused the operation.",
        (
            errors.PyMongoError,
            errors.ProtocolError,
            errors.OperationFailure,
            errors.WriteError,
            errors.WriteConcernError,
            errors.BulkWriteError,
            errors.ClientBulkWriteException,
            errors.CollectionInvalid,
            errors.EncryptionError,
            errors.EncryptedCollectionError,
        ),
    ),
    ErrorMeaning(
        StorageError,
        "MongoDB cannot be asked like this.",
        (
            errors.ConfigurationError,
            errors.InvalidURI,
            errors.InvalidOperation,
            errors.InvalidName,
            errors.DocumentTooLarge,
            bson_errors.BSONError,
            bson_errors.InvalidBSON,
            bson_errors.InvalidDocument,
            bson_errors.InvalidStringData,
            bson_errors.InvalidId,
        ),
    ),
)

MEANING_BY_EXCEPTION = {exception: meaning for meaning in MEANINGS for exception in meaning.exceptions}
MEANING_BY_CODE = {code: meaning for meaning in MEANINGS for code in meaning.codes}
DUPLICATE_KEY = 11000
STORAGE_FAULTS = (errors.PyMongoError, bson_errors.BSONError)
_DISK_FULL = MEANINGS[0]


def list_codes(error: Exception) -> tuple[int, ...]:
    """Return the server's codes in an error: its own, or those of the writes in a bulk."""
    if isinstance(error, errors.BulkWriteError):
        failures = [*error.details.get("writeErrors", ()), *error.details.get("writeConcernErrors", ())]
        return tuple(failure["code"] for failure in failures if "code" in failure)
    if isinstance(error, errors.OperationFailure | errors.NotPrimaryError):
        code = getattr(error, "code", None)
        return () if code is None else (code,)
    return ()


def find_meaning(error: Exception) -> ErrorMeaning:
    """Return the meaning of an exception of pymongo or bson."""
    # ENOSPC reaches us under several codes, but always with the system's words (strerror of errno 28).
    if "No space left on device" in str(error):
        return _DISK_FULL
    known = [MEANING_BY_CODE[code] for code in list_codes(error) if code in MEANING_BY_CODE]
    if known:
        return known[0]
    return next(MEANING_BY_EXCEPTION[kind] for kind in type(error).__mro__ if kind in MEANING_BY_EXCEPTION)


def translate(error: Exception) -> StorageError:
    """Return our error for one of the library; its text names no data, and the cause stays chained."""
    meaning = find_meaning(error)
    codes = ", ".join(str(code) for code in list_codes(error)[:3])
    details = f"{type(error).__name__} {codes}".strip()
    return meaning.error(f"{meaning.sentence} ({details})")


def read_mongodb_facts(error: BaseException) -> tuple[str, ...]:
    """Return the server's codes in an error of pymongo; nothing for other errors."""
    if not isinstance(error, errors.PyMongoError):
        return ()
    return tuple(f"mongodb {code}" for code in dict.fromkeys(list_codes(error)))[:3]


def is_only_duplicate(error: StorageError) -> bool:
    """Tell whether nothing but documents that exist already made a bulk fail."""
    cause = error.__cause__
    return isinstance(cause, Exception) and set(list_codes(cause)) == {DUPLICATE_KEY}


@contextmanager
def map_storage_errors() -> Iterator[None]:
    """Raise our error instead of the library's."""
    try:
        yield
    except STORAGE_FAULTS as error:
        raise translate(error) from error


def has_label(error: BaseException | None, label: str) -> bool:
    """Tell whether an error or its cause has a label of the server."""
    while error is not None:
        if isinstance(error, errors.PyMongoError) and error.has_error_label(label):
            return True
        error = error.__cause__
    return False


def is_transient(error: BaseException) -> bool:
    """Tell whether a whole transaction may simply run again."""
    return has_label(error, "TransientTransactionError")


def is_commit_unknown(error: BaseException) -> bool:
    """Tell whether it is unknown if a commit happened; committing again is harmless."""
    return has_label(error, "UnknownTransactionCommitResult")
