"""Commands of people have priority over an import."""

import asyncio

import pytest

from tests.fakes.clock import FakeClock, settle
from utils.services.ingestion.import_throttle import LONGEST_WAIT_SECONDS, ImportThrottle


async def test_import_waits_until_the_last_answer_is_given() -> None:
    """With two commands the import goes on after the second answer."""
    throttle = ImportThrottle(FakeClock())
    with throttle.answering():
        with throttle.answering():
            waiting = asyncio.create_task(throttle.wait())
            await settle()
        await settle()
        assert not waiting.done()
    await waiting


async def test_import_goes_on_at_once_while_nobody_asks() -> None:
    """The import does not wait before the first command, or after a failed answer."""
    throttle = ImportThrottle(FakeClock())
    await throttle.wait()

    def fail() -> None:
        with throttle.answering():
            raise ValueError("not an answer")

    with pytest.raises(ValueError, match="not an answer"):
        fail()
    await throttle.wait()


async def test_import_is_never_held_up_for_long() -> None:
    """The import waits only for a limited time, even under constant commands."""
    clock = FakeClock()
    throttle = ImportThrottle(clock)
    with throttle.answering():
        waiting = asyncio.create_task(throttle.wait())
        await clock.advance(LONGEST_WAIT_SECONDS)
        await waiting
