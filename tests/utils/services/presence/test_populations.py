"""Numbers of players in the course of time."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import START
from utils.models.game_log import SAMPLE_TIME, PopulationSample, fold_samples
from utils.models.populations import PopulationPeriod
from utils.services.presence.populations import build_report, sum_samples

HOUR = timedelta(hours=1)


def sample(before: timedelta, online: int, peak: int) -> PopulationSample:
    """Return a sample of a time before now."""
    return PopulationSample(at=START - before, online=online, queue=0, max_players=50, peak=peak)


def test_servers_are_summed_and_gaps_stay_gaps() -> None:
    """A step is the mean of its samples, a step without any is unknown, and hours are those of the zone."""
    sums = sum_samples(
        [
            sample(3 * HOUR, 4, 9),
            sample(SAMPLE_TIME, 2, 3),
            sample(3 * HOUR, 6, 7),
            sample(2 * SAMPLE_TIME, 3, 3),
        ]
    )
    assert [one[1:] for one in sums] == [(10, 16), (3, 3), (2, 3)]
    report = build_report(
        sums, where="Mirny", period=PopulationPeriod.DAY, until=START, zone=ZoneInfo("Europe/Berlin")
    )
    known = {step: one for step, one in enumerate(report.course) if one is not None}
    assert (len(report.course), known) == (144, {126: 10.0, 143: 2.5})
    assert (report.now, report.average, report.peak, report.peak_at) == (2, 5.0, 16, START - 3 * HOUR)
    assert (report.busiest_hour, report.zone) == (11, "Europe/Berlin")


def test_old_number_is_not_that_of_now() -> None:
    """A server that was not read lately has no number of now, and one that never was has none at all."""
    sums = sum_samples([sample(HOUR, 4, 4)])
    report = build_report(
        sums, where="Mirny", period=PopulationPeriod.WEEK, until=START, zone=ZoneInfo("UTC")
    )
    assert (report.now, report.average, len(report.course)) == (None, 4.0, 168)
    empty = build_report([], where="Mirny", period=PopulationPeriod.MONTH, until=START, zone=ZoneInfo("UTC"))
    assert (empty.peak, empty.busiest_hour, set(empty.course)) == (None, None, {None})


COUNTS = st.dictionaries(
    st.integers(1, 2_000), st.tuples(st.integers(0, 70), st.integers(0, 20)), max_size=60
)


@given(counts=COUNTS, edge=st.integers(0, 200))
def test_folded_hours_weigh_what_their_samples_did(counts: dict[int, tuple[int, int]], edge: int) -> None:
    """Average, peak and hours with any sample are the same, wherever the border to whole samples lies."""
    samples = [
        sample(number * SAMPLE_TIME, online, online + more) for number, (online, more) in counts.items()
    ]
    border = START - edge * HOUR
    folded = fold_samples(one for one in samples if one.at < border)
    mixed = [*folded, *(one for one in samples if one.at >= border)]
    assert fold_samples(mixed) == fold_samples(samples)
    period, zone = PopulationPeriod.WEEK, ZoneInfo("UTC")
    whole, both = (
        build_report(sum_samples(some), where="", period=period, until=START, zone=zone)
        for some in (samples, mixed)
    )
    assert both.peak == whole.peak
    assert abs((both.average or 0) - (whole.average or 0)) < 1e-6
    assert [one is None for one in both.course] == [one is None for one in whole.course]
