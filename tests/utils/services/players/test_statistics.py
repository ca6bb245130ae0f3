"""Statistics: what a board shows."""

from utils.models.statistics import Board
from utils.services.players.statistics import BoardPage


def test_empty_board_has_one_page() -> None:
    """Nothing to rank is a page that says so."""
    assert BoardPage(Board.KILLS, (), 0, 0).pages == 1
