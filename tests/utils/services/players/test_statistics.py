"""Statistics: what a board shows."""

from utils.services.players.statistics import Board, BoardPage


def test_empty_board_has_one_page() -> None:
    """Nothing to rank is a page that says so."""
    assert BoardPage(Board.KILLS, (), 0, 0).pages == 1
