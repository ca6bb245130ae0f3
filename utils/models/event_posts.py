"""Posts about events of the world that were sent, and are edited when their events change."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from utils.models.notices.outbox import StandingPost
from utils.models.scope import ServerScope
from utils.models.world_events import WorldEvent


@dataclass(frozen=True, slots=True)
class PostedEvent:
    """An event that was posted, and its game server."""

    scope: ServerScope
    event: WorldEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class OutdatedPosts:
    """The posts of a game server that do not show what is known of their events.

    Attributes:
        events: these events by the ids of their posts.
        posts: the messages in which they are.
        waiting: the ids of those that wait in the outbox; all others are in no message any more.
    """

    events: Mapping[bytes, PostedEvent] = field(default_factory=dict)
    posts: tuple[StandingPost, ...] = ()
    waiting: frozenset[bytes] = frozenset()
