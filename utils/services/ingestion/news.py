"""What is news: which of the stored deaths are announced."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from utils.models.deaths import Rejected
from utils.parsers.deathlog import parse_death_line


@dataclass(frozen=True, slots=True)
class NewsRule:
    """Decides for one poll of one server.

    Bytes that were appended since a successful read not long ago are news, whatever the game server's clock
    says. After a longer gap, and for files that were rewritten or restored, the rows within the age of the
    newest row are.

    Attributes:
        is_recent: the last successful read is at most the maximum age ago.
        oldest_written_at: for everything else; None announces nothing.
    """

    is_recent: bool
    oldest_written_at: datetime | None

    def is_news(self, written_at: datetime, *, is_growth: bool) -> bool:
        """Tell whether a row is announced."""
        if is_growth and self.is_recent:
            return True
        return self.oldest_written_at is not None and written_at >= self.oldest_written_at


def choose_news_rule(
    *,
    last_read_at: datetime | None,
    now: datetime,
    max_age: timedelta,
    newest_lines: Iterable[bytes],
) -> NewsRule:
    """Return the rule for a poll that begins ``now``."""
    rows = (parse_death_line(line) for line in newest_lines)
    newest = max((row.written_at for row in rows if not isinstance(row, Rejected)), default=None)
    return NewsRule(
        is_recent=last_read_at is not None and now - last_read_at <= max_age,
        oldest_written_at=_subtract(newest, max_age),
    )


def _subtract(moment: datetime | None, age: timedelta) -> datetime | None:
    if moment is None:
        return None
    return moment - age if moment - datetime.min > age else moment  # noqa: DTZ901 - the log names no zone
