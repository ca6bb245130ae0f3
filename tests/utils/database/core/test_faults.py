"""The table that turns pymongo's errors into the bot's errors."""

import inspect
from types import ModuleType

import bson.errors
import pymongo.errors
import pytest

from utils.database.core.faults import (
    MEANING_BY_EXCEPTION,
    is_commit_unknown,
    is_transient,
    map_storage_errors,
    translate,
)
from utils.errors import (
    DiskFullError,
    SnapshotGoneError,
    StorageConflictError,
    StorageError,
    StorageUnavailableError,
    TransactionsUnsupportedError,
)


def _list_exceptions(module: ModuleType) -> list[type[Exception]]:
    classes = (member for _, member in inspect.getmembers(module, inspect.isclass))
    return [kind for kind in classes if issubclass(kind, Exception) and kind.__module__ == module.__name__]


@pytest.mark.parametrize("kind", _list_exceptions(pymongo.errors) + _list_exceptions(bson.errors))
def test_every_exception_of_the_library_stands_in_the_table(kind: type[Exception]) -> None:
    """A new error class of a new release of the library must be added to the table."""
    assert kind in MEANING_BY_EXCEPTION


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (pymongo.errors.OperationFailure("no room", 14031), DiskFullError),
        (pymongo.errors.WriteError("pwrite failed: No space left on device", 8), DiskFullError),
        (pymongo.errors.OperationFailure("conflict", 112), StorageConflictError),
        (pymongo.errors.DuplicateKeyError("E11000", 11000), StorageConflictError),
        (pymongo.errors.BulkWriteError({"writeErrors": [{"code": 11000}]}), StorageConflictError),
        (pymongo.errors.BulkWriteError({"writeErrors": [{"code": 14031}]}), DiskFullError),
        (pymongo.errors.BulkWriteError({"writeErrors": [{"code": 121}]}), StorageError),
        (pymongo.errors.NotPrimaryError("not primary"), StorageUnavailableError),
        (pymongo.errors.OperationFailure("stepped down", 189), StorageUnavailableError),
        (pymongo.errors.ServerSelectionTimeoutError("nobody"), StorageUnavailableError),
        (pymongo.errors.ExecutionTimeout("slow", 50), StorageUnavailableError),
        (pymongo.errors.OperationFailure("no such transaction", 251), StorageUnavailableError),
        (pymongo.errors.OperationFailure("snapshot unavailable", 246), SnapshotGoneError),
        (pymongo.errors.OperationFailure("Transaction numbers", 20), TransactionsUnsupportedError),
        (pymongo.errors.OperationFailure("unauthorized", 13), StorageError),
        (bson.errors.InvalidDocument("cannot encode"), StorageError),
    ],
)
def test_error_is_translated_by_its_code_then_by_its_class(
    error: Exception, expected: type[StorageError]
) -> None:
    """The code decides before the class."""
    assert type(translate(error)) is expected


def test_translated_error_names_no_data_but_keeps_its_cause() -> None:
    """The text of a duplicate key contains values of the document, so only the cause keeps it."""
    original = pymongo.errors.DuplicateKeyError("E11000 dup key: { name: 'secret' }", 11000)
    with pytest.raises(StorageConflictError) as caught, map_storage_errors():
        raise original
    assert str(caught.value) == "Somebody else wrote the same document first. (DuplicateKeyError 11000)"
    assert caught.value.__cause__ is original


def test_labels_are_found_through_the_chain_of_causes() -> None:
    """The server's labels decide whether a transaction may run again, at any depth of the chain of causes."""
    labelled = pymongo.errors.OperationFailure("x", 112, {"errorLabels": ["TransientTransactionError"]})
    wrapped = StorageError("outer")
    wrapped.__cause__ = translate(labelled)
    wrapped.__cause__.__cause__ = labelled
    assert (is_transient(wrapped), is_commit_unknown(wrapped)) == (True, False)
