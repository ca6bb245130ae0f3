"""Results: where a failure is an answer rather than an accident (ping, verify, health)."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from utils.errors import StorageError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SafeMongoDBResult(Generic[T]):
    """What an operation gave: a value, or the error in its place."""

    value: T | None = None
    error: StorageError | None = None

    @property
    def is_ok(self) -> bool:
        """Tell whether there is no error."""
        return self.error is None

    def unwrap(self) -> T:
        """Return the value.

        Raises:
            StorageError: the operation failed; the error it holds.
        """
        if self.error is not None:
            raise self.error
        return cast("T", self.value)  # None is a T where the operation gives nothing


async def wait_for_result(operation: Awaitable[T]) -> SafeMongoDBResult[T]:
    """Wait for an operation and return what it gave, or why it gave nothing."""
    try:
        return SafeMongoDBResult(value=await operation)
    except StorageError as error:
        return SafeMongoDBResult(error=error)
