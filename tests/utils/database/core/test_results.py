"""Results: a failure as a value."""

import pytest

from utils.database.core.results import SafeMongoDBResult, wait_for_result
from utils.errors import StorageUnavailableError


async def _give() -> int:
    return 7


async def _fail() -> int:
    raise StorageUnavailableError("away")


async def test_value_is_unwrapped_when_all_went_well() -> None:
    """A good result has its value."""
    result = await wait_for_result(_give())
    assert (result, result.is_ok, result.unwrap()) == (SafeMongoDBResult(value=7), True, 7)


async def test_error_is_held_and_raised_when_unwrapped() -> None:
    """A failure is returned as a value and raised only on ``unwrap``."""
    result = await wait_for_result(_fail())
    assert (result.is_ok, result.value) == (False, None)
    with pytest.raises(StorageUnavailableError, match="away"):
        result.unwrap()
