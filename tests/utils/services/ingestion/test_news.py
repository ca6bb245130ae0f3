"""News: rows that are appended soon after a read, or are close to the newest row."""

from datetime import timedelta

import pytest

from tests.fakes.clock import START
from tests.fakes.deaths import NOON, build_row, render
from utils.services.ingestion.news import NewsRule, choose_news_rule

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("gap", "is_recent"),
    [(None, False), (HOUR, True), (HOUR + timedelta(seconds=1), False), (-HOUR, True)],
)
def test_read_is_recent_up_to_the_maximum_age(gap: timedelta | None, *, is_recent: bool) -> None:
    """A server without a read has no recent one; a clock that went back makes no gap."""
    last_read_at = None if gap is None else START - gap
    rule = choose_news_rule(last_read_at=last_read_at, now=START, max_age=HOUR)
    assert rule == NewsRule(is_recent=is_recent, max_age=HOUR)


@pytest.mark.parametrize(
    ("is_recent", "is_growth", "is_known", "expected"),
    [
        (True, True, False, False),
        (True, False, False, True),
        (False, True, False, True),
        (False, False, False, True),
        (False, False, True, False),
    ],
)
def test_newest_row_is_asked_for_once_and_only_when_it_decides(
    *, is_recent: bool, is_growth: bool, is_known: bool, expected: bool
) -> None:
    """Rows that are appended after a recent read are news without that request."""
    rule = NewsRule(is_recent=is_recent, max_age=HOUR, is_newest_known=is_known)
    assert rule.needs_newest(is_growth=is_growth) is expected


def test_newest_row_is_the_latest_that_can_be_read() -> None:
    """Lines may have any order; unreadable lines and the far future do not count."""
    rule = NewsRule(is_recent=False, max_age=HOUR)
    lines = render(build_row("Ann", "Bob", second=9), build_row("Ann", "Bob", second=5)).splitlines()
    known = rule.with_newest([b"garbage", *lines], latest=NOON + HOUR)
    assert (known.newest_written_at, known.is_newest_known) == (NOON + timedelta(seconds=9), True)
    unknown = rule.with_newest([b"garbage", *lines], latest=NOON)
    assert (unknown.newest_written_at, unknown.is_newest_known) == (None, True)
    assert not unknown.is_news(NOON, is_growth=True)


@pytest.mark.parametrize(("seconds", "expected"), [(-3601, False), (-3600, True), (0, True), (5, True)])
def test_row_is_news_within_the_age_of_the_newest(seconds: int, *, expected: bool) -> None:
    """A row that is newer than the newest known row is news too."""
    rule = NewsRule(is_recent=False, max_age=HOUR, newest_written_at=NOON, is_newest_known=True)
    assert rule.is_news(NOON + timedelta(seconds=seconds), is_growth=True) is expected
