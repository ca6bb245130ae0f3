"""MessagePace: turns at even distances, in the order of asking."""

import asyncio

import pytest

from tests.utils.delivery.fakes import FakeClock
from utils.delivery.pace import MESSAGES_A_SECOND, MessagePace


@pytest.mark.parametrize("share", [1.0, 0.25])
async def test_turns_are_as_far_apart_as_the_share_of_the_bot_allows(share: float) -> None:
    """The first asker goes at once, the others one by one; idle time is not saved up."""
    clock = FakeClock()
    pace = MessagePace(clock, share=share)
    spacing = 1 / (MESSAGES_A_SECOND * share)
    for _ in range(2):
        before = len(clock.sleeps)
        turns = [asyncio.create_task(pace.wait_for_turn()) for _ in range(3)]
        while len(clock.sleeps) < before + 2:  # noqa: ASYNC110 - the clock has no event of its own
            await asyncio.sleep(0)
        assert clock.sleeps[before:] == pytest.approx([spacing, 2 * spacing])
        await clock.advance(10)
        await asyncio.gather(*turns)


def test_two_processes_together_stay_below_discords_limit() -> None:
    """Discord counts 50 requests a second for the bot as a whole."""
    assert MESSAGES_A_SECOND < 50
