"""Players on a game server, as its Deadside.log tells: who connects, is online or left, and sessions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from utils.models.scope import PlayerId
from utils.models.typed_text import fold_text

NAME_KEY = "name:"
"""The beginning of the key of a player without a known id."""

QUIET_PHASE = timedelta(minutes=5)
"""After the start of a run, players who were online shortly before come back in silence."""


class PlayerState(StrEnum):
    """The states of a player on a game server."""

    CONNECTING = "connecting"
    ONLINE = "online"
    ABSENT = "absent"


class LeaveReason(StrEnum):
    """Why a session ended; ``stale``: no line named the player for a day."""

    QUIT = "quit"
    LOST = "lost"
    TIMEOUT = "timeout"
    KICK = "kick"
    RESTART = "restart"
    STALE = "stale"


OWN_LEAVES = frozenset({LeaveReason.QUIT, LeaveReason.LOST})
"""The reasons that a player can bring about by themself, at a moment that they choose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerPresence:
    """A player in the present run of a game server.

    Attributes:
        key: the player's id; ``name:`` and the folded name as long as no line told the id.
        name: as the log wrote it last; empty if it is not known.
        since: the beginning of the state: of the session, if they are online.
        seen_at: the stamp of the last line about them.
        has_requested: they connect, and their join request was read: they do not wait in the queue.
        returning_since: they left a moment ago, and connect again.
        old_until: departures up to here are those of a connection that a new one replaces.
        left_at: they left; the session ends there unless they come back within the hold.
        reason: why they left, or will leave.
        played_seconds: the length of their last session; None before the first one ended.
        is_shown: the posts so far say that they are online, or would say so if they were not silent.
        is_of_former_run: they were online when the run before this one ended.
    """

    key: str
    name: str = ""
    state: PlayerState
    since: datetime
    seen_at: datetime
    has_requested: bool = False
    returning_since: datetime | None = None
    old_until: datetime | None = None
    left_at: datetime | None = None
    reason: LeaveReason | None = None
    played_seconds: int | None = None
    is_shown: bool = False
    is_of_former_run: bool = False

    @property
    def is_online(self) -> bool:
        """Tell whether they are in the game now."""
        return self.state is PlayerState.ONLINE and self.left_at is None

    @property
    def player_id(self) -> PlayerId | None:
        """Return the player's id, if it is known."""
        return None if self.key.startswith(NAME_KEY) else PlayerId(self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPresence:
    """The players of a game server in one run of it.

    Attributes:
        run: names the run: the digest of the first line of its log.
        started_at: the first stamp of the run.
        newest_at: the newest stamp that was read; None before the first.
        max_players: the number of places, if the log told it.
        version: the version of the game, if a player told it.
        returned: players who came back silently after the restart; no post told it yet.
        players: the players by their keys.
    """

    run: str = ""
    started_at: datetime | None = None
    newest_at: datetime | None = None
    max_players: int | None = None
    version: str = ""
    returned: int = 0
    players: Mapping[str, PlayerPresence] = field(default_factory=dict)

    def count_online(self) -> int:
        """Return how many players are in the game."""
        return sum(one.is_online for one in self.players.values())

    def count_queue(self, max_players: int | None) -> int:
        """Return how many players wait for a place: none while one is free, or if the number is unknown."""
        if max_players is None or self.count_online() < max_players:
            return 0
        return sum(
            one.state is PlayerState.CONNECTING and not one.has_requested for one in self.players.values()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaySession:
    """A session that has ended.

    Attributes:
        run: the run in which it was.
        is_estimated: no line told the end, which is the last stamp that was read.
    """

    player_id: PlayerId
    name: str
    run: str
    started_at: datetime
    ended_at: datetime
    reason: LeaveReason
    is_estimated: bool = False

    @property
    def seconds(self) -> int:
        """Return its length in whole seconds."""
        return max(0, int((self.ended_at - self.started_at).total_seconds()))


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A session that ended, as it is stored.

    Attributes:
        id: its fingerprint, so that it is stored once, however often its lines are read.
        days: its seconds on each day of the server's calendar.
        read_at: when its end was read live, while the log was well; None if it was read in silence. It
            depends on the reads, so equal sessions may differ in it.
    """

    id: bytes
    session: PlaySession
    days: tuple[tuple[date, int], ...]
    read_at: datetime | None = field(default=None, compare=False)


def build_name_key(name: str) -> str:
    """Return the key of a player without a known id."""
    return NAME_KEY + fold_text(name)
