"""The queue of the log: bounded, in order, and lesser records go first."""

from hypothesis import given
from hypothesis import strategies as st

from utils.telemetry.log_entries import Entry
from utils.telemetry.log_writer import EntryQueue, LogWriter


def _drain(queue: EntryQueue) -> list[str]:
    queue.close()
    taken = []
    while (entry := queue.take(0)) is not None:
        taken.append(entry["event"])
    return taken


def _fill(queue: EntryQueue, records: str) -> None:
    """Put one record for each letter: d, i, w and e are the levels."""
    levels = {"d": "debug", "i": "info", "w": "warning", "e": "error"}
    for number, letter in enumerate(records):
        queue.put({"event": f"{letter}{number}", "level": levels[letter]})


def test_lesser_records_go_first_when_there_is_no_place() -> None:
    """A warning takes the place of the oldest record of DEBUG or INFO; all else that comes late is lost."""
    queue = EntryQueue(3)
    _fill(queue, "iewdwe")
    assert queue.take_lost() == 3
    assert queue.take_lost() == 0
    assert _drain(queue) == ["e1", "w2", "w4"]


@given(st.text(alphabet="diwe", max_size=40), st.integers(1, 10))
def test_queue_keeps_the_order_and_loses_no_more_than_it_must(records: str, capacity: int) -> None:
    """As many records stay as there are places, in their order, and as many serious ones as possible."""
    queue = EntryQueue(capacity)
    _fill(queue, records)
    lost = queue.take_lost()
    kept = _drain(queue)
    numbers = [int(event[1:]) for event in kept]
    serious = sum(letter in "we" for letter in records)
    assert numbers == sorted(numbers)
    assert len(kept) + lost == len(records)
    assert len(kept) == min(capacity, len(records))
    assert sum(event[0] in "we" for event in kept) == min(capacity, serious)


class FailingTarget:
    """A place that fails for one record, with an unexpected error."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.is_closed = False

    def write(self, entry: Entry) -> None:
        """Note a record."""
        if entry["event"] == "bad":
            raise KeyError("unexpected")
        self.written.append(entry["event"])

    def tend(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Note the end."""
        self.is_closed = True


def test_thread_outlives_a_record_that_cannot_be_written() -> None:
    """A record with which writing fails is lost alone."""
    target = FailingTarget()
    writer = LogWriter("test", target)
    for event in ("first", "bad", "last"):
        writer.put({"event": event, "level": "info"})
    assert writer.close()
    assert (target.written, target.is_closed) == (["first", "last"], True)
