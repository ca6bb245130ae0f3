"""Posted boards: messages in a channel that the bot keeps up to date."""

from dataclasses import dataclass, field
from typing import NamedTuple

from utils.models.message_places import MessagePlace
from utils.models.scope import GuildId, ServerId

ALL_SERVERS = ServerId("")
"""The server's id of a board over all servers of a guild."""


class BoardKey(NamedTuple):
    """Names a board of a guild: of one server or of all, and its kind."""

    guild_id: GuildId
    server_id: ServerId
    board: str

    def __str__(self) -> str:
        """Return the form used in keys and logs."""
        return "/".join(map(str, self))


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
