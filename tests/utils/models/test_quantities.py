"""Numbers of things in words."""

import pytest

from utils.models.quantities import write_quantity


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0, "0 kills"),
        (1, "1 kill"),
        (1.0, "1 kill"),
        (-1, "-1 kill"),
        (2, "2 kills"),
        (1.5, "2 kills"),
        (1_234_567, "1,234,567 kills"),
        (2**53 + 1, "9,007,199,254,740,993 kills"),
    ],
)
def test_one_is_no_plural_and_thousands_are_grouped(number: float, written: str) -> None:
    """The noun follows the shown number."""
    assert write_quantity(number, "kill") == written


@pytest.mark.parametrize(("number", "written"), [(1, "1 bounty"), (2, "2 bounties")])
def test_noun_with_a_plural_of_its_own(number: int, written: str) -> None:
    """The noun has a plural of its own, not with "s"."""
    assert write_quantity(number, "bounty", "bounties") == written
