"""The places of standing messages."""

from dataclasses import dataclass
from datetime import datetime

from utils.models.scope import ChannelId


@dataclass(frozen=True, slots=True)
class MessagePlace:
    """The place of a standing message, and a digest of its content.

    Attributes:
        channel_id: the channel in which it was posted last; None before the first try.
        message_id: the message; None until Discord has confirmed it.
        nonce: the nonce of the post, stored before its first try.
        first_tried_at: when that try began.
        digest: the digest of its content.
    """

    channel_id: ChannelId | None = None
    message_id: int | None = None
    nonce: str | None = None
    first_tried_at: datetime | None = None
    digest: str = ""
