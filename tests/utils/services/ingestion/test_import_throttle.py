"""People who ask go before an import."""

import asyncio

import pytest

from utils.services.ingestion.import_throttle import Courtesy

LONG = 60.0


async def settle() -> None:
    """Let every task come to its next wait."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_import_waits_until_the_last_answer_is_given() -> None:
    """Two people ask; the import goes on when neither waits any more."""
    courtesy = Courtesy(longest_wait_seconds=LONG)
    with courtesy.answering():
        with courtesy.answering():
            waiting = asyncio.create_task(courtesy.wait())
            await settle()
        await settle()
        assert not waiting.done()
    await asyncio.wait_for(waiting, LONG / 2)


async def test_import_goes_on_at_once_while_nobody_asks() -> None:
    """Before anybody asked and after an answer that failed."""
    courtesy = Courtesy(longest_wait_seconds=LONG)
    await asyncio.wait_for(courtesy.wait(), LONG / 2)

    def fail() -> None:
        with courtesy.answering():
            raise ValueError("not an answer")

    with pytest.raises(ValueError, match="not an answer"):
        fail()
    await asyncio.wait_for(courtesy.wait(), LONG / 2)


async def test_import_is_never_held_up_for_long() -> None:
    """However much is asked."""
    courtesy = Courtesy(longest_wait_seconds=0.01)
    with courtesy.answering():
        await asyncio.wait_for(courtesy.wait(), LONG / 2)
