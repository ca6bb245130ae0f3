"""Log admission: a group has five full records a minute, all groups have 50 a second."""

from tests.fakes.clock import FakeClock
from utils.telemetry.admission import FULL_A_SECOND, FULL_OF_GROUP, LeftOut, LogAdmission


def test_group_has_five_records_a_minute() -> None:
    """Further ones are a number, until the next minute."""
    clock = FakeClock()
    admission = LogAdmission(clock)
    assert [admission.admits("a") for _ in range(8)].count(True) == FULL_OF_GROUP
    assert admission.admits("b")
    assert admission.take_left_out() is None
    clock.move(60)
    assert admission.take_left_out() == LeftOut(3, 1)
    assert admission.take_left_out() is None
    assert admission.admits("a")


def test_all_groups_have_fifty_records_a_second() -> None:
    """A storm of different errors has a bound as well."""
    clock = FakeClock()
    admission = LogAdmission(clock)
    assert sum(admission.admits(str(number)) for number in range(120)) == FULL_A_SECOND
    assert admission.take_left_out(is_last=True) == LeftOut(70, 70)
    clock.move(1)
    assert admission.admits("200")
