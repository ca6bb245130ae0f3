"""Statistics: the pages of a board."""

from utils.models.statistics import Board
from utils.services.players.statistics import BoardPage


def test_empty_board_has_one_page() -> None:
    """An empty board is one page that says so."""
    assert BoardPage(Board.KILLS, (), 0, 0).pages == 1
