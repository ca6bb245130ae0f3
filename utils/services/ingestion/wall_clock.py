"""The wall clock of a game server: which moment a row means, and in which order the rows of a file happened.

A log says what a clock on a wall shows, without a zone. Once a year that clock shows an hour twice, and a
machine's clock is now and then set back by a little. Within a file the order is known all the same: it is the
order in which the rows stand there.
"""

from datetime import UTC, datetime, timedelta, tzinfo

from utils.models.deaths import Death
from utils.models.reading import RowClock

LONGEST_STEP_BACK = timedelta(hours=1)
"""A clock that goes back by this much shows an hour twice or was set; by more, its earlier time was wrong."""

SMALLEST_STEP = timedelta(milliseconds=1)  # the database keeps no smaller one

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WALL_EPOCH = _EPOCH.replace(tzinfo=None)

UNSTEADINESS = timedelta(minutes=1)  # rows of one moment may stand in either order


class WallClock:
    """Reads the times of one game server."""

    def __init__(self, zone: tzinfo) -> None:
        self.zone = UTC if str(zone) == "UTC" else zone  # the usual zone, and the cheap one

    def read(
        self, written_at: datetime, last: RowClock | None = None, *, since: datetime | None = None
    ) -> datetime:
        """Return the moment of a row in UTC.

        Of an hour that is shown twice it is the first, unless that lies before the row in front of it, or
        before the row can have been written.

        Args:
            written_at: what the clock showed.
            last: the row in front of it in its file.
            since: it was written later than this, as far as is known.
        """
        first = self._convert(written_at)
        if self.zone is UTC or ((last is None or first >= last.at) and (since is None or first >= since)):
            return first
        second = self._convert(written_at.replace(fold=1))
        if second <= first or (last is not None and second < last.at - UNSTEADINESS):
            return first  # shown once; or the clock was wrong before
        is_behind = last is not None and first < last.at - UNSTEADINESS
        # a machine's clock may be slow: the reading that is nearer is meant
        is_too_early = since is not None and first < since - (second - first) / 2
        return second if is_behind or is_too_early else first

    def is_reading(self, written_at: datetime, at: datetime) -> bool:
        """Tell whether a row that shows this time can mean this moment."""
        return at in (self._convert(written_at), self._convert(written_at.replace(fold=1)))

    def correct(self, death: Death, at: datetime) -> Death:
        """Return a death that was read again, with the moment that is to be stored for it.

        ``at`` is the one that is stored. A live read may have known which of two readings is meant.
        """
        is_second = at > death.at and self.is_reading(death.row.written_at, at)
        return death._replace(at=at) if is_second else death

    def _convert(self, written_at: datetime) -> datetime:
        if self.zone is UTC:
            return _EPOCH + (written_at - _WALL_EPOCH)  # ten times as fast as ``replace``
        return written_at.replace(tzinfo=self.zone).astimezone(UTC)


def place_behind(written_at: datetime, last: RowClock | None) -> datetime:
    """Return the wall-clock time that a row has in the order: not before the row in front of it.

    It is later than that row's by a little: the order holds when a file is written anew with other offsets.
    """
    if last is None or written_at >= last.ordered_at:
        return written_at
    step_back = last.ordered_at - written_at
    is_step = step_back < LONGEST_STEP_BACK + timedelta(seconds=1)  # rows show whole seconds
    return last.ordered_at + SMALLEST_STEP if is_step else written_at
