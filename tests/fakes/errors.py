"""A place for errors that only remembers them."""

from utils.error_sink import Where
from utils.errors import RemoteError
from utils.interactions.reaching import is_trouble

REFERENCE = "K7M2QX"


class FakeErrorSink:
    """Records errors in a list.

    Attributes:
        reported: the errors of the bot.
        troubles: failures of game hosts, of Discord, and of the way there.
        places: the place of each error and trouble.
    """

    def __init__(self) -> None:
        self.reported: list[BaseException] = []
        self.troubles: list[BaseException] = []
        self.places: list[Where] = []

    def report(self, error: BaseException, *, where: Where) -> str:
        """Return a constant code."""
        is_of_others = isinstance(error, RemoteError) or is_trouble(error)
        (self.troubles if is_of_others else self.reported).append(error)
        self.places.append(where)
        return REFERENCE
