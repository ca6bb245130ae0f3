"""The selects below answers: the days that they count, and the board that they show."""

from utils.interactions.answer_views import Selection
from utils.models.statistics import BOARD_CHOICES, SEASON_PERIOD_CHOICES, Board, Period
from utils.models.texts import text

PERIOD, BOARD = "period", "board"


def select_period(period: Period) -> Selection:
    """Return the select of the days that an answer counts."""
    choices = [(each.value, name) for each, name in SEASON_PERIOD_CHOICES.items()]
    return Selection(PERIOD, text("Which days"), choices, period.value)


def select_board(board: Board) -> Selection:
    """Return the select of a board."""
    choices = [(each.value, name) for each, name in BOARD_CHOICES.items()]
    return Selection(BOARD, text("Which board"), choices, board.value)
