"""How posts of a channel are shown."""

from dataclasses import dataclass
from enum import StrEnum


class PostStyle(StrEnum):
    """The styles of a killfeed channel: lines with a card for what is special, lines alone, cards alone."""

    STORY = "story"
    LINE = "line"
    CARD = "card"


@dataclass(frozen=True, slots=True)
class PostShape:
    """The shape of a message; it is the same at every try.

    Attributes:
        names_servers: whether each post names its game server, because the channel shows several.
    """

    style: PostStyle = PostStyle.STORY
    names_servers: bool = False


NEW_SHAPE = PostShape()
"""The shape of posts in a channel for which nothing was chosen."""
