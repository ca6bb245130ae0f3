"""Error references are short, stable and grouped; a failing report raises nothing."""

import re
from datetime import UTC, datetime, timedelta

from structlog.testing import capture_logs

from utils.errors import StorageUnavailableError
from utils.telemetry.reporter import MAX_GROUPS, ErrorGroup, ErrorReporter, compute_reference

START = datetime(2026, 5, 1, 12, tzinfo=UTC)


class FakeClock:
    """A clock that moves a minute with every call."""

    def __init__(self) -> None:
        self.looks = 0

    def now(self) -> datetime:
        """Return the time."""
        self.looks += 1
        return START + timedelta(minutes=self.looks - 1)

    def monotonic(self) -> float:
        """Return seconds."""
        return float(self.looks)

    async def sleep(self, seconds: float) -> None:
        """Do not wait."""


class BrokenClock(FakeClock):
    """A clock that fails."""

    def now(self) -> datetime:
        """Fail."""
        raise OSError("no time")


def _fail(error: Exception) -> Exception:
    try:
        raise error
    except type(error) as raised:
        return raised


def test_equal_errors_share_a_reference() -> None:
    """Type and place decide the group; the message does not."""
    reporter = ErrorReporter(FakeClock())
    first = reporter.report(_fail(ValueError("one")))
    second = reporter.report(_fail(ValueError("two")))
    other = reporter.report(_fail(KeyError("one")))
    assert first == second != other
    assert reporter.find_group(f" {first.lower()} ") == ErrorGroup(
        reference=first,
        error_type="builtins.ValueError",
        place="test_reporter.py:_fail",
        count=2,
        first_seen_at=START,
        last_seen_at=START + timedelta(minutes=1),
    )
    assert [group.reference for group in reporter.list_groups()] == [other, first]


def test_reference_is_short_and_readable() -> None:
    """A reference has six characters that cannot be confused with each other."""
    assert re.fullmatch(r"[2-9A-HJKMNP-TV-Z]{6}", compute_reference("builtins.ValueError", "a.py:b"))


def test_outage_of_the_database_is_logged_in_a_sentence() -> None:
    """The outage has a reference like every error, but no traceback, because the code is not wrong."""
    with capture_logs() as logs:
        reference = ErrorReporter(FakeClock()).report(_fail(StorageUnavailableError("MongoDB is away.")))
    assert logs == [
        {
            "event": "the database is away",
            "log_level": "warning",
            "reference": reference,
            "place": "test_reporter.py:_fail",
            "count": 1,
            "problem": "MongoDB is away.",
        }
    ]


def test_report_is_logged_with_its_traceback() -> None:
    """The log has the reference, the place and the error itself."""
    error = _fail(ValueError("one"))
    with capture_logs() as records:
        reference = ErrorReporter(FakeClock()).report(error)
    assert records == [
        {
            "event": "unexpected error",
            "log_level": "error",
            "reference": reference,
            "place": "test_reporter.py:_fail",
            "count": 1,
            "exc_info": error,
        }
    ]


def test_failing_report_still_returns_the_reference() -> None:
    """An error within the report does not reach the caller."""
    error = _fail(ValueError("one"))
    with capture_logs() as records:
        reference = ErrorReporter(BrokenClock()).report(error)
    assert reference == ErrorReporter(FakeClock()).report(error)
    assert [record["event"] for record in records] == ["unexpected error, not describable"]


def test_error_that_was_never_raised_has_a_place_too() -> None:
    """An exception without traceback is reported like any other."""
    reporter = ErrorReporter(FakeClock())
    group = reporter.find_group(reporter.report(ValueError("kept")))
    assert group is not None
    assert group.place == "nowhere"


def test_oldest_group_is_forgotten_beyond_the_limit() -> None:
    """Memory is limited; the group that was seen longest ago is dropped first."""
    reporter = ErrorReporter(FakeClock())
    references = [
        reporter.report(type(f"Error{number}", (Exception,), {})()) for number in range(MAX_GROUPS + 1)
    ]
    assert len(reporter.list_groups()) == MAX_GROUPS
    assert reporter.find_group(references[0]) is None
