"""How posts of a channel are shown, when, and which of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from utils.models.texts import Text, text, text_in

LONGEST_DELAY_MINUTES = 60
LONGEST_MIN_DISTANCE = 1_000
"""Metres; a kill beyond this is flagged, so a higher limit would leave out all kills."""


class PostStyle(StrEnum):
    """The styles of a killfeed channel: lines with a card for what is special, lines alone, cards alone."""

    STORY = "story"
    LINE = "line"
    CARD = "card"


POST_STYLE_NAMES: Mapping[PostStyle, Text] = {
    PostStyle.STORY: text_in("a style of posts", "story"),
    PostStyle.LINE: text_in("a style of posts", "lines only"),
    PostStyle.CARD: text_in("a style of posts", "cards only"),
}
"""The names of the styles for people."""


@dataclass(frozen=True, slots=True)
class ChannelStyle:
    """The choices for a channel in which kills are posted.

    Attributes:
        delay_minutes: how long a post waits, so that it tells nobody where to look for its players.
        min_distance: metres; a nearer kill with a weapon is left out, unless it has a highlight.
    """

    style: PostStyle = PostStyle.STORY
    delay_minutes: int = 0
    min_distance: int = 0

    @property
    def delay(self) -> timedelta:
        """How long a post waits."""
        return timedelta(minutes=self.delay_minutes)


NEW_STYLE = ChannelStyle()
"""The style of a channel for which nothing was chosen."""


def find_style_problem(styles: Mapping[object, ChannelStyle]) -> Text | None:
    """Return what is wrong with the styles of channels; None if all are allowed."""
    for one in styles.values():
        if not 0 <= one.delay_minutes <= LONGEST_DELAY_MINUTES:
            return text("A delay is 0 to 60 minutes.")
        if not 0 <= one.min_distance <= LONGEST_MIN_DISTANCE:
            return text("A distance is 0 to 1,000 metres.")
    return None


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
