"""News: decides which stored deaths are posted."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from utils.models.deaths import Rejected
from utils.parsers.deathlog import parse_death_line


@dataclass(frozen=True, slots=True)
class NewsRule:
    """Decides which rows of one poll are news.

    Bytes that were appended after a recent successful read are news, even if the game server's clock is
    wrong. After a longer gap, or in a rewritten file, a row is news if it is at most ``max_age`` older than
    the newest row.

    Attributes:
        is_recent: True: the last successful read is at most ``max_age`` ago.
        max_age: the highest age of news.
        newest_written_at: the newest row of the logs; None while unknown, and when there is none.
        is_newest_known: True when the newest row was looked up.
    """

    is_recent: bool
    max_age: timedelta
    newest_written_at: datetime | None = None
    is_newest_known: bool = False

    def needs_newest(self, *, is_growth: bool) -> bool:
        """Tell whether the newest row must be known before rows of such a chunk are judged."""
        return not self.is_newest_known and not (is_growth and self.is_recent)

    def with_newest(self, lines: Iterable[bytes], *, latest: datetime) -> Self:
        """Return the rule with the newest row among these lines of the logs, not later than ``latest``."""
        rows = (parse_death_line(line, latest=latest) for line in lines)
        newest = max((row.written_at for row in rows if not isinstance(row, Rejected)), default=None)
        return replace(self, newest_written_at=newest, is_newest_known=True)

    def is_news(self, written_at: datetime, *, is_growth: bool) -> bool:
        """Tell whether a row is news."""
        if is_growth and self.is_recent:
            return True
        return self.newest_written_at is not None and self.newest_written_at - written_at <= self.max_age


def choose_news_rule(*, last_read_at: datetime | None, now: datetime, max_age: timedelta) -> NewsRule:
    """Return the rule for a poll that begins ``now``."""
    return NewsRule(is_recent=last_read_at is not None and now - last_read_at <= max_age, max_age=max_age)
