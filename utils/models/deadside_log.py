"""The facts of a line of the game's ``Deadside.log``: who comes and goes, and what the world does.

A fact holds what its rule names and nothing else: no address, password or platform id, no text of a kick, and
no line. Where a name is None, the line had none that can be shown.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from utils.models.scope import PlayerId


@dataclass(frozen=True, slots=True)
class BeaconJoined:
    """A client reached the check before the world; a full server holds it there."""

    player_id: PlayerId


@dataclass(frozen=True, slots=True)
class JoinRequested:
    """A client has loaded the map and asks to enter: seconds before the world, so not a queue.

    Attributes:
        platform: as the client names it, for example ``PS5``; None if it has none.
        version: of the client, for example ``1.3.2.24846c``; None if it has none.
    """

    player_id: PlayerId
    name: str | None
    platform: str | None
    version: str | None


@dataclass(frozen=True, slots=True)
class JoinSucceeded:
    """The server let a client in; the line has the name alone."""

    name: str


@dataclass(frozen=True, slots=True)
class Registered:
    """A player is in the game's session: the best sign of joining."""

    player_id: PlayerId


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """The game's own log-in of a player, with id and name together."""

    player_id: PlayerId
    name: str | None


@dataclass(frozen=True, slots=True)
class ConnectionClosed:
    """A connection ended. It is the departure of a player only if ``is_departure``.

    Attributes:
        has_game_driver: it was a connection to the world, and not to the check before it.
        has_controller: a player was in the world through it.
        is_time_out: it was silent for too long; the player was gone a minute before.
    """

    player_id: PlayerId
    has_game_driver: bool
    has_controller: bool
    is_time_out: bool = False

    @property
    def is_departure(self) -> bool:
        """Tell whether a player left the world by it."""
        return self.has_game_driver and self.has_controller


@dataclass(frozen=True, slots=True)
class Unregistered:
    """A player is out of the game's session."""

    player_id: PlayerId


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """A player logged out; the line has the name alone.

    Attributes:
        reason: ``LostConnection`` and ``Quit`` are known; an open word.
    """

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Kicked:
    """An admin of the game server kicked a player; tells why that player leaves next."""

    name: str


@dataclass(frozen=True, slots=True)
class MissionState:
    """A mission changed its state.

    Attributes:
        mission_id: as the log writes it, with ``GA_``; to be compared without case.
        state: in capitals; an open word (``INITIAL``, ``READY``, ``ACTIVE``, ``WAITING`` and ``ENDED`` are
            known).
    """

    mission_id: str
    state: str


@dataclass(frozen=True, slots=True)
class MissionRespawn:
    """A mission is over and comes back. The unit of ``seconds`` is likely, not proven."""

    mission_id: str
    seconds: int


@dataclass(frozen=True, slots=True)
class AirdropState:
    """The airdrop changed its state; there is one at a time, without an id.

    Attributes:
        state: in capitals; an open word (``FLYING``, ``DROPPING``, ``WAITING`` and ``DEAD`` are known).
    """

    state: str


class GameplayEventKind(StrEnum):
    """The kinds of gameplay events, by the name of their class in the log."""

    HELICRASH = "helicrash"
    TRADER = "trader"
    CONVOY = "convoy"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class GameplayEventState:
    """A gameplay event changed its state; ``event_id`` is as written, ``state`` in capitals and open."""

    kind: GameplayEventKind
    event_id: str
    state: str


@dataclass(frozen=True, slots=True)
class MaxPlayers:
    """The number of slots with which the server was started."""

    count: int


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The first line of a file: the game server has started, and the file is a run of its own."""


@dataclass(frozen=True, slots=True)
class RunClosed:
    """The last line of a file: the game server was shut down in order."""


@dataclass(frozen=True, slots=True)
class WorldReady:
    """The world is loaded, so players can enter. A start may say so twice."""


LogFact: TypeAlias = (
    BeaconJoined
    | JoinRequested
    | JoinSucceeded
    | Registered
    | LoggedIn
    | ConnectionClosed
    | Unregistered
    | LoggedOut
    | Kicked
    | MissionState
    | MissionRespawn
    | AirdropState
    | GameplayEventState
    | MaxPlayers
    | RunStarted
    | RunClosed
    | WorldReady
)


class LogLine(NamedTuple):
    """One line, read; a tuple, because a start reads tens of thousands of them.

    Attributes:
        at: its stamp (UTC), to the millisecond; None if it has none that can be right.
        rule: the name of the rule or of the noise that it fits; None if it fits none.
        fact: None for noise, for lines that are only counted, and for lines without a rule.
        shape: of a line that looks relevant and fits no rule; without a word of its own, so it can be kept.
    """

    at: datetime | None
    rule: str | None
    fact: LogFact | None
    shape: str | None
