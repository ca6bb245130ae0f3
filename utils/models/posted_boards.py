"""Posted boards: messages in a channel that keep themselves up to date."""

from dataclasses import dataclass, field
from typing import NamedTuple

from utils.models.message_places import MessagePlace
from utils.models.scope import GuildId, ServerId

ALL_SERVERS = ServerId("")
"""What a board over all of a guild's servers has in the place of a server's id."""


class BoardKey(NamedTuple):
    """Which board of a guild: of one server or of all, and what it ranks by."""

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
        place: where its message stands.
        is_paused: its tier ended or its channel cannot be used; it goes on by itself when that is over.
    """

    key: BoardKey
    place: MessagePlace = field(default_factory=MessagePlace)
    is_paused: bool = False
