"""Where a message of the bot stands that shows the newest state of something."""

from dataclasses import dataclass
from datetime import datetime

from utils.models.scope import ChannelId


@dataclass(frozen=True, slots=True)
class MessagePlace:
    """Where a standing message stands, and what it shows.

    Attributes:
        channel_id: where it was posted last; None before the first try.
        message_id: the message; None until it is known to be there.
        nonce: of the post, stored before its first try.
        first_tried_at: when that try began.
        digest: of what the message shows.
    """

    channel_id: ChannelId | None = None
    message_id: int | None = None
    nonce: str | None = None
    first_tried_at: datetime | None = None
    digest: str = ""
