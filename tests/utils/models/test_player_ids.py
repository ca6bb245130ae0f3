"""Players' ids in a text: found as a whole, in either case, and hidden everywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.models.player_ids import find_player_ids, replace_player_ids

A, B = "0002" + "a1" * 14, "0002" + "b2" * 14


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"x;Ann;{A};Bob;{B};Mosin;", {A, B}),
        (f"x,Ann,{A.upper()},Bob", {A}),
        (f"x;Ann;{A}0;", {A + "0"}),  # with one digit more it is another id
        (f"x;Ann;{A[:-1]};", set()),
        (f"x;Ann;{A[:20]}", {A[:20]}),  # the line is cut off there
        ("0002;SecretAlt of Alice;", set()),
        ("", set()),
    ],
)
def test_ids_are_found_as_a_whole(text: str, found: set[str]) -> None:
    """Only whole ids are found."""
    assert find_player_ids(text) == found


HEX = st.text("0123456789abcdefABCDEF", max_size=40)


@given(st.lists(st.one_of(HEX, st.sampled_from([A, B, A.upper(), ";", "Ann", "x"])), max_size=8))
def test_nothing_that_was_hidden_can_be_read(parts: list[str]) -> None:
    """Every id that is found is replaced, and no part of it remains."""
    text = ";".join(parts)
    hidden = replace_player_ids(text, lambda _: "(id)")
    assert find_player_ids(hidden) == frozenset()
    assert A not in hidden.lower()
    assert hidden.count("(id)") >= len(find_player_ids(text))
