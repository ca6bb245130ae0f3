"""The events of a game server's world, as members and admins see them."""

from dataclasses import dataclass
from datetime import datetime

from utils.models.event_settings import KindSettings, PostedKind
from utils.models.scope import ChannelId
from utils.models.world_events import WorldEvent, WorldEventKind


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldReport:
    """The events of a game server.

    Attributes:
        open: the open events, those that began first first.
        returns: missions that are over and come back at a known time, the next one first.
        airdrop_at: when the log told of an airdrop last; None if it never did, and while one is open.
        is_known: its log was read.
        as_of: the newest stamp, if that is some time ago or the game server is stopped.
    """

    server_name: str
    open: tuple[WorldEvent, ...] = ()
    returns: tuple[WorldEvent, ...] = ()
    airdrop_at: datetime | None = None
    is_known: bool = True
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRow:
    """The settings of a kind of posts of a game server.

    Attributes:
        choices: as far as somebody has made any, for the server or for its guild.
        channel_id: the channel; None without one.
        seen_at: when the log told of the kind last; None if it never did, or for joins and leaves.
    """

    kind: PostedKind
    is_on: bool
    choices: KindSettings
    channel_id: ChannelId | None = None
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KindTable:
    """The settings of every kind of posts of a game server, and the names of its muted missions."""

    server_name: str
    rows: tuple[KindRow, ...]
    muted: tuple[str, ...] = ()


def is_wanted(event: WorldEvent, kind: WorldEventKind | None) -> bool:
    """Tell whether an event is of a kind; without one, of any but a restart."""
    return event.kind is not WorldEventKind.RESTART if kind is None else event.kind is kind
