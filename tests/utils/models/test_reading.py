"""Pieces of whole lines of a log file."""

from hypothesis import given
from hypothesis import strategies as st

from utils.models.reading import slice_lines


@given(st.lists(st.integers(0, 300), max_size=12), st.integers(1, 4))
def test_pieces_hold_whole_lines_all_of_them_and_never_too_many(lengths: list[int], lines: int) -> None:
    """The pieces together are the data; each has its right offset, and all except the last are full."""
    data = b"".join(b"x" * length + b"\n" for length in lengths)
    pieces = list(slice_lines(data, lines=lines))
    assert b"".join(piece for _, piece in pieces) == data
    assert all(data[start : start + len(piece)] == piece and piece.endswith(b"\n") for start, piece in pieces)
    assert [piece.count(b"\n") for _, piece in pieces[:-1]] == [lines] * len(pieces[:-1])
    assert all(1 <= piece.count(b"\n") <= lines for _, piece in pieces)
