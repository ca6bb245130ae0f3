"""Results: for operations whose failure is an answer (ping, verify, health)."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from utils.errors import StorageError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SafeMongoDBResult(Generic[T]):
    """The result of an operation: a value or an error."""

    value: T | None = None
    error: StorageError | None = None

    @property
    def is_ok(self) -> bool:
        """Tell whether there is no error."""
        return self.error is None

    def unwrap(self) -> T:
        """Return the value.

        Raises:
            StorageError: the operation failed; this is its error.
        """
        if self.error is not None:
            raise self.error
        return cast("T", self.value)  # None is a T if the operation returns nothing


async def wait_for_result(operation: Awaitable[T]) -> SafeMongoDBResult[T]:
    """Wait for an operation and return its value or its error."""
    try:
        return SafeMongoDBResult(value=await operation)
    except StorageError as error:
        return SafeMongoDBResult(error=error)
