"""Posted boards: messages in a channel that keep themselves up to date."""

from dataclasses import dataclass
from datetime import datetime

from utils.models.scope import ChannelId, GuildId, ServerId

ALL_SERVERS = ServerId("")
"""What a board over all of a guild's servers has in the place of a server's id."""


@dataclass(frozen=True, slots=True)
class PostedBoard:
    """One board message of a guild, of one server or of all.

    Attributes:
        board: what it ranks by.
        channel_id: where it was posted last; None before the first try.
        message_id: the message; None until it is known to be there.
        nonce: of the post, stored before its first try.
        first_tried_at: when that try began.
        digest: of what the message shows.
        is_paused: its tier ended or its channel cannot be used; it goes on by itself when that is over.
    """

    guild_id: GuildId
    server_id: ServerId
    board: str
    channel_id: ChannelId | None = None
    message_id: int | None = None
    nonce: str | None = None
    first_tried_at: datetime | None = None
    digest: str = ""
    is_paused: bool = False
