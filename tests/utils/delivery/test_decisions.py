"""Decisions of delivery: groups, steps, matches, nonces, waits."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.utils.delivery.fakes import CHANNEL, GUILD, MAX_AGE, SCOPE, START, build_entry
from utils.delivery.decisions import (
    Step,
    choose_group,
    choose_step,
    find_match,
    find_wake_ups,
    list_due,
    make_nonce,
    merge_feeds,
)
from utils.delivery.ports import PostedMessage, Texts
from utils.embeds.limits import MAX_CHARACTERS, MAX_EMBEDS
from utils.models.guilds import ChannelKind
from utils.models.notices.outbox import EntryKey, Feed, OutboxEntry, OutgoingMessage
from utils.models.scope import ServerId, ServerScope

PENDING = st.lists(st.integers(1, MAX_CHARACTERS), min_size=1, max_size=25)
FEED = Feed(SCOPE, ChannelKind.KILLFEED)
MESSAGE = OutgoingMessage(GUILD, CHANNEL, (EntryKey(FEED, 1), EntryKey(FEED, 2)), "nonce", START)
TEXTS = (("title", "one line\nanother"),)


@given(PENDING, st.booleans())
def test_group_is_the_longest_that_fits_in_order(
    sizes: list[int],
    single: bool,  # noqa: FBT001 - given by hypothesis
) -> None:
    """A group begins with the first entry, keeps the order and both limits."""
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
    """Group after group, the channel gets all its entries, each once and in order."""
    everything = [build_entry(number) for number in range(len(sizes))]
    posted: list[OutboxEntry] = []
    while left := everything[len(posted) :]:
        posted += choose_group(left, [sizes[entry.sequence] for entry in left])
    assert posted == everything


@pytest.mark.parametrize(
    ("has_channel", "minutes", "step"),
    [
        (False, 0, Step.DISCARD),
        (True, 0, Step.SEND),
        (True, 1.9, Step.SEND),
        (True, 2, Step.LOOK_FIRST),
        (True, -0.1, Step.LOOK_FIRST),
        (True, 60, Step.LOOK_FIRST),
        (True, 60.1, Step.EXPIRE),
        (False, 61, Step.EXPIRE),
    ],
)
def test_step_follows_from_what_is_stored(
    has_channel: bool,  # noqa: FBT001 - a row of the table
    minutes: float,
    step: Step,
) -> None:
    """Age, channel and the time of the first try decide, in this order."""
    chosen = choose_step(
        replace(MESSAGE, prepared_at=START),
        [build_entry(1, due_at=START - MAX_AGE), build_entry(2)],
        has_channel=has_channel,
        now=START + timedelta(minutes=minutes),
        max_age=MAX_AGE,
    )
    assert chosen is step


def test_message_without_entries_is_forgotten() -> None:
    """Its entries may be deleted with their server; then nothing is sent."""
    assert choose_step(MESSAGE, [], has_channel=True, now=START, max_age=MAX_AGE) is Step.FORGET


@given(st.lists(st.lists(st.integers(0, 30), max_size=12), max_size=4))
def test_merged_feeds_keep_their_order_and_the_oldest_heads_come_first(feeds: list[list[int]]) -> None:
    """There are at most ten entries, each feed is in order, and older first entries come first."""
    entries = [
        [
            build_entry(
                number,
                scope=ServerScope(GUILD, ServerId(f"s{place}")),
                due_at=START + timedelta(seconds=age),
            )
            for number, age in enumerate(ages)
        ]
        for place, ages in enumerate(feeds)
    ]
    merged = merge_feeds(entries)
    assert len(merged) == min(MAX_EMBEDS, sum(map(len, entries)))
    rest = {place: list(feed) for place, feed in enumerate(entries)}
    for entry in merged:
        heads = [feed[0] for feed in rest.values() if feed]
        assert entry in heads
        assert entry.due_at == min(head.due_at for head in heads)
        rest[next(place for place, feed in rest.items() if feed and feed[0] == entry)].pop(0)


@given(st.lists(st.integers(-3, 3), max_size=12))
def test_what_is_not_due_holds_back_all_behind_it(minutes: list[int]) -> None:
    """A feed keeps its order when its delay was shortened: nothing overtakes an entry that waits."""
    entries = [build_entry(n, due_at=START + timedelta(minutes=due)) for n, due in enumerate(minutes)]
    due, wake_ups = list_due({FEED: entries}, START)[FEED], find_wake_ups({FEED: entries}, START)
    assert due == entries[: len(due)]
    assert all(entry.due_at <= START for entry in due)
    rest = entries[len(due) :]
    assert not rest or rest[0].due_at > START
    assert wake_ups == ({FEED: rest[0].due_at} if rest and not due else {})


def test_match_is_by_nonce_else_by_all_lines() -> None:
    """A visible nonce decides alone; without one all lines must be there in their order."""
    other = PostedMessage(1, "other", TEXTS)
    by_nonce = PostedMessage(2, "nonce", (("x", "y"),))
    by_text = PostedMessage(3, None, (("title ", "one line\n another\n"),))
    shorter = PostedMessage(4, None, ())
    longer = PostedMessage(5, None, (("a", "b"), *TEXTS, ("c", "d")))
    merged = PostedMessage(6, None, (("", "title\nremoved since\none line\nanother"),))
    turned = PostedMessage(7, None, (("title", "another\none line"),))

    def find(*posted: PostedMessage, texts: Texts = TEXTS, after: int = 0) -> PostedMessage | None:
        """Return the match among other messages."""
        return find_match([other, shorter, *posted], nonce="nonce", texts=texts, after=after)

    for match in (by_nonce, by_text, longer, merged):
        assert find(match) == match
    assert find(longer, texts=(*TEXTS, ("a", "b"))) is None
    assert find(turned) is None
    assert find() is None


def test_earlier_message_is_no_match_by_its_lines() -> None:
    """Ghost can kill Otter twice with one knife; only a nonce tells the first line from the second."""
    first, second = PostedMessage(8, None, TEXTS), PostedMessage(9, None, TEXTS)
    assert find_match([second, first], nonce="nonce", texts=TEXTS, after=8) == second
    assert find_match([first], nonce="nonce", texts=TEXTS, after=8) is None
    assert find_match([PostedMessage(7, "nonce", ())], nonce="nonce", texts=TEXTS, after=8) is not None


def test_nonces_are_short_and_never_the_same() -> None:
    """Nonces are at most 25 characters long and all different."""
    nonces = {make_nonce() for _ in range(100)}
    assert len(nonces) == 100
    assert all(re.fullmatch("[a-z2-7]{24}", nonce) for nonce in nonces)
