"""Decisions of delivery: groups, steps, matches, nonces, waits."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.utils.delivery.fakes import CHANNEL, MAX_AGE, SCOPE, START, build_entry
from utils.delivery.decisions import (
    DELAY_RETRY_SECONDS,
    Step,
    choose_group,
    choose_retry_seconds,
    choose_step,
    find_match,
    make_nonce,
)
from utils.delivery.ports import PostedMessage
from utils.embeds.limits import MAX_CHARACTERS, MAX_EMBEDS
from utils.models.guilds import ChannelKind
from utils.models.notices import OutboxEntry, OutgoingMessage
from utils.models.scope import ChannelId

PENDING = st.lists(st.integers(1, MAX_CHARACTERS), min_size=1, max_size=25)
MESSAGE = OutgoingMessage(SCOPE, ChannelKind.KILLFEED, CHANNEL, (1, 2), "nonce", START)
TEXTS = (("title", "one line\nanother"),)


@given(PENDING, st.booleans())
def test_group_is_the_longest_that_fits_in_order(
    sizes: list[int],
    single: bool,  # noqa: FBT001 - given by hypothesis
) -> None:
    """A group begins with the first entry, overtakes nobody and keeps both limits."""
    entries = [build_entry(number) for number in range(len(sizes))]
    group = choose_group(entries, sizes, single=single)
    assert group == entries[: len(group)]
    assert 1 <= len(group) <= (1 if single else MAX_EMBEDS)
    total = sum(sizes[: len(group)])
    assert total <= MAX_CHARACTERS
    if not single and len(group) < min(MAX_EMBEDS, len(entries)):
        assert total + sizes[len(group)] > MAX_CHARACTERS


@given(PENDING)
def test_groups_together_are_everything_in_order(sizes: list[int]) -> None:
    """Group after group, the channel gets all of its entries, each once, by sequence."""
    everything = [build_entry(number) for number in range(len(sizes))]
    posted: list[OutboxEntry] = []
    while left := everything[len(posted) :]:
        posted += choose_group(left, [sizes[entry.sequence] for entry in left])
    assert posted == everything


@pytest.mark.parametrize(
    ("channel_id", "minutes", "step"),
    [
        (None, 0, Step.DISCARD),
        (CHANNEL, 0, Step.SEND),
        (CHANNEL, 1.9, Step.SEND),
        (CHANNEL, 2, Step.LOOK_FIRST),
        (CHANNEL, -0.1, Step.LOOK_FIRST),
        (ChannelId(5), 1, Step.SEND),
        (ChannelId(5), 3, Step.LOOK_FIRST),
        (CHANNEL, 60, Step.LOOK_FIRST),
        (CHANNEL, 60.1, Step.EXPIRE),
        (None, 61, Step.EXPIRE),
    ],
)
def test_step_follows_from_what_is_stored(channel_id: ChannelId | None, minutes: float, step: Step) -> None:
    """Age, channel and the time of the first try decide, in this order; another channel changes nothing."""
    chosen = choose_step(
        replace(MESSAGE, prepared_at=START),
        [build_entry(1, created_at=START - MAX_AGE), build_entry(2)],
        channel_id=channel_id,
        now=START + timedelta(minutes=minutes),
        max_age=MAX_AGE,
    )
    assert chosen is step


def test_message_without_entries_is_forgotten() -> None:
    """Entries that were removed, with their server for example, leave nothing to send."""
    assert choose_step(MESSAGE, [], channel_id=CHANNEL, now=START, max_age=MAX_AGE) is Step.FORGET


def test_match_is_by_nonce_else_by_all_texts() -> None:
    """A nonce that Discord shows decides alone; without one all titles and descriptions must agree."""
    other = PostedMessage(1, "other", TEXTS)
    by_nonce = PostedMessage(2, "nonce", (("x", "y"),))
    by_text = PostedMessage(3, None, (("title ", "one line\n another\n"),))
    shorter = PostedMessage(4, None, ())
    assert find_match([other, shorter, by_nonce], nonce="nonce", texts=TEXTS) == by_nonce
    assert find_match([other, shorter, by_text], nonce="nonce", texts=TEXTS) == by_text
    assert find_match([other, shorter], nonce="nonce", texts=TEXTS) is None


def test_nonces_are_short_and_never_the_same() -> None:
    """Discord takes 25 characters."""
    nonces = {make_nonce() for _ in range(100)}
    assert len(nonces) == 100
    assert all(re.fullmatch("[a-z2-7]{24}", nonce) for nonce in nonces)


def test_waits_grow_to_a_limit() -> None:
    """The wait grows with the failures in a row and stays at its longest."""
    waits = [choose_retry_seconds(DELAY_RETRY_SECONDS, failures) for failures in range(1, 10)]
    assert waits == [1, 2, 4, 8, 15, 30, 60, 60, 60]
