"""Posted boards: messages in a channel that the bot keeps up to date."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Self

from utils.errors import NotFoundError
from utils.models.lasting_buttons import ButtonKind
from utils.models.message_places import MessagePlace
from utils.models.scope import GuildId, ServerId
from utils.models.statistics import BOARD_NAMES, Board
from utils.models.texts import Text, text, text_in

MY_PLACE = ButtonKind("my_place")
REFRESH_BOARD = ButtonKind("refresh_board")
"""The lasting buttons of posted boards; their argument names the board."""


NO_BOARD = text("There's no such board any more.")


class LiveBoard(StrEnum):
    """The boards about game servers now; they change all the time, and rank nobody."""

    STATUS = "status"
    ONLINE = "online"


LIVE_CHOICES: Mapping[LiveBoard, Text] = {
    LiveBoard.STATUS: text_in("a choice", "Status of game servers"),
    LiveBoard.ONLINE: text_in("a choice", "Players online"),
}
"""Their names in lists of choices, beside those of rankings."""

POSTED_NAMES: Mapping[str, Text] = {
    **BOARD_NAMES,
    LiveBoard.STATUS: text_in("a board", "status of game servers"),
    LiveBoard.ONLINE: text_in("a board", "players online"),
}
"""The names of boards that can be posted, in sentences."""


def find_board(name: str) -> Board | LiveBoard:
    """Return the board with this stored name.

    Raises:
        NotFoundError: there is no such kind of board.
    """
    boards: tuple[Board | LiveBoard, ...] = (*Board, *LiveBoard)
    found = next((board for board in boards if board.value == name), None)
    if found is None:
        raise NotFoundError(NO_BOARD)
    return found


class BoardKey(NamedTuple):
    """Names a board of a guild: of one server or of all, and its kind."""

    guild_id: GuildId
    server_id: ServerId
    board: str

    def __str__(self) -> str:
        """Return the form used in keys and logs."""
        return "/".join(map(str, self))

    @property
    def argument(self) -> str:
        """Return what the buttons below the board say of it; the guild is that of the press."""
        return f"{self.board}:{self.server_id}"

    @property
    def is_live(self) -> bool:
        """Tell whether it shows game servers as they are now."""
        return self.board in list(LiveBoard)

    @property
    def ranking(self) -> Board:
        """Return the ranking that it shows.

        Raises:
            NotFoundError: it shows none.
        """
        if self.is_live:
            raise NotFoundError(NO_BOARD)
        return Board(self.board)

    @classmethod
    def read(cls, guild_id: GuildId, argument: str) -> Self:
        """Return the board that a button names.

        Raises:
            NotFoundError: there is no such kind of board.
        """
        board, _, server_id = argument.partition(":")
        return cls(guild_id, ServerId(server_id), find_board(board).value)


@dataclass(frozen=True, slots=True)
class PostedBoard:
    """One board message of a guild.

    Attributes:
        place: the place of its message.
        is_paused: its tier ended or its channel cannot be used; it goes on by itself afterwards.
    """

    key: BoardKey
    place: MessagePlace = field(default_factory=MessagePlace)
    is_paused: bool = False


@dataclass(frozen=True, slots=True)
class RefreshedBoard:
    """A board that a member refreshed: whether its message changed, and when anyone may do so again."""

    is_changed: bool
    free_at: datetime
