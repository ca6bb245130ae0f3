"""Posted boards: messages in a channel that the bot keeps up to date."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Self

from utils.errors import NotFoundError
from utils.models.lasting_buttons import ButtonKind
from utils.models.message_places import MessagePlace
from utils.models.scope import GuildId, ServerId
from utils.models.statistics import Board
from utils.models.texts import text

ALL_SERVERS = ServerId("")
"""The server's id of a board over all servers of a guild."""


MY_PLACE = ButtonKind("my_place")
REFRESH_BOARD = ButtonKind("refresh_board")
"""The lasting buttons of posted boards; their argument names the board."""


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

    @classmethod
    def read(cls, guild_id: GuildId, argument: str) -> Self:
        """Return the board that a button names.

        Raises:
            NotFoundError: there is no such kind of board.
        """
        board, _, server_id = argument.partition(":")
        if board not in list(Board):
            raise NotFoundError(text("There's no such board any more."))
        return cls(guild_id, ServerId(server_id), board)


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
