"""Deadside.log: Protocols of its file and its storage, and the steps of the transaction that stores a slice.

A slice is stored by a sequence of steps. Each writes one kind of data through the unit; the cursor moves
first, so a slice that is late stores nothing.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from utils.models.game_log import (
    GameLogState,
    LiveKill,
    LogCursor,
    LogSize,
    OnlineTime,
    PopulationSample,
)
from utils.models.notices.notice import Notice
from utils.models.presence import PlayerPresence, SessionRecord
from utils.models.scope import GuildId, PlayerId, ServerScope
from utils.models.servers import GameServer
from utils.models.world_events import EventKey, WorldEvent

T = TypeVar("T")


class GameLog(Protocol):  # implemented by GameLogFile
    """Deadside.log of one game server."""

    async def look(self) -> LogSize | None:
        """Return its size; None if it is not there.

        Raises:
            RemoteError: the host failed.
        """

    async def read(self, offset: int, length: int, *, has_head: bool = False) -> tuple[bytes, bytes]:
        """Return the first bytes of the file if asked for, and the bytes from an offset on, at one opening.

        Raises:
            RemoteError: the host failed.
        """


class GameLogOpener(Protocol):  # implemented by DeathLogAccess
    """Opens Deadside.log over the connections of the death logs."""

    def open_game_log(
        self, server: GameServer, *, guild_limit: int
    ) -> AbstractAsyncContextManager[GameLog | None]:
        """Lend Deadside.log for one poll; None before it is known where the server's logs are.

        Raises:
            RemoteError: the host or the login fails.
        """


class GameLogUnit(Protocol):  # implemented by GameLogTransaction
    """One open transaction over what is known from Deadside.log of one server."""

    def move_cursor(self, before: LogCursor | None, state: GameLogState) -> None:
        """Write the cursor and the facts beside it.

        Raises:
            CursorMovedError: the stored cursor is not ``before``.
        """

    def replace_players(self, changed: Sequence[PlayerPresence], gone: Collection[str]) -> None:
        """Write players of the present run, and delete others by their keys."""

    def replace_events(self, changed: Sequence[WorldEvent], *, outdated: Collection[EventKey] = ()) -> None:
        """Write events of the world, each in place of its earlier form; some have outdated posts."""

    def find_known_sessions(self, ids: Sequence[bytes]) -> frozenset[bytes]:
        """Return which of these sessions are stored already."""

    def insert_sessions(self, sessions: Sequence[SessionRecord]) -> None:
        """Store sessions that ended, and add them to the days of their players."""

    def add_sample(self, sample: PopulationSample) -> None:
        """Write a sample of the number of players, in place of an earlier one of the same time."""

    def append_notices(self, notices: Sequence[Notice], *, created_at: datetime) -> None:
        """Append notices to the outbox of this server."""


class LogStep(Protocol):  # implemented by CursorStep
    """One part of what is stored with a slice."""

    def carry_out(self, unit: GameLogUnit) -> None:
        """Write it; may run twice, in a thread."""


@dataclass(frozen=True, slots=True)
class CursorStep:
    """The cursor, and the facts about the file and its run."""

    before: LogCursor | None
    state: GameLogState

    def carry_out(self, unit: GameLogUnit) -> None:
        """Write it."""
        unit.move_cursor(self.before, self.state)


@dataclass(frozen=True, slots=True)
class PlayersStep:
    """The players whose state changed, and the sessions that ended."""

    changed: Sequence[PlayerPresence]
    gone: Collection[str]
    sessions: Sequence[SessionRecord]

    def carry_out(self, unit: GameLogUnit) -> None:
        """Write it; a session that is stored already counts no second time."""
        if self.changed or self.gone:
            unit.replace_players(self.changed, self.gone)
        if self.sessions:
            known = unit.find_known_sessions([one.id for one in self.sessions])
            unit.insert_sessions([one for one in self.sessions if one.id not in known])


@dataclass(frozen=True, slots=True)
class EventsStep:
    """The events of the world that changed, and those whose posts are outdated now."""

    changed: Sequence[WorldEvent]
    outdated: Collection[EventKey] = ()

    def carry_out(self, unit: GameLogUnit) -> None:
        """Write it."""
        unit.replace_events(self.changed, outdated=self.outdated)


@dataclass(frozen=True, slots=True)
class SampleStep:
    """A sample of the number of players."""

    sample: PopulationSample

    def carry_out(self, unit: GameLogUnit) -> None:
        """Write it."""
        unit.add_sample(self.sample)


@dataclass(frozen=True, slots=True)
class NoticesStep:
    """The posts that follow a read."""

    notices: Sequence[Notice]
    created_at: datetime

    def carry_out(self, unit: GameLogUnit) -> None:
        """Write it."""
        unit.append_notices(self.notices, created_at=self.created_at)


def store_steps(unit: GameLogUnit, steps: Sequence[LogStep]) -> None:
    """Carry out the steps of a slice in their order."""
    for step in steps:
        step.carry_out(unit)


class ErasedPlayers(Protocol):  # implemented by ErasedPersons
    """Finds the players who were erased."""

    async def find_players(
        self, guild_id: GuildId, player_ids: Collection[PlayerId], *, since: datetime
    ) -> Mapping[PlayerId, datetime]:
        """Return when each of these players was erased last, as far as that was after a moment."""


class GameLogStore(Protocol):  # implemented by GameLogRepository
    """Storage of what is known from Deadside.log."""

    async def load(self, scope: ServerScope) -> GameLogState:
        """Return what is known; an empty state if the file was never read."""

    async def in_transaction(self, scope: ServerScope, work: Callable[[GameLogUnit], T]) -> T:
        """Run ``work`` in one transaction, in a thread; it may run again after a transient error.

        Raises:
            CursorMovedError, LeaseLostError, DiskFullError, StorageUnavailableError
        """

    async def find_names(
        self, scope: ServerScope, player_ids: Collection[PlayerId]
    ) -> Mapping[PlayerId, str]:
        """Return the stored names of players, as far as there are any."""

    async def list_live_kills(self, scope: ServerScope, *, since: datetime) -> Sequence[LiveKill]:
        """Return the newest kills since a moment that were read live."""

    async def list_online_times(self, scope: ServerScope, *, since: datetime) -> Sequence[OnlineTime]:
        """Return the sessions that ended since a moment."""

    async def find_named(self, scope: ServerScope, names: Collection[str]) -> Mapping[str, PlayerId]:
        """Return the only player of each of these names, by the folded name, as far as there is one."""
