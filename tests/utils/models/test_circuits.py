"""Circuits and their waiting times."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import START
from utils.models.circuits import Circuit, CircuitState


@given(st.lists(st.tuples(st.sampled_from(["fail", "stop", "try"]), st.floats(0, 20)), max_size=30))
def test_circuit_is_open_with_a_time_half_open_without_or_waits_for_a_person(
    steps: list[tuple[str, float]],
) -> None:
    """After any steps a circuit says when it is tried next, and the number of failures never drops."""
    circuit, now = Circuit(), START
    for step, seconds in steps:
        now += timedelta(seconds=seconds)
        before = circuit
        if step == "try":
            circuit = circuit.begin_try()
            assert (circuit.state, circuit.next_try_at) == (CircuitState.HALF_OPEN, None)
        else:
            circuit = circuit.fail(now=now, wait_seconds=seconds if step == "fail" else None)
            assert circuit.state is CircuitState.OPEN
            assert circuit.waits_for_person is (step == "stop")
        assert circuit.state is not CircuitState.CLOSED
        assert before.failures <= circuit.failures <= before.failures + 1


def test_many_who_began_together_count_as_one_failure() -> None:
    """Eight handshakes that a dying host cuts off count as one failure, not as eight outages."""
    first = Circuit().fail(now=START, wait_seconds=1)
    assert first == Circuit(CircuitState.OPEN, 1, START + timedelta(seconds=1))
    assert first.fail(now=START, wait_seconds=7) == first
    assert first.begin_try().fail(now=START, wait_seconds=2).failures == 2


def test_fault_that_may_pass_after_all_ends_the_wait_for_a_person() -> None:
    """After a corrected password the host hung up.

    The next try comes by itself, because that failure may pass.
    """
    refused = Circuit().fail(now=START, wait_seconds=None)
    assert refused.waits_for_person
    assert refused.fail(now=START, wait_seconds=3).next_try_at == START + timedelta(seconds=3)
