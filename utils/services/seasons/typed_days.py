"""Days as admins type them."""

from datetime import date, timedelta

from utils.errors import InvalidInputError
from utils.models.texts import text
from utils.models.typed_text import fold_text, quote

TODAY, TOMORROW, YESTERDAY = "today", "tomorrow", "yesterday"
_NEAR = {TODAY: 0, TOMORROW: 1, YESTERDAY: -1}


def read_day(typed: str, *, today: date) -> date:
    """Return a typed day: ``2026-12-01``, or a word for a day around today.

    Raises:
        InvalidInputError: it is no day.
    """
    folded = fold_text(typed)
    if folded in _NEAR:
        return today + timedelta(days=_NEAR[folded])
    try:
        return date.fromisoformat(folded)
    except ValueError as error:
        raise InvalidInputError(
            text("“{day}” isn't a day. Type it like 2026-12-01 (year, month, day).", day=quote(typed))
        ) from error
