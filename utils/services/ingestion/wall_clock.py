"""The wall clock of a game server: turns the times of rows into moments, and orders the rows of a file.

A log holds local times without a time zone. Once a year the clock shows an hour twice, and a machine's clock
is sometimes set back a little. Within a file the order is still known: it is the order of the rows.
"""

from datetime import UTC, datetime, timedelta, tzinfo

from utils.models.deaths import Death, DeathPlace
from utils.models.reading import RowClock

LONGEST_STEP_BACK = timedelta(hours=1)
"""If a clock goes back further than this, its earlier time was wrong; else an hour repeats or it was set."""

SMALLEST_STEP = timedelta(milliseconds=1)  # the smallest step in the database

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WALL_EPOCH = _EPOCH.replace(tzinfo=None)

UNSTEADINESS = timedelta(minutes=1)  # rows of one moment may be in either order


class WallClock:
    """Reads the times of one game server."""

    def __init__(self, zone: tzinfo) -> None:
        self.zone = UTC if str(zone) == "UTC" else zone  # the usual zone, and a cheap one

    def read(
        self, written_at: datetime, last: RowClock | None = None, *, since: datetime | None = None
    ) -> datetime:
        """Return the moment of a row in UTC.

        In the repeated hour, return the first reading. Return the second if the first would be before the
        previous row or before ``since``.

        Args:
            written_at: what the clock showed.
            last: the row before it in its file.
            since: it was probably written after this.
        """
        first = self._convert(written_at)
        if self.zone is UTC or ((last is None or first >= last.at) and (since is None or first >= since)):
            return first
        second = self._convert(written_at.replace(fold=1))
        if second <= first or (last is not None and second < last.at - UNSTEADINESS):
            return first  # the hour is shown once, or the clock was wrong before
        is_behind = last is not None and first < last.at - UNSTEADINESS
        # the clock may be slow, so take the nearer reading
        is_too_early = since is not None and first < since - (second - first) / 2
        return second if is_behind or is_too_early else first

    def is_reading(self, written_at: datetime, at: datetime) -> bool:
        """Tell whether a row that shows this time can mean this moment."""
        return at in (self._convert(written_at), self._convert(written_at.replace(fold=1)))

    def correct(self, death: Death, stored: DeathPlace) -> Death:
        """Return a death that was read again, with the times to store for it.

        A live read may have known which of two readings is right. A row that stands in its file once more
        counts where it stood first.
        """
        if not self.is_reading(death.row.written_at, stored.at):
            return death
        if stored.file == death.file and stored.offset < death.offset:
            return death._replace(at=stored.at, ordered_at=stored.ordered_at)
        return death._replace(at=max(stored.at, death.at))

    def _convert(self, written_at: datetime) -> datetime:
        if self.zone is UTC:
            return _EPOCH + (written_at - _WALL_EPOCH)  # ten times as fast as ``replace``
        return written_at.replace(tzinfo=self.zone).astimezone(UTC)


def place_behind(written_at: datetime, last: RowClock | None) -> datetime:
    """Return the wall-clock time that places a row in the order: not before the previous row.

    If the clock went back, it is a millisecond after that row, so the order stays when the file is rewritten
    with other offsets.
    """
    if last is None or written_at >= last.ordered_at:
        return written_at
    step_back = last.ordered_at - written_at
    is_step = step_back < LONGEST_STEP_BACK + timedelta(seconds=1)  # rows have whole seconds
    return last.ordered_at + SMALLEST_STEP if is_step else written_at
